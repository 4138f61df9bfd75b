from collections import Counter
from dataclasses import replace

import pytest

from pabal.base.errors import OperatorError
from pabal.dns.server.pools import Part, Pool, Pools, addresses_at, pools_of
from pabal.dns.settings import PoolSettings
from pabal.dns.wire import codes
from pabal.dns.wire.response import Response
from pabal.dns.wire.rrset import RRset
from tests.support.zones import HEAD, octets, zones

ONE, TWO, THREE = (bytes((192, 0, 2, n)) for n in (1, 2, 3))
WWW = octets("www.example.com")
SET = RRset(WWW, codes.A, 3600, (ONE, TWO, THREE))


def made(*weights: str, **settings: str | int) -> tuple[Pools, Pool]:
    given = {"probe": "tcp:80", **settings}
    chosen = PoolSettings("web", ("www.example.com",), weights, **given)  # type: ignore[arg-type]
    pools = pools_of([chosen])
    pool = pools.all[0]
    pool.seen([ONE, TWO, THREE])
    return pools, pool


def shown(pools: Pools, rrset: RRset = SET) -> tuple[bytes, ...]:
    return pools.adjusted(Response(0, answer=(rrset,))).answer[-1].rdatas


def test_a_host_goes_after_several_failures_and_comes_back() -> None:
    pools, pool = made()
    host = pool.hosts[TWO]
    assert [pool.note(host, well=False) for _ in range(3)] == [False, False, True]
    assert shown(pools) == (ONE, THREE)
    assert [pool.note(host, well=True) for _ in range(2)] == [False, True]
    assert shown(pools) == SET.rdatas


def test_one_success_between_begins_the_count_anew() -> None:
    pools, pool = made()
    host = pool.hosts[TWO]
    for well in (False, False, True, False, False):
        assert not pool.note(host, well=well)
    assert shown(pools) == SET.rdatas


def test_with_nobody_left_all_are_said() -> None:
    pools, pool = made(fall=1)
    for host in pool.hosts.values():
        pool.note(host, well=False)
    assert shown(pools) == SET.rdatas


def test_each_host_is_due_after_its_interval() -> None:
    _, pool = made(interval_s=10)
    assert len(pool.due(100.0)) == 3
    assert pool.due(109.0) == []
    assert len(pool.due(110.0)) == 3
    _, silent = made(probe="")
    assert silent.due(100.0) == []


def test_hosts_that_are_gone_are_forgotten_and_new_ones_are_well() -> None:
    pools, pool = made(fall=1)
    pool.note(pool.hosts[TWO], well=False)
    pool.seen([ONE, TWO])
    assert shown(pools) == (ONE, THREE)
    pool.seen([ONE])
    pool.seen([ONE, TWO, THREE])
    assert shown(pools) == SET.rdatas


def test_answers_live_no_longer_than_the_pool_says() -> None:
    pools, _ = made(ttl_s=30)
    answer = pools.adjusted(Response(0, answer=(SET,))).answer[0]
    assert answer.ttl_s == 30


def test_other_sets_stay_as_they_are() -> None:
    pools, pool = made("192.0.2.1 5", fall=1)
    pool.note(pool.hosts[TWO], well=False)
    other = RRset(octets("x.example.com"), codes.A, 60, (ONE, TWO))
    text = RRset(WWW, codes.TXT, 60, (b"\x01x",))
    signature = RRset(WWW, codes.RRSIG, 60, (b"x" * 20,))
    for answer in ((other,), (text,), (text, signature), (signature,), ()):
        response = Response(0, answer=answer)
        assert pools.adjusted(response) is response
        assert pools.turns(response) == []
    assert Pools().adjusted(Response(0, answer=(SET,))).answer == (SET,)


def test_a_signed_set_stays_whole_until_its_part_is_signed() -> None:
    pools, pool = made("192.0.2.1 5", fall=1)
    pool.note(pool.hosts[TWO], well=False)
    signature = RRset(WWW, codes.RRSIG, 3600, (b"whole",))
    response = Response(0, answer=(SET, signature))
    zone = octets("example.com")
    addresses, shown = pools.adjusted(response, zone).answer
    assert addresses.rdatas == SET.rdatas
    assert (addresses.ttl_s, shown.ttl_s, shown.rdatas) == (60, 60, (b"whole",))
    part = Part(zone, WWW, codes.A, 3600, (ONE, THREE), (b"whole",))
    pools.signed = {part: (b"part",)}
    addresses, shown = pools.adjusted(response, zone).answer
    assert (addresses.rdatas, shown.rdatas) == ((ONE, THREE), (b"part",))
    assert len(pools.turns(response)) == 7
    # The zone was signed anew: the part is not, yet.
    again = replace(response, answer=(SET, replace(signature, rdatas=(b"new",))))
    assert pools.adjusted(again, zone).answer[0].rdatas == SET.rdatas


def test_weights_say_how_often_one_stands_first() -> None:
    pools, _ = made("192.0.2.1 3", "192.0.2.3 0")
    turns = pools.turns(Response(0, answer=(SET,)))
    assert Counter(turns) == {0: 3, 1: 1}
    # Mixed, not one after the other.
    assert turns == [0, 0, 1, 0]
    plain, _ = made()
    assert plain.turns(Response(0, answer=(SET,))) == []
    none, _ = made("192.0.2.1 0", "192.0.2.2 0", "192.0.2.3 0")
    assert none.turns(Response(0, answer=(SET,))) == []


def test_large_weights_are_rounded() -> None:
    pools, _ = made("192.0.2.1 1000", "192.0.2.2 500")
    turns = Counter(pools.turns(Response(0, answer=(SET,))))
    assert sum(turns.values()) <= 66
    assert turns[0] == pytest.approx(2 * turns[1], abs=2)
    assert turns[2] == 1


def test_a_name_is_in_one_pool() -> None:
    twice = [PoolSettings(name, ("www.example.com",)) for name in ("a", "b")]
    with pytest.raises(OperatorError, match="in another pool"):
        pools_of(twice)


def test_the_addresses_at_names() -> None:
    held = zones(
        example_com=HEAD + "www A 192.0.2.1\nwww AAAA 2001:db8::1\nwww TXT x\n"
    )
    found = addresses_at([held, held], [WWW, octets("none.test")])
    assert {len(address) for address in found} == {4, 16}
