import pytest

from pabal.base.clock import SystemClock
from pabal.dns.server.access import Rights
from pabal.dns.server.caches import KINDS_MAX, Caches
from pabal.dns.server.counting import Group, lasting
from pabal.dns.settings import DnsSettings
from tests.support.zones import FixedClock

KINDS = [
    Rights(query=True, recursion=recursion, view=view)
    for view in (0, 1)
    for recursion in (False, True)
]


def test_each_kind_of_clients_has_its_own() -> None:
    caches = Caches(2, DnsSettings("ns.test"), SystemClock())
    found = [cache for kind in KINDS if (cache := caches.of(kind, "h")) is not None]
    assert len(set(found)) == 4
    assert caches.friends == {found[1], found[3]}
    found[0].put(b"k", lasting([b"a"], Group()), 1)
    assert [len(cache) for cache in found] == [1, 0, 0, 0]
    caches.clear()
    assert len(found[0]) == 0


def test_who_is_apart_has_none() -> None:
    def is_apart(host: str, view: int) -> bool:
        return (host, view) == ("bad", 1)

    caches = Caches(2, DnsSettings("ns.test"), SystemClock(), is_apart)
    found = [caches.of(kind, "bad") for kind in KINDS]
    # Who may not recurse gets nothing of the resolver, and so nothing apart.
    assert [cache is None for cache in found] == [False, False, False, True]
    assert None not in [caches.of(kind, "good") for kind in KINDS]


def test_all_age_with_the_second(monkeypatch: pytest.MonkeyPatch) -> None:
    clock = FixedClock()
    caches = Caches(1, DnsSettings("ns.test"), clock)
    cache = caches.of(KINDS[0], "h")
    assert cache is not None
    ticks: list[int] = []
    monkeypatch.setattr(cache, "tick", ticks.append)
    caches.tick()
    clock.at += 0.5
    caches.tick()
    assert not ticks
    clock.at += 0.5
    caches.tick()
    caches.tick()
    assert ticks == [int(clock.at)]


def test_clients_that_see_other_zones_share_nothing_and_do_not_take_all() -> None:
    caches = Caches(1, DnsSettings("ns.test"), SystemClock())
    friends = caches.friends
    kinds = [
        Rights(query=True, recursion=True, others=frozenset({bytes([n])}))
        for n in range(KINDS_MAX + 5)
    ]
    found = [caches.of(kind, "h") for kind in kinds]
    assert found == [caches.of(kind, "h") for kind in kinds]
    assert len({cache for cache in found if cache is not None}) == KINDS_MAX
    assert found[-1] is None
    assert found[0] in friends
