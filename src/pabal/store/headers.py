"""Header fields and structures that were asked for before.

Clients list a mailbox by the same few fields, again and again. The fields of an email
never change, nor does its structure, so they are kept: for all accounts of a process
together within a bound, what was asked for longest ago goes first.

Sans-IO. On the event loop only.
"""

from collections import OrderedDict
from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Final

from pabal.message.header import select_many
from pabal.store.ports import AccountId, Column, EmailId, Row

ROOM_OCTETS: Final = 64 * 1024 * 1024
"""Memory all of them may take: the lists of some hundred thousand messages."""

OVERHEAD_OCTETS: Final = 150
"""What one costs besides its octets: an object, a place in a table, a number."""

_NOTHING: Final[Mapping[EmailId, bytes]] = MappingProxyType({})

Key = tuple[AccountId, frozenset[bytes] | Column]
"""Whose emails, and which fields (lower case) or what else of them."""

Read = Callable[[Sequence[EmailId], Sequence[Column]], Awaitable[Sequence[Row | None]]]
"""Reads facts of emails: ``AccountStore.read``."""


@dataclass(slots=True)
class _Kept:
    """Fields of one kind; ``size`` is what they cost."""

    fields: dict[EmailId, bytes] = field(default_factory=dict)
    size: int = 0


class HeaderCache:
    """What is kept, of every account.

    Args (of the constructor):
        room_octets: Memory it may take.
    """

    def __init__(self, room_octets: int = ROOM_OCTETS) -> None:
        self._room = room_octets
        self._kept: OrderedDict[Key, _Kept] = OrderedDict()
        self.size = 0

    def known(self, key: Key) -> Mapping[EmailId, bytes]:
        """Return the fields known of ``key``."""
        kept = self._kept.get(key)
        if kept is None:
            return _NOTHING
        self._kept.move_to_end(key)
        return kept.fields

    def add(self, key: Key, found: Mapping[EmailId, bytes]) -> None:
        """Keep fields that were not known."""
        kept = self._kept.setdefault(key, _Kept())
        kept.fields.update(found)
        size = sum(map(len, found.values())) + len(found) * OVERHEAD_OCTETS
        kept.size += size
        self.size += size
        while self.size > self._room:
            _, oldest = self._kept.popitem(last=False)
            self.size -= oldest.size

    def forget(self, owner: AccountId) -> None:
        """Forget an account: it was removed."""
        for key in [key for key in self._kept if key[0] == owner]:
            self.size -= self._kept.pop(key).size


@dataclass(frozen=True, slots=True)
class Headers:
    """Implements ``pabal.store.fields.HeaderFields``."""

    owner: AccountId
    cache: HeaderCache
    read: Read

    async def fields(
        self, emails: Sequence[EmailId], names: Collection[bytes]
    ) -> Sequence[bytes | None]:
        """Return the fields called ``names`` and the empty line of each header."""
        wanted = frozenset(map(bytes.lower, names))
        key = self.owner, wanted
        found, missing = self._known(key, emails)
        if missing:
            headers = await self._read(missing, Column.HEADER)
            selected = select_many(headers.values(), wanted)
            new = dict(zip(headers, selected, strict=True))
            found = self._completed(key, emails, found, new)
        return found

    async def structures(self, emails: Sequence[EmailId]) -> Sequence[bytes | None]:
        """Return the BODYSTRUCTURE of each email; ``None`` for one that is gone."""
        key = self.owner, Column.BODYSTRUCTURE
        found, missing = self._known(key, emails)
        if missing:
            new = await self._read(missing, Column.BODYSTRUCTURE)
            found = self._completed(key, emails, found, new)
        return found

    def _known(
        self, key: Key, emails: Sequence[EmailId]
    ) -> tuple[list[bytes | None], list[EmailId]]:
        """Return what is kept of each email, and which have nothing kept."""
        found = list(map(self.cache.known(key).get, emails))
        if None not in found:
            return found, []
        return found, [
            email for email, one in zip(emails, found, strict=True) if one is None
        ]

    async def _read(
        self, emails: Sequence[EmailId], column: Column
    ) -> dict[EmailId, bytes]:
        """Return the octets in ``column`` of those that are there."""
        rows = await self.read(emails, (column,))
        return {
            email: row[0]
            for email, row in zip(emails, rows, strict=True)
            if row is not None and isinstance(row[0], bytes)
        }

    def _completed(
        self,
        key: Key,
        emails: Sequence[EmailId],
        found: Sequence[bytes | None],
        new: Mapping[EmailId, bytes],
    ) -> list[bytes | None]:
        """Keep what is ``new``; return ``found`` with it."""
        self.cache.add(key, new)
        return [
            new.get(email) if one is None else one
            for email, one in zip(emails, found, strict=True)
        ]
