"""What this process knows of an account: mailboxes, views, flag sets, watchers.

Lives on the event loop. Moved forward by what this process commits, and, when another
process wrote, by what is read back from the tables.
"""

from collections.abc import Callable, Sequence
from functools import partial

import apsw

from pabal.base.sqlite import errors
from pabal.store.delta import Delta
from pabal.store.feed import Feed
from pabal.store.flags import Flags
from pabal.store.flagtable import FlagTable
from pabal.store.ports import (
    Added,
    MailboxChanged,
    MailboxEvent,
    MailboxId,
    MailboxInfo,
    ModSeq,
    NoSuchMailboxError,
)
from pabal.store.sqlite.database import Database
from pabal.store.sqlite.idle import IdleArrays
from pabal.store.sqlite.ledger import load_flag_sets, load_mailboxes
from pabal.store.sqlite.reader import (
    Loaded,
    account_modseq,
    annotated_since,
    changes_since,
)
from pabal.store.view import MailboxArrays


class Mirror:
    """The account as this process sees it.

    Attributes:
        modseq: The newest change published.
        flags: Flag sets by id.
        feed: Who is told of changes.

    Args (of the constructor):
        ring: Called when this process changed something.
        arrived: Called with the number of messages this process added.
        idle: Keeps arrays nobody uses, of all accounts of the process.
    """

    __slots__ = (
        *("_arrays", "_arrived", "_boxes", "_commits", "_database"),
        *("_idle", "_pending", "_ring", "feed", "flags", "modseq"),
    )

    def __init__(
        self,
        database: Database,
        ring: Callable[[], None],
        arrived: Callable[[int], None] = lambda _: None,
        idle: IdleArrays | None = None,
    ) -> None:
        self.modseq: ModSeq = 0
        self.flags = FlagTable()
        self.feed = Feed()
        self._database = database
        self._ring = ring
        self._arrived = arrived
        self._boxes: dict[MailboxId, MailboxInfo] = {}
        self._arrays: dict[MailboxId, MailboxArrays] = {}
        self._idle = idle or IdleArrays()
        self._pending: dict[MailboxId, list[Delta]] = {}
        self._commits: list[tuple[ModSeq, Sequence[Delta]]] = []

    @property
    def is_watched(self) -> bool:
        """Whether anything here must follow what other processes write.

        If not, it is caught up with when somebody asks: a process that only delivers
        need not read what the others deliver.
        """
        return bool(len(self.feed) or self._arrays or self._pending)

    def load(self) -> None:
        """Read where things are; before anything else."""
        with errors():
            connection = self._database.reader()
            with connection:
                self.modseq = account_modseq(connection)
                self._boxes = load_mailboxes(connection, self._boxes)
            self._load_flags()

    def infos(self) -> list[MailboxInfo]:
        """Return every mailbox, by name."""
        return sorted(self._boxes.values(), key=lambda info: info.name)

    def find(self, name: str) -> MailboxInfo | None:
        """Return the mailbox called ``name`` (normalised)."""
        for info in self._boxes.values():
            if info.name == name:
                return info
        return None

    def box(self, mailbox_id: MailboxId) -> MailboxInfo:
        """Return a mailbox.

        Raises:
            NoSuchMailboxError: There is none of that id.
        """
        info = self._boxes.get(mailbox_id)
        if info is None:
            raise NoSuchMailboxError(f"no mailbox {mailbox_id}")
        return info

    def flags_of(self, flag_set: int) -> Flags:
        """Return the names in a flag set."""
        if flag_set >= len(self.flags):
            self.load_flags()
        return self.flags[flag_set]

    def load_flags(self) -> None:
        """Take in flag sets that are new; costs microseconds when none is."""
        with errors():
            self._load_flags()

    def arrays(self, mailbox_id: MailboxId) -> MailboxArrays | None:
        """Return the arrays of a mailbox if they are in memory."""
        arrays = self._arrays.get(mailbox_id)
        if arrays is not None:
            self._idle.take(arrays)
        return arrays

    def begin_load(self, mailbox_id: MailboxId) -> None:
        """Keep the changes of a mailbox from now on: its arrays are being read."""
        self._pending[mailbox_id] = []

    def cancel_load(self, mailbox_id: MailboxId) -> None:
        """Forget what ``begin_load`` kept: reading failed."""
        self._pending.pop(mailbox_id, None)

    def end_load(self, mailbox_id: MailboxId, loaded: Loaded | None) -> MailboxArrays:
        """Take in arrays and what happened while they were read.

        Raises:
            NoSuchMailboxError: The mailbox is gone.
        """
        pending = self._pending.pop(mailbox_id, [])
        if loaded is None:
            raise NoSuchMailboxError(f"no mailbox {mailbox_id}")
        known = self._arrays.get(mailbox_id)
        if known is not None:
            return known  # somebody else was faster: there must be one of each
        arrays = MailboxArrays(loaded.info, loaded.columns, loaded.peaks)
        arrays.loaded_at = loaded.modseq
        for delta in pending:
            arrays.apply(delta)
        self._arrays[mailbox_id] = arrays
        return arrays

    def free(self, arrays: MailboxArrays) -> None:
        """Nobody uses ``arrays`` now: keep them a while, within bounds."""
        mailbox_id = arrays.info.id
        if self._arrays.get(mailbox_id) is not arrays:
            return
        self._idle.keep(arrays, partial(self._arrays.pop, mailbox_id, None))

    def drop_idle(self) -> None:
        """Forget arrays nobody uses."""
        for mailbox_id, arrays in list(self._arrays.items()):
            if self._idle.take(arrays):
                del self._arrays[mailbox_id]

    def note_commit(self, before: ModSeq, deltas: Sequence[Delta]) -> None:
        """Note, on any thread, what a batch changed; ``publish`` tells it.

        No call to the event loop of its own: whoever waits for the batch wakes it.
        """
        self._commits.append((before, deltas))

    def publish(self) -> None:
        """Tell what batches of this process changed, in their order."""
        while self._commits:
            self._committed(*self._commits.pop(0))

    def _committed(self, before: ModSeq, deltas: Sequence[Delta]) -> None:
        """Publish what a batch of this process changed.

        Args:
            before: The account's modseq when the transaction began.
        """
        for delta in deltas:
            if isinstance(delta.change, Added):
                self._arrived(len(delta.change.uids))
        if before > self.modseq:
            if not self.is_watched:
                self._ring()
                return
            self.catch_up()
        known = self.modseq
        for delta in deltas:
            if delta.change.modseq > known:
                self._publish(delta)
        self._ring()

    def refresh(self) -> None:
        """Catch up if another process wrote; costs microseconds when none did."""
        self.publish()
        with errors():
            newest = account_modseq(self._database.reader())
        if newest > self.modseq:
            self.catch_up()

    def catch_up(self) -> None:
        """Publish what is in the tables and not known here."""
        with errors():
            connection = self._database.reader()
            with connection:
                modseq = account_modseq(connection)
                infos = load_mailboxes(connection, self._boxes)
                deltas = self._changes(connection, infos, modseq)
            self._load_flags()
        self._boxes = infos
        deltas.sort(key=lambda delta: delta.change.modseq)
        for delta in deltas:
            self._publish(delta)
        self.modseq = max(self.modseq, modseq)

    def _changes(
        self,
        connection: apsw.Connection,
        infos: dict[MailboxId, MailboxInfo],
        modseq: ModSeq,
    ) -> list[Delta]:
        """Return what happened since ``self.modseq``; nothing if nobody asks."""
        if not self.is_watched:
            return []
        deltas = self._box_changes(infos, modseq)
        for info in infos.values():
            if info.highest_modseq > self.modseq:
                old = self._boxes.get(info.id)
                uid_next = old.uid_next if old else 1
                deltas += changes_since(connection, info, uid_next, self.modseq)
        deltas += [
            Delta(change, infos.get(change.mailbox_id))
            for change in annotated_since(connection, self.modseq)
        ]
        return deltas

    def _box_changes(
        self, infos: dict[MailboxId, MailboxInfo], modseq: ModSeq
    ) -> list[Delta]:
        deltas = []
        for info in self._boxes.values():
            if info.id not in infos:
                change = MailboxChanged(
                    modseq, info.id, MailboxEvent.REMOVED, info.name
                )
                deltas.append(Delta(change, None))
        for info in infos.values():
            deltas += [
                Delta(MailboxChanged(modseq, info.id, event, info.name, old), info)
                for event, old in _box_events(self._boxes.get(info.id), info)
            ]
        return deltas

    def _publish(self, delta: Delta) -> None:
        change = delta.change
        mailbox_id = change.mailbox_id
        self.modseq = max(self.modseq, change.modseq)
        arrays = self._arrays.get(mailbox_id)
        if delta.info is None:
            self._boxes.pop(mailbox_id, None)
            self._arrays.pop(mailbox_id, None)
            if arrays is not None:
                self._idle.take(arrays)
        else:
            self._boxes[mailbox_id] = delta.info
        if mailbox_id in self._pending:
            self._pending[mailbox_id].append(delta)
        if arrays is not None:
            arrays.apply(delta)
        self.feed.publish(change)

    def _load_flags(self) -> None:
        for names in load_flag_sets(self._database.reader(), len(self.flags)):
            self.flags.add(names)


def _box_events(
    old: MailboxInfo | None, new: MailboxInfo
) -> list[tuple[MailboxEvent, str]]:
    """Return what happened to a mailbox between two states, each with its old name."""
    if old is None:
        return [(MailboxEvent.CREATED, "")]
    events = []
    if old.name != new.name:
        events.append((MailboxEvent.RENAMED, old.name))
    if old.subscribed != new.subscribed:
        subscribed = new.subscribed
        event = MailboxEvent.SUBSCRIBED if subscribed else MailboxEvent.UNSUBSCRIBED
        events.append((event, ""))
    return events
