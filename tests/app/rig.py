"""The objects of a process on a directory, and sockets on free loopback ports."""

import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace

from pabal.app.shared import Shared, open_shared
from pabal.config.names import ResolverSection
from pabal.config.settings import Settings
from pabal.message.address import Mailbox
from pabal.mta.queue.item import QueuedRecipient, QueueItem, local_destination
from pabal.smtp.envelope import Envelope, Recipient
from pabal.store.ports import Column

POLICY = """@ SOA ns you 1 1 1 1 60
@ NS ns.a.test.
bad.far.example CNAME .
24.0.2.0.192.rpz-ip CNAME *.
"""


def chosen(settings: Settings, **changes: object) -> Settings:
    section = ResolverSection(**changes)  # type: ignore[arg-type]  # as each test says
    names = replace(settings.dns, resolver=section, trust_anchors=("none",))
    return replace(settings, dns=names)


@dataclass
class Wakes:
    """Counts how often the queue was woken in this process."""

    count: int = 0
    shared: list[Shared] = field(default_factory=list)

    def wake(self) -> None:
        self.count += 1


@asynccontextmanager
async def opened(
    settings: Settings, wakes: Wakes | None = None, name: str = "dns"
) -> AsyncIterator[Shared]:
    shared = open_shared(settings, name, (wakes or Wakes()).wake)
    try:
        yield shared
    finally:
        await shared.close()


def listening() -> socket.socket:
    sock = socket.create_server(("127.0.0.1", 0))
    sock.setblocking(False)
    return sock


def datagrams() -> socket.socket:
    sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    sock.bind(("127.0.0.1", 0))
    sock.setblocking(False)
    return sock


def port(sock: socket.socket) -> int:
    number: int = sock.getsockname()[1]
    return number


def for_alice(now: float) -> QueueItem:
    """A queued message for the account 1, due now."""
    recipient = QueuedRecipient(
        0,
        Recipient(Mailbox.parse("alice@a.test")),
        local_destination(1),
        next_attempt_at=now,
    )
    return QueueItem(
        id=f"i{now:.0f}",
        trace_id="t",
        message_id="m@x.test",
        created_at=now,
        expires_at=now + 60,
        envelope=Envelope(Mailbox.parse("x@x.test"), ()),
        recipients=[recipient],
    )


async def inbox(shared: Shared, account_id: int = 1) -> list[str]:
    """Return the headers in an INBOX."""
    account = await shared.store.account(account_id)
    view = await account.view((await account.mailbox("INBOX")).id)
    try:
        rows = await account.read(tuple(view.emails), (Column.HEADER,))
    finally:
        view.close()
    return [str(row[0]) for row in rows if row]
