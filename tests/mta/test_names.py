import dns.name
import dns.rdatatype
import dns.rrset

from pabal.dns.ports import Resolved, Steps
from pabal.dns.resolver.lookup import Lookup
from pabal.mta.names import ResolverNames
from pabal.mta.routing import Exchangers, ExchangersKind


class Answers:
    """A resolver that knows a few names."""

    def __init__(self, **records: str) -> None:
        self._records = records

    async def resolve(
        self,
        name: dns.name.Name,
        rdtype: dns.rdatatype.RdataType,
        steps: Steps | None = None,
        *,
        unchecked: bool = False,
    ) -> Resolved:
        text = self._records.get(dns.rdatatype.to_text(rdtype))
        if text is None:
            return Resolved(0, ())
        return Resolved(
            3 if text == "nxdomain" else 0,
            ()
            if text == "nxdomain"
            else (dns.rrset.from_text(name, 60, "IN", rdtype, *text.split("; ")),),
        )


async def mx(**records: str) -> Exchangers:
    return await ResolverNames(Lookup(Answers(**records))).mx("x.test")


async def test_exchangers() -> None:
    found = await mx(MX="20 b.test.; 10 a.test.")
    assert found.kind is ExchangersKind.RECORDS
    assert sorted(found.records) == [(10, "a.test"), (20, "b.test")]
    assert (await mx()).kind is ExchangersKind.IMPLICIT
    assert (await mx(MX="0 .")).kind is ExchangersKind.NULL
    assert (await mx(MX="nxdomain")).kind is ExchangersKind.NXDOMAIN


async def test_addresses() -> None:
    names = ResolverNames(Lookup(Answers(A="192.0.2.1", AAAA="2001:db8::1")))
    assert list(await names.addresses("x.test")) == ["2001:db8::1", "192.0.2.1"]
