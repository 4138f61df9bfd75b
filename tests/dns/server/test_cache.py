from itertools import repeat

from pabal.dns.server.cache import Ageing, AnswerCache, lasting, turns
from pabal.dns.wire import codes
from pabal.dns.wire.query import parse_query
from pabal.dns.wire.response import Limits, Rendered, Response, render
from pabal.dns.wire.rrset import RRset
from tests.support.zones import FixedClock, octets, question


def rendered(*ttls: int, count: int = 1) -> Rendered:
    rrsets = tuple(
        RRset(
            octets("a.test."),
            codes.A,
            ttl,
            tuple(bytes((192, 0, 2, i)) for i in range(count)),
        )
        for ttl in ttls
    )
    query = parse_query(question("a.test."))
    return render(query, Response(0, answer=rrsets), Limits(512, 512, recursion=False))


def test_round_robin_turns_and_comes_back() -> None:
    answer = rendered(60, count=3)
    versions = turns(answer, "rotate")
    assert len(set(versions)) == 3
    assert versions[0] == answer.octets[2:]
    entry = lasting(versions)
    assert [next(entry) for _ in range(6)] == versions * 2
    assert turns(answer, "fixed") == [answer.octets[2:]]
    assert len(turns(rendered(60, count=30), "rotate")) == 16


def test_ttls_count_down_and_end() -> None:
    clock = FixedClock()
    answer = rendered(10, 5)
    entry = Ageing(answer, turns(answer, "rotate"), clock)
    assert next(entry) == answer.octets[2:]
    clock.at += 3.5
    aged = next(entry)
    at = [offset - 2 for offset in answer.ttl_offsets]
    assert [aged[o : o + 4] for o in at] == [b"\x00\x00\x00\x07", b"\x00\x00\x00\x02"]
    assert aged == next(entry)
    clock.at += 1.5
    assert next(entry, None) is None
    clock.at += 100
    assert next(entry, None) is None


def test_all_turns_age() -> None:
    clock = FixedClock()
    answer = rendered(10, count=3)
    entry = Ageing(answer, turns(answer, "rotate"), clock)
    clock.at += 1
    seen = {next(entry) for _ in range(3)}
    assert len(seen) == 3
    at = answer.ttl_offsets[0] - 2
    assert {version[at + 3] for version in seen} == {9}


def test_bounded_by_entries() -> None:
    cache = AnswerCache(100, 1 << 30, FixedClock())
    for number in range(1000):
        cache.put(str(number).encode(), repeat(b"x"), 1)
    assert len(cache) <= 100
    assert cache.entry(b"999") is not None
    assert cache.entry(b"0") is None


def test_bounded_by_octets() -> None:
    cache = AnswerCache(1000, 10_000, FixedClock())
    for number in range(100):
        cache.put(str(number).encode(), repeat(b"x"), 1000)
    assert len(cache) < 10


def test_what_is_asked_for_stays() -> None:
    cache = AnswerCache(20, 1 << 30, FixedClock())
    cache.put(b"loved", repeat(b"x"), 1)
    for number in range(200):
        cache.put(str(number).encode(), repeat(b"x"), 1)
        assert cache.entry(b"loved") is not None


def test_clear() -> None:
    cache = AnswerCache(4, 1 << 30, FixedClock())
    for number in range(4):
        cache.put(str(number).encode(), repeat(b"x"), 1)
    assert cache.hit(b"id3") == b"idx"
    assert sum(map(len, cache.clear())) == 5, "to be freed by somebody else"
    assert len(cache) == 0
    assert not any(cache.clear())


def test_what_is_ready_ages_with_the_second() -> None:
    clock = FixedClock()
    cache = AnswerCache(100, 1 << 30, clock)
    answer = rendered(10)
    at = 2 + answer.ttl_offsets[0] - 2
    cache.put(b"key", Ageing(answer, turns(answer, "rotate"), clock), 1)
    assert cache.hit(b"idkey") == b"id" + answer.octets[2:]
    # The second look is the driver's own, without a call.
    assert next(cache.ready[b"key"]) == answer.octets[2:]
    clock.at += 4
    aged = cache.hit(b"idkey")
    assert aged is not None
    assert aged[at + 3] == 6
    clock.at += 6
    assert cache.hit(b"idkey") is None
    assert not cache.ready


def test_where_nothing_ages_what_is_ready_stays() -> None:
    clock = FixedClock()
    cache = AnswerCache(100, 1 << 30, clock)
    cache.put(b"key", lasting([b"x"]), 1)
    assert cache.hit(b"idkey") == b"idx"
    ready = cache.ready
    clock.at += 60
    assert cache.hit(b"idkey") == b"idx"
    assert cache.ready is ready


def test_what_is_put_again_is_answered_at_once() -> None:
    cache = AnswerCache(100, 1 << 30, FixedClock())
    for octets_ in (b"x", b"y"):
        cache.put(b"key", lasting([octets_]), 1)
        assert cache.hit(b"idkey") == b"id" + octets_
    cache.clear()
    assert cache.hit(b"idkey") is None


def test_ready_answers_are_bounded_with_the_rest() -> None:
    cache = AnswerCache(100, 1 << 30, FixedClock())
    for number in range(1000):
        key = str(number).encode()
        cache.put(key, repeat(b"x"), 1)
        assert cache.hit(b"id" + key) == b"idx"
        assert len(cache.ready) <= 100
