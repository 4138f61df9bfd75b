"""SEARCH and UID SEARCH, and how results are told, for SORT as well.

Source: RFC 9051 §6.4.4, §7.3.4; RFC 4731 (ESEARCH), RFC 5182 (SEARCHRES), RFC 5267 §3
(ESORT), RFC 6203 §4 (RELEVANCY), RFC 9394 (PARTIAL).
"""

from bisect import bisect_left
from collections.abc import Sequence
from typing import Final

from pabal.imap.commands import contexts
from pabal.imap.commands.context import Context
from pabal.imap.commands.criteria import Found, find
from pabal.imap.commands.selected import SearchContext, Selected
from pabal.imap.wire.partial import Partial
from pabal.imap.wire.response import Tagged, quoted
from pabal.imap.wire.search import Return, Search
from pabal.imap.wire.sequence import format_order, format_set
from pabal.store.ports import Uid

SILENT: Final = frozenset((Return.SAVE,))
"""Options that ask for no response by themselves."""

SLICE: Final = 10_000
"""Results turned into octets at once: about 1 ms."""


async def run(context: Context, command: Search) -> Tagged:
    """Find messages."""
    keeps = Return.UPDATE in (command.returns or ())
    if keeps:
        contexts.check_tag(context)
    found = await find(context, command)
    await tell(context, command, found, found.uids)
    if keeps:
        kept = SearchContext(
            *(found.predicate, command.by_uid), set(found.uids), command.items
        )
        contexts.keep(context, kept)
    return Tagged(b"Search completed")


async def tell(
    context: Context,
    command: Search,
    found: Found,
    uids: Sequence[Uid],
    name: bytes = b"SEARCH",
) -> None:
    """Tell, and save, the results ``uids`` in their order.

    Args:
        name: Of the old response: SEARCH or SORT.
    """
    selected = context.mailbox
    returns = command.returns
    if returns is None and context.rev2 and name == b"SEARCH":
        # RFC 9051 §6.4.4: IMAP4rev2 knows the extended response only.
        returns = frozenset((Return.ALL,))
    modseq = 0
    if found.by_modseq and uids:
        # RFC 4731 §3.2: with MIN and MAX alone, of these messages alone.
        told = chosen(uids, returns or frozenset(), command.partial)
        modseq = highest_modseq(selected, told)
    if returns is not None and Return.SAVE in returns:
        selected.saved = sorted(chosen(uids, returns, command.partial))
    numbers = uids if command.by_uid else await numbers_of(context, uids)
    if returns is None:
        await _send_plain(context, name, numbers, modseq)
    elif returns - SILENT:
        response = Response(command, returns, is_sorted=name == b"SORT")
        scores = [found.score(uid) for uid in uids] if found.exact is not None else ()
        octets = response.octets(context.tag, numbers, modseq, scores)
        if len(numbers) > SLICE:
            context.send(octets)
        else:
            context.send_along(octets)
    if len(numbers) > SLICE:
        await context.breathe()


async def numbers_of(context: Context, uids: Sequence[Uid]) -> Sequence[int]:
    """Return the message numbers of ``uids``, which all have one."""
    known = context.mailbox.numbers
    array, count = known.uids, known.count
    if uids and array[count - 1] - array[0] == count - 1:
        # Nothing is gone in between: the usual mailbox.
        before = array[0] - 1
        if not before:
            return uids  # and nothing ever was: they are the numbers
        found = [uid - before for uid in uids[:SLICE]]
    else:
        before = -1
        found = [bisect_left(array, uid, 0, count) + 1 for uid in uids[:SLICE]]
    for start in range(SLICE, len(uids), SLICE):
        await context.services.pause()
        part = uids[start : start + SLICE]
        if before >= 0:
            found += [uid - before for uid in part]
        else:
            found += [bisect_left(array, uid, 0, count) + 1 for uid in part]
    return found


def highest_modseq(selected: Selected, uids: Sequence[Uid]) -> int:
    """Return the greatest modseq of ``uids``, 0 if all of them are gone."""
    view = selected.view
    at = (bisect_left(view.uids, uid) for uid in uids)
    return max(
        (
            view.modseqs[index]
            for index, uid in zip(at, uids, strict=True)
            if index < len(view.uids) and view.uids[index] == uid
        ),
        default=0,
    )


def chosen(
    uids: Sequence[Uid], returns: frozenset[Return], partial: Partial | None
) -> Sequence[Uid]:
    """Return what ``$`` is from now on (RFC 5182 §2.1, RFC 9394 §3.2)."""
    if not uids or returns & {Return.ALL, Return.COUNT}:
        return uids
    some = dict.fromkeys(part_of(uids, partial) if partial else ())
    if Return.MIN in returns:
        some[uids[0]] = None
    if Return.MAX in returns:
        some[uids[-1]] = None
    if not some and not partial:
        return uids
    return list(some)


def part_of(results: Sequence[int], partial: Partial) -> Sequence[int]:
    """Return the results PARTIAL asks for, in their order."""
    low, high = sorted(map(abs, partial))
    if partial[0] > 0:
        return results[low - 1 : high]
    size = len(results)
    return results[max(0, size - high) : max(0, size - low + 1)]


async def _send_plain(
    context: Context, name: bytes, numbers: Sequence[int], modseq: int
) -> None:
    """Send the SEARCH or SORT response (RFC 3501 §7.2.5, RFC 5256 §4)."""
    end = b" (MODSEQ %d)\r\n" % modseq if modseq else b"\r\n"
    if len(numbers) <= SLICE:
        context.send_along(b"* %b%b%b" % (name, _spaced(numbers), end))
        return
    context.send(b"* " + name)
    for start in range(0, len(numbers), SLICE):
        context.send(_spaced(numbers[start : start + SLICE]))
        await context.breathe()
    context.send(end)


def _spaced(numbers: Sequence[int]) -> bytes:
    """Return numbers in decimal, a space before each."""
    if not numbers:
        return b""
    # A third of the time of formatting one by one.
    return ((" %d" * len(numbers)) % tuple(numbers)).encode("ascii")


class Response:
    """Renders the ESEARCH response (RFC 9051 §7.3.4).

    Args (of the constructor):
        is_sorted: Whether results keep their order: ranges ascend (RFC 5267 §3.2).
        where: More correlators: which mailbox (RFC 7377 §2.1).
    """

    def __init__(
        self,
        command: Search,
        returns: frozenset[Return],
        *,
        is_sorted: bool,
        where: bytes = b"",
    ) -> None:
        self._where = where
        self._command = command
        self._returns = returns
        self._is_sorted = is_sorted

    def octets(
        self, tag: bytes, numbers: Sequence[int], modseq: int, scores: Sequence[int]
    ) -> bytes:
        """Return the response; ``scores`` are those of ``numbers``."""
        returns = self._returns
        parts = [b"* ESEARCH (TAG %b%b)" % (quoted(tag), self._where)]
        if self._command.by_uid:
            parts.append(b"UID")
        if numbers:
            if Return.MIN in returns:
                parts.append(b"MIN %d" % numbers[0])
            if Return.MAX in returns:
                parts.append(b"MAX %d" % numbers[-1])
            if Return.ALL in returns:
                parts.append(b"ALL " + self._set(numbers))
        if Return.COUNT in returns:
            parts.append(b"COUNT %d" % len(numbers))
        if self._command.partial is not None:
            part = part_of(numbers, self._command.partial)
            scores = part_of(scores, self._command.partial)
            first, last = self._command.partial
            told = self._set(part) if part else b"NIL"
            parts.append(b"PARTIAL (%d:%d %b)" % (first, last, told))
        if modseq:
            parts.append(b"MODSEQ %d" % modseq)
        if Return.RELEVANCY in returns:
            parts.append(b"RELEVANCY (%b)" % b" ".join(map(b"%d".__mod__, scores)))
        return b" ".join(parts) + b"\r\n"

    def _set(self, numbers: Sequence[int]) -> bytes:
        if self._is_sorted:
            return format_order(numbers)
        return format_set(numbers)
