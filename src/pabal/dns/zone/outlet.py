"""The versions of zones that one circle of clients is served: everybody, or a view's.

Blocks for the disk and the arithmetic. The keys are not its business: what it signs
with, it is told, so that all versions of a zone are signed by the same ones.
"""

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final

from pabal.base.log import Log
from pabal.dns.wire.name import to_text
from pabal.dns.zone.alias import (
    Addresses,
    Book,
    flattened,
    targets,
    unsigned_version,
)
from pabal.dns.zone.history import is_newer
from pabal.dns.zone.shards import SPLIT_NAMES
from pabal.dns.zone.signedfile import SignedZones
from pabal.dns.zone.signing import Last, Made, Plan, Signed, sign_served
from pabal.dns.zone.tree import Zone

NO_ALIASES: Final[Mapping[bytes, bytes]] = MappingProxyType({})
NO_ZONES: Final[Mapping[bytes, Zone]] = MappingProxyType({})

log = Log("dns")


@dataclass(frozen=True, slots=True)
class Draft:
    """A zone as it is to be served, but for signatures and serial number.

    Attributes:
        own: As its owner means it.
        flat: With addresses in the place of ALIAS records; often ``own`` itself.
        before: What was served until now, if it was made here.
    """

    own: Zone
    flat: Zone
    before: Zone | None


class Outlet:
    """Makes the versions and puts them where they are served from.

    Args (of the constructor):
        files: That place.
        pause: Called every now and then: to let others work, or raise to stop.
        view: Whose they are; empty: everybody's.

    Attributes:
        owners: The zones as their owners mean them, by folded apex.
        numbered: Folded apexes of those whose serial number is ours to raise.
        aliases: The targets of each zone's ALIAS records, by their owners.
    """

    def __init__(
        self, files: SignedZones, pause: Callable[[], object], view: str = ""
    ) -> None:
        self.files = files
        self._pause = pause
        self._view = view
        self.owners: Mapping[bytes, Zone] = NO_ZONES
        self.numbered: Collection[bytes] = ()
        self.aliases: Mapping[bytes, Mapping[bytes, bytes]] = {}
        self._looked: dict[bytes, tuple[Zone, Mapping[bytes, bytes]]] = {}
        self._made: dict[bytes, tuple[int, Made]] = {}
        self._settled: dict[bytes, tuple[Zone, Sequence[Addresses | None]]] = {}

    def look(self) -> frozenset[bytes]:
        """Take note of every ALIAS in the zones; return their targets, folded."""
        found: dict[bytes, tuple[Zone, Mapping[bytes, bytes]]] = {}
        for origin, own in self.owners.items():
            before = self._looked.get(origin)
            if before is not None and before[0] is own:
                found[origin] = before
                continue
            aliases = targets(own, before)
            if aliases or len(own.nodes) > SPLIT_NAMES:
                found[origin] = own, aliases
        self._looked = found
        self.aliases = {origin: each[1] for origin, each in found.items() if each[1]}
        return frozenset(
            target for _, aliases in found.values() for target in aliases.values()
        )

    def addresses(self, origin: bytes, book: Book) -> Sequence[Addresses | None]:
        """Return what ``book`` says of the targets of one zone."""
        return [book.get(t) for t in self.aliases.get(origin, NO_ALIASES).values()]

    def draft(self, origin: bytes, book: Book) -> Draft | None:
        """Return what is to become of one zone; ``None``: there is none, or not yet.

        Without the addresses of its aliases nobody should see it.
        """
        own = self.owners.get(origin)
        if own is None:
            return None
        before = self.files.current(origin)
        aliases = self.aliases.get(origin, NO_ALIASES)
        if before is None and not book.keys() >= {*aliases.values()}:
            return None
        flat = flattened(own, aliases, book, before) if aliases else own
        return Draft(own, flat, before)

    def sign(self, draft: Draft, plan: Plan, now: int, serial: int | None) -> Signed:
        """Put the signed version in its place; return it, or the one before.

        Args:
            now: Seconds since 1970.
            serial: The serial number served last; ``None``: none was.
        """
        before, origin = draft.before, draft.own.origin
        if before is not None and (serial is None or is_newer(before.serial, serial)):
            # Who signed it died before that was noted: another version has another.
            serial = before.serial
        due, made = self._made.get(origin, (0, None))
        last = Last(serial, due, self._pause, made)
        signed = sign_served(draft.flat, before, plan, now, last)
        if signed.zone is not before:
            self._put(signed.zone, signatures=signed.made)
        now_made = Made(draft.flat, signed.zone, plan.shape, signed.ttl_max_s)
        self._made[origin] = signed.due, now_made
        return signed

    def unsigned(self, draft: Draft, last: int | None) -> tuple[Zone | None, bool]:
        """Put a version without signatures in its place, or none where none is needed.

        Args:
            last: The serial number served last; ``None``: none was.

        Returns:
            The new version, if there is one, and whether something else is served now.
        """
        flat, before = draft.flat, draft.before
        self._made.pop(flat.origin, None)
        behind = last is not None and not is_newer(flat.serial, last)
        needed = flat is not draft.own or flat.origin in self.numbered
        if not needed and not (behind and (before is not None or flat.serial != last)):
            return None, self.files.remove(flat.origin)
        # With the owner's serial number secondaries would not notice what changed.
        zone = unsigned_version(flat, before, last)
        if zone is before:
            return None, False
        self._put(zone)
        return zone, True

    def settle(self, origin: bytes, book: Book, last: int | None) -> bool:
        """Do what is to be done for a zone without keys; return whether it changed.

        Args:
            last: What everybody's version has, for a first one: the next comes after.
        """
        seen = self.owners[origin], self.addresses(origin, book)
        before = self._settled.get(origin)
        if before is not None and before[0] is seen[0] and before[1] == seen[1]:
            return False
        draft = self.draft(origin, book)
        if draft is None:
            return False
        if draft.before is not None:
            last = draft.before.serial
        changed = self.unsigned(draft, last)[1]
        self._settled[origin] = seen
        return changed

    def forget(self, origin: bytes) -> None:
        """Look at everything of a zone anew the next time."""
        self._made.pop(origin, None)
        self._settled.pop(origin, None)

    def _put(self, zone: Zone, **facts: int) -> None:
        self.files.put(zone)
        said: dict[str, str | int] = {"zone": to_text(zone.origin)}
        if self._view:
            said["view"] = self._view
        what = "zone signed" if facts else "zone numbered"
        log.info(what, **said, serial=zone.serial, **facts)
