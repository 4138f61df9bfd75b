"""Signs zones and moves their keys on: the work of one process for all.

Blocks for the disk and the arithmetic, so it is called from a thread. A turn is: move
the keys on, sign what that and the owner's changes ask for, put the result on disk, and
only then say that it is in service, for that is when the waits begin.
"""

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from operator import is_
from types import MappingProxyType
from typing import Final, Protocol

import dns.name
from dns.rdtypes.ANY.DS import DS

from pabal.base.clock import Clock
from pabal.base.errors import PabalError
from pabal.base.log import Log
from pabal.dns.dnssec.delegation import for_parent, seen_at_parent
from pabal.dns.dnssec.keystate import Policy, Ring
from pabal.dns.dnssec.rollover import (
    due_roles,
    looks_at_parent_every_s,
    missing,
    next_move,
    observed,
    published,
    roll,
    step,
    swept,
)
from pabal.dns.dnssec.setsigner import Signer
from pabal.dns.wire.rrset import name_octets, name_of
from pabal.dns.zone.alias import Book
from pabal.dns.zone.keystore import KeyStore, ZoneKeys
from pabal.dns.zone.outlet import Draft, Outlet
from pabal.dns.zone.signedfile import SignedZones
from pabal.dns.zone.signing import Plan, Signed
from pabal.dns.zone.source import Stamp
from pabal.dns.zone.tree import Zone

UNSIGNED: Final = Ring(Policy(enabled=False))
"""The state of a zone that was never signed."""

NO_ADDRESSES: Final[Book] = MappingProxyType({})

CLOCK_SLACK_S: Final = 3600
"""How far the clock may go back; signatures of the past are worse than old ones."""

_NEVER: Final = 1 << 62

AGAIN_S: Final = 60
"""When a zone that could not be signed is tried again."""

log = Log("dns")


class ViewZones(Protocol):
    """What the clients of a view see instead of everybody's zones."""

    @property
    def name(self) -> str:
        """What the view is called."""
        ...

    @property
    def files(self) -> SignedZones:
        """Where its zones are served from, once they were signed or numbered."""
        ...

    def own_versions(self) -> tuple[Mapping[bytes, Zone], Collection[bytes]]:
        """Return its zones by folded apex, and whose serial number is ours to raise."""
        ...


@dataclass(frozen=True, slots=True)
class Turn:
    """What a round over all zones did.

    Attributes:
        changed: Zones that have a new version on disk, or none any more.
        next_at: When there is something to do without anybody's asking, seconds since
            1970.
    """

    changed: tuple[dns.name.Name, ...]
    next_at: int


@dataclass(slots=True)
class _Known:
    """What a zone looked like at its last turn.

    Attributes:
        owns: Its versions as their owners mean them, that of each outlet.
        next_at: When there is something to do.
        parent_at: When the parent is to be looked at; 0: not at all.
        addresses: What the targets of its ALIAS records had.
    """

    name: dns.name.Name
    owns: Sequence[Zone | None]
    stamp: Stamp | None
    addresses: Sequence[object]
    next_at: int = _NEVER
    parent_at: int = 0

    def is_as(
        self,
        owns: Sequence[Zone | None],
        stamp: Stamp | None,
        addresses: Sequence[object],
    ) -> bool:
        """Return whether it still looks like this."""
        same = all(map(is_, self.owns, owns))
        return same and (self.stamp, self.addresses) == (stamp, addresses)


class _StoppedError(PabalError):
    """The server stops: what was begun is begun anew next time."""


class ZoneSigner:
    """Signs the zones whose owners want that.

    A view's version of a zone is signed by the keys of the zone, in the same turn: they
    move on when all versions are in service.

    Args (of the constructor):
        store: Their keys.
        files: Where the signed zones go.
        give_way: Called every millisecond: lets other threads have their turn.
        views: What some clients see instead.

    Attributes:
        stopping: Set from another thread: the turn ends soon, with nothing half done.
    """

    def __init__(
        self,
        store: KeyStore,
        files: SignedZones,
        clock: Clock,
        give_way: Callable[[], object] = bool,
        views: Sequence[ViewZones] = (),
    ) -> None:
        self._give_way = give_way
        self._store = store
        self._clock = clock
        self._views = views
        self._outlets = [Outlet(files, self._pause)]
        self._outlets += [Outlet(v.files, self._pause, v.name) for v in views]
        self._known: dict[bytes, _Known] = {}
        self._book: Book = {}
        self._begun = False
        self.stopping = False

    def _pause(self) -> None:
        """Let others work, or stop."""
        if self.stopping:
            raise _StoppedError
        self._give_way()

    def _give(self, owners: Mapping[bytes, Zone]) -> None:
        """Tell the outlets which zones there are."""
        common, *others = self._outlets
        common.owners = owners
        for outlet, view in zip(others, self._views, strict=True):
            outlet.owners, outlet.numbered = view.own_versions()

    def look(self, owners: Mapping[bytes, Zone]) -> frozenset[bytes]:
        """Take note of every ALIAS in the zones; return their targets, folded.

        Args:
            owners: Everybody's zones; those of the views are known.
        """
        self._give(owners)
        return frozenset().union(*(outlet.look() for outlet in self._outlets))

    def turn(self, owners: Mapping[bytes, Zone], book: Book = NO_ADDRESSES) -> Turn:
        """Do what is to be done now.

        Args:
            owners: The zones as their owners mean them, by folded apex.
            book: What the targets that ``look`` returned have.
        """
        self._give(owners)
        if not self._begun:
            for outlet in self._outlets:
                if outlet.files.directory.is_dir():
                    # Who signed before may have died between a zone and its word of it.
                    outlet.files.touch()
                    self._begun = True
        self._book = book
        changed: list[dns.name.Name] = []
        next_at = self._now() + AGAIN_S
        common = self._outlets[0]
        zones = {origin: self._store.of(name_of(origin)) for origin in common.aliases}
        zones |= {name_octets(keys.name): keys for keys in self._store.all()}
        for origin, keys in zones.items():
            if not any(origin in outlet.owners for outlet in self._outlets):
                continue
            if self._tried(origin, partial(self._zone, keys)):
                changed.append(keys.name)
            known = self._known.get(origin)
            next_at = min(next_at, known.next_at if known else next_at)
        for outlet in self._outlets[1:]:
            others = {*outlet.numbered, *outlet.aliases} - zones.keys()
            settled = partial(self._settled, outlet)
            changed += (name_of(o) for o in others if self._tried(o, settled))
        return Turn(tuple(changed), next_at)

    def _tried(self, origin: bytes, work: Callable[[bytes], bool]) -> bool:
        """Do ``work`` on a zone; return whether it has a new version."""
        try:
            return not self.stopping and work(origin)
        except _StoppedError:
            return False
        except (PabalError, OSError) as error:
            name = str(name_of(origin))
            log.warning("zone not signed", zone=name, reason=str(error))
            self._known.pop(origin, None)
            for outlet in self._outlets:
                outlet.forget(origin)
            return False

    def _settled(self, outlet: Outlet, origin: bytes) -> bool:
        common = self._outlets[0]
        own = common.owners.get(origin)
        if own is None or origin not in outlet.numbered:
            return outlet.settle(origin, self._book, None)
        served = common.files.current(origin) or own
        return outlet.settle(origin, self._book, served.serial)

    def _zone(self, keys: ZoneKeys, origin: bytes) -> bool:
        """Do what is to be done for one zone; return whether it has a new version."""
        known = self._known.get(origin)
        now = self._now()
        owns = [outlet.owners.get(origin) for outlet in self._outlets]
        addresses = [outlet.addresses(origin, self._book) for outlet in self._outlets]
        if (
            known is not None
            and known.is_as(owns, keys.stamp(), addresses)
            and now < known.next_at
        ):
            return False
        ring = self._moved(keys, now)
        found = [
            (outlet, draft)
            for outlet in self._outlets
            if (draft := outlet.draft(origin, self._book)) is not None
        ]
        common = self._outlets[0]
        if not found or (origin in common.owners and found[0][0] is not common):
            return False
        known = _Known(keys.name, owns, None, addresses)
        if ring.is_bare:
            changed = self._unsigned(keys, found, ring)
            known.stamp = keys.stamp()
        else:
            changed = self._signed(keys, found, ring, known)
        self._known[origin] = known
        return changed

    def _signed(
        self,
        keys: ZoneKeys,
        found: Sequence[tuple[Outlet, Draft]],
        ring: Ring,
        known: _Known,
    ) -> bool:
        """Sign all versions of a zone; return whether one is new."""
        now = self._now()
        plan = plan_of(keys, ring)
        made: list[Signed] = []
        changed = False
        for outlet, draft in found:
            serial = self._serial(outlet, draft, ring)
            signed = outlet.sign(draft, plan, now, serial)
            changed |= signed.zone is not draft.before
            made.append(signed)
        ttl_max_s = max(signed.ttl_max_s for signed in made)
        ring, known.stamp = self._served(keys, made[0].zone.serial, ttl_max_s)
        due = min(signed.due for signed in made)
        known.next_at = min(due, next_move(ring) or due)
        every_s = looks_at_parent_every_s(ring)
        known.parent_at = ring.parent.checked_at + every_s if every_s else 0
        return changed

    def _serial(self, outlet: Outlet, draft: Draft, ring: Ring) -> int | None:
        """Return the serial number that the next version of a zone comes after."""
        if outlet is self._outlets[0]:
            return ring.serial
        if draft.before is not None:
            return draft.before.serial
        # Who had everybody's version until now is to see that there is another.
        return ring.serial if draft.own.origin in outlet.numbered else None

    def _unsigned(
        self, keys: ZoneKeys, found: Sequence[tuple[Outlet, Draft]], ring: Ring
    ) -> bool:
        """Serve a zone without signatures; return whether it has a new version."""
        changed = False
        for outlet, draft in found:
            with keys.locked():
                zone, other = outlet.unsigned(draft, self._serial(outlet, draft, ring))
            changed |= other
            if zone is not None and outlet is found[0][0]:
                self._served(keys, zone.serial, 0)
        return changed

    def _moved(self, keys: ZoneKeys, now: int) -> Ring:
        """Move the keys on; return what the zone is to show."""
        with keys.locked():
            before = keys.read() or UNSIGNED
            if now + CLOCK_SLACK_S < before.published_at:
                raise PabalError("the clock is behind: it was later when it was signed")
            ring = roll(before, due_roles(before, now))
            ring = with_keys(keys, ring, now)
            ring = step(ring, now)
            kept = swept(ring)
            if kept != before:
                keys.write(kept)
            _tell(keys, before, kept)
        for key in ring.keys:
            if key.is_gone:
                keys.forget(key)
        return kept

    def _served(
        self, keys: ZoneKeys, serial: int, ttl_max_s: int
    ) -> tuple[Ring, Stamp | None]:
        """Note that what was asked for is in service; return state and stamp."""
        with keys.locked():
            before = keys.read() or UNSIGNED
            now = self._now()
            ring = published(before, now, ttl_max_s)
            if serial != ring.serial:
                ring = replace(ring, serial=serial, published_at=now)
            if ring != before:
                keys.write(ring)
            return ring, keys.stamp()

    def watched(self) -> Sequence[dns.name.Name]:
        """Return the zones whose parents are to be looked at now."""
        now = self._now()
        known = tuple(self._known.values())
        return [each.name for each in known if 0 < each.parent_at <= now]

    def saw(self, name: dns.name.Name, records: Iterable[DS], ttl_s: int) -> None:
        """Take note of the DS set that the parent of zone ``name`` has.

        Raises:
            KeyStoreError: It cannot be written down.
        """
        note_parent(self._store.of(name), records, ttl_s, self._now())

    def _now(self) -> int:
        return int(self._clock.now())


def note_parent(keys: ZoneKeys, records: Iterable[DS], ttl_s: int, now: int) -> None:
    """Write down which DS set the parent of a zone has; nothing for one without keys.

    Raises:
        KeyStoreError: It cannot be written.
    """
    with keys.locked():
        ring = keys.read()
        if ring is None:
            return
        seen = seen_at_parent(keys.name, ring, records)
        after = observed(ring, seen.ours, ttl_s, seen.strangers, now)
        keys.write(after)
        _tell(keys, ring, after)


def with_keys(keys: ZoneKeys, ring: Ring, now: int) -> Ring:
    """Return ``ring`` with the keys made that its policy wants and it lacks.

    Raises:
        KeyStoreError: They cannot be written.
    """
    for role in missing(ring):
        made = keys.make(role, ring.policy.algorithm, ring, now)
        ring = replace(ring, keys=(*ring.keys, made))
        log.info("key made", zone=str(keys.name), role=role.value, tag=made.tag)
    return ring


def plan_of(keys: ZoneKeys, ring: Ring) -> Plan:
    """Return what the zone shows of ``ring``, and what signs it.

    Raises:
        KeyStoreError: A private key is missing.
    """
    needed = [key for key in ring.keys if key.is_published or key.is_signing]
    private = {key.tag: Signer.of(keys.private(key)) for key in needed}
    shown = [key for key in needed if key.is_published]
    parent = for_parent(keys.name, ring)
    policy = ring.policy
    return Plan(
        dnskeys=tuple(key.dnskey for key in shown),
        cds=parent.cds,
        cdnskey=parent.cdnskey,
        key_ttl_s=policy.dnskey_ttl_s,
        zone_signers=tuple(private[key.tag] for key in needed if key.is_signing),
        key_signers=tuple(private[key.tag] for key in shown if key.role.is_sep),
        nsec3=policy.nsec3,
        opt_out=policy.opt_out,
        validity_s=policy.validity_s,
        refresh_s=policy.refresh_s,
    )


def _tell(keys: ZoneKeys, before: Ring, after: Ring) -> None:
    """Log how keys moved."""
    old = {key.tag: key for key in before.keys}
    for key in after.keys:
        cells = [cell.place.value for cell in key.cells]
        was = old.get(key.tag)
        if was is None or [cell.place.value for cell in was.cells] != cells:
            log.info(
                "key moved",
                zone=str(keys.name),
                tag=key.tag,
                key=cells[0],
                signatures=cells[1],
                ds=cells[2],
            )
