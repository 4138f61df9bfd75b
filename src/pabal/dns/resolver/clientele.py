"""The resolver as each client sees it: by its view, its address, its transport.

Security: a view that asks other servers than everybody, or has zones of its own, has a
resolver of its own: what its servers say is in no cache that others are answered from.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from ipaddress import IPv6Network

import dns.name
import dns.rdatatype

from pabal.dns.ports import Client, ResolutionError, Resolved, Resolver, Steps
from pabal.dns.resolver.anchors import TrustAnchor
from pabal.dns.resolver.cache import Cache
from pabal.dns.resolver.claim import Claim
from pabal.dns.resolver.dns64 import Dns64Resolver
from pabal.dns.resolver.driver import IterativeResolver
from pabal.dns.resolver.filtered import FilteredResolver


@dataclass(frozen=True, slots=True)
class Outlook:
    """What the clients of one view get of the resolver.

    Attributes:
        resolver: Who finds their answers.
        filtered: By response policies; ``None``: there are none.
        prefix: For DNS64; ``None``: there is none.
    """

    resolver: Resolver
    filtered: FilteredResolver | None = None
    prefix: IPv6Network | None = None


class ViewedResolver:
    """Implements ``Clientele``, and ``Resolver`` as the common view has it.

    Args (of the constructor):
        outlooks: By the number of the view; at least that of the common one.
    """

    def __init__(self, outlooks: Sequence[Outlook]) -> None:
        self._outlooks = outlooks

    def of(self, client: Client) -> Resolver:
        """Return the resolver that ``client`` is to get its answers from."""
        outlook = self._outlooks[client.view]
        found = outlook.resolver
        if outlook.filtered is not None:
            found = outlook.filtered.of(client)
        if outlook.prefix is not None:
            found = Dns64Resolver(found, outlook.prefix)
        return found

    def is_apart(self, address: str, view: int) -> bool:
        """Return whether answers for that client are not those others get."""
        filtered = self._outlooks[view].filtered
        return filtered is not None and filtered.is_apart(address)

    async def resolve(
        self,
        name: dns.name.Name,
        rdtype: dns.rdatatype.RdataType,
        steps: Steps | None = None,
        *,
        unchecked: bool = False,
    ) -> Resolved:
        """Return the answer, as ``Resolver`` says, for nobody in particular."""
        anybody = self.of(Client(""))
        return await anybody.resolve(name, rdtype, steps, unchecked=unchecked)


class Resolvers:
    """Everybody's resolver and those of views, for what is done to all of them.

    Implements ``pabal.dns.resolver.keeper.Trusting``.

    Attributes:
        first: Everybody's.
        others: Those of views that ask otherwise.
    """

    def __init__(
        self, first: IterativeResolver, others: Sequence[IterativeResolver] = ()
    ) -> None:
        self.first = first
        self.others = others

    @property
    def all(self) -> Sequence[IterativeResolver]:
        """All of them."""
        return (self.first, *self.others)

    @property
    def caches(self) -> Sequence[Cache]:
        """What each of them knows."""
        return [each.cache for each in self.all]

    @property
    def configured(self) -> Mapping[dns.name.Name, TrustAnchor]:
        """The trust anchors the operator gave to any of them, by zone."""
        return {
            zone: anchor
            for each in reversed(self.all)
            for zone, anchor in each.configured.items()
        }

    def trust(self, zone: dns.name.Name, anchor: TrustAnchor | None) -> None:
        """Let ``anchor`` be that of ``zone`` where trust begins there at all."""
        for each in self.all:
            if zone in each.configured:
                each.trust(zone, anchor)

    async def fetch(
        self, name: dns.name.Name, rdtype: dns.rdatatype.RdataType
    ) -> Claim:
        """Return what servers say of ``name`` now, unchecked, with its signatures.

        Raises:
            ResolutionError: No server gave a usable answer in time.
        """
        for each in self.all:
            if name in each.configured:
                return await each.fetch(name, rdtype)
        raise ResolutionError(f"trust does not begin at {name}")

    async def flush(self, name: dns.name.Name) -> int:
        """Forget all at and below ``name``; return how many entries that were."""
        return sum([await each.flush(name) for each in self.all])

    async def stop(self) -> None:
        """Stop those of views."""
        for each in self.others:
            await each.stop()
