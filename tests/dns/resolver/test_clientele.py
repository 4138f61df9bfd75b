from ipaddress import IPv6Network

import dns.name
import dns.rcode
import dns.rdatatype
import pytest

from pabal.dns.ports import Client, ResolutionError, Resolver
from pabal.dns.resolver.clientele import Outlook, Resolvers, ViewedResolver
from pabal.dns.resolver.driver import IterativeResolver
from pabal.dns.resolver.filtered import FilteredResolver
from pabal.dns.resolver.hints import Server
from pabal.dns.resolver.settings import ResolverSettings
from tests.dns.resolver.test_filtered import Source, World
from tests.scenario.dns.network import (
    FakeChance,
    FakeClock,
    FakeNetwork,
    FakeServer,
    Zone,
)

A, AAAA = dns.rdatatype.A, dns.rdatatype.AAAA


async def ask(
    resolver: Resolver, name: str, rdtype: dns.rdatatype.RdataType = A
) -> tuple[int, int]:
    found = await resolver.resolve(dns.name.from_text(name), rdtype)
    return found.rcode, len(found.answer)


async def test_each_view_has_its_own() -> None:
    world, clock = World(), FakeClock()
    strict = FilteredResolver(
        world, Source("www.test CNAME .\n32.1.2.0.192.rpz-client-ip CNAME .\n"), clock
    )
    prefix = IPv6Network("64:ff9b::/96")
    resolver = ViewedResolver(
        [Outlook(world), Outlook(world, strict), Outlook(world, None, prefix)]
    )
    assert await ask(resolver, "www.test.") == (0, 1)
    assert await ask(resolver.of(Client("192.0.2.1")), "www.test.") == (0, 1)
    assert await ask(resolver.of(Client("192.0.2.2", 1)), "www.test.") == (3, 0)
    assert await ask(resolver.of(Client("192.0.2.2", 1)), "garden.") == (0, 1)
    assert await ask(resolver.of(Client("192.0.2.1", 1)), "garden.") == (3, 0)
    assert not resolver.is_apart("192.0.2.1", 0)
    assert resolver.is_apart("192.0.2.1", 1)
    made = await resolver.of(Client("192.0.2.1", 2)).resolve(
        dns.name.from_text("www.test."), AAAA
    )
    assert made.rcode == dns.rcode.NOERROR


WWW = dns.name.from_text("www.test.")


def asking(address: str, answer: str, anchors: str = "") -> IterativeResolver:
    """Return a resolver whose forwarder says ``answer``."""
    clock = FakeClock()
    net = FakeNetwork(clock)
    lines = ["@ SOA . . 1 1 1 1 60", f"www.test. 60 A {answer}"]
    net.servers[address] = FakeServer(zones=[Zone.read(".", lines)])
    settings = ResolverSettings(
        forwarders=(Server("", address),), trust_anchors=anchors
    )
    return IterativeResolver(settings, net, clock, FakeChance())


async def test_what_one_views_servers_say_no_other_view_hears() -> None:
    everybody = asking("192.0.2.1", "192.0.2.80")
    inside = asking("10.0.0.1", "10.0.0.80")
    resolver = ViewedResolver([Outlook(everybody), Outlook(inside)])
    for _ in range(2):
        for view, address in ((1, "10.0.0.80"), (0, "192.0.2.80")):
            found = await resolver.of(Client("127.0.0.1", view)).resolve(WWW, A)
            assert str(found.answer[0][0]) == address
    both = Resolvers(everybody, [inside])
    assert [len(cache) for cache in both.caches] == [1, 1]
    assert await both.flush(WWW) == 2
    assert [len(cache) for cache in both.caches] == [0, 0]
    await both.stop()


async def test_anchors_are_those_of_all() -> None:
    ds = f"test. DS 1 13 2 {'00' * 32}"
    trusting = asking("10.0.0.1", "10.0.0.80", ds)
    both = Resolvers(asking("192.0.2.1", "192.0.2.80"), [trusting])
    zone = dns.name.from_text("test.")
    assert set(both.configured) == {zone}
    with pytest.raises(ResolutionError):
        await both.fetch(dns.name.root, dns.rdatatype.DNSKEY)
    claim = await both.fetch(zone, dns.rdatatype.DNSKEY)
    assert claim.rrset is None
    both.trust(zone, None)
    # It is the view's resolver that no longer begins there.
    assert not trusting._trust.anchors
