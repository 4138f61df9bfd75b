"""Messages that come from another server, and what they were known by there.

What moving house asks of the store beyond ``pabal.store.ports``: UIDs, UIDVALIDITY and
POP3 unique-ids that stay, and a record of what came from where, written with the
messages, so that an import that was cut off neither loses nor repeats any.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final, Protocol

from pabal.message.spool import Spool
from pabal.store.flags import NO_FLAGS, Flags
from pabal.store.limits import NO_LIMITS, Limits
from pabal.store.ports import (
    AccountId,
    AccountStore,
    Appended,
    MailboxId,
    NewEmail,
    Uid,
)

SourceId = int
"""A folder of another server, in 63 bits: whoever imports chooses it."""

Key = int
"""A message of such a folder, in 63 bits."""

UID_VALIDITY_MAX: Final = 2**32 - 2**20
"""Highest UIDVALIDITY taken over: mailboxes to come need greater ones in 32 bits."""

UID_MAX: Final = 2**32 - 2**20
"""Highest UID taken over: those to come must fit into 32 bits (RFC 9051 §2.3.1.1)."""

UIDL_MAX_OCTETS: Final = 70
"""Longest POP3 unique-id (RFC 1939 §7)."""


@dataclass(frozen=True, slots=True)
class Imported:
    """A message to put into a mailbox, and what it was known by.

    Attributes:
        spool: The octets, CRLF line ends; stays the caller's, who closes it.
        received_at: INTERNALDATE, seconds since 1970.
        key: What tells it from others of its source.
        flags: Flags it starts with.
        uid: The UID it should have; given when it is above those of the mailbox, else
            the next one is. 0: any.
        uidl: POP3 unique-id it had; empty: none that is known.
    """

    spool: Spool
    received_at: float
    key: Key
    flags: Flags = NO_FLAGS
    uid: Uid = 0
    uidl: str = ""

    def new_email(self) -> NewEmail:
        """Return it as any message that arrives."""
        return NewEmail(self.spool, self.received_at, self.flags)


@dataclass(frozen=True, slots=True)
class Origin:
    """What became of a message of a source.

    Attributes:
        mailbox_id: Where it went.
        uid: Its UID there, whether or not it still is.
        flags: Those it had at the source when that was last looked at.
    """

    mailbox_id: MailboxId
    uid: Uid
    flags: Flags


class Imports(Protocol):
    """Puts messages of another server into one account.

    Raises anywhere what ``pabal.store.ports.AccountStore`` does.
    """

    async def adopt(self, mailbox_id: MailboxId, uid_validity: int) -> bool:
        """Give a mailbox another UIDVALIDITY; return whether it has it now.

        Only one that never had a message can take another (RFC 9051 §2.3.1.1).
        """
        ...

    async def put(
        self,
        mailbox_id: MailboxId,
        source: SourceId,
        emails: Sequence[Imported],
        limits: Limits = NO_LIMITS,
    ) -> Sequence[Appended | None]:
        """Add messages, all or none, and note where they came from.

        ``OverQuotaError`` if the account had more than ``limits`` afterwards.
        ``None``: one of that source and key was put before; it is passed over.
        """
        ...

    async def known(
        self, source: SourceId, keys: Sequence[Key]
    ) -> Mapping[Key, Origin]:
        """Return what became of those of ``keys`` that were put."""
        ...

    async def count(self, source: SourceId) -> int:
        """Return how many messages of ``source`` were put."""
        ...

    async def note_flags(self, source: SourceId, flags: Mapping[Key, Flags]) -> None:
        """Note the flags messages have at their source now."""
        ...

    async def forget(self) -> int:
        """Forget where messages came from; return how many that were."""
        ...

    async def uidls(
        self, mailbox_id: MailboxId, uids: Sequence[Uid]
    ) -> Mapping[Uid, str]:
        """Return the POP3 unique-ids of those of ``uids`` that came with one."""
        ...


class ImportAccount(AccountStore, Protocol):
    """An account that takes in, and remembers, another server's messages."""

    @property
    def imports(self) -> Imports:
        """Puts messages of another server into it."""
        ...


class ImportStore(Protocol):
    """The mailboxes of every account."""

    async def account(self, account_id: AccountId) -> ImportAccount:
        """Return the account's mailboxes, made on first use."""
        ...
