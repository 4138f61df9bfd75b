"""How many wrong guesses somebody has: a pair of client and account, a client in all.

Sans-IO: takes the time as an argument.
Security: an account alone is never locked, so strangers cannot lock its owner out;
whoever sits behind the same address as an attacker can be slowed down with it.
"""

from pabal.base.limits import RateLimit
from pabal.directory.settings import AuthSettings
from pabal.net.endpoint import client_key


class Guard:
    """Counts a guess before it is checked, and takes it back if it was right.

    So a thousand guesses at once are a thousand, whatever is still being hashed.
    """

    __slots__ = ("_clients", "_pairs")

    def __init__(self, settings: AuthSettings) -> None:
        self._pairs = RateLimit(
            1 / settings.pair_recovery_s, settings.failures_a_pair_max
        )
        self._clients = RateLimit(
            1 / settings.client_recovery_s, settings.failures_a_client_max
        )

    def admit(self, address: str, user: str, now: float) -> bool:
        """Whether a guess from ``address`` at ``user`` is looked at; counts it."""
        client = client_key(address)
        # A program that knows only a stale password costs its own pair's tokens,
        # not those of everybody behind the same address.
        return self._pairs.allow(f"{client} {user}", now) and self._clients.allow(
            client, now
        )

    def forgive(self, address: str, user: str, now: float) -> None:
        """Take back a guess: it was right."""
        client = client_key(address)
        self._pairs.allow(f"{client} {user}", now, -1.0)
        self._clients.allow(client, now, -1.0)
