"""The servers of a zone, as one resolution sees them.

Sans-IO.
"""

from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass, field

import dns.name
import dns.rdatatype

from pabal.dns.resolver.budget import (
    SERVERS_PER_DELEGATION_MAX,
    SILENCES_MAX,
    TRIES_MAX,
)
from pabal.dns.resolver.hints import Server, is_loopback, may_be_named
from pabal.dns.resolver.routes import closest_route
from pabal.dns.resolver.settings import ResolverSettings


@dataclass(slots=True)
class Delegation:
    """A zone cut, and what is left to try of its servers.

    Attributes:
        zone: The zone.
        servers: Servers with known addresses.
        missing: Look-ups that would find more addresses, in the order to do them.
        recursive: Forwarders: they answer for every name.
        first: Forwarders that are only asked first; each is asked once.
        remembered: It came from the cache, so it may be out of date.
        lookups: Look-ups of addresses made for it.
        tries: How often each server was silent.
        spent: Servers that are not asked again for this question.
    """

    zone: dns.name.Name
    servers: list[Server]
    missing: deque[tuple[dns.name.Name, dns.rdatatype.RdataType]] = field(
        default_factory=deque
    )
    recursive: bool = False
    first: bool = False
    remembered: bool = False
    lookups: int = 0
    tries: dict[Server, int] = field(default_factory=dict)
    spent: set[Server] = field(default_factory=set)

    @property
    def is_untried(self) -> bool:
        """Whether none of its servers was asked yet for this question."""
        return not (self.tries or self.spent)

    @property
    def is_silent(self) -> bool:
        """Whether so many questions got no answer that it makes no sense to go on."""
        return sum(self.tries.values()) >= SILENCES_MAX

    def candidates(self) -> list[Server]:
        """Return the servers worth asking, those with the fewest silences first."""
        if self.is_silent:
            return []
        left = [server for server in self.servers if server not in self.spent]
        fewest = min((self.tries.get(server, 0) for server in left), default=0)
        return [server for server in left if self.tries.get(server, 0) == fewest]

    def silent(self, server: Server, *, is_dead: bool = False) -> None:
        """Count a silence of ``server``; after ``TRIES_MAX`` it is spent.

        One that ``is_dead``, as others found, is so after the first.
        """
        self.tries[server] = self.tries.get(server, 0) + 1
        if is_dead or self.first or self.tries[server] >= TRIES_MAX:
            self.spent.add(server)

    def add(
        self, name: dns.name.Name, addresses: Iterable[str], settings: ResolverSettings
    ) -> None:
        """Add addresses of server ``name``, of the families in use, up to the limit.

        Not those that a zone may not name.
        """
        known = {server.address for server in self.servers}
        for address in addresses:
            used = settings.ipv6 if ":" in address else settings.ipv4
            if (
                used
                and address not in known
                and len(self.servers) < SERVERS_PER_DELEGATION_MAX
                and (may_be_named(address) or self._is_meant(address, settings))
            ):
                known.add(address)
                self.servers.append(Server(str(name), address, settings.port))

    def _is_meant(self, address: str, settings: ResolverSettings) -> bool:
        """Return whether ``address`` is of this host, and the search began here, too.

        So in a laboratory, or in a stub zone. Anybody else's zone that names 127.0.0.1
        would have the resolver ask itself, or what else listens here and trusts its own
        host. Unbound's do-not-query-localhost is the same, for all zones or none.
        """
        if not is_loopback(address):
            return False
        route = closest_route(settings.routes, self.zone)
        first = route.servers if route is not None else ()
        return any(is_loopback(each.address) for each in first or settings.root_hints)

    def look_for(self, name: dns.name.Name, settings: ResolverSettings) -> None:
        """Note that addresses of server ``name`` could be looked up."""
        wanted = [
            rdtype
            for rdtype, used in (
                (dns.rdatatype.A, settings.ipv4),
                (dns.rdatatype.AAAA, settings.ipv6),
            )
            if used
        ]
        if len(self.missing) < 2 * SERVERS_PER_DELEGATION_MAX:
            self.missing.extend((name, rdtype) for rdtype in wanted)
