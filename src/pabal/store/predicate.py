"""What to look for in a mailbox, as values no protocol owns.

Sans-IO. Protocols translate their grammar into these; adapters evaluate them.
"""

import enum
from collections.abc import Sequence
from dataclasses import dataclass


class TextField(enum.Enum):
    """Where a substring is searched (RFC 9051 §6.4.4: decoded, case-insensitively)."""

    BODY = "body"
    TEXT = "text"
    FROM = "from"
    TO = "to"
    CC = "cc"
    BCC = "bcc"
    SUBJECT = "subject"


class DateField(enum.Enum):
    """Which date is compared."""

    RECEIVED = "received"
    SENT = "sent"
    SAVED = "saved"


@dataclass(frozen=True, slots=True)
class Everything:
    """Every message."""


@dataclass(frozen=True, slots=True)
class HasFlag:
    """Messages with the flag or keyword ``name``."""

    name: str


@dataclass(frozen=True, slots=True)
class UidsIn:
    """Messages whose UID is in one of the inclusive ``ranges``."""

    ranges: Sequence[tuple[int, int]]


@dataclass(frozen=True, slots=True)
class LargerThan:
    """Messages of more than ``octets``."""

    octets: int


@dataclass(frozen=True, slots=True)
class SmallerThan:
    """Messages of fewer than ``octets``."""

    octets: int


@dataclass(frozen=True, slots=True)
class DateBetween:
    """Messages dated in [``start``, ``end``), seconds since 1970.

    A SENT date is compared as the day written in the Date header, its own time zone
    disregarded (RFC 9051 §6.4.4): the seconds are those of that day as if in UTC.
    """

    which: DateField
    start: float
    end: float


@dataclass(frozen=True, slots=True)
class Contains:
    """Messages whose ``where`` holds the substring ``needle`` after folding."""

    where: TextField
    needle: str


@dataclass(frozen=True, slots=True)
class HeaderContains:
    """Messages with a field ``name`` that holds ``needle``; empty: that have it."""

    name: str
    needle: str


@dataclass(frozen=True, slots=True)
class ModifiedSince:
    """Messages whose modseq is at least ``modseq`` (RFC 7162 §3.1.5)."""

    modseq: int


@dataclass(frozen=True, slots=True)
class EmailIn:
    """Messages with one of these email ids (OBJECTID, JMAP)."""

    emails: frozenset[int]


@dataclass(frozen=True, slots=True)
class ThreadIn:
    """Messages with one of these thread ids."""

    threads: frozenset[int]


@dataclass(frozen=True, slots=True)
class Not:
    """Messages the inner predicate does not hold for."""

    inner: "Predicate"


@dataclass(frozen=True, slots=True)
class All:
    """Messages every one of ``inner`` holds for."""

    inner: Sequence["Predicate"]


@dataclass(frozen=True, slots=True)
class Any:
    """Messages at least one of ``inner`` holds for."""

    inner: Sequence["Predicate"]


Predicate = (
    Everything
    | HasFlag
    | UidsIn
    | LargerThan
    | SmallerThan
    | DateBetween
    | Contains
    | HeaderContains
    | ModifiedSince
    | EmailIn
    | ThreadIn
    | Not
    | All
    | Any
)
