"""What an IMAP server says, as a client reads it.

Sans-IO. Only what an import asks for; anything else is passed over.
Source: RFC 9051 §7 and §9, RFC 3501 §7 (older servers), RFC 2342 (NAMESPACE).
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final

from pabal.base.errors import ProtocolError
from pabal.imap.wire import mailbox_name
from pabal.message.spool import Spool
from pabal.store.flags import Flags, canonical

DEPTH_MAX: Final = 16
"""Lists within lists; what we ask for has three."""

Part = bytes | Spool
"""Text of a response, or a literal."""

Value = bytes | Spool | None | list["Value"]
"""An atom or string, a literal, NIL, a list."""

_TOKEN: Final = re.compile(
    rb'[()]|"((?:[^"\\]|\\.)*)"|(BODY\[[^\]]*\](?:<[0-9]+>)?|[^\s()"]+)'
)
_ESCAPED: Final = re.compile(rb"\\(.)", re.DOTALL)
_LITERAL: Final = re.compile(rb"\{([0-9]{1,19})\+?\}$")
_DATE: Final = re.compile(
    rb" ?([0-9]{1,2})-([A-Za-z]{3})-([0-9]{4})"
    rb" ([0-9]{2}):([0-9]{2}):([0-9]{2}) ([+-])([0-9]{2})([0-9]{2})"
)
_MONTHS: Final = b"jan feb mar apr may jun jul aug sep oct nov dec".split()
_SPECIAL_USES: Final = frozenset(
    {"\\Archive", "\\Drafts", "\\Flagged", "\\Junk", "\\Sent", "\\Trash", "\\All"}
)
_NO_MAILBOX: Final = frozenset({"\\Noselect", "\\Nonexistent"})


class BadResponseError(ProtocolError):
    """The server said something that is no IMAP."""


def literal_size(line: bytes) -> int | None:
    """Return how many octets of a literal follow ``line``; ``None``: none does."""
    match = _LITERAL.search(line)
    return int(match[1]) if match else None


def without_literal(line: bytes) -> bytes:
    """Return ``line`` without the announcement of a literal at its end."""
    return _LITERAL.sub(b"", line)


def parse(parts: Sequence[Part]) -> list[Value]:
    """Return a response as values.

    Raises:
        BadResponseError: Parentheses do not match.
    """
    stack: list[list[Value]] = [[]]
    for part in parts:
        if isinstance(part, Spool):
            stack[-1].append(part)
            continue
        for match in _TOKEN.finditer(part):
            token = match[0]
            if token == b"(":
                if len(stack) > DEPTH_MAX:
                    raise BadResponseError("lists within lists within lists")
                stack.append([])
            elif token == b")":
                if len(stack) == 1:
                    raise BadResponseError("a parenthesis too many")
                done = stack.pop()
                stack[-1].append(done)
            elif match[1] is not None:
                stack[-1].append(_ESCAPED.sub(rb"\1", match[1]))
            else:
                stack[-1].append(None if token.upper() == b"NIL" else token)
    if len(stack) != 1:
        raise BadResponseError("a parenthesis is missing")
    return stack[0]


@dataclass(frozen=True, slots=True)
class Fetched:
    """What a FETCH response says of a message."""

    uid: int = 0
    flags: Flags | None = None
    size: int = 0
    received_at: float = 0.0
    body: Spool | None = None


def fetched(values: Sequence[Value]) -> Fetched | None:
    """Return what ``* n FETCH (…)`` says; ``None``: it is another response."""
    if len(values) < 4 or not _is_word(values[2], b"FETCH"):
        return None
    items = values[3]
    if not isinstance(items, list):
        return None
    uid, size, received_at = 0, 0, 0.0
    flags: Flags | None = None
    body: Spool | None = None
    for name, value in _pairs(items):
        match name:
            case b"UID":
                uid = number(value)
            case b"RFC822.SIZE":
                size = number(value)
            case b"FLAGS" if isinstance(value, list):
                flags = _flags(value)
            case b"INTERNALDATE" if isinstance(value, bytes):
                received_at = date_time(value)
            case b"BODY[]":
                body = _as_spool(value)
            case _:
                continue
    return Fetched(uid, flags, size, received_at, body)


def _pairs(items: Sequence[Value]) -> Iterator[tuple[bytes, Value]]:
    for name, value in zip(items[::2], items[1::2], strict=False):
        if isinstance(name, bytes):
            yield name.upper(), value


def _as_spool(value: Value) -> Spool | None:
    if isinstance(value, bytes):
        spool = Spool()
        spool.write(value)
        return spool
    return value if isinstance(value, Spool) else None


def _flags(value: Sequence[Value]) -> Flags:
    return frozenset(
        [
            canonical(name.decode("utf-8", "replace"))
            for name in value
            if isinstance(name, bytes)
        ]
    )


def _is_word(value: Value, word: bytes) -> bool:
    return isinstance(value, bytes) and value.upper() == word


@dataclass(frozen=True, slots=True)
class ListedMailbox:
    r"""A mailbox in a LIST or LSUB response.

    Attributes:
        name: On the wire.
        separator: Between levels; empty: there are none.
        attributes: ``\\Noselect`` …
    """

    name: bytes
    separator: bytes
    attributes: Flags

    @property
    def selectable(self) -> bool:
        """Whether there are messages in it."""
        return not self.attributes & _NO_MAILBOX

    @property
    def special_use(self) -> str:
        """What it is for, empty if that is not said."""
        found = sorted(self.attributes & _SPECIAL_USES)
        return found[0] if found else ""

    def levels(self, prefix: bytes) -> tuple[str, ...]:
        """Return its name, level by level.

        Args:
            prefix: Of the namespace, taken away.
        """
        name = self.name
        if name.upper() != b"INBOX":
            name = name.removeprefix(prefix)
        levels = name.split(self.separator) if self.separator else [name]
        return tuple(map(decoded, levels))


def listed_mailbox(values: Sequence[Value]) -> ListedMailbox | None:
    """Return what ``* LIST (…) "/" name`` says; ``None``: it is another response."""
    if len(values) < 5 or not (
        _is_word(values[1], b"LIST") or _is_word(values[1], b"LSUB")
    ):
        return None
    attributes, separator, name = values[2:5]
    if isinstance(name, Spool):
        with name:
            name = name.octets()
    if not isinstance(attributes, list) or not isinstance(name, bytes):
        return None
    return ListedMailbox(
        name, separator if isinstance(separator, bytes) else b"", _flags(attributes)
    )


def decoded(name: bytes) -> str:
    """Return a name on the wire as people read it, whatever it is encoded in."""
    try:
        return mailbox_name.decode(name)
    except ProtocolError:
        return name.decode("utf-8", "replace")


def namespaces(values: Sequence[Value]) -> tuple[bytes, tuple[bytes, ...]]:
    """Return the prefix of the personal namespace and those of the others.

    Source: RFC 2342 §5.
    """
    prefixes = [list(_prefixes(value)) for value in values[2:5]]
    personal, *others = prefixes or [[]]
    own = personal[0] if personal else b""
    return own, tuple(prefix for some in others for prefix in some if prefix)


def _prefixes(value: Value) -> Iterator[bytes]:
    if isinstance(value, list):
        for one in value:
            if isinstance(one, list) and one and isinstance(one[0], bytes):
                yield one[0]


def numbers(values: Sequence[Value]) -> list[int]:
    """Return the numbers of ``* SEARCH 1 2 3``, ascending."""
    return sorted({number(value) for value in values[2:]} - {0})


def number(value: Value) -> int:
    """Return a number, 0 if it is none."""
    if isinstance(value, bytes) and value.isdigit() and len(value) < 20:
        return int(value)
    return 0


def code_number(line: bytes, code: bytes) -> int:
    """Return the number in a response code ``[UIDVALIDITY 7]``; 0: it has none."""
    match = re.search(rb"\[" + code + rb" ([0-9]{1,19})\]", line, re.IGNORECASE)
    return int(match[1]) if match else 0


def date_time(value: bytes) -> float:
    """Return INTERNALDATE as seconds since 1970; 0 if it makes no sense."""
    match = _DATE.fullmatch(value)
    if not match or match[2].lower() not in _MONTHS:
        return 0.0
    month = _MONTHS.index(match[2].lower()) + 1
    zone = timedelta(hours=int(match[8]), minutes=int(match[9]))
    try:
        local = datetime(
            int(match[3]),
            month,
            int(match[1]),
            int(match[4]),
            int(match[5]),
            min(int(match[6]), 59),
            tzinfo=UTC,
        )
        then = local - zone if match[7] == b"+" else local + zone
    except (ValueError, OverflowError):
        return 0.0
    return then.timestamp()


def uid_set(uids: Sequence[int]) -> bytes:
    """Return ascending ``uids`` as a sequence set."""
    runs: list[list[int]] = []
    for uid in uids:
        if runs and runs[-1][1] == uid - 1:
            runs[-1][1] = uid
        else:
            runs.append([uid, uid])
    return b",".join(
        b"%d" % first if first == last else b"%d:%d" % (first, last)
        for first, last in runs
    )
