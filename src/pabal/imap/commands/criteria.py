"""Search keys become predicates of the store; what is found, as a client knows it.

SEARCH, SORT and THREAD share it.
Source: RFC 9051 §6.4.4; RFC 5032 (OLDER, YOUNGER), RFC 5466 (FILTER), RFC 6203 (FUZZY),
RFC 7162 §3.1.5 (MODSEQ), RFC 8474 (EMAILID, THREADID).
"""

import math
from array import array
from bisect import bisect_left
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from pabal.base.scan import ScanError
from pabal.imap.commands.context import Context
from pabal.imap.commands.refusal import RefusedError, bad, uid_required
from pabal.imap.commands.selected import LastSearch, Selected
from pabal.imap.wire import search as keys
from pabal.imap.wire.grammar import Reader, day_start
from pabal.imap.wire.search import Recency, Return, Search, parse_keys
from pabal.imap.wire.sequence import SequenceSet
from pabal.message.charset import codec_of, decode
from pabal.store import predicate as found_by
from pabal.store.flags import SEEN
from pabal.store.ports import ACCOUNT, Uid

CHARSETS: Final = (b"US-ASCII", b"UTF-8", b"EUC-KR", b"ISO-8859-1", b"ISO-2022-JP")
"""What is named in BADCHARSET; every label in ``pabal.message.charset`` works."""

DATE_END: Final = math.inf

KEPT_MAX: Final = 4_096
"""Results of a session's last search that are kept: 16 kB."""

PRIVATE_FILTERS: Final = "/private/filters/values/"
"""Below it each filter is an entry of the server (RFC 5466 §3.2)."""

FILTER_DEPTH_MAX: Final = 5
"""Filters within filters: three must work, and a loop ends (RFC 5466 §3.1)."""

WORDS_MAX: Final = 20
"""Words of a fuzzy string that are looked for one by one."""

SCORE_EXACT: Final = 100
SCORE_WORDS: Final = 50
"""Relevancy of a message with the very string, and of one with its words only."""


@dataclass(frozen=True, slots=True)
class Found:
    """What a search found.

    Attributes:
        uids: Of the messages, ascending, all of them known to the client.
        by_modseq: Whether mod-sequences were among the criteria.
        predicate: What was looked for.
        exact: For a fuzzy search: those with the very strings; ``None``: not fuzzy.
    """

    uids: Sequence[Uid]
    by_modseq: bool
    predicate: found_by.Predicate
    exact: frozenset[Uid] | None = None

    def score(self, uid: Uid) -> int:
        """Return how relevant a message is, 1 to 100 (RFC 6203 §4)."""
        if self.exact is None or uid in self.exact:
            return SCORE_EXACT
        return SCORE_WORDS


async def find(
    context: Context,
    command: Search,
    selected: Selected | None = None,
    *,
    lenient: bool = False,
) -> Found:
    """Return the messages a client looks for.

    Args:
        selected: Where, if not in the selected mailbox.
        lenient: Whether message numbers may be too large (RFC 7377 §2).

    Raises:
        RefusedError: Nobody knows the charset, or a filter.
        NumberError: A message number is too large.
    """
    selected = context.mailbox if selected is None else selected
    charset = charset_of(command, selected)
    key = await expanded(context, command.key, charset)
    by_modseq = _mentions(key, lambda key: isinstance(key, keys.KeyModseq))
    if by_modseq:
        context.enable_condstore()
    if context.uid_only and _mentions(key, _is_number):
        raise uid_required()
    is_fuzzy = _mentions(key, lambda key: isinstance(key, keys.KeyFuzzy))
    if not is_fuzzy and Return.RELEVANCY in (command.returns or ()):
        # RFC 6203 §4: the option MUST NOT be used without FUZZY.
        raise bad("RELEVANCY needs FUZZY")
    now = context.services.clock.now()
    criteria = Criteria(selected, charset, now, lenient=lenient)
    wanted = criteria.of(key)
    with context.dialogue.in_progress():
        uids = await _search(selected, wanted)
        exact = None
        if is_fuzzy:
            criteria = Criteria(selected, charset, now, lenient=lenient, fuzzy=False)
            exact = frozenset(await _search(selected, criteria.of(key)))
    return Found(uids, by_modseq, wanted, exact)


async def expanded(
    context: Context, key: keys.KeyAnd, charset: str, depth: int = 0
) -> keys.KeyAnd:
    """Return ``key`` with every FILTER as it is kept (RFC 5466 §3.1).

    Raises:
        RefusedError: There is no such filter, or it makes no sense.
    """
    if not _mentions(key, lambda one: isinstance(one, keys.KeyFilter)):
        return key
    if charset not in {"utf-8", "ascii"}:
        names = b" ".join(CHARSETS[:2])
        raise RefusedError("Filters are UTF-8", b"BADCHARSET (%b)" % names, b"BAD")
    there = await context.mailboxes.annotations.read(ACCOUNT)
    parsed: dict[bytes, keys.Key] = {}

    def kept(one: keys.Key) -> keys.Key:
        if not isinstance(one, keys.KeyFilter):
            return one
        if one.name not in parsed:
            parsed[one.name] = _filter(there, one.name, depth)
        return parsed[one.name]

    found = keys.replaced(key, kept)
    inner = found if isinstance(found, keys.KeyAnd) else keys.KeyAnd((found,))
    return await expanded(context, inner, charset, depth + 1)


def _filter(there: Mapping[str, bytes], name: bytes, depth: int) -> keys.Key:
    folded = name.decode("ascii", "replace").lower()
    value = there.get(PRIVATE_FILTERS + folded)
    try:
        if value is None or depth >= FILTER_DEPTH_MAX:
            raise ScanError("a filter", 0)
        reader = Reader(value)
        key = parse_keys(reader)
        reader.expect_end()
    except ScanError as error:
        code = b"UNDEFINED-FILTER " + name
        raise RefusedError("There is no such filter", code) from error
    return key


async def _search(selected: Selected, wanted: found_by.Predicate) -> Sequence[Uid]:
    mailbox, contexts = selected.view.mailbox, selected.contexts
    last_one = contexts.last
    uids: Sequence[Uid]
    if (
        last_one is not None
        and last_one.modseq == mailbox.highest_modseq
        and last_one.predicate == wanted
    ):
        uids = last_one.uids.tolist()
    else:
        uids = await selected.access.account.search(mailbox.id, wanted)
        contexts.last = None
        if len(uids) <= KEPT_MAX:
            found = array("I", uids)
            contexts.last = LastSearch(wanted, mailbox.highest_modseq, found)
    last = selected.numbers.last_uid
    if uids and uids[-1] > last:
        # Others the client was not told of: they have no number.
        return uids[: bisect_left(uids, last + 1)]
    return uids


def charset_of(command: Search, selected: Selected) -> str:
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


def _is_number(key: keys.Key) -> bool:
    return (
        isinstance(key, keys.KeyNumbers) and not key.by_uid and not key.messages.saved
    )


def _mentions(key: keys.Key, wanted: Callable[[keys.Key], bool]) -> bool:
    match key:
        case keys.KeyAnd(inner):
            return any(_mentions(one, wanted) for one in inner)
        case keys.KeyOr(left, right):
            return _mentions(left, wanted) or _mentions(right, wanted)
        case keys.KeyNot(one) | keys.KeyFuzzy(one):
            return wanted(key) or _mentions(one, wanted)
        case _:
            return wanted(key)


class Criteria:
    """Turns search keys into predicates of the store.

    Args (of the constructor):
        charset: Of the strings.
        now: For what is a time ago, seconds since 1970.
        lenient: Whether message numbers may be too large.
        fuzzy: Whether FUZZY is heard; else its keys mean what they say.
    """

    def __init__(
        self,
        selected: Selected,
        charset: str,
        now: float,
        *,
        lenient: bool = False,
        fuzzy: bool = True,
    ) -> None:
        self._selected = selected
        self._now = now
        self._charset = charset
        self._lenient = lenient
        self._hears_fuzzy = fuzzy
        self._fuzzy = False

    def of(self, key: keys.Key) -> found_by.Predicate:
        """Return the predicate of ``key``."""
        match key:
            case keys.KeyAnd(inner):
                if len(inner) == 1:
                    return self.of(inner[0])
                return found_by.All([self.of(one) for one in inner])
            case keys.KeyOr(left, right):
                return found_by.Any([self.of(left), self.of(right)])
            case keys.KeyNot(inner):
                return found_by.Not(self.of(inner))
            case keys.KeyFuzzy(inner):
                before, self._fuzzy = self._fuzzy, self._hears_fuzzy
                found = self.of(inner)
                self._fuzzy = before
                return found
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
            case keys.KeyText() | keys.KeyHeader():
                return self._text(key)
            case keys.KeyWithin(seconds, younger):
                return self._within(seconds, younger=younger)
            case _:
                return _constant(key)

    def _text(self, key: keys.KeyText | keys.KeyHeader) -> found_by.Predicate:
        needle = decode(key.octets, self._charset)
        if isinstance(key, keys.KeyText):
            where = key.where
            return self._words(needle, lambda word: found_by.Contains(where, word))
        field = key.name.decode("latin-1")
        return self._words(needle, lambda word: found_by.HeaderContains(field, word))

    def _words(
        self, needle: str, has: Callable[[str], found_by.Predicate]
    ) -> found_by.Predicate:
        """Return what ``has`` makes of ``needle``, word by word if it is fuzzy."""
        words = needle.split()[:WORDS_MAX] if self._fuzzy else []
        if len(words) < 2:
            return has(needle)
        return found_by.All([has(word) for word in words])

    def _recent(self, what: Recency) -> found_by.Predicate:
        is_recent = found_by.UidsIn(tuple(self._selected.recency.ranges))
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
        if self._lenient and not messages.saved:
            messages = messages.within(known.count)
        ranges = selected.indexes(messages, by_uid=by_uid)
        # Whatever has a UID between two neighbours is not the client's to see.
        return found_by.UidsIn(
            [(known.uids[start], known.uids[end - 1]) for start, end in ranges]
        )

    def _within(self, seconds: int, *, younger: bool) -> found_by.Predicate:
        """RFC 5032 §3: by INTERNALDATE; the very age belongs to both."""
        limit = self._now - seconds
        which = found_by.DateField.RECEIVED
        if younger:
            return found_by.DateBetween(which, limit, DATE_END)
        return found_by.DateBetween(which, -DATE_END, math.nextafter(limit, DATE_END))


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
