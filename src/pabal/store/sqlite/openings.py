"""Which accounts have their files open, and which are closed next.

On the event loop only.
"""

import asyncio
from collections import OrderedDict
from typing import Final

from pabal.store.ports import AccountId
from pabal.store.sqlite.account import SqliteAccount

LOOK_S: Final = 1.0
"""How often is looked for accounts nobody uses, seconds: some microseconds a time."""

UNUSED_LOOKS: Final = 30
"""Looks at which an account was not used before its files are closed: half a minute.

A client that waits needs no file; opening them again takes 1-2 ms."""

CLOSED_AT_ONCE: Final = 8
"""Accounts closed at one look: the last to close a log waits for the disk."""


class Openings:
    """The accounts with open files; also keeps their objects in memory.

    Args (of the constructor):
        accounts_max: How many at once, but for those that work this moment.
    """

    def __init__(self, accounts_max: int) -> None:
        self._accounts_max = accounts_max
        self._recent: OrderedDict[AccountId, SqliteAccount] = OrderedDict()
        self._look: asyncio.TimerHandle | None = None

    def note(self, account_id: AccountId, account: SqliteAccount) -> None:
        """Note that an account is in use; close the files of one that is not."""
        account.access.resting = False
        self._recent[account_id] = account
        self._recent.move_to_end(account_id)
        if self._look is None:
            self._look_later()
        if len(self._recent) <= self._accounts_max:
            return
        for oldest, candidate in self._recent.items():
            if not candidate.access.busy and oldest != account_id:
                del self._recent[oldest]
                candidate.access.rest()
                return

    def forget(self, account_id: AccountId) -> None:
        """Leave an account alone: somebody else closes its files."""
        self._recent.pop(account_id, None)

    def clear(self) -> None:
        """Leave all accounts alone."""
        self._recent.clear()
        if self._look is not None:
            self._look.cancel()
            self._look = None

    def _look_later(self) -> None:
        loop = asyncio.get_running_loop()
        self._look = loop.call_later(LOOK_S, self._close_unused)

    def _close_unused(self) -> None:
        """Close the files of accounts nobody used for a while, some at a time."""
        closed = 0
        for account_id, account in list(self._recent.items()):
            access = account.access
            access.unused += 1
            if (
                access.unused > UNUSED_LOOKS
                and not access.busy
                and closed < CLOSED_AT_ONCE
            ):
                del self._recent[account_id]
                access.rest()
                closed += 1
        self._look = None
        if self._recent:
            self._look_later()
