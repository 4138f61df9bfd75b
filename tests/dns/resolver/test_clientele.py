from ipaddress import IPv6Network

import dns.name
import dns.rcode
import dns.rdatatype

from pabal.dns.ports import Client, Resolver
from pabal.dns.resolver.clientele import Outlook, ViewedResolver
from pabal.dns.resolver.filtered import FilteredResolver
from tests.dns.resolver.test_filtered import Source, World
from tests.scenario.dns.network import FakeClock

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
        world, [Outlook(), Outlook(strict), Outlook(None, prefix)]
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
