from collections.abc import Iterator

from pabal.dns.server.cache import (
    FREED_A_SECOND,
    FREED_WITH_EACH,
    Ageing,
    AnswerCache,
    turns,
)
from pabal.dns.server.counting import Group, lasting
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
    entry = lasting(versions, Group())
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
        cache.put(str(number).encode(), lasting([b"x"], Group()), 1)
    assert len(cache) <= 100
    assert cache.entry(b"999") is not None
    assert cache.entry(b"0") is None


def test_bounded_by_octets() -> None:
    cache = AnswerCache(1000, 10_000, FixedClock())
    for number in range(100):
        cache.put(str(number).encode(), lasting([b"x"], Group()), 1000)
    assert len(cache) < 10


def test_what_is_asked_for_stays() -> None:
    cache = AnswerCache(20, 1 << 30, FixedClock())
    cache.put(b"loved", lasting([b"x"], Group()), 1)
    for number in range(200):
        cache.put(str(number).encode(), lasting([b"x"], Group()), 1)
        assert cache.entry(b"loved") is not None


def test_clear() -> None:
    cache = AnswerCache(4, 1 << 30, FixedClock())
    for number in range(4):
        cache.put(str(number).encode(), lasting([b"x"], Group()), 1)
    cache.clear()
    assert len(cache) == 0


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
    cache.put(b"key", lasting([b"x"], Group()), 1)
    assert cache.hit(b"idkey") == b"idx"
    ready = cache.ready
    clock.at += 60
    assert cache.hit(b"idkey") == b"idx"
    assert cache.ready is ready


def test_what_is_put_again_is_answered_at_once() -> None:
    cache = AnswerCache(100, 1 << 30, FixedClock())
    for octets_ in (b"x", b"y"):
        cache.put(b"key", lasting([octets_], Group()), 1)
        assert cache.hit(b"idkey") == b"id" + octets_
    cache.clear()
    assert cache.hit(b"idkey") is None


def test_ready_answers_are_bounded_with_the_rest() -> None:
    cache = AnswerCache(100, 1 << 30, FixedClock())
    for number in range(1000):
        key = str(number).encode()
        cache.put(key, lasting([b"x"], Group()), 1)
        assert cache.hit(b"id" + key) == b"idx"
        assert len(cache.ready) <= 100


class Counted:
    """An answer that says when it is counted and when it is freed."""

    freed = settled = 0

    def __init__(self) -> None:
        self._count = Counted

    def __iter__(self) -> Iterator[bytes]:
        return self

    def __next__(self) -> bytes:
        return b"x"

    def settle(self) -> None:
        self._count.settled += 1

    def __del__(self) -> None:
        self._count.freed += 1


def filled(count: int, room: int) -> AnswerCache:
    """Return a cache full of answers of which ``Counted`` tells."""
    Counted.freed = Counted.settled = 0
    cache = AnswerCache(room, 1 << 40, FixedClock())
    for number in range(count):
        key = number.to_bytes(4, "big")
        cache.put(key, Counted(), 1)
        assert cache.find(key) == b"x"
    return cache


def test_what_is_forgotten_is_freed_bit_by_bit() -> None:
    many = 1000
    cache = filled(many, 4 * many)
    cache.clear()
    assert not len(cache)
    assert not cache.ready
    assert Counted.freed == 0
    cache.put(b"one", lasting([b"y"], Group()), 1)
    for _ in range(many):
        before = Counted.freed
        assert cache.find(b"one") == b"y"
        assert Counted.freed - before <= FREED_WITH_EACH
    assert Counted.freed == Counted.settled == many


def test_what_is_forgotten_is_freed_in_time() -> None:
    cache = filled(3 * FREED_A_SECOND, 12 * FREED_A_SECOND)
    cache.clear()
    for second in range(1, 8):
        before = Counted.freed
        cache.tick(second)
        assert Counted.freed - before <= FREED_A_SECOND
    assert Counted.freed == Counted.settled == 3 * FREED_A_SECOND


def test_a_full_cache_frees_bit_by_bit() -> None:
    room = 2000
    cache = filled(0, room)
    for number in range(4 * room):
        before = Counted.freed
        cache.put(number.to_bytes(4, "big"), Counted(), 1)
        assert Counted.freed - before <= FREED_WITH_EACH
    assert 4 * room - Counted.freed <= 2 * room


def test_what_ages_every_second_does_not_pile_up() -> None:
    many, clock = 2 * FREED_A_SECOND, FixedClock()
    cache = AnswerCache(4 * many, 1 << 40, clock)
    keys = [number.to_bytes(4, "big") for number in range(many)]
    answer = rendered()
    for key in keys:
        cache.put(key, Ageing(answer, turns(answer, "fixed"), clock), 1)
    for second in range(1, 10):
        cache.tick(second)
        for key in keys:
            cache.find(key)
        assert len(cache._spent) <= many
