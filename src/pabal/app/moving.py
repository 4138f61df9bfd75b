"""What the command line does to the mailboxes of one account.

Beside a running server: both have the same files, and its sessions hear of every
change by the doorbell.
"""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass
from typing import TypeVar

import uvloop

from pabal.admin.layout import Layout
from pabal.app.office import enter, open_bell
from pabal.app.parts import open_directory, open_store
from pabal.base.clock import Clock, SystemClock
from pabal.config.settings import Settings
from pabal.directory.ports import Account, DirectoryError, Quota
from pabal.store.sqlite.account import SqliteAccount

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Household:
    """One account and its mailboxes.

    Attributes:
        account: Whose.
        mailboxes: What is there.
        clock: The time.
    """

    account: Account
    mailboxes: SqliteAccount
    clock: Clock

    @property
    def quota(self) -> Quota:
        """What the account may have."""
        return Quota(self.account.quota_octets, self.account.quota_messages)


@contextlib.asynccontextmanager
async def household(settings: Settings, address: str) -> AsyncIterator[Household]:
    """Open the mailboxes of ``address``.

    Raises:
        DirectoryError: There is no such account.
        OperatorError: The data directory cannot be used.
        UnavailableError: A database cannot be opened.
    """
    layout = Layout(settings.data)
    enter(layout)
    clock = SystemClock()
    with (
        contextlib.closing(open_bell(layout)) as bell,
        contextlib.closing(open_directory(settings, clock)) as book,
    ):
        account = book.account_of(address)
        if account is None:
            raise DirectoryError(f"there is no account {address}")
        store = open_store(settings, clock, bell)
        try:
            mailboxes = await store.account(account.id)
            yield Household(account, mailboxes, clock)
        finally:
            await store.close()


def at_home(
    settings: Settings, address: str, work: Callable[[Household], Awaitable[T]]
) -> T:
    """Return what ``work`` does with the mailboxes of ``address``.

    Raises:
        DirectoryError: There is no such account.
    """

    async def run() -> T:
        async with household(settings, address) as home:
            return await work(home)

    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        return runner.run(run())
