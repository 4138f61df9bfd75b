"""What POP3 needs from others."""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Protocol, TypeVar

from pabal.message.spool import Spool
from pabal.net.sasl import Authenticator
from pabal.store.imports import ImportStore
from pabal.store.ports import AccountId, EmailId

Fetched = Callable[[AccountId, Sequence[EmailId]], None]
"""Told which emails of an account a client retrieved; must not block or raise."""


def nobody_wants_to_know(account_id: AccountId, emails: Sequence[EmailId]) -> None:
    """Do nothing: the default ``Fetched``."""
    del account_id, emails


ExpiryOf = Callable[[AccountId], Awaitable[int]]
"""Returns after how many days messages of an account's INBOX go; 0: they stay."""


async def nothing_goes(account_id: AccountId) -> int:
    """Return 0: the default ``ExpiryOf``."""
    del account_id
    return 0


Result = TypeVar("Result")


class Offload(Protocol):
    """Does long work without the event loop waiting for it."""

    def __call__(self, work: Callable[[], Result], /) -> Awaitable[Result]:
        """Return what ``work`` returns."""
        ...


async def at_once(work: Callable[[], Result]) -> Result:
    """Return what ``work`` returns: the default ``Offload``."""
    return work()


async def go_on() -> None:
    """Do nothing: the default pause."""


@dataclass(frozen=True, slots=True)
class Tools:
    """What telling a large message takes.

    Attributes:
        spool: Makes a place for a message.
        offload: Does what takes longer than a turn.
        pause: Lets other sessions have their turn.
    """

    spool: Callable[[], Spool] = Spool
    offload: Offload = at_once
    pause: Callable[[], Awaitable[None]] = go_on


@dataclass(frozen=True, slots=True)
class Services:
    """Everything a session asks.

    Attributes:
        store: The mailboxes.
        authenticator: Checks credentials.
        fetched: Told whose messages were retrieved.
        now: Seconds since 1970; the server sets it.
        expiry: How long messages stay that are left on the server.
        tools: For large messages; the server sets how to offload and to pause.
    """

    store: ImportStore
    authenticator: Authenticator
    fetched: Fetched = nobody_wants_to_know
    now: Callable[[], float] = lambda: 0.0
    expiry: ExpiryOf = nothing_goes
    tools: Tools = Tools()
