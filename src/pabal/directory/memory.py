"""The directory in memory: for tests, and complete."""

import secrets
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field

from pabal.directory.credential import Credential
from pabal.directory.ports import Account, Alias, PublicKey, Rows


@dataclass(slots=True)
class MemoryRows:
    """Rows in dictionaries."""

    names: set[str] = field(default_factory=set)
    by_id: dict[int, Account] = field(default_factory=dict)
    targets: dict[str, tuple[str, ...]] = field(default_factory=dict)
    credentials: dict[int, Credential] = field(default_factory=dict, repr=False)
    keys: dict[int, tuple[PublicKey, ...]] = field(default_factory=dict)
    last_id: int = 0

    def copy(self) -> "MemoryRows":
        """Return rows that can be changed without these noticing."""
        return MemoryRows(
            set(self.names),
            dict(self.by_id),
            dict(self.targets),
            dict(self.credentials),
            dict(self.keys),
            self.last_id,
        )

    def hosts(self, domain: str) -> bool:
        """Whether ``domain`` is hosted."""
        return domain in self.names

    def domains(self) -> Sequence[str]:
        """Return every domain, sorted."""
        return sorted(self.names)

    def add_domain(self, domain: str) -> None:
        """Add a domain."""
        self.names.add(domain)

    def remove_domain(self, domain: str) -> None:
        """Remove a domain and the aliases in it."""
        self.names.discard(domain)
        for address in [a for a in self.targets if a.rpartition("@")[2] == domain]:
            del self.targets[address]

    def account(self, account_id: int) -> Account | None:
        """Return the account, if there is one."""
        return self.by_id.get(account_id)

    def account_at(self, address: str) -> Account | None:
        """Return the account with this main address."""
        return next((a for a in self.by_id.values() if a.address == address), None)

    def first_account_in(self, domain: str) -> Account | None:
        """Return the oldest enabled account of ``domain``."""
        return next((a for a in self._in(domain) if a.enabled), None)

    def accounts(self) -> Sequence[Account]:
        """Return every account by address."""
        return sorted(self.by_id.values(), key=lambda account: account.address)

    def accounts_in(self, domain: str) -> int:
        """Return how many accounts the domain has."""
        return sum(1 for _ in self._in(domain))

    def add_account(self, address: str) -> Account:
        """Add an account under an id never used before."""
        self.last_id += 1
        account = Account(self.last_id, address)
        self.by_id[account.id] = account
        return account

    def update_account(self, account: Account) -> None:
        """Write what may change of an account."""
        self.by_id[account.id] = account

    def remove_account(self, account_id: int) -> None:
        """Remove an account and its credential."""
        del self.by_id[account_id]
        self.credentials.pop(account_id, None)
        self.keys.pop(account_id, None)

    def targets_at(self, address: str) -> Sequence[str]:
        """Return the targets of the alias; empty if there is none."""
        return self.targets.get(address, ())

    def aliases(self) -> Sequence[Alias]:
        """Return every alias by address."""
        return [Alias(a, targets) for a, targets in sorted(self.targets.items())]

    def set_targets(self, address: str, targets: Sequence[str]) -> None:
        """Replace the targets of an alias; none removes it."""
        self.targets.pop(address, None)
        if targets:
            self.targets[address] = tuple(targets)

    def credential(self, account_id: int) -> Credential | None:
        """Return what is kept of the account's password."""
        return self.credentials.get(account_id)

    def set_credential(self, account_id: int, credential: Credential) -> None:
        """Replace what is kept of the account's password."""
        self.credentials[account_id] = credential

    def public_keys(self, account_id: int) -> Sequence[PublicKey]:
        """Return the keys of an account in the order they were added."""
        return self.keys.get(account_id, ())

    def set_public_keys(self, account_id: int, keys: Sequence[PublicKey]) -> None:
        """Replace the keys of an account."""
        self.keys[account_id] = tuple(keys)

    def _in(self, domain: str) -> Iterator[Account]:
        accounts = self.by_id.values()
        return (a for a in accounts if a.address.rpartition("@")[2] == domain)


class MemoryTables:
    """Implements ``Tables``; several books may share one."""

    def __init__(self) -> None:
        self._rows = MemoryRows()
        self._version = 0
        self._lock = threading.Lock()
        self.secret = secrets.token_bytes(32)

    @property
    def rows(self) -> Rows:
        """The rows as they are now."""
        return self._rows

    def version(self) -> int:
        """Return the number of changes made."""
        return self._version

    @contextmanager
    def transaction(self) -> Iterator[Rows]:
        """Return rows to change, taken over when the context ends well."""
        with self._lock:
            changed = self._rows.copy()
            yield changed
            self._rows = changed
            self._version += 1

    def close(self) -> None:
        """Nothing to let go of."""
