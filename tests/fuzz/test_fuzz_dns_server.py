"""Anything may come in: it is parsed or named wrong, and never another error."""

import dns.message
import dns.name
import dns.rrset
from hypothesis import given
from hypothesis import strategies as st

from pabal.dns.settings import FIXED, DnsSettings
from pabal.dns.wire.query import QueryError, answer_room, canonical, parse_query
from pabal.dns.wire.rrset import from_dnspython, to_dnspython
from pabal.dns.zone.master import MasterFile
from tests.dns.server.parts import FRIEND, STRANGER, bench
from tests.support.zones import MemorySource, gathered, load, question

SEEDS = [
    question("www.example.com"),
    question("www.example.com", "MX", edns=0),
    question("a.b.c.d.e", "ANY", edns=1),
    question("."),
]

SERVER = bench()


@st.composite
def mangled(draw: st.DrawFn) -> bytes:
    """Return a query with some octets changed, cut out or put in."""
    data = bytearray(draw(st.sampled_from(SEEDS)))
    for _ in range(draw(st.integers(0, 4))):
        at = draw(st.integers(0, len(data)))
        piece = draw(st.binary(max_size=4))
        data[at : at + draw(st.integers(0, 4))] = piece
    return bytes(data)


@given(st.one_of(st.binary(max_size=80), mangled()))
def test_queries_parse_or_are_named_wrong(data: bytes) -> None:
    try:
        query = parse_query(data)
    except QueryError:
        return
    # What we took, dnspython reads the same way.
    theirs = dns.message.from_wire(data, ignore_trailing=False, question_only=True)
    assert theirs.question[0].name == dns.name.from_wire(query.name, 0)[0]
    # The key is itself a query, and its own key.
    room = answer_room(query.edns, 1232)
    key = canonical(query, room)
    again = parse_query(b"\x00\x00" + key)
    assert canonical(again, answer_room(again.edns, 1232)) == key


@given(st.one_of(st.binary(max_size=80), mangled()))
def test_the_server_answers_or_is_silent(data: bytes) -> None:
    answer = SERVER.answering.now(data, FRIEND, udp=True)
    if not isinstance(answer, bytes):
        return
    assert answer[:2] == data[:2]
    assert answer[2] & 0x80
    assert len(answer) <= 1232
    if len(answer) > 12:
        dns.message.from_wire(answer)


ZONE_WORDS = st.sampled_from(
    [
        "@",
        "a",
        "*",
        "A",
        "MX",
        "SOA",
        "TXT",
        "NS",
        "10",
        "192.0.2.1",
        "(",
        ")",
        '"',
        ";",
        "\n",
        " ",
        "\t",
        "$TTL",
        "$ORIGIN",
        "$INCLUDE",
        "\\",
        "IN",
        "CH",
        "1h",
        "x",
        "²",
        "TYPE9",
        "\\#",
        "4",
        "abcd",
        "example.com.",
        "CNAME",
        "SRV",
        "_a._tcp",
        "AAAA",
        "2001:db8::1",
        "CAA",
        "0",
        '"ca.test"',
        "$GENERATE",
        "1-3",
        "h$",
        "\r\n",
    ]
)


@given(st.lists(st.one_of(ZONE_WORDS, st.text(max_size=3)), max_size=40))
def test_master_files_give_records_or_problems(words: list[str]) -> None:
    text = " ".join(words)
    master = MasterFile(dns.name.from_text("example.com"), MemorySource().read)
    master.read("z", text)
    lines = text.split("\n")
    for problem in master.problems:
        assert 1 <= problem.place.line <= len(lines)
        assert str(problem)
    for rrset in gathered(master.gathering):
        assert to_dnspython(rrset).to_text()
    load(text, hosted=True)


@given(st.lists(st.binary(max_size=255), min_size=1, max_size=5, unique=True))
def test_rrsets_go_there_and_back(texts: list[bytes]) -> None:
    rdatas = [bytes((len(text),)) + text for text in texts]
    theirs = dns.rrset.from_text("a.test.", 1, "IN", "TXT", "x")
    ours = from_dnspython(theirs)
    ours = type(ours)(ours.owner, ours.rdtype, ours.ttl_s, tuple(rdatas))
    assert from_dnspython(to_dnspython(ours)) == ours


LABELS = st.sampled_from(
    ["a", "b", "www", "WWW", "child", "ns", "out", "xx", "*", "big"]
)


@given(st.lists(LABELS, max_size=3), st.sampled_from(["A", "MX", "NS", "DS", "ANY"]))
def test_ready_answers_say_what_the_zone_says(labels: list[str], rdtype: str) -> None:
    data = question(".".join([*labels, "example.com."]), rdtype, edns=0)
    ready = SERVER.hot(data, FRIEND)
    # Over TCP no cache is asked.
    slow = dns.message.from_wire(SERVER.now(data, FRIEND, udp=False))
    SERVER.now(data, FRIEND)
    if ready is not None:
        hot = dns.message.from_wire(ready)
        assert (hot.rcode(), hot.flags) == (slow.rcode(), slow.flags)
        assert (hot.question, hot.answer) == (slow.question, slow.answer)
        assert (hot.authority, hot.additional) == (slow.authority, slow.additional)


FRESH = bench(settings=DnsSettings("ns.test", round_robin=FIXED))


@given(mangled())
def test_what_is_known_of_siblings_is_what_the_long_way_says(data: bytes) -> None:
    FRESH.answering.now(SEEDS[0], STRANGER, udp=True)
    FRESH.answering.now(question("none.example.com"), STRANGER, udp=True)
    cache = FRESH.answering.cache_of(STRANGER)
    assert cache is not None
    short = cache.siblings.answer(data[2:])
    FRESH.answering.forget()
    if short is not None:
        told = FRESH.now(data)
        known = dns.message.from_wire(data[:2] + short)
        assert str(known) == str(dns.message.from_wire(told))
