import dns.message

from pabal.dns.server.forms import announced, is_plain, with_letters
from pabal.dns.wire.query import parse_query
from tests.support.zones import question


def test_letters_come_back_as_they_were() -> None:
    lower = parse_query(question("www.example.com"))
    mixed = parse_query(question("wWw.eXample.com"))
    answer = question("www.example.com")[2:] + b"records"
    assert with_letters(answer, lower) == lower.ident + answer
    assert b"\x03wWw\x07eXample" in with_letters(answer, mixed)
    assert with_letters(answer, mixed).endswith(b"records")
    assert is_plain(lower)
    assert not is_plain(mixed)


def test_what_a_client_takes() -> None:
    assert announced(parse_query(question("a.test"))) == 512
    query = dns.message.make_query("a.test", "A", use_edns=0, payload=1232)
    assert announced(parse_query(query.to_wire())) == 1232
    query = dns.message.make_query("a.test", "A", use_edns=0, payload=100)
    assert announced(parse_query(query.to_wire())) == 512
