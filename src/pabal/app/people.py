"""Accounts as mailboxes know each other: implements ``pabal.imap.ports.People``."""

from dataclasses import dataclass

from pabal.directory.ports import Directory


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
