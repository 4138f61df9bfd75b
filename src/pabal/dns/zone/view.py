"""Split horizon: what some clients see instead of what all others do.

A view is the common zones with differences: other addresses of this host, and files. A
file with an SOA is a whole zone, and so are the view's copies of other servers' zones
(``Whole``); one without lies over the common zone, and each set in it takes the place
of the common one. What differs is signed and numbered as the common zones are, by who
signs those (``signer``), and served from where that puts it (``files``). Blocks for
reading; meant for a thread.
"""

import ipaddress
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Final

import dns.name
import dns.rdatatype

from pabal.dns.ports import Resolved
from pabal.dns.wire import codes
from pabal.dns.wire.rrset import RRset, name_octets
from pabal.dns.zone.compose import Composition
from pabal.dns.zone.local import local_answer
from pabal.dns.zone.lookup import nearest
from pabal.dns.zone.master import MasterFile
from pabal.dns.zone.packed import Rrsets, unpack
from pabal.dns.zone.problem import Place, Problem, Severity, has_errors
from pabal.dns.zone.signedfile import SignedZones
from pabal.dns.zone.source import Stamp, Text, ZoneSource
from pabal.dns.zone.tree import Zone, changed
from pabal.dns.zone.zones import Zones

_ADDRESSES: Final = {codes.A: 4, codes.AAAA: 6}
"""Address types and the IP version of each."""


@dataclass(frozen=True, slots=True)
class _Made:
    """A zone of the view, what it was made of, and what is served of it."""

    common: Zone | None
    stamps: Mapping[str, Stamp]
    zone: Zone
    served: Zone


@dataclass(slots=True)
class View:
    """The zones that some clients see; a ``ZoneSet``.

    Attributes:
        name: What the configuration calls it.
        source: Files that lie over the common zones.
        whole: Zones in the place of common ones, and beside them.
        files: Where what differs is served from once it is signed or has a number.
        numbers: Whether others may copy its zones: then each version has another number
            than the one before, as seen in this view.
        hidden: Folded apexes of common zones that are not seen.
        addresses: The addresses of this host that its clients are told; empty: the same
            as everybody.
        by_apex: Every zone by its folded apex; replaced, never changed.
        version: Grows with everything that changes a zone.
    """

    name: str
    source: ZoneSource
    whole: Zones
    files: SignedZones
    addresses: Sequence[str] = ()
    hidden: frozenset[bytes] = frozenset()
    by_apex: Mapping[bytes, Zone] = field(default_factory=dict)
    version: int = 0
    numbers: bool = False
    _made: dict[bytes, _Made] = field(default_factory=dict)

    def find(self, name: bytes, rdtype: int) -> Zone | None:
        """Return the zone nearest to folded ``name`` for ``rdtype``, if any."""
        return nearest(self.by_apex, name, rdtype)

    def local(
        self, name: dns.name.Name, rdtype: dns.rdatatype.RdataType
    ) -> Resolved | None:
        """Return the authoritative answer, as ``LocalZones`` says."""
        return local_answer(self, name, rdtype)

    @property
    def different(self) -> frozenset[bytes]:
        """The folded apexes of the zones that are not as everybody sees them."""
        return frozenset((*self._made, *self.whole.by_apex))

    def own_versions(self) -> tuple[Mapping[bytes, Zone], Collection[bytes]]:
        """Return what differs, as its owners mean it, and whose number is ours.

        Not other servers' copies: those are as they are.
        """
        made = self._made
        found = {origin: each.zone for origin, each in made.items()}
        for origin, held in self.whole.state.held.items():
            if not held.copied:
                found[origin] = held.own
        return found, made.keys() if self.numbers else ()

    def rebuild(
        self, owners: Mapping[bytes, Zone], common: Mapping[bytes, Zone]
    ) -> tuple[Problem, ...]:
        """Take over what changed in the common zones and in the view's own files.

        A file that is wrong leaves the version before in service, or the common zone.

        Args:
            owners: The common zones as their owners mean them.
            common: The same as they are served.
        """
        version = self.whole.version
        problems = list(self.whole.reload().problems)
        whole = self.whole.by_apex
        try:
            files = {
                name_octets(name).lower(): (name, file)
                for name, file in self.source.files().items()
            }
        except OSError as error:
            place = Place(self.name)
            return (Problem(Severity.ERROR, place, f"cannot read: {error}"),)
        coming = {**common, **whole}
        for origin in self.hidden - whole.keys():
            coming.pop(origin, None)
        made = self._differing(owners, files, problems)
        coming |= {origin: each.served for origin, each in made.items()}
        coming |= self._held_back(coming, made.keys(), owners, common)
        self._remember(made)
        before, self._made = self._made, made
        if _differ(self.by_apex, coming):
            self.by_apex = coming
            self.version += 1
        elif self.whole.version != version or _differ(
            {origin: each.zone for origin, each in before.items()},
            {origin: each.zone for origin, each in made.items()},
        ):
            # What is served stays until who signs has seen it.
            self.version += 1
        return tuple(problems)

    def _differing(
        self,
        owners: Mapping[bytes, Zone],
        files: Mapping[bytes, tuple[dns.name.Name, str]],
        problems: list[Problem],
    ) -> dict[bytes, _Made]:
        """Return the zones that are common ones with differences."""
        made: dict[bytes, _Made] = {}
        known = self.files.begin() if self.numbers else ()
        looked_at = dict.fromkeys((*files, *(o for o in known if o in owners)))
        if self.addresses:
            looked_at |= dict.fromkeys(owners)
        for origin in looked_at:
            if origin in self.whole.by_apex or origin in self.hidden:
                continue
            found = self._zone(origin, owners.get(origin), files, problems)
            if found is None and origin in known:
                # It has had numbers of its own; with the common one, which may be
                # lower, secondaries would not come again.
                own = owners[origin]
                found = _Made(own, {}, own, own)
            if found is not None:
                made[origin] = self._finished(found)
        return made

    def _held_back(
        self,
        coming: Mapping[bytes, Zone],
        made: Collection[bytes],
        owners: Mapping[bytes, Zone],
        common: Mapping[bytes, Zone],
    ) -> dict[bytes, Zone]:
        """Return what to serve of zones that will be signed in a moment.

        Whoever knows that the zone is signed would take one without signatures for
        forged (RFC 4035 §5.2). What its clients saw goes on, or they hear that it is
        not ready. A view's own copies of other servers' zones are as they are there.
        """
        found: dict[bytes, Zone] = {}
        held = self.whole.state.held
        for origin in (*made, *(o for o, each in held.items() if not each.copied)):
            zone, outside = coming[origin], common.get(origin)
            if outside is None or zone.is_signed or not outside.is_signed:
                continue
            own, before = owners.get(origin), self.by_apex.get(origin)
            if own is None or own.is_signed:
                continue  # signed by somebody else
            if before is None or (before.withheld and before.nodes is not zone.nodes):
                found[origin] = replace(zone, withheld=True)
            elif before.withheld or before.is_signed:
                found[origin] = before
        return found

    def _finished(self, made: _Made) -> _Made:
        """Return a zone as it is to be served: what was put into ``files`` wins."""
        before = self._made.get(made.zone.origin)
        served = self.files(made.zone, None if before is None else before.served)
        return made if made.served is served else replace(made, served=served)

    def _remember(self, coming: Mapping[bytes, _Made]) -> None:
        """Note what changes with the zones that are about to be served."""
        history = self.whole.history
        if history is None:
            return
        for origin, before in self._made.items():
            after = coming.get(origin)
            if after is None:
                history.forget(origin)
            elif after.served is not before.served:
                history.note(before.served, after.served)

    def _zone(
        self,
        origin: bytes,
        own: Zone | None,
        files: Mapping[bytes, tuple[dns.name.Name, str]],
        problems: list[Problem],
    ) -> _Made | None:
        """Return the view's version of one zone; ``None``: the common one."""
        before = self._made.get(origin)
        if (
            before is not None
            and before.common is own
            and bool(before.stamps) == (origin in files)
            and self._is_same(before)
        ):
            return before
        stamps: dict[str, Stamp] = {}
        zone = None if own is None else self._with_addresses(own)
        if origin in files:
            name, file = files[origin]
            zone = self._with_file(name, file, zone, stamps, problems)
            if zone is None:
                return before
        if zone is None or zone is own:
            return None
        return _Made(own, stamps, zone, zone)

    def _is_same(self, before: _Made) -> bool:
        try:
            return all(self.source.stamp(f) == s for f, s in before.stamps.items())
        except OSError:
            return False

    def _with_addresses(self, own: Zone) -> Zone:
        """Return ``own`` with the view's addresses where the host's own follow."""
        if not self.addresses:
            return own
        wanted = {
            rdtype: tuple(
                ipaddress.ip_address(text).packed
                for text in self.addresses
                if ipaddress.ip_address(text).version == version
            )
            for rdtype, version in _ADDRESSES.items()
        }
        hosts = {
            name
            for name, rdtype in own.derived - own.updated
            if rdtype in _ADDRESSES and rdtype in own.nodes.get(name, {})
        }
        names: dict[bytes, Rrsets] = {}
        for name in hosts:
            rrsets = dict(own.nodes[name])
            ttl_s = min(rrsets[t].ttl_s for t in _ADDRESSES if t in rrsets)
            owner = next(iter(rrsets.values())).owner
            for rdtype, rdatas in wanted.items():
                rrsets.pop(rdtype, None)
                if rdatas:
                    rrsets[rdtype] = RRset(owner, rdtype, ttl_s, rdatas)
            names[name] = rrsets
        return changed(own, names, own.updated) if names else own

    def _with_file(
        self,
        name: dns.name.Name,
        file: str,
        zone: Zone | None,
        stamps: dict[str, Stamp],
        problems: list[Problem],
    ) -> Zone | None:
        """Return what ``file`` makes of ``zone``; ``None`` if it is wrong."""

        def read(each: str) -> Text:
            stamps[each] = self.source.stamp(each)
            return self.source.read(each)

        master = MasterFile(name, read)
        try:
            master.read(file, read(file))
        except (OSError, UnicodeDecodeError) as error:
            reason = f"cannot be read: {error}"
            problems.append(Problem(Severity.ERROR, Place(file), reason))
            return None
        composition = Composition(master)
        found = (*master.problems, *composition.problems)
        problems += found
        if has_errors(found):
            return None
        if zone is None:
            reason = f"there is no common zone {name} that this could lie over"
            fix = "write an SOA and NS, or remove the file"
            problems.append(Problem(Severity.ERROR, Place(file), reason, fix))
            return None
        return _laid_over(zone, composition)


def _differ(one: Mapping[bytes, Zone], other: Mapping[bytes, Zone]) -> bool:
    """Return whether two sets of zones are not the very same."""
    return len(one) != len(other) or any(
        one.get(origin) is not zone for origin, zone in other.items()
    )


def _laid_over(zone: Zone, composition: Composition) -> Zone:
    names: dict[bytes, Rrsets] = {}
    for name in composition.nodes:
        written = composition.letters.get(name, name)
        sets = unpack(written, composition.nodes[name])
        before = dict(zone.nodes.get(name, {}))
        if codes.CNAME in sets or codes.CNAME in before:
            # An alias stands alone (RFC 1034 §3.6.2): what the view says wins.
            before.clear()
        names[name] = {**before, **sets}
    return changed(zone, names, zone.updated)
