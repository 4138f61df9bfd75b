"""What the answers for one client depend on besides its rights.

No I/O.
"""

from collections.abc import Callable

from pabal.dns.ports import Client, Clientele, DroppedError, Resolver, TcpOnlyError
from pabal.dns.server.extras import Extra
from pabal.dns.wire.query import Query
from pabal.dns.wire.response import Limits, truncated
from pabal.net.endpoint import client_key


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


def is_this_machine(client: str) -> bool:
    """Return whether the client key ``client`` is that of loopback."""
    return client.startswith("127.") or client == client_key("::1")
