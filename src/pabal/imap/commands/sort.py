"""SORT and UID SORT, THREAD and UID THREAD: from facts the store keeps.

Source: RFC 5256 §3; RFC 5957 (DISPLAYFROM, DISPLAYTO), RFC 6203 §6 (RELEVANCY),
RFC 5255 §4.2 (the comparator).
"""

import heapq
import re
from collections.abc import Callable, Sequence
from functools import partial
from types import MappingProxyType
from typing import Final

from pabal.imap.addresses import CC, FROM, TO, first_address, subject_of
from pabal.imap.collation import collated
from pabal.imap.commands import contexts
from pabal.imap.commands.context import Context, Progress
from pabal.imap.commands.criteria import Found, find
from pabal.imap.commands.refusal import bad
from pabal.imap.commands.search import numbers_of, tell
from pabal.imap.commands.selected import SearchContext
from pabal.imap.conversations import ALGORITHMS, Letter, rendered
from pabal.imap.numbers import join
from pabal.imap.wire.response import Tagged
from pabal.imap.wire.search import Return
from pabal.imap.wire.sequence import index_ranges, ranges_of
from pabal.imap.wire.sort import Criterion, Sort, SortBy, Thread
from pabal.message.charset import decode
from pabal.store.ports import Column, Row, Uid

SLICE: Final = 500
"""Messages whose facts are read at once: about 1 ms."""

RUN: Final = 4_000
"""Messages sorted in one go: about 2 ms."""

SortKey = str | float

_REPLY: Final = re.compile(
    r"\A(?:\[[^\[\]]*\] ?)*(?:re|fwd?) ?(?:\[[^\[\]]*\] ?)?:|\A\[fwd:|\(fwd\)\Z",
    re.IGNORECASE,
)
"""What makes a subject that of a reply or a forward (RFC 5256 §3)."""

_THREADED_BY: Final = (
    *(Column.SENT, Column.RECEIVED, Column.BASE_SUBJECT, Column.ENVELOPE),
    *(Column.MESSAGE_ID, Column.IN_REPLY_TO, Column.ANCESTORS),
)


async def run(context: Context, command: Sort) -> Tagged:
    """Find messages and tell them in an order."""
    found = await find(context, command.search)
    by = {criterion.by for criterion in command.criteria}
    if SortBy.RELEVANCY in by and found.exact is None:
        # RFC 6203 §6: the criterion MUST NOT be used without FUZZY.
        raise bad("RELEVANCY needs FUZZY")
    keeps = Return.UPDATE in (command.search.returns or ())
    if keeps:
        contexts.check_tag(context)
    arrange = partial(_arranged, context, command, found)
    with context.dialogue.in_progress() as progress:
        uids = await arrange(found.uids, progress)
    await tell(context, command.search, found, uids, b"SORT")
    if keeps and SortBy.RELEVANCY in by:
        # How well a message fits is not known of those that come later.
        contexts.refuse(context)
    elif keeps:
        search = command.search
        kept = SearchContext(
            *(found.predicate, search.by_uid, set(uids), search.items),
            *(arrange, list(uids)),
        )
        contexts.keep(context, kept)
    return Tagged(b"Sort completed")


async def _arranged(
    context: Context,
    command: Sort,
    found: Found,
    uids: Sequence[Uid],
    progress: Progress | None = None,
) -> Sequence[Uid]:
    """Return ``uids`` in the order asked for, without those that are gone."""
    criteria = command.criteria
    needed = (one for criterion in criteria for one in _COLUMNS[criterion.by])
    columns = list(dict.fromkeys(needed))
    uids, rows = await _facts(context, uids, columns, progress or Progress())

    def order() -> Sequence[int]:
        keys = [_keys(criterion, columns, rows, found, uids) for criterion in criteria]
        return _order(criteria, keys)

    # Of many messages both take longer than a turn.
    return [uids[at] for at in await context.services.offload(order)]


async def thread(context: Context, command: Thread) -> Tagged:
    """Find messages and tell which belong together."""
    found = await find(context, command.search)
    with context.dialogue.in_progress() as progress:
        uids, rows = await _facts(context, found.uids, _THREADED_BY, progress)
        numbers = uids
        if not command.search.by_uid:
            numbers = await numbers_of(context, uids)
        octets = await context.services.offload(
            partial(_threads, command.algorithm, numbers, rows)
        )
    context.send(b"* THREAD %b\r\n" % octets if octets else b"* THREAD\r\n")
    await context.breathe()
    return Tagged(b"Thread completed")


async def _facts(
    context: Context,
    uids: Sequence[Uid],
    columns: Sequence[Column],
    progress: Progress,
) -> tuple[Sequence[Uid], list[Row]]:
    """Return facts of messages, and the UIDs of those that are there still."""
    if not columns:
        return uids, [()] * len(uids)
    selected = context.mailbox
    known = selected.numbers
    ranges = join(index_ranges(known.uids, known.count, ranges_of(uids)))
    there: list[Uid] = []
    rows: list[Row] = []
    progress.goal = len(uids)
    for batch in selected.batches(ranges, SLICE):
        facts = await context.here.read(batch.emails, columns)
        for uid, row in zip(batch.uids, facts, strict=True):
            if row is not None:
                there.append(uid)
                rows.append(row)
        progress.done += len(batch.uids)
        await context.services.pause()
    return there, rows


def _order(
    criteria: Sequence[Criterion], keys: Sequence[Sequence[SortKey]]
) -> Sequence[int]:
    """Return positions in order, by the last criterion first: each sort is stable."""
    order: Sequence[int] = range(len(keys[0]))
    for criterion, column in reversed(list(zip(criteria, keys, strict=True))):
        order = _sorted(order, column.__getitem__, reverse=criterion.reverse)
    return order


def _sorted(
    order: Sequence[int], key: Callable[[int], SortKey], *, reverse: bool
) -> Sequence[int]:
    """Return ``order`` sorted; in runs, since one long sort lets nobody else run."""
    runs = [
        sorted(order[start : start + RUN], key=key, reverse=reverse)
        for start in range(0, len(order), RUN)
    ]
    if len(runs) == 1:
        return runs[0]
    return list(heapq.merge(*runs, key=key, reverse=reverse))


def _keys(
    criterion: Criterion,
    columns: Sequence[Column],
    rows: Sequence[Row],
    found: Found,
    uids: Sequence[Uid],
) -> Sequence[SortKey]:
    """Return what each message is sorted by."""
    if criterion.by is SortBy.RELEVANCY:
        # RFC 6203 §6: the most relevant first.
        return [-found.score(uid) for uid in uids]
    at = [columns.index(one) for one in _COLUMNS[criterion.by]]
    key = _KEY[criterion.by]
    if len(at) == 1:
        return [key((row[at[0]],)) for row in rows]
    return [key((row[at[0]], row[at[1]])) for row in rows]


def _number(row: Row) -> float:
    """Return the first number there is: a Date, else the INTERNALDATE (§2.2)."""
    for value in row:
        if isinstance(value, (int, float)):
            return value
    return 0.0


def _subject(row: Row) -> str:
    return collated(row[0]) if isinstance(row[0], str) else ""


def _mailbox(row: Row, place: int) -> str:
    octets = row[0] if isinstance(row[0], bytes) else b""
    return collated(decode(first_address(octets, place).mailbox))


def _display(row: Row, place: int) -> str:
    octets = row[0] if isinstance(row[0], bytes) else b""
    return collated(first_address(octets, place).display)


_KEY: Final = MappingProxyType[SortBy, Callable[[Row], SortKey]](
    {
        SortBy.ARRIVAL: _number,
        SortBy.CC: partial(_mailbox, place=CC),
        SortBy.DATE: _number,
        SortBy.DISPLAYFROM: partial(_display, place=FROM),
        SortBy.DISPLAYTO: partial(_display, place=TO),
        SortBy.FROM: partial(_mailbox, place=FROM),
        SortBy.SIZE: _number,
        SortBy.SUBJECT: _subject,
        SortBy.TO: partial(_mailbox, place=TO),
    }
)

_COLUMNS: Final = MappingProxyType[SortBy, tuple[Column, ...]](
    {
        SortBy.ARRIVAL: (Column.RECEIVED,),
        SortBy.CC: (Column.ENVELOPE,),
        SortBy.DATE: (Column.SENT, Column.RECEIVED),
        SortBy.DISPLAYFROM: (Column.ENVELOPE,),
        SortBy.DISPLAYTO: (Column.ENVELOPE,),
        SortBy.FROM: (Column.ENVELOPE,),
        SortBy.RELEVANCY: (),
        SortBy.SIZE: (Column.SIZE,),
        SortBy.SUBJECT: (Column.BASE_SUBJECT,),
        SortBy.TO: (Column.ENVELOPE,),
    }
)


def _threads(algorithm: bytes, numbers: Sequence[int], rows: Sequence[Row]) -> bytes:
    letters = [_letter(number, row) for number, row in zip(numbers, rows, strict=True)]
    return rendered(ALGORITHMS[algorithm](letters))


def _letter(number: int, row: Row) -> Letter:
    _, _, base, envelope, message_id, in_reply_to, ancestors = row
    references = str(ancestors).split() or ([str(in_reply_to)] if in_reply_to else [])
    subject = str(base)
    written = subject_of(envelope) if isinstance(envelope, bytes) else ""
    is_reply = _REPLY.search(" ".join(written.split())) is not None
    return Letter(
        *(number, _number(row), collated(subject)),
        *(is_reply, str(message_id), references),
    )
