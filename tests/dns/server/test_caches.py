from pabal.base.clock import SystemClock
from pabal.dns.server.access import Rights
from pabal.dns.server.cache import lasting
from pabal.dns.server.caches import Caches
from pabal.dns.settings import DnsSettings

KINDS = [
    Rights(query=True, recursion=recursion, view=view)
    for view in (0, 1)
    for recursion in (False, True)
]


def test_each_kind_of_clients_has_its_own() -> None:
    caches = Caches(2, DnsSettings("ns.test"), SystemClock())
    found = [caches.of(rights) for rights in KINDS]
    assert len(set(found)) == 4
    assert caches.friends == {found[1], found[3]}
    found[0].put(b"k", lasting([b"a"]), 1)
    assert [len(cache) for cache in found] == [1, 0, 0, 0]
    caches.clear()
    assert len(found[0]) == 0
