"""Which messages of a mailbox a predicate holds for.

Flags, UIDs, modseqs and ids are decided from the arrays; sizes and dates from facts of
those that are still candidates; text last, from octets. Runs in bounded slices: between
them the event loop gets its turn.
Source: RFC 9051 §6.4.4 (SEARCH).
"""

import asyncio
import sys
from array import array
from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import dataclass
from enum import Enum
from functools import partial
from itertools import compress
from typing import Final, Protocol

from pabal.message.header import Header
from pabal.message.mime import Octets
from pabal.message.needle import Needle
from pabal.message.plain import PlainTest
from pabal.message.text import field_texts
from pabal.store.flagtable import FlagTable
from pabal.store.ports import EmailId, MailboxId, MailboxView, Uid
from pabal.store.predicate import (
    All,
    Any,
    Contains,
    DateBetween,
    DateField,
    EmailIn,
    Everything,
    HasFlag,
    HeaderContains,
    LargerThan,
    ModifiedSince,
    Not,
    Predicate,
    SmallerThan,
    TextField,
    ThreadIn,
    UidsIn,
)
from pabal.store.view import in_ranges

SLICE_MESSAGES: Final = 8_192
"""Messages whose facts are asked for at once: some milliseconds on a thread."""

ARRAY_SLICE: Final = 32_768
"""Array elements tested before the loop gets its turn: about 2 ms."""

OCTET_IDS: Final = 256
"""Flag sets an octet tells apart; most accounts have some dozens."""

OCTET_SLICE: Final = 1 << 20
"""Flag sets looked up in a table before the loop gets its turn: about 3 ms."""

_LOW_OCTET: Final = 0 if sys.byteorder == "little" else array("I").itemsize - 1
"""Where in an array's element the low octet is."""

Mask = int
"""A set of positions: octet ``i``, from the low end, is 1 if position ``i`` is in."""


class FactKind(Enum):
    """A number predicates compare."""

    SIZE = "size"
    RECEIVED = "received"
    SENT_DAY = "sent"
    """Seconds of the Date field as if its local time were UTC."""
    SAVED = "saved"
    THREAD = "thread"


class TextPart(Enum):
    """Which octets a test is given."""

    HEADER = "header"
    WHOLE = "whole"


TextTest = Callable[[Octets], bool]
"""Whether octets (all of a message, or its header) are a match."""


class FactSource(Protocol):
    """Where facts come from: an adapter."""

    async def numbers(
        self,
        mailbox_id: MailboxId,
        uids: Sequence[Uid],
        emails: Sequence[EmailId],
        kind: FactKind,
    ) -> Sequence[float | None]:
        """Return a fact of each email, in order; ``None``: it has none."""
        ...

    async def holds(
        self, emails: Sequence[EmailId], predicate: Contains | HeaderContains
    ) -> bytes:
        """Return for each email 1 if ``predicate`` holds for its text, else 0.

        As ``text_test`` says; for one that is gone 0.
        """
        ...


_DATES: Final = {
    DateField.RECEIVED: FactKind.RECEIVED,
    DateField.SENT: FactKind.SENT_DAY,
    DateField.SAVED: FactKind.SAVED,
}


_ANY_TEXT: Final = (Contains(TextField.BODY, ""), Contains(TextField.TEXT, ""))
"""What holds for every message: nothing is a substring of everything."""


@dataclass(frozen=True, slots=True)
class Snapshot:
    """The arrays as they were when the search began, by copy."""

    mailbox_id: MailboxId
    uids: "array[int]"
    emails: "array[int]"
    flags: "array[int]"
    modseqs: "array[int]"

    @classmethod
    def of(cls, view: MailboxView) -> "Snapshot":
        """Return a copy of what ``view`` shows."""
        return cls(
            view.mailbox.id,
            view.uids[:],
            view.emails[:],
            view.flags[:],
            view.modseqs[:],
        )


class Matcher:
    """One search: evaluates a predicate over a snapshot."""

    def __init__(
        self, snapshot: Snapshot, flags: FlagTable, source: FactSource
    ) -> None:
        self._snapshot = snapshot
        self._flags = flags
        self._source = source
        self._size = len(snapshot.uids)
        self._all: Mask = int.from_bytes(b"\1" * self._size, "little")

    async def uids(self, predicate: Predicate) -> list[Uid]:
        """Return the UIDs ``predicate`` holds for, ascending."""
        mask = await self._select(predicate, self._all)
        return list(compress(self._snapshot.uids, self._octets(mask)))

    async def _select(self, predicate: Predicate, among: Mask) -> Mask:
        """Return the positions ``among`` those given the predicate holds for."""
        if not among:
            return 0
        match predicate:
            case Not() | All() | Any():
                return await self._combined(predicate, among)
            case Contains() | HeaderContains():
                return await self._text(predicate, among)
            case LargerThan() | SmallerThan() | DateBetween() | ThreadIn():
                return await self._numbers(predicate, among)
            case _:
                return among & await self._arrays(predicate)

    async def _combined(self, predicate: Not | All | Any, among: Mask) -> Mask:
        """Combine, the cheap parts first, the dear ones on what they leave."""
        if isinstance(predicate, Not):
            return among & ~await self._select(predicate.inner, among)
        parts = sorted(predicate.inner, key=cost)
        if isinstance(predicate, All):
            for part in parts:
                among = await self._select(part, among)
            return among
        found = 0
        for part in parts:
            found |= await self._select(part, among & ~found)
        return found

    async def _arrays(
        self, predicate: Everything | HasFlag | UidsIn | ModifiedSince | EmailIn
    ) -> Mask:
        snapshot = self._snapshot
        match predicate:
            case Everything():
                return self._all
            case UidsIn(ranges=ranges):
                mask = bytearray(self._size)
                for start, end in in_ranges(snapshot.uids, ranges):
                    mask[start:end] = b"\1" * (end - start)
                return int.from_bytes(mask, "little")
            case HasFlag(name=name):
                return await self._flagged(self._flags.with_flag(name))
            case ModifiedSince(modseq=modseq):
                return await self._tested(snapshot.modseqs, modseq.__le__)
            case EmailIn(emails=emails):
                return await self._tested(snapshot.emails, emails.__contains__)

    async def _flagged(self, wanted: Collection[int]) -> Mask:
        """Return the positions whose flag set is in ``wanted``."""
        flags = self._snapshot.flags
        if len(self._flags) > OCTET_IDS:
            return await self._tested(flags, wanted.__contains__)
        # Every id is an octet, so a table turns ids into marks in one go.
        table = bytearray(OCTET_IDS)
        for flag_set in wanted:
            table[flag_set] = 1
        mask = bytearray()
        for start in range(0, self._size, OCTET_SLICE):
            if start:
                await asyncio.sleep(0)
            part = flags[start : start + OCTET_SLICE].tobytes()
            mask += part[_LOW_OCTET :: flags.itemsize].translate(table)
        return int.from_bytes(mask, "little")

    async def _tested(
        self, values: "array[int]", test: Callable[[int], object]
    ) -> Mask:
        mask = bytearray()
        for start in range(0, self._size, ARRAY_SLICE):
            mask += bytes(map(bool, map(test, values[start : start + ARRAY_SLICE])))
            if start:
                await asyncio.sleep(0)
        return int.from_bytes(mask, "little")

    async def _numbers(
        self,
        predicate: LargerThan | SmallerThan | DateBetween | ThreadIn,
        among: Mask,
    ) -> Mask:
        kind, test = _number_test(predicate)
        positions = self._positions(among)
        verdicts: list[bool] = []
        for start in range(0, len(positions), SLICE_MESSAGES):
            part = positions[start : start + SLICE_MESSAGES]
            uids = [self._snapshot.uids[position] for position in part]
            emails = [self._snapshot.emails[position] for position in part]
            numbers = await self._source.numbers(
                self._snapshot.mailbox_id, uids, emails, kind
            )
            verdicts += [number is not None and test(number) for number in numbers]
        return self._mask(positions, verdicts)

    async def _text(self, predicate: Contains | HeaderContains, among: Mask) -> Mask:
        if predicate in _ANY_TEXT:
            return among
        if among == self._all:
            marks = await self._source.holds(self._snapshot.emails, predicate)
            return int.from_bytes(marks, "little")
        positions = self._positions(among)
        emails = [self._snapshot.emails[position] for position in positions]
        return self._mask(positions, await self._source.holds(emails, predicate))

    def _octets(self, mask: Mask) -> bytes:
        return mask.to_bytes(self._size, "little")

    def _positions(self, mask: Mask) -> list[int]:
        return list(compress(range(self._size), self._octets(mask)))

    def _mask(self, positions: Sequence[int], verdicts: Iterable[int]) -> Mask:
        mask = bytearray(self._size)
        for position in compress(positions, verdicts):
            mask[position] = 1
        return int.from_bytes(mask, "little")


def cost(predicate: Predicate) -> int:
    """Return how dear ``predicate`` is: 0 arrays, 1 facts, 2 headers, 3 texts."""
    match predicate:
        case Not(inner=inner):
            return cost(inner)
        case All(inner=several) | Any(inner=several):
            return max(map(cost, several), default=0)
        case Contains(where=TextField.BODY | TextField.TEXT):
            return 3
        case Contains() | HeaderContains():
            return 2
        case LargerThan() | SmallerThan() | DateBetween() | ThreadIn():
            return 1
        case _:
            return 0


def _number_test(
    predicate: LargerThan | SmallerThan | DateBetween | ThreadIn,
) -> tuple[FactKind, Callable[[float], bool]]:
    match predicate:
        case LargerThan(octets=octets):
            return FactKind.SIZE, lambda size: size > octets
        case SmallerThan(octets=octets):
            return FactKind.SIZE, lambda size: size < octets
        case DateBetween(which=which, start=start, end=end):
            return _DATES[which], lambda at: start <= at < end
        case ThreadIn(threads=threads):
            return FactKind.THREAD, lambda thread: thread in threads


def text_test(predicate: Contains | HeaderContains) -> tuple[TextPart, TextTest]:
    """Return which octets decide a predicate, and how."""
    needle = Needle(predicate.needle)
    if isinstance(predicate, HeaderContains):
        name = predicate.name.lower().encode("utf-8", "surrogateescape")
        return TextPart.HEADER, partial(field_contains, name=name, needle=needle)
    if predicate.where not in {TextField.BODY, TextField.TEXT}:
        name = predicate.where.value.encode("ascii")
        return TextPart.HEADER, partial(field_contains, name=name, needle=needle)
    headers = predicate.where is TextField.TEXT
    return TextPart.WHOLE, PlainTest(needle, headers=headers)


def field_contains(header: Octets, name: bytes, needle: Needle) -> bool:
    """Return whether a field ``name`` (lower case) of ``header`` holds ``needle``.

    An empty needle is in every field that is there (RFC 9051 §6.4.4, HEADER).
    """
    parsed = Header(bytes(header))
    if name not in parsed:
        return False
    return not needle.text or any(map(needle.is_in, field_texts(parsed, name)))
