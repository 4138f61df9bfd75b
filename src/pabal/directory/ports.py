"""Who exists here: domains, accounts, aliases; asked by every server.

Reads are immediate (a database point read or memory); what writes or hashes a password
blocks: call it from a thread. A change made by any process is seen within a second.
Adapters (``memory``, ``sqlite``) implement ``Tables``; ``book`` holds every rule.
"""

import enum
from collections.abc import Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from typing import Final, Protocol

from pabal.base.errors import PabalError
from pabal.directory.credential import Credential, HashCost
from pabal.message.address import Mailbox


class DirectoryError(PabalError):
    """A change that cannot be made: exists already, is not there, is not valid."""


@dataclass(frozen=True, slots=True)
class Quota:
    """What an account may have; 0: as much as it likes.

    Attributes:
        octets: Of all its messages, as they were received.
        messages: How many.
    """

    octets: int = 0
    messages: int = 0


NO_QUOTA: Final = Quota()
"""Of an account that may have as much as it likes, and of one that is not there."""


@dataclass(frozen=True, slots=True)
class Account:
    """Somebody who has mailboxes here.

    Attributes:
        id: Never reused.
        address: The main address, canonical (``pabal.message.address.Mailbox``).
        enabled: Whether it may log in and receive.
        quota_octets: Most octets of mail; 0: no limit.
        quota_messages: Most messages; 0: no limit.
    """

    id: int
    address: str
    enabled: bool = True
    quota_octets: int = 0
    quota_messages: int = 0


@dataclass(frozen=True, slots=True)
class PublicKey:
    """A key that logs in to the console; see ``pabal.directory.publickey``.

    Attributes:
        algorithm: Its kind, like ``ssh-ed25519``.
        blob: The key (RFC 4253 §6.6).
        comment: What its owner calls it; may be empty.
    """

    algorithm: str
    blob: bytes
    comment: str = ""


@dataclass(frozen=True, slots=True)
class Alias:
    """An address that stands for others.

    Attributes:
        address: Canonical; ``@example.com`` catches what nobody else has there.
        targets: Addresses here or elsewhere.
    """

    address: str
    targets: Sequence[str]


class Route(enum.Enum):
    """What an address is to this server."""

    LOCAL = "local"
    """A mailbox here."""
    UNKNOWN = "unknown"
    """Its domain is here, the mailbox is not: 550 5.1.1."""
    REMOTE = "remote"
    """Its domain is elsewhere."""


@dataclass(frozen=True, slots=True)
class Target:
    """Where mail for an address finally goes.

    Attributes:
        route: LOCAL or REMOTE.
        account_id: The account, when LOCAL.
        address: The final address (after aliases).
        detail: Subaddress (``tag`` of ``user+tag@``), empty if none.
    """

    route: Route
    address: Mailbox
    account_id: int = 0
    detail: str = ""


@dataclass(frozen=True, slots=True)
class Resolution:
    """What an address resolves to.

    Attributes:
        route: What the address is; an alias is LOCAL wherever its targets are.
        targets: Where the mail goes, duplicates removed; empty when UNKNOWN. For REMOTE
            the address itself.
    """

    route: Route
    targets: Sequence[Target] = field(default_factory=tuple)


class Directory(Protocol):
    """What servers ask."""

    def is_hosted(self, domain: str) -> bool:
        """Whether ``domain`` (any form) is one of ours."""
        ...

    def resolve(self, address: Mailbox) -> Resolution:
        """Return where mail for ``address`` goes: account, alias, catch-all.

        Alias loops end: every address is followed once.
        """
        ...

    def account(self, account_id: int) -> Account | None:
        """Return the account, if there is one."""
        ...

    def account_of(self, address: str) -> Account | None:
        """Return the account whose main address this is."""
        ...

    def quota(self, account_id: int) -> Quota:
        """Return what the account may have: a look-up in memory, as a rule.

        ``NO_QUOTA`` itself if it has no limit.
        """
        ...

    def may_send_as(self, account_id: int, address: Mailbox) -> bool:
        """Whether the account may use ``address`` as sender: its own or an alias to it.

        With subaddress allowed.
        """
        ...

    def domains(self) -> Sequence[str]:
        """Return the hosted domains, A-labels, sorted."""
        ...


class DirectoryAdmin(Protocol):
    """What an administrator changes. Every method is durable when it returns.

    Raises ``DirectoryError`` with words for the operator.
    """

    def add_domain(self, domain: str) -> None:
        """Host ``domain``."""
        ...

    def remove_domain(self, domain: str) -> None:
        """Host it no longer; refused while accounts are left in it."""
        ...

    def add_account(self, address: Mailbox, password: str) -> Account:
        """Create an account; its domain must be hosted."""
        ...

    def set_password(self, address: str, password: str) -> None:
        """Replace the password."""
        ...

    def change_account(
        self,
        address: str,
        *,
        enabled: bool | None = None,
        quota_octets: int | None = None,
        quota_messages: int | None = None,
    ) -> Account:
        """Change what is given; return the account as it is now."""
        ...

    def remove_account(self, address: str) -> Account:
        """Remove the account; its mailboxes are the caller's to remove."""
        ...

    def accounts(self) -> Sequence[Account]:
        """Return every account by address."""
        ...

    def add_alias(self, address: str, targets: Sequence[str]) -> None:
        """Let ``address`` (or ``@domain``) stand for ``targets`` too."""
        ...

    def remove_alias(self, address: str) -> None:
        """Remove the alias and all its targets."""
        ...

    def aliases(self) -> Sequence[Alias]:
        """Return every alias by address."""
        ...


class Credentials(Protocol):
    """What log-ins are checked against; only the authenticator asks."""

    @property
    def cost(self) -> HashCost:
        """What a hash costs here: an unknown user must cost the same."""
        ...

    @property
    def secret(self) -> bytes:
        """A random key of this directory, the same in every process, for ever."""
        ...

    def account_of(self, address: str) -> Account | None:
        """Return the account whose main address this is."""
        ...

    def credential(self, account_id: int) -> Credential | None:
        """Return what is kept of the account's password."""
        ...


class Lookup(Protocol):
    """Entries by canonical address."""

    def hosts(self, domain: str) -> bool:
        """Whether ``domain`` (A-labels, lower case) is hosted."""
        ...

    def account_at(self, address: str) -> Account | None:
        """Return the account with this main address."""
        ...

    def targets_at(self, address: str) -> Sequence[str]:
        """Return the targets of the alias; empty if there is none."""
        ...

    def first_account_in(self, domain: str) -> Account | None:
        """Return the oldest enabled account of ``domain``."""
        ...


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

    def public_keys(self, account_id: int) -> Sequence[PublicKey]:
        """Return the keys of an account in the order they were added."""
        ...

    def set_public_keys(self, account_id: int, keys: Sequence[PublicKey]) -> None:
        """Replace the keys of an account."""
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
