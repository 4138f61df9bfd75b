"""Sessions kept for the next message to the same host.

Bounded: sessions a pool, messages a session, seconds without use.
"""

import asyncio
from collections import OrderedDict
from dataclasses import dataclass, field
from typing import Final

from pabal.base.clock import Clock
from pabal.base.tasks import Tasks
from pabal.mta.ports import MailSession, Sessions
from pabal.mta.settings import TransportSettings
from pabal.net.endpoint import Endpoint
from pabal.smtp.outcome import Outcome

CLOSE_SECONDS: Final = 5.0
"""How long other servers have to answer QUIT when we stop."""


@dataclass(slots=True)
class Lease:
    """A session in use.

    Attributes:
        key: Host and endpoint it belongs to.
        session: The session.
        messages: Messages it has carried before.
    """

    key: tuple[str, Endpoint]
    session: MailSession
    messages: int = 0


@dataclass(slots=True)
class _Idle:
    lease: Lease
    since: float
    timer: asyncio.TimerHandle | None = field(default=None)


class SessionPool:
    """Hands out sessions, used ones first.

    Args (of the constructor):
        sessions: Opens new ones.
        settings: The bounds.
        clock: Time.
    """

    def __init__(
        self, sessions: Sessions, settings: TransportSettings, clock: Clock
    ) -> None:
        self._sessions = sessions
        self._settings = settings
        self._clock = clock
        self._idle: OrderedDict[tuple[str, Endpoint], list[_Idle]] = OrderedDict()
        self._count = 0
        self._closing = Tasks()

    async def take(self, host: str, endpoint: Endpoint) -> Lease | Outcome:
        """Return a session with ``host`` at ``endpoint``; ``give_back`` is owed.

        Raises:
            PabalError: None came about.
        """
        key = (host, endpoint)
        waiting = self._idle.get(key)
        while waiting:
            idle = waiting.pop()
            self._removed(key, idle)
            if self._clock.monotonic() - idle.since < self._settings.idle_max_s:
                return idle.lease
            self._close(idle.lease)
        opened = await self._sessions.open(host, endpoint)
        return opened if isinstance(opened, Outcome) else Lease(key, opened)

    async def give_back(self, lease: Lease, *, usable: bool) -> None:
        """Keep the session for the next message, or close it."""
        lease.messages += 1
        most = self._settings.messages_a_connection_max
        full = self._count >= self._settings.connections_idle_max
        if not usable or lease.messages >= most or full:
            self._close(lease)
            return
        idle = _Idle(lease, self._clock.monotonic())
        self._idle.setdefault(lease.key, []).append(idle)
        self._count += 1
        loop = asyncio.get_running_loop()
        idle.timer = loop.call_later(self._settings.idle_max_s, self._expired, idle)

    async def close(self) -> None:
        """Close every session that is not in use."""
        for key, waiting in list(self._idle.items()):
            for idle in tuple(waiting):
                waiting.remove(idle)
                self._removed(key, idle)
                self._close(idle.lease)
        await self._closing.wait(CLOSE_SECONDS)
        await self._closing.stop()

    def _expired(self, idle: _Idle) -> None:
        waiting = self._idle.get(idle.lease.key, [])
        if idle in waiting:
            waiting.remove(idle)
            self._removed(idle.lease.key, idle)
            self._close(idle.lease)

    def _removed(self, key: tuple[str, Endpoint], idle: _Idle) -> None:
        self._count -= 1
        if idle.timer is not None:
            idle.timer.cancel()
        if not self._idle.get(key):
            self._idle.pop(key, None)

    def _close(self, lease: Lease) -> None:
        # In the background: a peer that is slow to say goodbye delays nobody.
        self._closing.start(lease.session.close(), f"quit {lease.key[0]}")
