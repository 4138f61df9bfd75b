"""What SEARCH asks for, as written: numbers and charset still the session's to read.

Sans-IO.
Source: RFC 9051 §6.4.4 and §9 (search-key), RFC 3501 §6.4.4 (KEYWORD, NEW, OLD,
RECENT), RFC 7162 §3.1.5 (MODSEQ), RFC 8474 §5.3 (EMAILID, THREADID), RFC 8514
§4.3 (SAVED…), RFC 5032 (OLDER, YOUNGER), RFC 6203 (FUZZY), RFC 9394 (PARTIAL),
RFC 5267 (CONTEXT, UPDATE).
"""

import datetime as dt
import enum
from collections.abc import Callable
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final

from pabal.imap.wire.fetch import Item, parse_items
from pabal.imap.wire.grammar import Reader
from pabal.imap.wire.partial import Partial, parse_partial
from pabal.imap.wire.sequence import NUMBER_MAX, SequenceSet
from pabal.store.flags import ANSWERED, DELETED, DRAFT, FLAGGED, SEEN, canonical
from pabal.store.predicate import DateField, TextField

DEPTH_MAX: Final = 50
"""Keys within keys; a stranger's parentheses must not fill the stack."""

KEYS_MAX: Final = 5_000
"""Keys in one search; each may read every message."""


class Return(enum.Enum):
    """A result option (RFC 9051 §6.4.4)."""

    MIN = b"MIN"
    MAX = b"MAX"
    ALL = b"ALL"
    COUNT = b"COUNT"
    SAVE = b"SAVE"
    PARTIAL = b"PARTIAL"
    RELEVANCY = b"RELEVANCY"
    CONTEXT = b"CONTEXT"
    UPDATE = b"UPDATE"


@dataclass(frozen=True, slots=True)
class KeyAll:
    """ALL."""


@dataclass(frozen=True, slots=True)
class KeyFlag:
    """A flag that is set, or is not."""

    name: str
    is_set: bool = True


class Recency(enum.Enum):
    r"""What ``\\Recent`` decides (RFC 3501 §6.4.4)."""

    RECENT = b"RECENT"
    OLD = b"OLD"
    NEW = b"NEW"


@dataclass(frozen=True, slots=True)
class KeyRecent:
    """RECENT, OLD or NEW."""

    what: Recency


@dataclass(frozen=True, slots=True)
class KeyNumbers:
    """A set of message numbers, or of UIDs."""

    messages: SequenceSet
    by_uid: bool


@dataclass(frozen=True, slots=True)
class KeySize:
    """LARGER or SMALLER."""

    octets: int
    larger: bool


@dataclass(frozen=True, slots=True)
class KeyDate:
    """A date at or after ``since``, before ``before``; ``None`` is open."""

    which: DateField
    since: dt.date | None
    before: dt.date | None


@dataclass(frozen=True, slots=True)
class KeyText:
    """A substring, in the search's charset."""

    where: TextField
    octets: bytes


@dataclass(frozen=True, slots=True)
class KeyHeader:
    """A substring of a field."""

    name: bytes
    octets: bytes


@dataclass(frozen=True, slots=True)
class KeyModseq:
    """MODSEQ."""

    modseq: int


@dataclass(frozen=True, slots=True)
class KeyId:
    """EMAILID or THREADID."""

    octets: bytes
    thread: bool


@dataclass(frozen=True, slots=True)
class KeyWithin:
    """YOUNGER, or OLDER, than some seconds (RFC 5032 §3)."""

    seconds: int
    younger: bool


@dataclass(frozen=True, slots=True)
class KeyFuzzy:
    """FUZZY (RFC 6203 §3)."""

    inner: "Key"


@dataclass(frozen=True, slots=True)
class KeyFilter:
    """FILTER: a search kept under a name (RFC 5466 §3.1)."""

    name: bytes


@dataclass(frozen=True, slots=True)
class KeyNot:
    """NOT."""

    inner: "Key"


@dataclass(frozen=True, slots=True)
class KeyOr:
    """OR."""

    left: "Key"
    right: "Key"


@dataclass(frozen=True, slots=True)
class KeyAnd:
    """Keys side by side."""

    inner: tuple["Key", ...]


Key = (
    KeyAll
    | KeyFlag
    | KeyRecent
    | KeyNumbers
    | KeySize
    | KeyDate
    | KeyText
    | KeyHeader
    | KeyModseq
    | KeyId
    | KeyWithin
    | KeyFuzzy
    | KeyFilter
    | KeyNot
    | KeyOr
    | KeyAnd
)


@dataclass(frozen=True, slots=True)
class Search:
    """SEARCH and UID SEARCH.

    Attributes:
        key: What must hold.
        charset: Name of the charset of its strings; empty: not said.
        returns: Result options; ``None`` without RETURN: the old response.
        by_uid: Whether UIDs are returned.
        partial: Which results PARTIAL asks for, counted from 1, or from -1 at the end.
        items: What UPDATE tells of new messages (RFC 5465 §7).
    """

    key: KeyAnd
    charset: bytes
    returns: frozenset[Return] | None
    by_uid: bool
    partial: Partial | None = None
    items: tuple[Item, ...] = ()


@dataclass(frozen=True, slots=True)
class Options:
    """Result options: as in ``Search``."""

    returns: frozenset[Return] | None = None
    partial: Partial | None = None
    items: tuple[Item, ...] = ()


def parse_search(reader: Reader, *, by_uid: bool) -> Search:
    """Return the SEARCH whose arguments come next (RFC 9051 §9, search)."""
    reader.sp()
    options = parse_returns(reader)
    charset = b""
    if reader.take_word(b"CHARSET "):
        charset = reader.astring("a charset").upper()
        reader.sp()
    return searching(parse_keys(reader), charset, options, by_uid=by_uid)


def searching(key: KeyAnd, charset: bytes, options: Options, *, by_uid: bool) -> Search:
    """Return the search with these parts."""
    return Search(
        *(key, charset, options.returns, by_uid), options.partial, options.items
    )


def replaced(key: Key, change: Callable[[Key], Key]) -> Key:
    """Return ``key`` with what ``change`` makes of each key that has none inside."""
    match key:
        case KeyAnd(inner):
            return KeyAnd(tuple([replaced(one, change) for one in inner]))
        case KeyOr(left, right):
            return KeyOr(replaced(left, change), replaced(right, change))
        case KeyNot(one):
            return KeyNot(replaced(one, change))
        case KeyFuzzy(one):
            return KeyFuzzy(replaced(one, change))
        case _:
            return change(key)


def parse_keys(reader: Reader) -> KeyAnd:
    """Return the search keys that come next."""
    return KeyAnd(tuple(_Keys(reader).side_by_side()))


def parse_returns(reader: Reader) -> Options:
    """Consume the result options, if RETURN comes next."""
    if not reader.take_word(b"RETURN "):
        return Options()
    partial: list[Partial] = []
    items: list[Item] = []
    options = reader.list_of(lambda: _return(reader, partial, items), "result options")
    reader.sp()
    returns = frozenset(options) or frozenset((Return.ALL,))
    if len(partial) > 1 or (partial and Return.ALL in returns):
        # RFC 9394 §3.1: one of either, or none.
        raise reader.fail("either ALL or PARTIAL")
    return Options(returns, partial[0] if partial else None, tuple(items))


def _return(reader: Reader, partial: list[Partial], items: list[Item]) -> Return:
    word = reader.word("a result option")
    try:
        option = Return(word)
    except ValueError:
        raise reader.fail("MIN, MAX, ALL, COUNT, SAVE or PARTIAL") from None
    if option is Return.PARTIAL:
        reader.sp()
        partial.append(parse_partial(reader))
    elif option is Return.UPDATE and (reader.take(b" (") or reader.take(b"(")):
        # RFC 5465 has it without a space in the grammar, with one in the example.
        reader.position -= 1
        items.extend(parse_items(reader))
    return option


@dataclass(frozen=True, slots=True)
class CancelUpdate:
    """CANCELUPDATE: tags of searches (RFC 5267 §4.3.5)."""

    tags: tuple[bytes, ...]


def parse_cancel(reader: Reader) -> CancelUpdate:
    """Return the CANCELUPDATE whose arguments come next."""
    reader.sp()
    tags = [reader.string()]
    while reader.take_sp():
        tags.append(reader.string())
    return CancelUpdate(tuple(tags))


_SET_BEGINS: Final = frozenset(b"0123456789*$")


class _Keys:
    """Reads search keys, counting them."""

    __slots__ = ("_depth", "_left", "_reader")

    def __init__(self, reader: Reader) -> None:
        self._reader = reader
        self._left = KEYS_MAX
        self._depth = 0

    def side_by_side(self) -> list[Key]:
        keys = [self.key()]
        while self._reader.take_sp():
            keys.append(self.key())
        return keys

    def key(self) -> Key:
        reader = self._reader
        self._left -= 1
        self._depth += 1
        if self._left < 0 or self._depth > DEPTH_MAX:
            raise reader.fail("a simpler search")
        if reader.take(b"("):
            key: Key = KeyAnd(tuple(self.side_by_side()))
            reader.expect(b")", "a closing parenthesis")
        else:
            key = self._simple()
        self._depth -= 1
        return key

    def _simple(self) -> Key:
        reader = self._reader
        if reader.peek() in _SET_BEGINS:
            return KeyNumbers(reader.sequence_set(), by_uid=False)
        start = reader.position
        word = reader.word("a search key")
        constant = _CONSTANT.get(word)
        if constant is not None:
            return constant
        if word == b"NOT":
            reader.sp()
            return KeyNot(self.key())
        if word == b"OR":
            reader.sp()
            left = self.key()
            reader.sp()
            return KeyOr(left, self.key())
        if word == b"FUZZY":
            reader.sp()
            return KeyFuzzy(self.key())
        with_argument = _WITH_ARGUMENT.get(word)
        if with_argument is None:
            reader.position = start
            raise reader.fail("a search key")
        reader.sp()
        return with_argument(reader)


def _keyword(*, is_set: bool) -> Callable[[Reader], Key]:
    def read(reader: Reader) -> Key:
        name = reader.atom("a keyword")
        return KeyFlag(canonical(name.decode("ascii")), is_set)

    return read


def _text(where: TextField) -> Callable[[Reader], Key]:
    return lambda reader: KeyText(where, reader.astring("what to look for"))


def _dates(which: DateField, prefix: bytes) -> dict[bytes, Callable[[Reader], Key]]:
    def on(reader: Reader) -> Key:
        day = reader.date()
        return KeyDate(which, day, _next_day(day))

    return {
        prefix + b"BEFORE": lambda reader: KeyDate(which, None, reader.date()),
        prefix + b"ON": on,
        prefix + b"SINCE": lambda reader: KeyDate(which, reader.date(), None),
    }


def _next_day(day: dt.date) -> dt.date:
    return day + dt.timedelta(days=1) if day < dt.date.max else day


def _header(reader: Reader) -> Key:
    name = reader.astring("a field name")
    reader.sp()
    return KeyHeader(name, reader.astring("what to look for"))


def _modseq(reader: Reader) -> Key:
    """Read MODSEQ's arguments; the per-flag form has one modseq here, as allowed.

    RFC 7162 §3.1.5: a server that keeps one mod-sequence a message ignores the name.
    """
    if reader.peek() == ord('"'):
        reader.string()
        reader.sp()
        if reader.word("all, priv or shared") not in {b"ALL", b"PRIV", b"SHARED"}:
            raise reader.fail("all, priv or shared")
        reader.sp()
    return KeyModseq(reader.number64("a mod-sequence"))


def _uid(reader: Reader) -> int:
    uid = reader.number("a UID")
    if not uid:
        raise reader.fail("a UID")
    return uid


def _uids(first: int, last: int) -> KeyNumbers:
    ranges = ((first, last),) if first <= last else ()
    return KeyNumbers(SequenceSet(ranges), by_uid=True)


def _within(*, younger: bool) -> Callable[[Reader], Key]:
    def read(reader: Reader) -> Key:
        seconds = reader.number("seconds")
        if not seconds:
            raise reader.fail("seconds above 0")
        return KeyWithin(seconds, younger)

    return read


_CONSTANT: Final = MappingProxyType[bytes, Key](
    {
        b"ALL": KeyAll(),
        # RFC 8514 §4.3: every mailbox here keeps the dates.
        b"SAVEDATESUPPORTED": KeyAll(),
        b"ANSWERED": KeyFlag(ANSWERED),
        b"DELETED": KeyFlag(DELETED),
        b"DRAFT": KeyFlag(DRAFT),
        b"FLAGGED": KeyFlag(FLAGGED),
        b"SEEN": KeyFlag(SEEN),
        b"UNANSWERED": KeyFlag(ANSWERED, is_set=False),
        b"UNDELETED": KeyFlag(DELETED, is_set=False),
        b"UNDRAFT": KeyFlag(DRAFT, is_set=False),
        b"UNFLAGGED": KeyFlag(FLAGGED, is_set=False),
        b"UNSEEN": KeyFlag(SEEN, is_set=False),
        b"NEW": KeyRecent(Recency.NEW),
        b"OLD": KeyRecent(Recency.OLD),
        b"RECENT": KeyRecent(Recency.RECENT),
    }
)

_WITH_ARGUMENT: Final = MappingProxyType[bytes, Callable[[Reader], Key]](
    {
        b"BCC": _text(TextField.BCC),
        b"BODY": _text(TextField.BODY),
        b"CC": _text(TextField.CC),
        b"FROM": _text(TextField.FROM),
        b"SUBJECT": _text(TextField.SUBJECT),
        b"TEXT": _text(TextField.TEXT),
        b"TO": _text(TextField.TO),
        **_dates(DateField.RECEIVED, b""),
        **_dates(DateField.SENT, b"SENT"),
        **_dates(DateField.SAVED, b"SAVED"),
        b"HEADER": _header,
        b"KEYWORD": _keyword(is_set=True),
        b"UNKEYWORD": _keyword(is_set=False),
        b"LARGER": lambda reader: KeySize(reader.number64("a size"), larger=True),
        b"SMALLER": lambda reader: KeySize(reader.number64("a size"), larger=False),
        b"FILTER": lambda reader: KeyFilter(reader.atom("a filter's name")),
        b"UID": lambda reader: KeyNumbers(reader.sequence_set(), by_uid=True),
        # RFC 9738
        b"UIDAFTER": lambda reader: _uids(_uid(reader) + 1, NUMBER_MAX),
        b"UIDBEFORE": lambda reader: _uids(1, _uid(reader) - 1),
        b"MODSEQ": _modseq,
        b"OLDER": _within(younger=False),
        b"YOUNGER": _within(younger=True),
        b"EMAILID": lambda reader: KeyId(reader.atom("an id"), thread=False),
        b"THREADID": lambda reader: KeyId(reader.atom("an id"), thread=True),
    }
)
