import dns.edns
import dns.message
import dns.tsig
import dns.tsigkeyring
import pytest

from pabal.dns.wire import codes
from pabal.dns.wire.query import (
    Edns,
    QueryError,
    answer_room,
    asks_to_keep,
    canonical,
    is_control,
    parse_query,
    parse_without_question,
)
from tests.support.zones import octets, question

OPT = b"\0\0\x29\x04\xd0" + bytes(6)
"""Announces 1232 octets."""


def refused(data: bytes) -> int | None:
    with pytest.raises(QueryError) as caught:
        parse_query(data)
    return caught.value.rcode


def test_a_plain_query() -> None:
    query = parse_query(question("wWw.example.com", "MX"))
    assert query.ident == b"\x12\x34"
    assert query.name == octets("www.example.com")
    assert query.question[:-4] == octets("wWw.example.com")
    assert (query.rdtype, query.rdclass) == (codes.MX, codes.IN)
    assert query.edns is None
    assert not query.dnssec_ok


def test_edns() -> None:
    message = dns.message.make_query("example.com", "A", payload=4096, want_dnssec=True)
    message.use_edns(
        0,
        message.ednsflags,
        4096,
        options=[dns.edns.GenericOption("COOKIE", b"12345678")],
    )
    query = parse_query(message.to_wire())
    assert query.edns == Edns(
        4096, 0, dnssec_ok=True, options=b"\x00\x0a\x00\x0812345678"
    )
    assert query.dnssec_ok


def test_tsig_is_seen() -> None:
    message = dns.message.make_query("example.com", "A")
    message.use_tsig(dns.tsigkeyring.from_text({"key.": "c2VjcmV0"}))
    assert parse_query(message.to_wire()).signed


def test_the_name_of_a_key_may_be_compressed() -> None:
    """As dnspython does where it ends as the question does (RFC 1035 §4.1.4)."""
    query = dns.message.make_query("www.example.com", "A", use_edns=0)
    query.use_tsig(dns.tsig.Key("k.example.com", "c2VjcmV0"))
    data = query.to_wire()
    assert b"\x01k\xc0" in data
    assert parse_query(data).signed
    assert is_control(data)


def test_silence() -> None:
    assert refused(b"") is None
    assert refused(b"\x00" * 11) is None
    answer = bytearray(question("example.com"))
    answer[2] |= 0x80
    assert refused(bytes(answer)) is None


def test_other_opcodes() -> None:
    notify = bytearray(question("example.com"))
    notify[2] |= 4 << 3
    assert refused(bytes(notify)) == codes.NOTIMP


@pytest.mark.parametrize("index", [5, 7, 9])
def test_wrong_counts(index: int) -> None:
    data = bytearray(question("example.com"))
    data[index] += 1
    assert refused(bytes(data)) == codes.FORMERR


@pytest.mark.parametrize(
    "data",
    [
        question("example.com") + b"x",
        question("example.com")[:-1],
        question("example.com", edns=0)[:-1],
        question("example.com", edns=0) + b"\x00",
        # A pointer to itself where the question's name should be.
        question(".")[:12] + b"\xc0\x0c\x00\x01\x00\x01",
        # OPT twice.
        question(".", edns=0)[:11]
        + b"\x02"
        + question(".", edns=0)[12:] * 1
        + question(".", edns=0)[17:],
        # OPT whose only option says it is longer than it is.
        question(".", edns=0)[:-2] + b"\x00\x04\x00\x0a\x00\x08",
        question(".", edns=0)[:-2] + b"\x00\x03\x00\x0a\x00",
        # Another type where OPT should be; OPT not at the root.
        question(".", edns=0)[:-10] + b"\x00\x10" + question(".", edns=0)[-8:],
        question(".", edns=0)[:-11] + b"\x01a" + question(".", edns=0)[-11:],
    ],
)
def test_junk_is_a_format_error(data: bytes) -> None:
    assert refused(data) == codes.FORMERR


def test_every_cut_is_refused() -> None:
    data = question("www.example.com", edns=0)
    for end in range(len(data)):
        with pytest.raises(QueryError):
            parse_query(data[:end])


@pytest.mark.parametrize(
    ("announced", "room"),
    [(0, 512), (600, 512), (700, 640), (1232, 1232), (9000, 1232)],
)
def test_room(announced: int, room: int) -> None:
    edns = Edns(announced, 0, dnssec_ok=False)
    assert answer_room(edns, 1232) == room


def test_room_without_edns() -> None:
    assert answer_room(None, 1232) == 512


@pytest.mark.parametrize("edns", [None, 0])
def test_the_plainest_query_is_its_own_key(edns: int | None) -> None:
    data = question("www.example.com", edns=edns)
    query = parse_query(data)
    assert canonical(query, answer_room(query.edns, 1232)) == data[2:]


def test_who_keeps_a_connection() -> None:
    query = dns.message.make_query("a.test", "A", use_edns=0)
    assert not asks_to_keep(query.to_wire())
    query.use_edns(options=[dns.edns.GenericOption("PADDING", b"\0\x0b\0\0")])
    assert not asks_to_keep(query.to_wire()), "the same octets inside another option"
    query.use_edns(options=[dns.edns.GenericOption(dns.edns.OptionType.make(11), b"")])
    assert asks_to_keep(query.to_wire())
    assert not asks_to_keep(b"\0\x0b")
    assert not asks_to_keep(query.to_wire()[:-1])


def test_key_ignores_case_and_size_class_only() -> None:
    def key(data: bytes) -> bytes:
        query = parse_query(data)
        return canonical(query, answer_room(query.edns, 1232))

    plain = key(question("www.example.com", edns=0, size=1232))
    assert key(question("WWW.example.com", edns=0, size=4096)) == plain
    assert key(question("www.example.com", edns=0, size=512)) != plain
    assert key(question("www.example.com", "AAAA", edns=0)) != plain
    assert key(question("www.example.com")) != plain
    asking = bytearray(question("www.example.com", edns=0))
    asking[2] |= 1
    assert key(bytes(asking)) != plain


@pytest.mark.parametrize(
    ("data", "is_one"),
    [
        (bytes(11) + b"\1" + OPT, True),
        (bytes(11) + b"\1" + OPT + b"x", False),
        (bytes(5) + b"\1" + bytes(5) + b"\1\0\0\1\0\1" + OPT, True),
        (bytes(5) + b"\2" + bytes(5) + b"\1\0\0\1\0\1" + OPT, False),
        (bytes(5) + b"\1" + bytes(5) + b"\1\xc0\x0c\0\1\0\1" + OPT, False),
        (bytes(12), False),
        (bytes(5), False),
        (b"\0\0\x80" + bytes(8) + b"\1" + OPT, False),
        (b"\0\0\x08" + bytes(8) + b"\1" + OPT, True),
        (bytes(11) + b"\1" + OPT[:6] + b"\1" + OPT[7:], True),
    ],
)
def test_a_query_without_a_question(data: bytes, *, is_one: bool) -> None:
    found = parse_without_question(data)
    assert (found is not None) == is_one
    if found is not None:
        assert found.question == b""
        assert found.edns is not None
