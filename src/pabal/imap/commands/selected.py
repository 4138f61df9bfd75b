"""A selected mailbox: what its session shows of it, in batches.

Sans-IO.
Source: RFC 9051 §6.3.2, §7.4.1, §7.5.1; RFC 7162 §3.1 (MODSEQ).
"""

from array import array
from bisect import bisect_left, bisect_right
from collections.abc import Awaitable, Callable, Hashable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Final, NamedTuple

from pabal.imap.commands.flag_names import FlagNames
from pabal.imap.numbers import Numbers
from pabal.imap.wire.fetch import Item
from pabal.imap.wire.rows import Cells, Coded, Rows
from pabal.imap.wire.sequence import SequenceSet, format_set
from pabal.store.acl import ALL_RIGHTS, PREFIX, Rights, scope
from pabal.store.flags import FlagScope
from pabal.store.ports import (
    AccountId,
    AccountStore,
    Added,
    Annotated,
    Change,
    Expunged,
    MailboxChanged,
    MailboxEvent,
    MailboxView,
    Reflagged,
    Uid,
)
from pabal.store.predicate import Predicate

_WRITING: Final = frozenset("ieswt")
"""Rights any of which makes a mailbox more than readable (RFC 4314 §5.2)."""


class Batch(NamedTuple):
    """Messages that are still there, column by column.

    Attributes:
        numbers: Message sequence numbers.
        uids: UIDs.
        emails: Email ids.
        flags: Ids of flag sets.
        modseqs: Modseqs.
    """

    numbers: Sequence[int]
    uids: Sequence[int]
    emails: Sequence[int]
    flags: Sequence[int]
    modseqs: Sequence[int]


Arrange = Callable[[Sequence[Uid]], Awaitable[Sequence[Uid]]]
"""Returns ascending UIDs in another order, without those that are gone."""


@dataclass(slots=True)
class SearchContext:
    """A search whose results are kept current (RFC 5267 §4.3).

    Attributes:
        predicate: What is looked for.
        by_uid: Whether results are told by UID.
        results: UIDs the client was told of.
        items: What is told of new messages among them.
        arrange: Puts UIDs into the order of a SORT; ``None``: mailbox order.
        order: Results in that order.
    """

    predicate: Predicate
    by_uid: bool
    results: set[Uid]
    items: tuple[Item, ...] = ()
    arrange: Arrange | None = None
    order: list[Uid] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class LastSearch:
    """What a session looked for last, and found.

    Programs ask again: what is unseen, every minute; the next page of the same search
    (RFC 9394 §3.1).

    Attributes:
        predicate: What was looked for.
        modseq: Of the mailbox before it was looked through: nothing changed while it
            has this one.
        uids: What was found, ascending.
    """

    predicate: Predicate
    modseq: int
    uids: "array[int]"


@dataclass(slots=True)
class SearchContexts:
    """Searches kept current.

    Attributes:
        kept: By the tags of their commands.
        touched: UIDs that came or changed and were not looked at for them. No set: an
            empty one costs 200 octets, and thousands of connections have one.
        last: The last one, if it found few.
        batches: What UIDBATCHES was asked, and the last UID and the count then.
    """

    kept: dict[bytes, SearchContext] = field(default_factory=dict)
    touched: dict[Uid, None] = field(default_factory=dict)
    last: LastSearch | None = None
    batches: dict[Hashable, tuple[Uid, int]] = field(default_factory=dict)


@dataclass(slots=True)
class Manner:
    """How messages are told to a client.

    Attributes:
        condstore: Whether flag changes are told with their MODSEQ.
        vanished: Whether expunged messages are told by UID (RFC 7162 §3.2.10.2).
        uid_only: Whether messages are told by UID alone (RFC 9586 §3.3).
    """

    condstore: bool = False
    vanished: bool = False
    uid_only: bool = False


@dataclass(slots=True)
class Access:
    """Whose mailbox is selected, and what the client may do with it.

    Attributes:
        account: The mailboxes it is among.
        owner: Whose they are.
        rights: What the client may do.
        examined: Whether it was opened for reading only.
        name: What the client calls it, where that is not what its owner does.
        stale: Whether the rights may be others by now.
    """

    account: AccountStore
    owner: AccountId
    rights: Rights = ALL_RIGHTS
    examined: bool = False
    name: str = ""
    stale: bool = False

    @property
    def scope(self) -> FlagScope:
        """The flags the client may change."""
        return FlagScope(0) if self.examined else scope(self.rights)

    @property
    def marks_seen(self) -> bool:
        """Whether what the client reads is seen from then on."""
        return FlagScope.SEEN in self.scope


@dataclass(slots=True)
class Recent:
    r"""Messages that are ``\\Recent`` in a session, and in no other (RFC 3501 §2.3.2).

    Attributes:
        ranges: Their UIDs, ascending, first and last.
        told: Whether the client is told: not in IMAP4rev2.
        claimed: UIDs the session is the first one told of, and was not told yet.
    """

    ranges: list[tuple[Uid, Uid]] = field(default_factory=list)
    told: bool = False
    claimed: list[tuple[Uid, Uid]] = field(default_factory=list)

    def claim(self, first: Uid, last: Uid) -> None:
        """Note that nobody was told of the messages from ``first`` to ``last``."""
        if first <= last:
            self.claimed.append((first, last))

    def grow(self, known: Uid) -> None:
        """Take in what is claimed of the messages up to ``known``: they are told."""
        while self.claimed and self.claimed[0][1] <= known:
            first, last = self.claimed.pop(0)
            if self.ranges and self.ranges[-1][1] == first - 1:
                first = self.ranges.pop()[0]
            self.ranges.append((first, last))

    def holds(self, uid: Uid) -> bool:
        """Whether a message is recent."""
        return any(first <= uid <= last for first, last in self.ranges)


class Selected:
    r"""The mailbox a session has selected.

    Attributes:
        view: The mailbox in memory.
        numbers: What the client knows of it.
        access: Whose it is, and what the client may do.
        recency: What is ``\\Recent`` in this session.
        saved: UIDs of the saved search result, ``$``.
        names: How its flags are written.
        removed: Whether somebody deleted the mailbox meanwhile.
        manner: How its messages are told.
        contexts: Searches kept current.
    """

    __slots__ = (
        *("_on_change", "_stop", "access", "contexts", "manner", "names"),
        *("numbers", "recency", "removed", "saved", "view"),
    )

    def __init__(
        self,
        access: Access,
        view: MailboxView,
        on_change: Callable[[], None],
    ) -> None:
        self.access = access
        self.view = view
        self.numbers = Numbers(view)
        self.recency = Recent()
        self.saved: Sequence[Uid] = ()
        self.manner = Manner()
        self.contexts = SearchContexts()
        self.removed = False
        self.names = FlagNames(access.account.flags_of, access.scope)
        self._on_change = on_change
        self._stop = access.account.watch(self._changed)

    def close(self) -> None:
        """Let go of the mailbox."""
        self._stop()
        self.view.close()

    @property
    def read_only(self) -> bool:
        """Whether nothing can be changed (RFC 4314 §5.2)."""
        return self.access.examined or not self.access.rights & _WRITING

    def change_rights(self, rights: Rights) -> None:
        """Let the client do what it may now."""
        self.access.rights = rights
        self.names.scope = self.access.scope

    def _changed(self, change: Change) -> None:
        if change.mailbox_id != self.view.mailbox.id:
            return
        if isinstance(change, Annotated):
            if any(name.startswith(PREFIX) for name in change.names):
                self.access.stale = True
                self._on_change()
            return
        if self.contexts.kept and isinstance(change, Added | Reflagged):
            self.contexts.touched.update(dict.fromkeys(change.uids))
        if isinstance(change, Reflagged):
            self.numbers.note_flags(change.modseq, change.uids)
        elif isinstance(change, Expunged) and self.saved:
            gone = set(change.uids)
            self.saved = [uid for uid in self.saved if uid not in gone]
        elif isinstance(change, MailboxChanged):
            self.removed = self.removed or change.event is MailboxEvent.REMOVED
        self._on_change()

    def indexes(self, messages: SequenceSet, *, by_uid: bool) -> list[tuple[int, int]]:
        """Return which messages a client means, as ranges of indexes.

        Raises:
            NumberError: A message number is too large.
        """
        return self.numbers.indexes(messages, self.saved, by_uid=by_uid)

    def uids(self, ranges: Sequence[tuple[int, int]]) -> "array[int]":
        """Return the UIDs of index ``ranges``."""
        known = self.numbers.uids
        found = array("I")
        for start, end in ranges:
            found += known[start:end]
        return found

    def batches(self, ranges: Sequence[tuple[int, int]], size: int) -> Iterator[Batch]:
        """Yield the messages of index ``ranges``, at most ``size`` at once.

        Each batch is read when it is asked for: it has what holds then, and nothing
        of what was expunged meanwhile.
        """
        waiting: list[tuple[int, int]] = []
        room = size
        for first, end in ranges:
            start = first
            while start < end:
                cut = min(end, start + room)
                waiting.append((start, cut))
                room -= cut - start
                start = cut
                if not room:
                    yield self.batch(waiting)
                    waiting, room = [], size
        if waiting:
            yield self.batch(waiting)

    def batch(self, ranges: Sequence[tuple[int, int]]) -> Batch:
        """Return the messages of index ``ranges`` as they are now."""
        if self.view.uids is not self.numbers.uids:
            return self._moved_batch(ranges)
        view = self.view
        if len(ranges) == 1:
            start, end = ranges[0]
            return Batch(
                range(start + 1, end + 1),
                view.uids[start:end],
                view.emails[start:end],
                view.flags[start:end],
                view.modseqs[start:end],
            )
        at = [index for start, end in ranges for index in range(start, end)]
        return self._pick([index + 1 for index in at], at)

    def _moved_batch(self, ranges: Sequence[tuple[int, int]]) -> Batch:
        """Return a batch while messages were expunged that the client counts still."""
        current, known = self.view.uids, self.numbers.uids
        numbers, at = [], []
        for start, end in ranges:
            for index in range(start, end):
                uid = known[index]
                position = bisect_left(current, uid)
                if position < len(current) and current[position] == uid:
                    numbers.append(index + 1)
                    at.append(position)
        return self._pick(numbers, at)

    def _pick(self, numbers: list[int], at: list[int]) -> Batch:
        view = self.view
        return Batch(
            numbers,
            [view.uids[index] for index in at],
            [view.emails[index] for index in at],
            [view.flags[index] for index in at],
            [view.modseqs[index] for index in at],
        )

    def flag_cells(self, batch: Batch) -> Coded | list[bytes]:
        """Return each message's flags side by side, ready for the wire."""
        flags, uids, ranges = batch.flags, batch.uids, self.recency.ranges
        names, recent = self.names.octets, self.names.recent_octets
        if not ranges or not len(uids) or uids[-1] < ranges[0][0]:
            return Coded(flags, names)
        if ranges[0][0] <= uids[0] and uids[-1] <= ranges[0][1]:
            return Coded(flags, recent)
        holds = self.recency.holds
        return [
            recent(flag_set) if holds(uid) else names(flag_set)
            for flag_set, uid in zip(flags, uids, strict=True)
        ]

    @property
    def recent_count(self) -> int:
        """How many messages the client knows of are recent."""
        numbers = self.numbers
        ends = (numbers.uids, 0, numbers.count)
        return sum(
            bisect_right(ends[0], last, *ends[1:])
            - bisect_left(ends[0], first, *ends[1:])
            for first, last in self.recency.ranges
        )

    def flag_responses(self, batch: Batch, *, uid: bool = True) -> bytes:
        """Return a FETCH response with the flags of each message of ``batch``.

        Args:
            uid: Whether the UID is told in any case: not for STORE of IMAP4rev1.
        """
        columns: list[Cells] = [self.names_of(batch)]
        template = self.fetch_template
        if not self.manner.uid_only and (uid or self.manner.condstore):
            # RFC 7162 §3.2.4: mod-sequence and UID go together.
            template += b"UID %i "
            columns.append(batch.uids)
        template += b"FLAGS (%b)"
        columns.append(self.flag_cells(batch))
        if self.manner.condstore:
            template += b" MODSEQ (%d)"
            columns.append(batch.modseqs)
        told = Rows(template + b")\r\n").octets(len(batch.uids), columns)
        return self.names.news() + told

    @property
    def fetch_template(self) -> bytes:
        """How a FETCH response begins; ``names_of`` is what goes into its place."""
        return b"* %i UIDFETCH (" if self.manner.uid_only else b"* %i FETCH ("

    def names_of(self, batch: Batch) -> Sequence[int]:
        """Return what a client calls the messages of ``batch``."""
        return batch.uids if self.manner.uid_only else batch.numbers

    def updates(self, *, expunges: bool, flags: bool = True) -> bytes:
        """Return what the client is to be told now so that it has caught up.

        But for flags that changed, if they are many: see ``Numbers.reflagged``.
        RFC 9051 §7.5.1: ``expunges`` only where message numbers may change.
        RFC 5465 §5: ``flags`` only where the client wants to know.
        """
        if not self.numbers.behind:
            return b""
        advance = self.numbers.advance(expunges=expunges)
        if self.manner.vanished and advance.gone_uids:
            parts = [b"* VANISHED %b\r\n" % format_set(advance.gone_uids)]
        else:
            lines = b"* %d EXPUNGE\r\n" * len(advance.gone)
            parts = [lines % (*advance.gone,)]
        if advance.exists is not None:
            parts.append(b"* %d EXISTS\r\n" % advance.exists)
            if self.recency.told:
                self.recency.grow(self.numbers.last_uid)
                parts.append(b"* %d RECENT\r\n" % self.recent_count)
        if advance.reflagged and flags:
            parts.append(self.flag_responses(self.batch(advance.reflagged)))
        return b"".join(parts)
