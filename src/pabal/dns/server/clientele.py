"""What the answers for one client depend on besides its rights.

No I/O.
"""

from collections.abc import Callable
from dataclasses import replace
from typing import Final

from pabal.dns.ports import Client, Clientele, DroppedError, Resolver, TcpOnlyError
from pabal.dns.server.access import Access, Rights
from pabal.dns.server.extras import Extra
from pabal.dns.wire import codes
from pabal.dns.wire.option import PROHIBITED, error_option
from pabal.dns.wire.query import Query
from pabal.dns.wire.response import Limits, Response, truncated
from pabal.dns.zone.lookup import Answer, ZoneSet, lookup
from pabal.dns.zone.tree import Zone
from pabal.net.endpoint import client_key

REFUSAL: Final = Response(codes.REFUSED, error=error_option(PROHIBITED))
"""For who may not ask."""


def seen_by(resolver: Resolver, client: Client) -> Resolver:
    """Return ``resolver`` as ``client`` is to see it."""
    return resolver.of(client) if isinstance(resolver, Clientele) else resolver


def apart(resolver: object) -> Callable[[str, int], bool] | None:
    """Return who knows whether a client shares its answers; ``None``: all do."""
    return resolver.is_apart if isinstance(resolver, Clientele) else None


def unanswered(
    dropped: DroppedError, query: Query, limits: Limits, extra: Extra
) -> bytes:
    """Return what is said where the policy wants no answer; empty: nothing."""
    if isinstance(dropped, TcpOnlyError):
        return extra.finish(truncated(query, limits))
    return b""


class _Seen:
    """The zones that one client may ask about.

    Args (of the constructor):
        zones: All there are for it.
    """

    def __init__(self, zones: ZoneSet, rights: Rights) -> None:
        self._zones = zones
        self._rights = rights

    def find(self, name: bytes, rdtype: int) -> Zone | None:
        """Return the zone nearest to folded ``name``, if it may be seen."""
        zone = self._zones.find(name, rdtype)
        return zone if zone is None or self._rights.may_see(zone.origin) else None


def looked_up(
    zones: ZoneSet, query: Query, access: Access, rights: Rights
) -> Answer | None:
    """Return what ``lookup`` does; a refusal where a private zone is in it.

    An alias into a zone the client may not ask about is answered as far as it goes, as
    in BIND; nothing of that zone is told, not even beside another answer.
    """
    if rights.query and not rights.others:
        found = lookup(zones, query.name, query.rdtype, dnssec_ok=query.dnssec_ok)
    else:
        found = _seen(zones, query, rights)
    if found is None or not access.private:
        return found
    first = zones.find(query.name, query.rdtype) or found.zone
    if not access.hides(first.origin, found.zone.origin):
        return found
    return _refused(found)


def _seen(zones: ZoneSet, query: Query, rights: Rights) -> Answer | None:
    """Return what those zones say that a client may ask about."""
    first = zones.find(query.name, query.rdtype)
    if first is None:
        return None
    if not rights.may_see(first.origin):
        return Answer(REFUSAL, None, first)
    seen = _Seen(zones, rights)
    found = lookup(seen, query.name, query.rdtype, dnssec_ok=query.dnssec_ok)
    if found is None or found.unresolved is None:
        return found
    # What is ours and hidden is not asked for elsewhere.
    there = zones.find(found.unresolved, query.rdtype)
    is_hidden = there is not None and not rights.may_see(there.origin)
    return replace(found, unresolved=None) if is_hidden else found


def _refused(answer: Answer) -> Answer:
    """Return the refusal in the place of an answer."""
    return replace(answer, response=REFUSAL, unresolved=None)


def is_this_machine(client: str) -> bool:
    """Return whether the client key ``client`` is that of loopback."""
    return client.startswith("127.") or client == client_key("::1")
