"""Arguments of SORT and THREAD.

Sans-IO.
Source: RFC 5256 §5; RFC 5267 §3 (ESORT), RFC 5957 §5 (DISPLAYFROM, DISPLAYTO), RFC 6203
§6 (RELEVANCY).
"""

import enum
from dataclasses import dataclass
from typing import Final

from pabal.imap.conversations import ALGORITHMS
from pabal.imap.wire.grammar import Reader
from pabal.imap.wire.search import Search, parse_keys, parse_returns

CRITERIA_MAX: Final = 20
"""Sort criteria in one SORT: there are ten of them."""


class SortBy(enum.Enum):
    """What messages are sorted by, by its name on the wire."""

    ARRIVAL = b"ARRIVAL"
    CC = b"CC"
    DATE = b"DATE"
    DISPLAYFROM = b"DISPLAYFROM"
    DISPLAYTO = b"DISPLAYTO"
    FROM = b"FROM"
    RELEVANCY = b"RELEVANCY"
    SIZE = b"SIZE"
    SUBJECT = b"SUBJECT"
    TO = b"TO"


@dataclass(frozen=True, slots=True)
class Criterion:
    """One criterion, and whether its order is reversed."""

    by: SortBy
    reverse: bool = False


@dataclass(frozen=True, slots=True)
class Sort:
    """SORT and UID SORT: how to sort what a search finds."""

    criteria: tuple[Criterion, ...]
    search: Search


@dataclass(frozen=True, slots=True)
class Thread:
    """THREAD and UID THREAD: how to thread what a search finds."""

    algorithm: bytes
    search: Search


def parse_sort(reader: Reader, *, by_uid: bool) -> Sort:
    """Return the SORT whose arguments come next (RFC 5256 §5, sort)."""
    reader.sp()
    returns, partial = parse_returns(reader)
    criteria = reader.list_of(lambda: _criterion(reader), "sort criteria")
    if not 0 < len(criteria) <= CRITERIA_MAX:
        raise reader.fail("sort criteria")
    reader.sp()
    charset = reader.astring("a charset").upper()
    reader.sp()
    key = parse_keys(reader)
    return Sort(tuple(criteria), Search(key, charset, returns, by_uid, partial))


def _criterion(reader: Reader) -> Criterion:
    reverse = reader.take_word(b"REVERSE ")
    try:
        return Criterion(SortBy(reader.word("a sort criterion")), reverse)
    except ValueError:
        raise reader.fail("a sort criterion") from None


def parse_thread(reader: Reader, *, by_uid: bool) -> Thread:
    """Return the THREAD whose arguments come next (RFC 5256 §5, thread)."""
    reader.sp()
    algorithm = reader.word("an algorithm")
    if algorithm not in ALGORITHMS:
        raise reader.fail("ORDEREDSUBJECT, REFERENCES or REFS")
    reader.sp()
    charset = reader.astring("a charset").upper()
    reader.sp()
    return Thread(algorithm, Search(parse_keys(reader), charset, None, by_uid))
