"""Names as mail asks for them, over the resolver's look-ups."""

from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Final

from pabal.dns.ports import Steps
from pabal.dns.resolver.lookup import Lookup, MxKind
from pabal.mta.routing import Exchangers, ExchangersKind

_KINDS: Final[Mapping[MxKind, ExchangersKind]] = MappingProxyType(
    {
        MxKind.RECORDS: ExchangersKind.RECORDS,
        MxKind.NONE: ExchangersKind.IMPLICIT,
        MxKind.NULL: ExchangersKind.NULL,
        MxKind.NXDOMAIN: ExchangersKind.NXDOMAIN,
    }
)


class ResolverNames:
    """Implements ``pabal.mta.ports.Names``."""

    def __init__(self, lookup: Lookup) -> None:
        self._lookup = lookup

    async def mx(self, domain: str, steps: Steps | None = None) -> Exchangers:
        """Return who takes mail for ``domain`` (A-labels)."""
        answer = await self._lookup.mx(domain, steps)
        return Exchangers(_KINDS[answer.kind], answer.records)

    async def addresses(self, host: str, steps: Steps | None = None) -> Sequence[str]:
        """Return the addresses of ``host``, IPv6 first; none: it has none."""
        return await self._lookup.addresses(host, steps)
