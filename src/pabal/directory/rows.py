"""What a directory keeps, as the rules see it: rows, and transactions over them.

Adapters (``memory``, ``sqlite``) implement this; ``book`` holds every rule.
"""

from collections.abc import Sequence
from contextlib import AbstractContextManager
from typing import Protocol

from pabal.directory.credential import Credential
from pabal.directory.ports import Account, Alias
from pabal.directory.resolution import Lookup


class Rows(Lookup, Protocol):
    """Rows, read and written; addresses and domains are canonical."""

    def domains(self) -> Sequence[str]:
        """Return every domain, sorted."""
        ...

    def add_domain(self, domain: str) -> None:
        """Add a domain that is not there."""
        ...

    def remove_domain(self, domain: str) -> None:
        """Remove a domain and the aliases in it."""
        ...

    def account(self, account_id: int) -> Account | None:
        """Return the account, if there is one."""
        ...

    def accounts(self) -> Sequence[Account]:
        """Return every account by address."""
        ...

    def accounts_in(self, domain: str) -> int:
        """Return how many accounts the domain has."""
        ...

    def add_account(self, address: str) -> Account:
        """Add an account under an id never used before."""
        ...

    def update_account(self, account: Account) -> None:
        """Write what may change of an account."""
        ...

    def remove_account(self, account_id: int) -> None:
        """Remove an account and its credential."""
        ...

    def aliases(self) -> Sequence[Alias]:
        """Return every alias by address."""
        ...

    def set_targets(self, address: str, targets: Sequence[str]) -> None:
        """Replace the targets of an alias; none removes it."""
        ...

    def credential(self, account_id: int) -> Credential | None:
        """Return what is kept of the account's password."""
        ...

    def set_credential(self, account_id: int, credential: Credential) -> None:
        """Replace what is kept of the account's password."""
        ...


class Tables(Protocol):
    """A place where rows are, shared with other processes."""

    @property
    def rows(self) -> Rows:
        """The rows as they are now, for reading only."""
        ...

    @property
    def secret(self) -> bytes:
        """A random key made with the tables and never changed."""
        ...

    def version(self) -> int:
        """Return a number that is another one after any change by anybody."""
        ...

    def transaction(self) -> AbstractContextManager[Rows]:
        """Return rows to change: all or nothing, durable when the context ends."""
        ...

    def close(self) -> None:
        """Let go of everything."""
        ...
