from itertools import islice

import dns.message
import dns.rdatatype

from pabal.dns.server import counting
from pabal.dns.server.cache import AnswerCache
from pabal.dns.server.counting import (
    NO_ZONE,
    OTHER_TYPE,
    Counts,
    Entry,
    Group,
    lasting,
)
from pabal.dns.server.rates import Verdict
from pabal.dns.wire import codes
from tests.dns.server.parts import FRIEND, STRANGER, bench, positive
from tests.support.zones import FixedClock, octets, question, recursive

ZONE = octets("example.com.")


def settled(entries: list[Entry]) -> None:
    for entry in entries:
        entry.settle()


def test_what_was_taken_is_told_once() -> None:
    for versions in ([b"a"], [b"a", b"b", b"c"]):
        group = Group()
        entry = lasting(versions, group)
        taken = list(islice(entry, 7))
        assert taken == (versions * 7)[:7]
        assert group.ready == 0
        entry.settle()
        entry.settle()
        assert group.ready == 7
        next(entry)
        entry.settle()
        assert group.ready == 8


def test_a_cache_loses_no_count() -> None:
    """Whatever becomes of an entry: replaced, aged, pushed out, forgotten."""
    clock = FixedClock()
    cache = AnswerCache(20, 1 << 30, clock)
    group = Group()
    taken = 0
    for number in range(300):
        key = str(number % 40).encode()
        if cache.hit(b"id" + key) is not None:
            taken += 1
        else:
            cache.put(key, lasting([b"x", b"y"][: 1 + number % 2], group), 1)
        for _ in range(number % 5):
            assert cache.hit(b"id" + key) is not None
            taken += 1
        if number % 100 == 99:
            cache.clear()
        clock.at += 0.25
    settled(list(cache.entries()))
    assert group.ready == taken


def test_what_went_does_not_pile_up() -> None:
    clock = FixedClock()
    cache = AnswerCache(2_000, 1 << 30, clock)
    for number in range(20_000):
        cache.put(str(number).encode(), lasting([b"x"], Group()), 1)
        if number % 100 == 0:
            assert sum(1 for _ in cache.entries()) <= 2_001
    cache.clear()
    clock.at += 1
    assert sum(1 for _ in cache.entries()) > 0
    for _ in range(3):
        clock.at += 1
        cache.hit(b"idkey")
    assert sum(1 for _ in cache.entries()) == 0


async def test_answers_of_the_resolver_are_counted_while_they_age() -> None:
    parts = bench()
    parts.resolver.answers["far.test. A"] = positive("far.test.", "192.0.2.1")
    data = recursive("far.test.")
    await parts.whole(data)
    for _ in range(20):
        assert parts.hot(data, FRIEND) is not None
        parts.clock.at += 1
    settled(list(parts.answering.entries()))
    (group,) = parts.answering.counts.groups()
    assert (group.zone, group.rdtype, group.rcode) == (NO_ZONE, codes.A, 0)
    assert (group.worked, group.ready) == (1, 20)


def test_answers_beside_others_are_counted() -> None:
    parts = bench()
    for number in range(10):
        data = question(f"n{number}.example.com")
        if parts.hot(data, STRANGER) is None:
            parts.now(data)
        for _ in range(3):
            assert parts.hot(data, STRANGER) is not None
    parts.answering.forget()
    settled(list(parts.answering.entries()))
    groups = parts.answering.counts.groups()
    assert {(one.zone, one.rcode) for one in groups} == {(ZONE, codes.NXDOMAIN)}
    assert sum(one.count for one in groups) == 40


def test_the_same_question_in_other_octets_is_counted_once() -> None:
    parts = bench()
    small = dns.message.make_query("www.example.com", "A", use_edns=0, payload=1232)
    large = dns.message.make_query("www.example.com", "A", use_edns=0, payload=4096)
    for _ in range(4):
        for query in (small, large):
            if parts.hot(query.to_wire(), STRANGER) is None:
                parts.now(query.to_wire())
    settled(list(parts.answering.entries()))
    (group,) = parts.answering.counts.groups()
    assert group.count == 8


def test_what_is_cut_short_or_wrong_is_counted() -> None:
    parts = bench()
    parts.now(question("big.example.com"))
    parts.now(question("elsewhere.test"))
    assert parts.answering.now(b"\x00" * 11, STRANGER, udp=True) is None
    counts = parts.answering.counts
    found = {(g.zone, g.rcode, g.is_truncated): g.count for g in counts.groups()}
    assert found == {(ZONE, 0, True): 1, (NO_ZONE, codes.REFUSED, False): 1}
    assert counts.malformed == {None: 1}


def test_types_and_zones_are_bounded() -> None:
    counts = Counts()
    unknown = counts.group(ZONE, 40_000, 0)
    assert unknown.rdtype == OTHER_TYPE
    assert counts.group(ZONE, 40_001, 0) is unknown
    for number in range(counting.GROUPS_MAX + 100):
        counts.group(str(number).encode(), codes.A, 0)
    assert len(counts.groups()) <= counting.GROUPS_MAX + len(dns.rdatatype.RdataType)
    assert counts.group(b"further", codes.A, 0).zone == NO_ZONE


def test_verdicts_streams_and_control() -> None:
    counts = Counts()
    for verdict in (Verdict.SEND, Verdict.DROP, Verdict.DROP, Verdict.TRUNCATE):
        counts.note_verdict(verdict)
    assert counts.held_back == {Verdict.DROP: 2, Verdict.TRUNCATE: 1}
    counts.note_streamed("tcp", "192.0.2.1")
    counts.note_streamed("tls", "2001:db8::1")
    assert counts.streamed == {("tcp", "ipv4"): 1, ("tls", "ipv6"): 1}
    counts.note_control("axfr", b"\x00\x00\x84\x05")
    assert counts.control == {("axfr", codes.REFUSED): 1}
