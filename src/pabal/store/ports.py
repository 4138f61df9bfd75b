"""What protocols ask of mailboxes: ids, flags, predicates; no grammar of any protocol.

Two adapters implement this and pass one contract suite: ``pabal.store.memory`` and
``pabal.store.sqlite``. No method hands out a path, a cursor or a connection, so a
cluster engine fits behind the same ports.

Vocabulary: an *email* is an immutable message; an *entry* is an email in a mailbox
under a UID; every change raises the account's one *modseq*.
"""

import enum
from array import array
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final, Protocol

from pabal.base.errors import PabalError
from pabal.message.spool import Spool
from pabal.store.fields import HeaderFields
from pabal.store.flags import NO_FLAGS, FlagChange, Flags
from pabal.store.keywords import Keywords
from pabal.store.limits import NO_LIMITS, Limits
from pabal.store.predicate import Predicate
from pabal.store.shares import Shares
from pabal.store.turns import Turns

AccountId = int
MailboxId = int
EmailId = int
Uid = int
ModSeq = int

INBOX: Final = "INBOX"
"""The mailbox every account has; its name is case-insensitive (RFC 9051 §5.1)."""

ACCOUNT: Final[MailboxId] = 0
"""In a mailbox's place: the account as a whole; no mailbox has this id."""

SEPARATOR: Final = "/"
"""Between the levels of a mailbox name."""

BLOB_CHUNK_OCTETS: Final = 256 * 1024
"""Size of a stored chunk: small enough to stream, large enough to be few."""


class StoreError(PabalError):
    """A request that cannot be done as the mailboxes are now."""


class NoSuchMailboxError(StoreError):
    """The mailbox does not exist (any more)."""


class MailboxExistsError(StoreError):
    """There is a mailbox of that name already."""


class MailboxNameError(StoreError):
    """The name cannot be a mailbox's name; says why."""


class OverQuotaError(StoreError):
    """The account would pass its quota; nothing was written."""


@dataclass(frozen=True, slots=True)
class MailboxInfo:
    r"""A mailbox as it is at one moment.

    Attributes:
        id: Never reused.
        name: Levels separated by ``/``; NFC.
        special_use: ``\\Sent`` … (RFC 6154 §2), empty if none.
        subscribed: Whether clients show it by default.
        uid_validity: Changes when UIDs lose their meaning (RFC 9051 §2.3.1.1).
        uid_next: The UID the next message will get, at least.
        highest_modseq: The newest change in it.
        message_count: Messages.
        unseen_count: Messages without ``\\Seen``.
        deleted_count: Messages with ``\\Deleted``.
        size_octets: Sum of the messages' sizes.
    """

    id: MailboxId
    name: str
    special_use: str
    subscribed: bool
    uid_validity: int
    uid_next: Uid
    highest_modseq: ModSeq
    message_count: int = 0
    unseen_count: int = 0
    deleted_count: int = 0
    size_octets: int = 0


@dataclass(frozen=True, slots=True)
class NewEmail:
    """A message to put into a mailbox.

    Attributes:
        spool: The octets, CRLF line ends; stays the caller's, who closes it.
        received_at: INTERNALDATE, seconds since 1970.
        flags: Flags it starts with.
    """

    spool: Spool
    received_at: float
    flags: Flags = NO_FLAGS


@dataclass(frozen=True, slots=True)
class Appended:
    """Where a message went; ``mailbox`` is the name."""

    mailbox_id: MailboxId
    mailbox: str
    uid_validity: int
    uid: Uid
    email_id: EmailId
    modseq: ModSeq


@dataclass(frozen=True, slots=True)
class Copied:
    """What COPY and MOVE did: parallel, ascending in ``sources``."""

    uid_validity: int
    sources: Sequence[Uid]
    targets: Sequence[Uid]
    modseq: ModSeq


@dataclass(frozen=True, slots=True)
class FlagsSet:
    """What a flag change did.

    Attributes:
        modseq: Of the change; the mailbox's highest one if nothing changed.
        changed: UIDs whose flags are different now.
        refused: UIDs newer than ``unchanged_since`` (RFC 7162 §3.1.3).
    """

    modseq: ModSeq
    changed: Sequence[Uid]
    refused: Sequence[Uid] = ()


class Column(enum.Enum):
    """An immutable fact of an email, as ``read`` returns it (type in brackets)."""

    SIZE = "size"
    """Octets (int)."""
    RECEIVED = "received_at"
    """INTERNALDATE, seconds since 1970 (float)."""
    SENT = "sent_at"
    """Date header, seconds since 1970 (float), ``None`` without one."""
    THREAD = "thread_id"
    """Thread (int)."""
    ENVELOPE = "envelope"
    """IMAP ENVELOPE, ready to send (bytes)."""
    BODY = "body"
    """IMAP BODY without extension data, ready to send (bytes)."""
    BODYSTRUCTURE = "bodystructure"
    """IMAP BODYSTRUCTURE, ready to send (bytes)."""
    HEADER = "header"
    """The header with its empty line (bytes)."""
    BASE_SUBJECT = "base_subject"
    """Subject without ``Re:`` and the like (str; RFC 5256 §2.1)."""
    IN_REPLY_TO = "in_reply_to"
    """The first message id there, empty without one (str)."""
    ANCESTORS = "ancestors"
    """Message ids of References, oldest first, a space between (str)."""
    MESSAGE_ID = "message_id"
    """Message-ID without brackets, empty without one (str)."""
    PREVIEW = "preview"
    """The first words of its text (str; RFC 8970)."""
    OCTETS = "octets"
    """The whole message (bytes); ``None`` above ``BLOB_CHUNK_OCTETS``: stream those."""


Fact = int | float | str | bytes | None
Row = tuple[Fact, ...]


@dataclass(frozen=True, slots=True)
class Added:
    """Messages arrived under ``uids`` (ascending)."""

    modseq: ModSeq
    mailbox_id: MailboxId
    uids: Sequence[Uid]


@dataclass(frozen=True, slots=True)
class Reflagged:
    """Messages ``uids`` have other flags now."""

    modseq: ModSeq
    mailbox_id: MailboxId
    uids: Sequence[Uid]


@dataclass(frozen=True, slots=True)
class Expunged:
    """Messages ``uids`` (ascending) are gone."""

    modseq: ModSeq
    mailbox_id: MailboxId
    uids: Sequence[Uid]


class MailboxEvent(enum.Enum):
    """What happened to a mailbox as a whole."""

    CREATED = "created"
    RENAMED = "renamed"
    REMOVED = "removed"
    SUBSCRIBED = "subscribed"
    UNSUBSCRIBED = "unsubscribed"


@dataclass(frozen=True, slots=True)
class MailboxChanged:
    """A mailbox came, went, or is called something else now."""

    modseq: ModSeq
    mailbox_id: MailboxId
    event: MailboxEvent
    name: str
    old_name: str = ""


@dataclass(frozen=True, slots=True)
class Annotated:
    """Annotations ``names`` of a mailbox, or of ``ACCOUNT``, were set or removed."""

    modseq: ModSeq
    mailbox_id: MailboxId
    names: Sequence[str]


Change = Added | Reflagged | Expunged | MailboxChanged | Annotated
Watcher = Callable[[Change], None]
"""Called on the event loop, in the order of modseqs; must not block or raise."""


class MailboxView(Protocol):
    """A mailbox in memory: parallel arrays ascending by UID, shared by its sessions.

    Arrivals extend the arrays in place; an expunge *replaces* all four: who keeps
    ``uids`` and a count shown has its sequence numbers whatever happens meanwhile.
    Read only. Kept current while somebody holds it.
    """

    @property
    def mailbox(self) -> MailboxInfo:
        """The mailbox, with current counters."""

    @property
    def uids(self) -> "array[int]":
        """UIDs, ascending (typecode ``I``)."""

    @property
    def emails(self) -> "array[int]":
        """Email ids (typecode ``Q``)."""

    @property
    def flags(self) -> "array[int]":
        """Ids of flag sets (typecode ``I``): see ``AccountStore.flags_of``."""

    @property
    def modseqs(self) -> "array[int]":
        """Modseqs (typecode ``Q``)."""

    def newer(self, since: ModSeq, start: int, end: int) -> Sequence[tuple[int, int]]:
        """Return where in [``start``, ``end``) messages newer than ``since`` may be.

        Half-open, ascending; none is outside. 0.3 ms in a mailbox of a million.
        """

    def close(self) -> None:
        """Stop using it; the last one to close frees the arrays."""


class Annotations(Protocol):
    """Named values of mailboxes, and of the account itself (``ACCOUNT``)."""

    async def read(self, mailbox_id: MailboxId) -> Mapping[str, bytes]:
        """Return every annotation of a mailbox by its name."""
        ...

    async def named(self, prefix: str) -> Mapping[MailboxId, Mapping[str, bytes]]:
        """Return the annotations whose names begin with ``prefix``, by mailbox."""
        ...

    async def write(
        self, mailbox_id: MailboxId, entries: Mapping[str, bytes | None]
    ) -> None:
        """Set annotations, all or none; ``None`` removes one.

        They go with their mailbox. Raises the errors of ``pabal.store.annotation``;
        nothing was written then.
        """
        ...


class AccountStore(Protocol):
    """The mailboxes of one account. Every method that changes returns after the fsync.

    Raises anywhere: ``StorageFullError`` (nothing was written), ``UnavailableError``.
    Methods that take a mailbox id raise ``NoSuchMailboxError``. UIDs that do not exist
    are passed over in silence.

    Attributes:
        headers: Header fields of its emails.
        keywords: What its mailboxes remember.
        turns: How often something may be done.
    """

    headers: HeaderFields
    keywords: Keywords
    turns: Turns

    @property
    def highest_modseq(self) -> ModSeq:
        """The newest change in the account."""
        ...

    async def mailboxes(self) -> Sequence[MailboxInfo]:
        """Return every mailbox, by name; INBOX is always there."""
        ...

    async def mailbox(self, name: str, *, recheck: bool = True) -> MailboxInfo:
        """Return the mailbox ``name``; unless ``recheck``, it may be gone already."""
        ...

    async def create(self, name: str, special_use: str = "") -> MailboxInfo:
        """Create a mailbox (parents come into being with it).

        Raises:
            MailboxExistsError: There is one.
            MailboxNameError: No such name can be.
        """
        ...

    async def rename(self, mailbox_id: MailboxId, name: str) -> None:
        """Give a mailbox and those below it another name.

        INBOX stays: its messages move to the new mailbox (RFC 9051 §6.3.6).
        """
        ...

    async def remove(self, mailbox_id: MailboxId) -> None:
        """Remove a mailbox and its messages; those below it stay."""
        ...

    async def subscribe(self, name: str, *, subscribed: bool) -> None:
        """Set whether clients show it by default; it may have no mailbox (any more).

        Raises:
            NoSuchMailboxError: Neither a mailbox nor a subscription has that name.
            MailboxNameError: No mailbox can have it.
            StoreError: There are too many names without a mailbox.
        """
        ...

    async def lost_subscriptions(self) -> Sequence[str]:
        """Return the names that are subscribed and no mailbox has, sorted."""
        ...

    @property
    def annotations(self) -> Annotations:
        """What clients noted about mailboxes and the account."""
        ...

    async def view(self, mailbox_id: MailboxId) -> MailboxView:
        """Return the mailbox in memory; the caller closes it."""
        ...

    def flags_of(self, flag_set: int) -> Flags:
        """Return the names in a flag set id taken from a view; ids never change."""
        ...

    async def claim_recent(self, mailbox_id: MailboxId, *, claim: bool = True) -> Uid:
        r"""Return the first UID no session was told of; the caller is, if ``claim``.

        What remains of ``\\Recent`` (RFC 3501 §2.3.2).
        """
        ...

    async def append(
        self,
        where: MailboxId | Sequence[str],
        emails: Sequence[NewEmail],
        replacing: tuple[MailboxId, Uid] | None = None,
        limits: Limits = NO_LIMITS,
    ) -> Sequence[Appended]:
        """Add messages, all or none; of normalised names, where the first is found.

        The one they replace is expunged in the same change; ``StoreError`` without it.
        ``OverQuotaError`` if the account had more than ``limits`` afterwards.
        """
        ...

    async def set_flags(
        self,
        mailbox_id: MailboxId,
        uids: Sequence[Uid],
        change: FlagChange,
        unchanged_since: ModSeq | None = None,
    ) -> FlagsSet:
        """Change flags; messages newer than ``unchanged_since`` are refused."""
        ...

    async def copy(
        self,
        mailbox_id: MailboxId,
        uids: Sequence[Uid],
        target: MailboxId,
        limits: Limits = NO_LIMITS,
    ) -> Copied:
        """Add them to ``target``, flags kept; ``OverQuotaError`` as ``append``."""
        ...

    async def move(
        self, mailbox_id: MailboxId, uids: Sequence[Uid], target: MailboxId
    ) -> Copied:
        """Copy and expunge in one change (RFC 6851 §3.3)."""
        ...

    async def expunge(
        self, mailbox_id: MailboxId, uids: Sequence[Uid]
    ) -> Sequence[Uid]:
        """Remove messages whatever their flags; return those that were there."""
        ...

    async def read(
        self, emails: Sequence[EmailId], columns: Sequence[Column]
    ) -> Sequence[Row | None]:
        """Return facts in the order of ``emails``; ``None`` for one that is gone.

        Ask for slices (a few hundred) so that memory and latency stay bounded.
        """
        ...

    async def saved_dates(
        self, mailbox_id: MailboxId, uids: Sequence[Uid]
    ) -> Sequence[float | None]:
        """Return when each came in, seconds since 1970; ``None`` for one gone."""
        ...

    def octets(
        self, email: EmailId, start: int = 0, length: int | None = None
    ) -> AsyncIterator[bytes]:
        """Yield the octets of an email in chunks; ``StoreError`` if it is gone."""
        ...

    async def search(
        self, mailbox_id: MailboxId, predicate: Predicate
    ) -> Sequence[Uid]:
        """Return the UIDs ``predicate`` holds for, ascending."""
        ...

    async def expunged_since(
        self, mailbox_id: MailboxId, modseq: ModSeq
    ) -> Sequence[Uid] | None:
        """Return UIDs expunged after ``modseq``; ``None``: too long ago to know."""
        ...

    def watch(self, watcher: Watcher) -> Callable[[], None]:
        """Call ``watcher`` with every change from now on; return how to stop it."""

    def try_lock(self, purpose: str) -> Callable[[], None] | None:
        """Take a lock across processes; return its release, ``None`` if it is taken."""
        ...


class Store(Protocol):
    """The mailboxes of every account."""

    @property
    def shares(self) -> Shares:
        """Who shares mailboxes with whom."""
        ...

    async def account(self, account_id: AccountId) -> AccountStore:
        """Return the account's mailboxes, made on first use."""

    def changed_elsewhere(self, account_id: AccountId) -> None:
        """Take note that another process changed the account: the doorbell rang."""
        ...

    async def remove(self, account_id: AccountId) -> None:
        """Remove every mailbox of the account."""
        ...

    async def close(self) -> None:
        """Finish what is being written and close everything."""
        ...
