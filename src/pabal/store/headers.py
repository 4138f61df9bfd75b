"""Header fields that were asked for before.

Clients list a mailbox by the same few fields, again and again. The fields of an email
never change, so they are kept: for all accounts of a process together within a bound,
what was asked for longest ago goes first.

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

Key = tuple[AccountId, frozenset[bytes]]
"""Whose emails, and which fields (lower case)."""

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
        key = self.owner, frozenset(map(bytes.lower, names))
        found = list(map(self.cache.known(key).get, emails))
        if None in found:
            missing = [
                email for email, one in zip(emails, found, strict=True) if one is None
            ]
            rows = await self.read(missing, (Column.HEADER,))
            headers = {
                email: row[0]
                for email, row in zip(missing, rows, strict=True)
                if row is not None and isinstance(row[0], bytes)
            }
            selected = select_many(headers.values(), key[1])
            new = dict(zip(headers, selected, strict=True))
            self.cache.add(key, new)
            found = [
                new.get(email) if one is None else one
                for email, one in zip(emails, found, strict=True)
            ]
        return found
