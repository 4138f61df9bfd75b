"""Accounts as mailboxes know each other, and what an administrator may set.

Implements ``People`` and ``QuotaDesk`` of ``pabal.imap.ports``.
"""

import asyncio
import contextlib
from dataclasses import dataclass
from functools import partial

from pabal.directory.book import Book
from pabal.directory.ports import Directory, DirectoryError
from pabal.store.limits import Limits


@dataclass(frozen=True, slots=True)
class DirectoryPeople:
    """The accounts of a directory."""

    directory: Directory

    def account_of(self, address: str) -> int | None:
        """Return the account with this main address."""
        account = self.directory.account_of(address)
        return account.id if account is not None else None

    def address_of(self, account_id: int) -> str | None:
        """Return the main address of an account, ``None`` if it is gone."""
        account = self.directory.account(account_id)
        return account.address if account is not None else None


@dataclass(frozen=True, slots=True)
class DirectoryQuotas:
    """Limits as the directory keeps them.

    Attributes:
        book: The directory.
        administrators: Main addresses of the accounts that may set limits.
    """

    book: Book
    administrators: frozenset[str] = frozenset()

    def may_set(self, account_id: int) -> bool:
        """Return whether an account is an administrator's."""
        account = self.book.account(account_id) if self.administrators else None
        return account is not None and account.address in self.administrators

    async def set_limits(self, account_id: int, limits: Limits) -> None:
        """Change what an account may have; one that is gone is passed over."""
        account = self.book.account(account_id)
        if account is None:
            return
        change = partial(
            self.book.change_account,
            account.address,
            quota_octets=limits.octets,
            quota_messages=limits.messages,
        )
        with contextlib.suppress(DirectoryError):  # removed a moment ago
            # The disk is waited for: off the event loop.
            await asyncio.to_thread(change)
