"""Zones that are no longer served, freed bit by bit.

Sans-IO. A zone of a million names that goes with its last reference takes a tenth of a
second, in which no other thread runs.
"""

import sys
from collections.abc import Callable, Iterable
from typing import Final

from pabal.dns.zone.batch import Held
from pabal.dns.zone.shards import SPLIT_NAMES, parts_of
from pabal.dns.zone.tree import Zone

PROBED: Final = 8
"""Parts that are compared: a change touches few of all."""


_OWN_REFERENCES: Final = 2
"""Those of a list and of ``getrefcount``'s argument."""


def replaced_zone(before: Held | None, after: Held | None) -> list[Zone]:
    """Return the versions of a zone in ``before`` that are not in ``after``.

    But those that have most of what is in the next: little goes with them.
    """
    if before is None or before is after:
        return []
    kept = () if after is None else after.zones
    return [each for each in before.zones if not any(_share(each, one) for one in kept)]


def large_replaced(before: Held | None, after: Held | None) -> list[Zone]:
    """Return the same, unless they are small."""
    if before is None or len(before.own.nodes) <= SPLIT_NAMES:
        return []
    return replaced_zone(before, after)


def _share(one: Zone, other: Zone) -> bool:
    """Return whether two versions have many names in common, not only alike."""
    mine, theirs = parts_of(one.nodes.packed), parts_of(other.nodes.packed)
    pairs = zip(mine[:PROBED], theirs[:PROBED], strict=False)
    return any(each is another for each, another in pairs)


def unused(zones: list[Zone]) -> list[Zone]:
    """Take out of ``zones`` those that nobody else holds, and return them.

    Who still sends one to a secondary, or signs it, would be the last to drop it, and
    would free it at once.
    """
    places = [
        place
        for place in range(len(zones) - 1, -1, -1)
        if sys.getrefcount(zones[place]) <= _OWN_REFERENCES
    ]
    return [zones.pop(place) for place in places]


def let_go(zones: list[Zone], pause: Callable[[], object] = bool) -> None:
    """Empty ``zones``; what nobody else holds of them is freed in small pieces.

    Args:
        pause: Called between two of them.
    """
    pieces: list[object] = []
    while zones:
        pieces += _pieces(zones.pop())
    while pieces:
        pieces.pop()
        pause()


def _pieces(zone: Zone) -> Iterable[object]:
    yield from parts_of(zone.nodes.packed)
    yield from parts_of(zone.nodes.written)
    if zone.denial is not None:
        yield from zone.denial.order.runs
