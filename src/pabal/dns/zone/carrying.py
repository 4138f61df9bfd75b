"""Zones as plain values that another process can take over without reading files.

Sans-IO. Only settled zones: one file decides about them.
"""

from collections.abc import Iterable, Sequence

from pabal.dns.wire import codes
from pabal.dns.zone.batch import Basis, Held
from pabal.dns.zone.packed import has_type
from pabal.dns.zone.settled import Settled
from pabal.dns.zone.shards import fitting
from pabal.dns.zone.signing import served_zone
from pabal.dns.zone.source import Stamp
from pabal.dns.zone.zones import State

Load = tuple[str, Stamp, bytes, dict[bytes, bytes], dict[bytes, bytes]]
"""File and its stamp; folded apex, names with their records, names as written."""


def loads_of(zones: Iterable[Held]) -> list[Load]:
    """Return settled zones as plain values; but those that their files have signed."""
    loads = []
    for held in zones:
        own = held.own
        (file, stamp), nodes = held.basis.stamps[0], own.nodes
        if not has_type(nodes.packed[own.origin], codes.RRSIG):
            packed, written = dict(nodes.packed), dict(nodes.written)
            loads.append((file, stamp, own.origin, packed, written))
    return loads


def state_of(state: State, loads: Sequence[Load]) -> State:
    """Return ``state`` with the zones of ``loads``."""
    served, held = dict(state.served), dict(state.held)
    files, stamps = dict(state.settled.files), dict(state.settled.stamps)
    for file, stamp, origin, nodes, letters in loads:
        zone = served_zone(origin, fitting(nodes), letters)
        basis = Basis(file, ((file, stamp),), hosted=False, derived=())
        served[origin] = zone
        held[origin] = Held(basis, zone, zone, None, copied=False)
        files[origin], stamps[file] = file, stamp
    rest = state.settled.rest
    return State(served, held, Settled(stamps, files, state.settled.loose, rest, 0))
