"""Signs zones and moves their keys on: the work of one process for all.

Blocks for the disk and the arithmetic, so it is called from a thread. A turn is: move
the keys on, sign what that and the owner's changes ask for, put the result on disk, and
only then say that it is in service, for that is when the waits begin.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from types import MappingProxyType
from typing import Final

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
from pabal.dns.zone.alias import (
    Addresses,
    Book,
    flattened,
    targets,
    unsigned_version,
)
from pabal.dns.zone.history import is_newer
from pabal.dns.zone.keystore import KeyStore, ZoneKeys
from pabal.dns.zone.shards import SPLIT_NAMES
from pabal.dns.zone.signedfile import SignedZones
from pabal.dns.zone.signing import Last, Made, Plan, Signed, sign_served
from pabal.dns.zone.source import Stamp
from pabal.dns.zone.tree import Zone

UNSIGNED: Final = Ring(Policy(enabled=False))
"""The state of a zone that was never signed."""

NO_ALIASES: Final[Mapping[bytes, bytes]] = MappingProxyType({})
NO_ADDRESSES: Final[Book] = MappingProxyType({})

CLOCK_SLACK_S: Final = 3600
"""How far the clock may go back; signatures of the past are worse than old ones."""

_NEVER: Final = 1 << 62

AGAIN_S: Final = 60
"""When a zone that could not be signed is tried again."""

log = Log("dns")


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
        next_at: When there is something to do.
        due: When the first signature is to be made anew.
        parent_at: When the parent is to be looked at; 0: not at all.
        addresses: What the targets of its ALIAS records had.
        made: How the version in service came about, if it is signed.
    """

    name: dns.name.Name
    own: Zone
    stamp: Stamp | None
    next_at: int
    due: int = 0
    parent_at: int = 0
    addresses: Sequence[Addresses | None] = ()
    made: Made | None = None


class _StoppedError(PabalError):
    """The server stops: what was begun is begun anew next time."""


class ZoneSigner:
    """Signs the zones whose owners want that.

    Args (of the constructor):
        store: Their keys.
        files: Where the signed zones go.
        give_way: Called every millisecond: lets other threads have their turn.

    Attributes:
        stopping: Set from another thread: the turn ends soon, with nothing half done.
    """

    def __init__(
        self,
        store: KeyStore,
        files: SignedZones,
        clock: Clock,
        give_way: Callable[[], object] = bool,
    ) -> None:
        self._give_way = give_way
        self._store = store
        self._files = files
        self._clock = clock
        self._known: dict[bytes, _Known] = {}
        self._aliases: Mapping[bytes, Mapping[bytes, bytes]] = {}
        self._looked: dict[bytes, tuple[Zone, Mapping[bytes, bytes]]] = {}
        self._book: Book = {}
        self._begun = False
        self.stopping = False

    def _pause(self) -> None:
        """Let others work, or stop."""
        if self.stopping:
            raise _StoppedError
        self._give_way()

    def look(self, owners: Mapping[bytes, Zone]) -> frozenset[bytes]:
        """Take note of every ALIAS in ``owners``; return their targets, folded."""
        found: dict[bytes, tuple[Zone, Mapping[bytes, bytes]]] = {}
        for origin, own in owners.items():
            before = self._looked.get(origin)
            if before is not None and before[0] is own:
                found[origin] = before
                continue
            aliases = targets(own, before)
            if aliases or len(own.nodes) > SPLIT_NAMES:
                found[origin] = own, aliases
        self._looked = found
        self._aliases = {origin: each[1] for origin, each in found.items() if each[1]}
        return frozenset(
            target for _, aliases in found.values() for target in aliases.values()
        )

    def turn(self, owners: Mapping[bytes, Zone], book: Book = NO_ADDRESSES) -> Turn:
        """Do what is to be done now.

        Args:
            owners: The zones as their owners mean them, by folded apex.
            book: What the targets that ``look`` returned have.
        """
        if not self._begun and self._files.directory.is_dir():
            # Who signed before may have died between a zone and its word of it.
            self._files.touch()
            self._begun = True
        self._book = book
        changed: list[dns.name.Name] = []
        next_at = self._now() + AGAIN_S
        zones = {origin: self._store.of(name_of(origin)) for origin in self._aliases}
        zones |= {name_octets(keys.name): keys for keys in self._store.all()}
        for origin, keys in zones.items():
            own = owners.get(origin)
            if own is None or self.stopping:
                continue
            try:
                if self._zone(keys, own):
                    changed.append(keys.name)
            except _StoppedError:
                break
            except (PabalError, OSError) as error:
                log.warning("zone not signed", zone=str(keys.name), reason=str(error))
                self._known.pop(origin, None)
                continue
            known = self._known.get(origin)
            next_at = min(next_at, known.next_at if known else next_at)
        return Turn(tuple(changed), next_at)

    def _zone(self, keys: ZoneKeys, own: Zone) -> bool:
        """Do what is to be done for one zone; return whether it has a new version."""
        known = self._known.get(own.origin)
        now = self._now()
        aliases = self._aliases.get(own.origin, NO_ALIASES)
        addresses = [self._book.get(target) for target in aliases.values()]
        if (
            known is not None
            and known.own is own
            and known.stamp == keys.stamp()
            and known.addresses == addresses
            and now < known.next_at
        ):
            return False
        ring = self._moved(keys, now)
        before = self._files.current(own.origin)
        if before is None and not self._book.keys() >= {*aliases.values()}:
            # Without its addresses nobody should see it.
            return False
        flat = flattened(own, aliases, self._book, before) if aliases else own
        if ring.is_bare:
            changed = self._unsigned(keys, flat, ring, before, made=flat is not own)
            self._known[own.origin] = _Known(
                keys.name, own, keys.stamp(), _NEVER, addresses=addresses
            )
            return changed
        plan = plan_of(keys, ring)
        last = self._last(ring, known, before)
        signed = sign_served(flat, before, plan, now, last)
        changed = signed.zone is not before
        if changed:
            self._put(keys, signed)
        ring, stamp = self._served(keys, signed.zone.serial, signed.ttl_max_s)
        next_at = min(signed.due, next_move(ring) or signed.due)
        every_s = looks_at_parent_every_s(ring)
        parent_at = ring.parent.checked_at + every_s if every_s else 0
        self._known[own.origin] = _Known(
            keys.name,
            own,
            stamp,
            next_at,
            signed.due,
            parent_at,
            addresses,
            Made(flat, signed.zone, plan.shape, signed.ttl_max_s),
        )
        return changed

    def _last(self, ring: Ring, known: _Known | None, before: Zone | None) -> Last:
        serial = ring.serial
        if before is not None and (serial is None or is_newer(before.serial, serial)):
            # Who signed it died before that was noted: another version has another.
            serial = before.serial
        if known is None:
            return Last(serial, pause=self._pause)
        return Last(serial, known.due, self._pause, known.made)

    def _put(self, keys: ZoneKeys, signed: Signed) -> None:
        """Write a new version."""
        self._files.put(signed.zone)
        log.info(
            "zone signed",
            zone=str(keys.name),
            serial=signed.zone.serial,
            signatures=signed.made,
        )

    def _unsigned(
        self, keys: ZoneKeys, flat: Zone, ring: Ring, before: Zone | None, *, made: bool
    ) -> bool:
        """Serve a zone without signatures; return whether it has a new version.

        Args:
            made: Whether it is another zone than its owner's.
        """
        last = ring.serial
        behind = last is not None and not is_newer(flat.serial, last)
        if not made and not (behind and (before is not None or flat.serial != last)):
            return self._files.remove(flat.origin)
        # With the owner's serial number secondaries would not notice what changed.
        zone = unsigned_version(flat, before, last)
        if zone is before:
            return False
        with keys.locked():
            self._files.put(zone)
        self._served(keys, zone.serial, 0)
        return True

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
