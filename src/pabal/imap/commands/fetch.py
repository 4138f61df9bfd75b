r"""FETCH and UID FETCH.

Flags and UIDs come from the arrays of the mailbox, the rest from the store in slices;
after each slice the client's reading is waited for, so a client that stops costs a
bounded buffer, and other sessions have their turn.
Source: RFC 9051 §6.4.5, §7.5.2; RFC 7162 §3.1.4 (CHANGEDSINCE).
"""

from collections.abc import Sequence
from itertools import compress
from typing import Final, cast

from pabal.base.errors import UnavailableError
from pabal.imap.commands.columns import Facts, Plan
from pabal.imap.commands.context import Context
from pabal.imap.commands.large import LargeMessage
from pabal.imap.commands.selected import Batch, Selected
from pabal.imap.numbers import join, runs
from pabal.imap.wire.fetch import Attribute, Binary, Body, Fetch, Item
from pabal.imap.wire.partial import Partial
from pabal.imap.wire.response import Tagged, date_time
from pabal.imap.wire.rows import Coded
from pabal.net.ports import ConnectionLostError
from pabal.store.flags import SEEN, FlagAction, FlagChange
from pabal.store.ports import Column, Row, StoreError

ARRAY_SLICE: Final = 4_000
"""Messages answered from arrays at once: about 200 kB, 1 ms."""

FACT_SLICE_FIRST: Final = 16
"""Messages whose facts are read at once, at first: a header can have 1 MB."""

FACT_SLICE_MAX: Final = 500
"""The same once they are known to be small."""

BODY_SLICE_FIRST: Final = 8
"""Messages whose octets are read at once, at first and while they are large."""

BODY_SLICE_MAX: Final = 128
"""The same while they are small; each is at most a chunk of the store (256 KiB)."""

MODSEQ_SLICE: Final = 50_000
"""Messages whose mod-sequences are compared at once: about 2 ms."""

SLICE_OCTETS: Final = 1024 * 1024
"""Octets a slice aims at."""

GROWTH_MAX: Final = 4
"""How much longer than the last one a slice may be."""

_MARK_SEEN: Final = FlagChange(FlagAction.ADD, frozenset((SEEN,)))


async def run(context: Context, command: Fetch) -> Tagged:
    """Tell data items of messages."""
    selected = context.mailbox
    if Attribute.MODSEQ in command.items:
        context.enable_condstore()
    ranges = selected.indexes(command.messages, by_uid=command.by_uid)
    if command.partial is not None:
        ranges = part_of_ranges(ranges, command.partial)
    if command.changed_since is not None:
        ranges = await _changed(context, ranges, command.changed_since)
    fetcher = _Fetcher(context, command)
    slices = _Slices(ranges)
    while slices.left:
        batch = selected.batch(slices.take(fetcher.slice))
        fetcher.missing += slices.taken - len(batch.uids)
        await fetcher.answer(batch)
        fetcher.adapt(slices.taken)
        await context.breathe()
    if fetcher.missing and not command.by_uid:
        # RFC 5530 §3: somebody else expunged some of them.
        return Tagged(b"Some are gone", b"EXPUNGEISSUED")
    return Tagged(b"Fetch completed")


def part_of_ranges(
    ranges: Sequence[tuple[int, int]], partial: Partial
) -> list[tuple[int, int]]:
    """Return the messages of ``ranges`` PARTIAL asks for (RFC 9394 §3.3)."""
    low, high = sorted(map(abs, partial))
    if partial[0] < 0:
        size = sum(end - start for start, end in ranges)
        low, high = max(1, size - high + 1), size - low + 1
    found, before = [], 0
    for start, end in ranges:
        first, last = max(start, start + low - 1 - before), start + high - before
        if first < min(end, last):
            found.append((first, min(end, last)))
        before += end - start
    return found


async def _changed(
    context: Context, ranges: list[tuple[int, int]], since: int
) -> list[tuple[int, int]]:
    """Return the messages of ``ranges`` that may be newer than ``since``."""
    selected = context.mailbox
    found: list[tuple[int, int]] = []
    if selected.view.uids is not selected.numbers.uids:
        return ranges
    blocks = selected.view.newer
    for first, end in [part for pair in ranges for part in blocks(since, *pair)]:
        for start in range(first, end, MODSEQ_SLICE):
            if start > first:
                await context.services.pause()
            if selected.view.uids is not selected.numbers.uids:
                # Some vanished meanwhile: the indexes are of the array before.
                return ranges
            modseqs = selected.view.modseqs[start : min(end, start + MODSEQ_SLICE)]
            newer = bytes(map(since.__lt__, modseqs))
            found += [(start + low, start + high) for low, high in runs(newer)]
    return join(found)


class _Slices:
    """Ranges of indexes, taken some at a time.

    Attributes:
        left: What was not taken yet.
        taken: Messages taken last.
    """

    def __init__(self, ranges: Sequence[tuple[int, int]]) -> None:
        self.left = list(reversed(ranges))
        self.taken = 0

    def take(self, count: int) -> Sequence[tuple[int, int]]:
        """Return ranges of at most ``count`` messages."""
        found = []
        room = count
        while room and self.left:
            start, end = self.left.pop()
            cut = min(end, start + room)
            if cut < end:
                self.left.append((cut, end))
            found.append((start, cut))
            room -= cut - start
        self.taken = count - room
        return found


class _Fetcher:
    """Answers one FETCH, batch after batch.

    Attributes:
        slice: Messages to give it next.
        missing: Messages asked for that are gone.
    """

    def __init__(self, context: Context, command: Fetch) -> None:
        self._context = context
        self._selected = context.mailbox
        self._saved = Attribute.SAVEDATE in command.items
        left_out = {Attribute.SAVEDATE}
        if self._selected.manner.uid_only and not command.names_uid:
            # RFC 9586 §3.3: it is told in front, and again only if it was asked for.
            left_out.add(Attribute.UID)
        items = tuple(one for one in command.items if one not in left_out)
        # What belongs to the entry is told behind the rest, which must not be nothing.
        self._items = items or (Attribute.UID,)
        self._plan = Plan(self._items, self._selected.fetch_template)
        self._changed_since = command.changed_since
        self._marks_seen = self._selected.access.marks_seen and any(
            _marks(item) for item in command.items
        )
        self.missing = 0
        self._sent = 0
        self.slice = self._slice_max = ARRAY_SLICE
        if self._plan.reads or self._saved:
            self.slice, self._slice_max = FACT_SLICE_FIRST, FACT_SLICE_MAX
        if self._plan.bodies:
            first = BODY_SLICE_FIRST // self._plan.bodies
            self.slice, self._slice_max = max(1, first), BODY_SLICE_MAX

    async def answer(self, batch: Batch) -> None:
        """Send the responses of ``batch``."""
        if self._changed_since is not None:
            since = self._changed_since
            batch = _filtered(batch, list(map(since.__lt__, batch.modseqs)))
        if not batch.uids:
            return
        extra = None
        if self._marks_seen:
            batch, extra = await self._mark_seen(batch)
        facts = Facts()
        if self._plan.reads:
            batch, facts, extra = await self._read(batch, extra)
        if self._saved:
            extra = await self._with_dates(batch, extra)
        if self._plan.bodies:
            await self._send_bodies(batch, facts, extra)
            self._tell_fetched(batch)
        else:
            self._send(batch, facts, extra)

    def _send(self, batch: Batch, facts: Facts, extra: Sequence[bytes] | None) -> None:
        if len(batch.uids):
            octets = self._plan.responses(self._selected, batch, facts, extra)
            self._sent += len(octets)
            self._context.send(octets)

    async def _read(
        self, batch: Batch, extra: Sequence[bytes] | None
    ) -> tuple[Batch, Facts, Sequence[bytes] | None]:
        """Return what the store says of ``batch``, without what is gone."""
        here, plan, emails = self._context.here, self._plan, batch.emails
        rows: Sequence[Row | None] = ()
        if plan.columns:
            rows = await here.read(emails, plan.columns)
        found = [
            await here.headers.fields(emails, item.section.names)
            for item in plan.fields
        ]
        if plan.structures:
            found.append(await here.headers.structures(emails))
        gone = {
            at
            for column in (rows, *found)
            if None in column
            for at, fact in enumerate(column)
            if fact is None
        }
        if gone:
            kept = [at not in gone for at in range(len(emails))]
            self.missing += len(gone)
            batch, rows = _filtered(batch, kept), list(compress(rows, kept))
            found = [list(compress(column, kept)) for column in found]
            if extra is not None:
                extra = list(compress(extra, kept))
        whole = cast("list[Sequence[bytes]]", found)
        structures = whole.pop() if plan.structures else ()
        return batch, Facts(cast("Sequence[Row]", rows), whole, structures), extra

    async def _mark_seen(self, batch: Batch) -> tuple[Batch, Sequence[bytes]]:
        r"""Set ``\\Seen`` where it is not; return the batch anew and what to add.

        RFC 9051 §6.4.5: the client is told of the flags that changed on the way.
        """
        context, selected = self._context, self._selected
        seen = {
            flag_set: SEEN in context.here.flags_of(flag_set)
            for flag_set in set(batch.flags)
        }
        unseen = [
            uid
            for uid, flag_set in zip(batch.uids, batch.flags, strict=True)
            if not seen[flag_set]
        ]
        if not unseen:
            return batch, [b""] * len(batch.uids)
        done = await context.here.set_flags(
            selected.view.mailbox.id, unseen, _MARK_SEEN
        )
        selected.numbers.own_change(done.modseq, done.changed)
        # The ranges of the batch, read once more: others may have gone meanwhile.
        batch = selected.batch([(n - 1, n) for n in batch.numbers])
        template = self._addition()
        return batch, _additions(selected, batch, frozenset(unseen), template)

    async def _with_dates(
        self, batch: Batch, extra: Sequence[bytes] | None
    ) -> Sequence[bytes]:
        """Return ``extra`` with the save date of each message (RFC 8514 §4.2)."""
        dates = await self._context.here.saved_dates(
            self._selected.view.mailbox.id, batch.uids
        )
        told = [
            b" SAVEDATE " + (b"NIL" if date is None else date_time(date))
            for date in dates
        ]
        return told if extra is None else list(map(bytes.__add__, extra, told))

    def _addition(self) -> bytes:
        """Return the template of what is added where a flag changed on the way."""
        template = b""
        manner = self._selected.manner
        if (
            manner.condstore
            and not manner.uid_only
            and (Attribute.UID not in self._items)
        ):
            template += b" UID %(uid)d"
        if Attribute.FLAGS not in self._items:
            template += b" FLAGS (%(flags)b)"
        if manner.condstore and Attribute.MODSEQ not in self._items:
            # RFC 7162 §3.2.4: a flag change is told with its mod-sequence and UID.
            template += b" MODSEQ (%(modseq)d)"
        return template

    async def _send_bodies(
        self, batch: Batch, facts: Facts, extra: Sequence[bytes] | None
    ) -> None:
        """Send whole messages: small ones in bulk, large ones in pieces."""
        at = self._plan.columns.index(Column.OCTETS)
        self._sent += sum(
            len(fact) for row in facts.rows if isinstance(fact := row[at], bytes)
        )
        start = 0
        for index, row in enumerate(facts.rows):
            if row[at] is not None:
                continue
            self._send(*_slice(batch, facts, extra, start, index))
            start = index + 1
            one = _slice(batch, facts, extra, index, start)
            await self._send_large(*one)
        self._send(*_slice(batch, facts, extra, start, len(facts.rows)))

    def adapt(self, count: int) -> None:
        """Aim the next slice at ``SLICE_OCTETS`` by what ``count`` messages took."""
        if self._plan.reads:
            best = SLICE_OCTETS * count // max(1, self._sent)
            self.slice = max(1, min(self._slice_max, best, GROWTH_MAX * count))
        self._sent = 0

    async def _send_large(
        self, batch: Batch, facts: Facts, extra: Sequence[bytes] | None
    ) -> None:
        context, plan = self._context, self._plan
        rows = facts.rows
        size = rows[0][plan.columns.index(Column.SIZE)]
        header = await context.here.read(batch.emails, [Column.HEADER])
        first = header[0]
        if first is None or not isinstance(size, int):
            self.missing += 1
            return
        octets = first[0]
        head = octets if isinstance(octets, bytes) else b""
        message = LargeMessage(context, batch.emails[0], size, head)
        try:
            (name,) = self._selected.names_of(batch)
            context.send(self._selected.fetch_template % name)
            for index, item in enumerate(self._items):
                if index:
                    context.send(b" ")
                await self._send_item(item, message, batch, rows)
            context.send((extra[0] if extra else b"") + b")\r\n")
        except (StoreError, UnavailableError) as error:
            # Half a literal was sent: only a closed connection can say so.
            context.stream.abort()
            raise ConnectionLostError("a message broke off") from error
        finally:
            message.close()

    async def _send_item(
        self, item: Item, message: LargeMessage, batch: Batch, rows: Sequence[Row]
    ) -> None:
        if isinstance(item, Attribute):
            self._context.send(self._plan.one(item, self._selected, batch, rows))
        else:
            await message.send(item)

    def _tell_fetched(self, batch: Batch) -> None:
        hook = self._context.services.on_fetched
        if hook is not None and len(batch.emails):
            hook(self._selected.access.owner, batch.emails)


def _marks(item: Item) -> bool:
    r"""Return whether reading ``item`` sets ``\\Seen``."""
    if isinstance(item, Binary):
        return not item.peek and not item.size_only
    return isinstance(item, Body) and not item.peek


def _additions(
    selected: Selected, batch: Batch, changed: frozenset[int], template: bytes
) -> Sequence[bytes]:
    cells = selected.flag_cells(batch)
    if isinstance(cells, Coded):
        cells = list(map(cells.octets_of, cells.codes))
    return [
        template % {b"uid": uid, b"flags": names, b"modseq": modseq}
        if uid in changed
        else b""
        for uid, names, modseq in zip(batch.uids, cells, batch.modseqs, strict=True)
    ]


def _filtered(batch: Batch, kept: Sequence[bool]) -> Batch:
    if all(kept):
        return batch
    return Batch(*(list(compress(column, kept)) for column in batch))


def _slice(
    batch: Batch,
    facts: Facts,
    extra: Sequence[bytes] | None,
    start: int,
    end: int,
) -> tuple[Batch, Facts, Sequence[bytes] | None]:
    part = Batch(*(column[start:end] for column in batch))
    facts = facts.part(start, end)
    return part, facts, extra[start:end] if extra is not None else None
