"""The resolver as each client sees it: by its view, its address, its transport."""

from collections.abc import Sequence
from dataclasses import dataclass
from ipaddress import IPv6Network

import dns.name
import dns.rdatatype

from pabal.dns.ports import Client, Resolved, Resolver, Steps
from pabal.dns.resolver.dns64 import Dns64Resolver
from pabal.dns.resolver.filtered import FilteredResolver


@dataclass(frozen=True, slots=True)
class Outlook:
    """What the clients of one view get of the resolver.

    Attributes:
        filtered: By response policies; ``None``: there are none.
        prefix: For DNS64; ``None``: there is none.
    """

    filtered: FilteredResolver | None = None
    prefix: IPv6Network | None = None


class ViewedResolver:
    """Implements ``Clientele``, and ``Resolver`` as the common view has it.

    Args (of the constructor):
        outlooks: By the number of the view; at least that of the common one.
    """

    def __init__(self, resolver: Resolver, outlooks: Sequence[Outlook]) -> None:
        self._resolver = resolver
        self._outlooks = outlooks

    def of(self, client: Client) -> Resolver:
        """Return the resolver that ``client`` is to get its answers from."""
        outlook = self._outlooks[client.view]
        found = self._resolver
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
