"""SEARCH and UID SEARCH: the grammar becomes a predicate, UIDs become numbers.

Source: RFC 9051 §6.4.4, §7.3.4; RFC 4731 (ESEARCH), RFC 5182 (SEARCHRES), RFC 7162
§3.1.5 (MODSEQ), RFC 8474 (EMAILID, THREADID).
"""

import math
from bisect import bisect_left
from collections.abc import Sequence
from typing import Final

from pabal.imap.commands.context import Context
from pabal.imap.commands.refusal import RefusedError
from pabal.imap.commands.selected import Selected
from pabal.imap.wire import search as keys
from pabal.imap.wire.grammar import day_start
from pabal.imap.wire.response import Tagged, quoted
from pabal.imap.wire.search import Recency, Return, Search
from pabal.imap.wire.sequence import SequenceSet, format_set
from pabal.message.charset import codec_of, decode
from pabal.store import predicate as found_by
from pabal.store.flags import SEEN
from pabal.store.ports import Uid

CHARSETS: Final = (b"US-ASCII", b"UTF-8", b"EUC-KR", b"ISO-8859-1", b"ISO-2022-JP")
"""What is named in BADCHARSET; every label in ``pabal.message.charset`` works."""

SLICE: Final = 10_000
"""Results turned into octets at once: about 2 ms."""

DATE_END: Final = math.inf


async def run(context: Context, command: Search) -> Tagged:
    """Find messages."""
    selected = context.mailbox
    returns = command.returns
    if returns is None and context.rev2:
        # RFC 9051 §6.4.4: IMAP4rev2 knows the extended response only.
        returns = frozenset((Return.ALL,))
    charset = _charset(command, selected)
    by_modseq = _mentions_modseq(command.key)
    if by_modseq:
        context.enable_condstore()
    wanted = _Predicates(selected, charset).of(command.key)
    account = context.mailboxes
    uids = await account.search(selected.view.mailbox.id, wanted)
    uids = _known(selected, uids)
    modseq = 0
    if by_modseq and uids:
        # RFC 4731 §3.2: with MIN and MAX alone, of these messages alone.
        told = _to_save(uids, returns or frozenset())
        modseq = _highest_modseq(selected, told)
    if returns is not None and Return.SAVE in returns:
        selected.saved = _to_save(uids, returns)
    numbers = uids if command.by_uid else await _numbers(context, uids)
    if returns is None:
        await _send_plain(context, numbers, modseq)
    elif returns != {Return.SAVE}:
        context.send(_extended(context, command, returns, (numbers, modseq)))
    await context.breathe()
    return Tagged(b"Search completed")


def _charset(command: Search, selected: Selected) -> str:
    """Return the charset of the strings.

    Raises:
        RefusedError: Nobody knows it.
    """
    if not command.charset:
        return "utf-8"
    label = command.charset.decode("ascii", "replace")
    # Strings of a multi-octet charset like UTF-16 hold NULs, which nothing can send.
    codec = codec_of(label)
    if codec is None or codec.startswith("utf-16"):
        if command.returns and Return.SAVE in command.returns:
            # RFC 5182 §2.1: a search that ends in NO leaves nothing saved.
            selected.saved = ()
        names = b" ".join(CHARSETS)
        raise RefusedError("The charset is unknown", b"BADCHARSET (%b)" % names)
    return codec


def _known(selected: Selected, uids: Sequence[Uid]) -> Sequence[Uid]:
    """Return the UIDs that the client was told of: others have no number."""
    last = selected.numbers.last_uid
    if uids and uids[-1] > last:
        return uids[: bisect_left(uids, last + 1)]
    return uids


async def _numbers(context: Context, uids: Sequence[Uid]) -> Sequence[int]:
    """Return the message numbers of ``uids``, which all have one."""
    known = context.mailbox.numbers
    if len(uids) == known.count:
        return range(1, known.count + 1)
    array, count = known.uids, known.count
    found: list[int] = []
    for start in range(0, len(uids), SLICE):
        part = uids[start : start + SLICE]
        found += [bisect_left(array, uid, 0, count) + 1 for uid in part]
        await context.services.pause()
    return found


def _highest_modseq(selected: Selected, uids: Sequence[Uid]) -> int:
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


def _to_save(uids: Sequence[Uid], returns: frozenset[Return]) -> Sequence[Uid]:
    """Return what ``$`` is from now on (RFC 5182 §2.1, RFC 9051 §6.4.4.1)."""
    if not uids or returns & {Return.ALL, Return.COUNT}:
        return uids
    saved = []
    if Return.MIN in returns:
        saved.append(uids[0])
    if Return.MAX in returns and uids[-1] not in saved:
        saved.append(uids[-1])
    return saved or uids


async def _send_plain(context: Context, numbers: Sequence[int], modseq: int) -> None:
    """Send the SEARCH response of IMAP4rev1 (RFC 3501 §7.2.5)."""
    context.send(b"* SEARCH")
    for start in range(0, len(numbers), SLICE):
        part = numbers[start : start + SLICE]
        context.send(b"".join(map(b" %d".__mod__, part)))
        await context.breathe()
    context.send(b" (MODSEQ %d)\r\n" % modseq if modseq else b"\r\n")


def _extended(
    context: Context,
    command: Search,
    returns: frozenset[Return],
    found: tuple[Sequence[int], int],
) -> bytes:
    """Return the ESEARCH response (RFC 9051 §7.3.4)."""
    numbers, modseq = found
    parts = [b"* ESEARCH (TAG %b)" % quoted(context.tag)]
    if command.by_uid:
        parts.append(b"UID")
    if numbers:
        if Return.MIN in returns:
            parts.append(b"MIN %d" % numbers[0])
        if Return.MAX in returns:
            parts.append(b"MAX %d" % numbers[-1])
        if Return.ALL in returns:
            parts.append(b"ALL " + format_set(numbers))
    if Return.COUNT in returns:
        parts.append(b"COUNT %d" % len(numbers))
    if modseq:
        parts.append(b"MODSEQ %d" % modseq)
    return b" ".join(parts) + b"\r\n"


def _mentions_modseq(key: keys.Key) -> bool:
    if isinstance(key, keys.KeyModseq):
        return True
    if isinstance(key, keys.KeyAnd):
        return any(map(_mentions_modseq, key.inner))
    if isinstance(key, keys.KeyOr):
        return _mentions_modseq(key.left) or _mentions_modseq(key.right)
    return isinstance(key, keys.KeyNot) and _mentions_modseq(key.inner)


class _Predicates:
    """Turns search keys into predicates of the store."""

    def __init__(self, selected: Selected, charset: str) -> None:
        self._selected = selected
        self._charset = charset

    def of(self, key: keys.Key) -> found_by.Predicate:
        match key:
            case keys.KeyAnd(inner):
                if len(inner) == 1:
                    return self.of(inner[0])
                return found_by.All([self.of(one) for one in inner])
            case keys.KeyOr(left, right):
                return found_by.Any([self.of(left), self.of(right)])
            case keys.KeyNot(inner):
                return found_by.Not(self.of(inner))
            case _:
                return self._simple(key)

    def _simple(self, key: keys.Key) -> found_by.Predicate:
        match key:
            case keys.KeyFlag(name, is_set):
                has = found_by.HasFlag(name)
                return has if is_set else found_by.Not(has)
            case keys.KeyRecent(what):
                return self._recent(what)
            case keys.KeyNumbers(messages, by_uid):
                return self._numbers(messages, by_uid=by_uid)
            case keys.KeyText(where, octets):
                return found_by.Contains(where, decode(octets, self._charset))
            case keys.KeyHeader(name, octets):
                field = name.decode("latin-1")
                needle = decode(octets, self._charset)
                return found_by.HeaderContains(field, needle)
            case _:
                return _constant(key)

    def _recent(self, what: Recency) -> found_by.Predicate:
        recent = self._selected.recent
        ranges = [(recent.start, recent.stop - 1)] if recent else []
        is_recent = found_by.UidsIn(ranges)
        if what is Recency.OLD:
            return found_by.Not(is_recent)
        if what is Recency.RECENT:
            return is_recent
        return found_by.All([is_recent, found_by.Not(found_by.HasFlag(SEEN))])

    def _numbers(self, messages: SequenceSet, *, by_uid: bool) -> found_by.Predicate:
        selected = self._selected
        known = selected.numbers
        if by_uid and not messages.saved:
            return found_by.UidsIn(messages.resolve(known.last_uid))
        ranges = selected.indexes(messages, by_uid=by_uid)
        # Whatever has a UID between two neighbours is not the client's to see.
        return found_by.UidsIn(
            [(known.uids[start], known.uids[end - 1]) for start, end in ranges]
        )


def _date(key: keys.KeyDate) -> found_by.Predicate:
    start = -DATE_END if key.since is None else float(day_start(key.since))
    end = DATE_END if key.before is None else float(day_start(key.before))
    return found_by.DateBetween(key.which, start, end)


def _constant(key: keys.Key) -> found_by.Predicate:
    match key:
        case keys.KeySize(octets, larger):
            if larger:
                return found_by.LargerThan(octets)
            return found_by.SmallerThan(octets)
        case keys.KeyDate():
            return _date(key)
        case keys.KeyModseq(modseq):
            return found_by.ModifiedSince(modseq)
        case keys.KeyId(octets, thread):
            prefix = b"T" if thread else b"M"
            digits = octets.removeprefix(prefix)
            found = frozenset([int(digits)] if _is_id(digits) else ())
            return found_by.ThreadIn(found) if thread else found_by.EmailIn(found)
        case _:
            return found_by.Everything()


def _is_id(digits: bytes) -> bool:
    return digits.isdigit() and len(digits) < 20
