"""What changed from version to version of a zone, for those who hold an older one.

Sans-IO. Bounded: old changes are forgotten, and who asks for them gets the whole zone.
Source: RFC 1995 §4 and §5 (differences, purging), RFC 1982 §3.2 (newer serials).
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from pabal.dns.wire import codes
from pabal.dns.wire.rrset import RRset
from pabal.dns.zone.packed import NOTHING, Rrsets
from pabal.dns.zone.shards import differing
from pabal.dns.zone.tree import Zone

VERSIONS_MAX: Final = 100
"""Changes remembered a zone."""

RECORDS_MAX: Final = 25_000
"""Records remembered a zone; with more the whole zone is the shorter answer. They go
two milliseconds long when they are forgotten, all at once."""

_FREED_AT_ONCE: Final = 1024
"""Records: a tenth of a millisecond."""

_HALF: Final = 1 << 31


def is_newer(serial: int, than: int) -> bool:
    """Return whether ``serial`` comes after ``than`` (RFC 1982 §3.2)."""
    return 0 < (serial - than) % (1 << 32) < _HALF


@dataclass(frozen=True, slots=True)
class Change:
    """From one version to the next.

    Attributes:
        before: The SOA it begins from.
        after: The SOA it leads to.
        removed: Records that went, without the SOA.
        added: Records that came, without the SOA.
    """

    before: RRset
    after: RRset
    removed: tuple[RRset, ...]
    added: tuple[RRset, ...]

    @property
    def size(self) -> int:
        """How many records it holds."""
        return sum(len(rrset.rdatas) for rrset in (*self.removed, *self.added))


def difference(old: Zone, new: Zone) -> Change:
    """Return what leads from ``old`` to ``new``; the less they share, the dearer."""
    removed: list[RRset] = []
    added: list[RRset] = []
    for gone, come in _differences(old, new):
        removed += gone
        added += come
    return Change(old.soa, new.soa, tuple(removed), tuple(added))


def short_difference(old: Zone, new: Zone) -> Change | None:
    """Return the same, if it is not more than is remembered.

    A million records that all changed are not even looked through.
    """
    removed: list[RRset] = []
    added: list[RRset] = []
    for gone, come in _differences(old, new):
        removed += gone
        added += come
        if len(removed) + len(added) > RECORDS_MAX:
            for found in (removed, added):
                while found:  # not all at once: nobody else could run
                    del found[-_FREED_AT_ONCE:]
            return None
    made = Change(old.soa, new.soa, tuple(removed), tuple(added))
    return made if made.size <= RECORDS_MAX else None


def _differences(old: Zone, new: Zone) -> Iterator[tuple[list[RRset], list[RRset]]]:
    """Yield the records that went and those that came, name by name."""
    for name in differing(old.nodes.packed, new.nodes.packed):
        before = old.nodes.get(name, NOTHING)
        after = new.nodes.get(name, NOTHING)
        yield list(_missing(before, after)), list(_missing(after, before))


def _missing(there: Rrsets, here: Rrsets) -> Iterator[RRset]:
    """Yield the records of ``there`` that ``here`` has not, or with another TTL."""
    for rdtype, rrset in there.items():
        other = here.get(rdtype)
        if rdtype == codes.SOA or rrset == other:
            continue
        kept = other.rdatas if other and other.ttl_s == rrset.ttl_s else ()
        gone = tuple(rdata for rdata in rrset.rdatas if rdata not in kept)
        if gone:
            yield RRset(rrset.owner, rdtype, rrset.ttl_s, gone)


class History:
    """The changes of every zone; read and written from different threads."""

    def __init__(self) -> None:
        self._changes: Mapping[bytes, tuple[Change, ...]] = {}

    def note(self, old: Zone, new: Zone) -> None:
        """Remember that ``new`` took the place of ``old``."""
        kept = self._changes.get(old.origin, ())
        if not is_newer(new.serial, old.serial):
            # A serial that did not grow: nobody can tell the versions apart.
            kept = ()
        elif (change := short_difference(old, new)) is None:
            kept = ()
        else:
            kept = (*kept, change)[-VERSIONS_MAX:]
            while kept and sum(change.size for change in kept) > RECORDS_MAX:
                kept = kept[1:]
        self._changes = {**self._changes, old.origin: kept}

    def restore(self, origin: bytes, changes: Sequence[Change]) -> None:
        """Remember ``changes``, the oldest first, as all there is of a zone."""
        kept: list[Change] = []
        size = 0
        for change in reversed(changes[-VERSIONS_MAX:]):
            size += change.size
            if size > RECORDS_MAX:
                break
            kept.append(change)
        self._changes = {**self._changes, origin: tuple(reversed(kept))}

    def forget(self, origin: bytes) -> None:
        """Forget a zone that is no longer held."""
        if origin in self._changes:
            rest = {
                name: kept for name, kept in self._changes.items() if name != origin
            }
            self._changes = rest

    def since(self, origin: bytes, serial: int) -> tuple[Change, ...] | None:
        """Return what leads from ``serial`` to now; ``None`` if that is forgotten."""
        kept = self._changes.get(origin, ())
        for index, change in enumerate(kept):
            if int.from_bytes(change.before.rdatas[0][-20:-16], "big") == serial:
                return kept[index:]
        return None
