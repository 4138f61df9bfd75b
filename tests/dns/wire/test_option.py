import dns.edns
import dns.message

from pabal.dns.wire.option import (
    COOKIE,
    error_option,
    option,
    padding,
    read_options,
    with_options,
)


def test_options_there_and_back() -> None:
    octets = option(COOKIE, b"12345678") + option(9, b"") + option(COOKIE, b"second")
    assert read_options(octets) == {COOKIE: b"12345678", 9: b""}


def test_dnspython_reads_them() -> None:
    query = dns.message.make_query("a.test", "A", use_edns=0)
    options = error_option(6, "파발" * 60)
    message = dns.message.from_wire(with_options(query.to_wire(), options))
    error = message.options[0]
    assert isinstance(error, dns.edns.EDEOption)
    assert error.code == 6
    assert error.text == "파발" * 20
    assert with_options(b"x", b"") == b"x"


def test_padded_messages_have_one_size() -> None:
    for size in (12, 463, 464, 465, 468):
        assert (size + len(padding(size))) % 468 == 0
