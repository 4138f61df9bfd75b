"""The IMAP server: what a listener hands its connections to.

Security: everything a stranger reaches is in ``pabal.imap.connection``.
"""

import asyncio
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

from pabal.base.clock import Clock
from pabal.imap.commands.context import Services
from pabal.imap.connection import Connection
from pabal.imap.ports import FetchedHook, LimitsOf, People, QuotaDesk
from pabal.imap.settings import ImapSettings
from pabal.message.spool import Spool
from pabal.net.ports import Stream
from pabal.net.sasl import Authenticator
from pabal.store.ports import Store


@dataclass(frozen=True, slots=True)
class ImapParts:
    """What the server is made of besides the store.

    Attributes:
        authenticator: Checks credentials.
        clock: Where the time comes from.
        settings: Limits.
        tls: Whether STARTTLS works on its streams.
        spool_directory: Where large messages wait; ``None``: the system's.
        on_fetched: Told whose bodies were read.
        limits: Says what an account may have; ``None``: QUOTA is not on offer.
        people: Says who is called what; ``None``: nobody shares mailboxes.
        quotas: Sets limits for administrators; ``None``: nobody may.
    """

    authenticator: Authenticator
    clock: Clock
    settings: ImapSettings = field(default_factory=ImapSettings)
    tls: bool = True
    spool_directory: Path | None = None
    on_fetched: FetchedHook | None = None
    limits: LimitsOf | None = None
    people: People | None = None
    quotas: QuotaDesk | None = None


class ImapServer:
    """Serves IMAP on any stream: ``serve`` is the listener's handler."""

    def __init__(self, store: Store, parts: ImapParts) -> None:
        directory = parts.spool_directory
        self._connections: set[Connection] = set()
        self._services = Services(
            store,
            parts.authenticator,
            parts.settings,
            parts.clock,
            partial(asyncio.sleep, 0),
            asyncio.to_thread,
            parts.tls,
            parts.on_fetched,
            lambda memory: Spool(directory, memory),
            parts.limits,
            parts.people,
            parts.quotas,
        )

    async def serve(self, stream: Stream) -> None:
        """Serve one connection until it is over."""
        connection = Connection(stream, self._services)
        self._connections.add(connection)
        try:
            await connection.run()
        finally:
            self._connections.discard(connection)
            await connection.end()

    def stop(self) -> None:
        """Say goodbye to everybody; who has a command running gets its answer first."""
        for connection in tuple(self._connections):
            connection.stop()
