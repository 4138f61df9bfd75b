import ipaddress

import dns.name
import dns.rcode
import dns.rdatatype
import dns.reversename
import dns.rrset
import pytest

from pabal.base.errors import OperatorError
from pabal.dns.ports import Resolved, Security, Steps
from pabal.dns.resolver.dns64 import Dns64Resolver, embed, extract, read_prefix

PREFIX = read_prefix("64:ff9b::/96")
A, AAAA, PTR = dns.rdatatype.A, dns.rdatatype.AAAA, dns.rdatatype.PTR
ADDRESS = ipaddress.IPv4Address("192.0.2.33")


@pytest.mark.parametrize(
    ("prefix", "address"),
    [
        ("2001:db8::/32", "2001:db8:c000:221::"),
        ("2001:db8:100::/40", "2001:db8:1c0:2:21::"),
        ("2001:db8:122::/48", "2001:db8:122:c000:2:2100::"),
        ("2001:db8:122:300::/56", "2001:db8:122:3c0:0:221::"),
        ("2001:db8:122:344::/64", "2001:db8:122:344:c0:2:2100::"),
        ("2001:db8:122:344::/96", "2001:db8:122:344::192.0.2.33"),
        ("64:ff9b::/96", "64:ff9b::192.0.2.33"),
    ],
)
def test_the_table_of_the_rfc(prefix: str, address: str) -> None:
    network = read_prefix(prefix)
    assert embed(network, ADDRESS) == ipaddress.IPv6Address(address)
    assert extract(network, ipaddress.IPv6Address(address)) == ADDRESS


@pytest.mark.parametrize("text", ["", "64:ff9b::/95", "192.0.2.0/24", "64:ff9b::1/96"])
def test_what_is_no_prefix(text: str) -> None:
    with pytest.raises(OperatorError):
        read_prefix(text)


class World:
    async def resolve(
        self,
        name: dns.name.Name,
        rdtype: dns.rdatatype.RdataType,
        steps: Steps | None = None,
        *,
        unchecked: bool = False,
    ) -> Resolved:
        lines = [
            line.split(maxsplit=3)
            for line in (
                "old.test. 60 A 192.0.2.33",
                "both.test. 60 A 192.0.2.33",
                "both.test. 60 AAAA 2001:db8::1",
                "mapped.test. 60 A 192.0.2.33",
                "mapped.test. 60 AAAA ::ffff:192.0.2.33",
                "33.2.0.192.in-addr.arpa. 60 PTR old.test.",
            )
        ]
        names = {line[0] for line in lines}
        if str(name) == "alias.test.":
            alias = dns.rrset.from_text(name, 60, "IN", "CNAME", "old.test.")
            target = dns.name.from_text("old.test.")
            rest = await self.resolve(target, rdtype)
            return Resolved(0, (alias, *rest.answer), rest.authority)
        if str(name) not in names:
            return Resolved(int(dns.rcode.NXDOMAIN), ())
        found = tuple(
            dns.rrset.from_text(name, int(ttl), "IN", kind, data)
            for owner, ttl, kind, data in lines
            if owner == str(name) and kind == rdtype.name
        )
        soa = dns.rrset.from_text("test.", 30, "IN", "SOA", "a. b. 1 1 1 1 30")
        return Resolved(0, found, () if found else (soa,), Security.SECURE)


async def told(
    name: str, rdtype: dns.rdatatype.RdataType = AAAA, *, unchecked: bool = False
) -> list[str]:
    found = await Dns64Resolver(World(), PREFIX).resolve(
        dns.name.from_text(name), rdtype, unchecked=unchecked
    )
    return [str(rrset) for rrset in found.answer]


async def test_only_names_without_ipv6_get_some() -> None:
    made = "old.test. 30 IN AAAA 64:ff9b::c000:221"
    assert await told("old.test.") == [made]
    assert await told("both.test.") == ["both.test. 60 IN AAAA 2001:db8::1"]
    assert await told("mapped.test.") == ["mapped.test. 60 IN AAAA 64:ff9b::c000:221"]
    assert await told("alias.test.") == ["alias.test. 60 IN CNAME old.test.", made]
    assert await told("old.test.", A) == ["old.test. 60 IN A 192.0.2.33"]
    assert not await told("nobody.test.")
    # Who checks by himself is not lied to.
    assert not await told("old.test.", unchecked=True)


async def test_reverse() -> None:
    name = str(dns.reversename.from_address("64:ff9b::c000:221"))
    assert await told(name, PTR) == [
        f"{name} 600 IN CNAME 33.2.0.192.in-addr.arpa.",
        "33.2.0.192.in-addr.arpa. 60 IN PTR old.test.",
    ]
    other = str(dns.reversename.from_address("2001:db8::1"))
    assert not await told(other, PTR)
    assert not await told("x" + name[1:], PTR)
    assert not await told("0.b.9.f.f.4.6.0.0.ip6.arpa.", PTR)


async def test_what_is_made_is_not_secure() -> None:
    resolver = Dns64Resolver(World(), PREFIX)
    found = await resolver.resolve(dns.name.from_text("old.test."), AAAA)
    assert found.security is Security.INDETERMINATE
