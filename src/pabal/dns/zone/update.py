"""Updates tried on a zone: each as a whole or not at all.

Sans-IO. Source: RFC 2136 §3.2 (prerequisites), §3.3 (permission), §3.4
(changes), §3.6 (the serial number).
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Final

from pabal.dns.wire import codes
from pabal.dns.wire.name import is_below
from pabal.dns.wire.rrset import RRset
from pabal.dns.wire.update import May, UpdateError, UpdateRecord, UpdateRequest
from pabal.dns.zone.history import Change, is_newer
from pabal.dns.zone.overlay import Patch, base_of, next_serial, with_serial
from pabal.dns.zone.packed import NOTHING, Rrsets
from pabal.dns.zone.tree import Key, Zone, changed

_META: Final = range(codes.FIRST_META_TYPE, codes.LAST_META_TYPE + 1)

_SIGNER_ONLY: Final = frozenset((codes.RRSIG, codes.NSEC, codes.NSEC3))
"""What signing makes; also beside a CNAME (RFC 4034 §3 and §4)."""

_BESIDE_ALIAS: Final = frozenset((codes.RRSIG, codes.NSEC))


@dataclass(frozen=True, slots=True)
class Step:
    """What one update did.

    Attributes:
        change: From the version before to the one after.
        patches: The whole patch of each set it touched, as it is now.
    """

    change: Change
    patches: Mapping[Key, Patch]


@dataclass(slots=True)
class Draft:
    """The next version of ``zone``, while updates are tried on it.

    Attributes:
        zone: The version before: with updates, not signed.
        patches: What updates did so far, to sets of any name.
    """

    zone: Zone
    patches: dict[Key, Patch]
    _names: dict[bytes, dict[int, RRset]] = field(default_factory=dict)
    _soa: RRset | None = None
    _held: set[Key] = field(default_factory=set)

    def __post_init__(self) -> None:
        self._held = set(self.zone.updated)

    @property
    def soa(self) -> RRset:
        """The SOA as it is now."""
        return self._soa or self.zone.soa

    def rrsets(self, name: bytes) -> Rrsets:
        """Return what folded ``name`` has now."""
        found = self._names.get(name)
        return self.zone.nodes.get(name, NOTHING) if found is None else found

    def take(self, request: UpdateRequest) -> Step | None:
        """Do ``request``; ``None`` if that changes nothing.

        Raises:
            UpdateError: Nothing was done; says why.
        """
        _check_prerequisites(self, request)
        for record in request.changes:
            _check_form(record, self.zone.origin)
        trial = _Trial(self, request.may)
        for record in request.changes:
            trial.do(record)
        return self._settle(trial)

    def replay(self, step: Step) -> None:
        """Do what another process did to the same version."""
        change = step.change
        for name in {rrset.owner.lower() for rrset in (*change.removed, *change.added)}:
            self._names[name] = dict(self.rrsets(name))
        for rrset in change.removed:
            rrsets = self._names[rrset.owner.lower()]
            present = rrsets.pop(rrset.rdtype, rrset)
            left = tuple(each for each in present.rdatas if each not in rrset.rdatas)
            if left:
                rrsets[rrset.rdtype] = replace(present, rdatas=left)
        for rrset in change.added:
            rrsets = self._names[rrset.owner.lower()]
            before = rrsets.get(rrset.rdtype)
            rdatas = rrset.rdatas if before is None else before.rdatas + rrset.rdatas
            owner = rrset.owner if before is None else before.owner
            rrsets[rrset.rdtype] = replace(rrset, owner=owner, rdatas=rdatas)
        self._soa = change.after
        self._hold(step.patches)

    def _hold(self, patches: Mapping[Key, Patch]) -> None:
        self.patches |= patches
        for key, patch in patches.items():
            (self._held.discard if patch.is_nothing else self._held.add)(key)

    def result(self) -> Zone:
        """Return the next version."""
        names = {name: dict(rrsets) for name, rrsets in self._names.items()}
        apex = names.setdefault(self.zone.origin, dict(self.rrsets(self.zone.origin)))
        apex[codes.SOA] = self.soa
        return changed(self.zone, names, frozenset(self._held))

    def _settle(self, trial: "_Trial") -> Step | None:
        origin = self.zone.origin
        removed: list[RRset] = []
        added: list[RRset] = []
        patches: dict[Key, Patch] = {}
        for name, rrsets in trial.names.items():
            before = self.rrsets(name)
            for rdtype in sorted(before.keys() | rrsets.keys()):
                old, new = before.get(rdtype), rrsets.get(rdtype)
                if rdtype == codes.SOA or old == new:
                    continue
                removed += _less(old, new)
                added += _less(new, old)
                patches[name, rdtype] = self._patch((name, rdtype), old, new)
        soa = trial.names.get(origin, {}).get(codes.SOA, self.soa)
        if not removed and not added and soa == self.soa:
            return None
        before_soa = self.soa
        if with_serial(soa, 0) != with_serial(before_soa, 0):
            key = (origin, codes.SOA)
            zeroed = with_serial(before_soa, 0), with_serial(soa, 0)
            patches[key] = self._patch(key, *zeroed)
        if soa.rdatas[0][-20:-16] == before_soa.rdatas[0][-20:-16]:
            # RFC 2136 §3.6: who did not say a serial gets the next one.
            soa = with_serial(soa, next_serial(_serial(soa)))
        self._soa = soa
        self._names.update(trial.names)
        self._hold(patches)
        change = Change(before_soa, soa, tuple(removed), tuple(added))
        return Step(change, patches)

    def _patch(self, key: Key, old: RRset | None, new: RRset | None) -> Patch:
        """Return what leads from the set without updates to ``new``."""
        now = () if old is None else old.rdatas
        if key in self._held:
            held = self.patches[key]
            base = (set(now) - set(held.added)) | held.removed
            digest = held.base
        else:
            base = set(now)
            digest = base_of(None if key in self.zone.derived else old)
        wanted = () if new is None else new.rdatas
        shown = new or old
        return Patch(
            key[0] if shown is None else shown.owner,
            digest,
            0 if shown is None else shown.ttl_s,
            frozenset(base - set(wanted)),
            tuple(rdata for rdata in wanted if rdata not in base),
            cleared=base.isdisjoint(wanted),
        )


class _Trial:
    """One update under way."""

    def __init__(self, draft: Draft, may: May) -> None:
        self._draft = draft
        self._may = may
        self._origin = draft.zone.origin
        self.names: dict[bytes, dict[int, RRset]] = {}

    def do(self, record: UpdateRecord) -> None:
        """Do one change (RFC 2136 §3.4.2); raises UpdateError if it is not allowed."""
        name = record.name
        if record.rdtype != codes.ANY:
            self._expect_allowed(name, record.rdtype)
        rrsets = self.names.get(name)
        if rrsets is None:
            rrsets = self.names[name] = dict(self._draft.rrsets(name))
        match record.rdclass:
            case codes.IN:
                self._add(record, rrsets)
            case codes.CLASS_ANY:
                self._delete_sets(record, rrsets)
            case _:
                self._delete_record(record, rrsets)

    def _expect_allowed(self, name: bytes, rdtype: int) -> None:
        if not self._may(name, rdtype):
            raise UpdateError(codes.REFUSED)

    def _add(self, record: UpdateRecord, rrsets: dict[int, RRset]) -> None:
        rdtype, rdata = record.rdtype, record.rdata
        present = rrsets.get(rdtype)
        if rdtype == codes.SOA:
            fits = present and is_newer(_serial_of(rdata), _serial(present))
            if fits:
                rrsets[rdtype] = RRset(record.owner, rdtype, record.ttl_s, (rdata,))
            return
        others = rrsets.keys() - _BESIDE_ALIAS - {codes.CNAME}
        if (rdtype == codes.CNAME and others) or (
            rdtype not in _BESIDE_ALIAS
            and rdtype != codes.CNAME
            and codes.CNAME in rrsets
        ):
            # §3.4.2.2: silently ignored.
            return
        rdatas: tuple[bytes, ...] = ()
        owner = record.owner
        if present is not None:
            owner = present.owner
            rdatas = () if rdtype in (codes.CNAME, codes.DNAME) else present.rdatas
        if rdata not in rdatas:
            rdatas = (*rdatas, rdata)
        rrsets[rdtype] = RRset(owner, rdtype, record.ttl_s, rdatas)

    def _delete_sets(self, record: UpdateRecord, rrsets: dict[int, RRset]) -> None:
        kept: set[int] = set()
        if record.name == self._origin:
            # §3.4.2.3: a zone keeps its SOA and its name servers.
            kept = {codes.SOA, codes.NS}
        for rdtype in list(rrsets):
            if rdtype not in kept and record.rdtype in (codes.ANY, rdtype):
                self._expect_allowed(record.name, rdtype)
                del rrsets[rdtype]

    def _delete_record(self, record: UpdateRecord, rrsets: dict[int, RRset]) -> None:
        rdtype = record.rdtype
        present = rrsets.get(rdtype)
        if present is None or rdtype == codes.SOA:
            return
        left = tuple(rdata for rdata in present.rdatas if rdata != record.rdata)
        if left:
            rrsets[rdtype] = RRset(present.owner, rdtype, present.ttl_s, left)
        elif not (rdtype == codes.NS and record.name == self._origin):
            # §3.4.2.4: the last name server stays.
            del rrsets[rdtype]


def _check_prerequisites(draft: Draft, request: UpdateRequest) -> None:
    """Raise UpdateError if one does not hold (RFC 2136 §3.2)."""
    values: dict[Key, set[bytes]] = {}
    for record in request.prerequisites:
        if record.ttl_s:
            raise UpdateError(codes.FORMERR)
        if not is_below(record.name, draft.zone.origin):
            raise UpdateError(codes.NOTZONE)
        if record.rdclass == codes.IN and record.rdtype not in _META:
            values.setdefault((record.name, record.rdtype), set()).add(record.rdata)
        else:
            _check_presence(draft, record)
    for (name, rdtype), wanted in values.items():
        present = draft.rrsets(name).get(rdtype)
        if present is None or set(present.rdatas) != wanted:
            raise UpdateError(codes.NXRRSET)


def _check_presence(draft: Draft, record: UpdateRecord) -> None:
    if record.rdata or record.rdclass not in (codes.CLASS_ANY, codes.CLASS_NONE):
        raise UpdateError(codes.FORMERR)
    rrsets = draft.rrsets(record.name)
    wanted = record.rdclass == codes.CLASS_ANY
    if record.rdtype == codes.ANY:
        if bool(rrsets) != wanted:
            raise UpdateError(codes.NXDOMAIN if wanted else codes.YXDOMAIN)
    elif (record.rdtype in rrsets) != wanted:
        raise UpdateError(codes.NXRRSET if wanted else codes.YXRRSET)


def _check_form(record: UpdateRecord, origin: bytes) -> None:
    """Raise UpdateError if a change cannot be (RFC 2136 §3.4.1)."""
    if not is_below(record.name, origin):
        raise UpdateError(codes.NOTZONE)
    is_meta = record.rdtype in _META or not record.rdtype
    match record.rdclass:
        case codes.IN:
            wrong = is_meta
        case codes.CLASS_ANY:
            everything = record.rdtype == codes.ANY
            wrong = bool(record.ttl_s or record.rdata or (is_meta and not everything))
        case codes.CLASS_NONE:
            wrong = bool(record.ttl_s) or is_meta
        case _:
            wrong = True
    if wrong:
        raise UpdateError(codes.FORMERR)
    if record.rdtype in _SIGNER_ONLY:
        raise UpdateError(codes.REFUSED)


def _less(rrset: RRset | None, other: RRset | None) -> Iterable[RRset]:
    """Yield the records of ``rrset`` that ``other`` has not, or with another TTL."""
    if rrset is None:
        return
    same = other is not None and other.ttl_s == rrset.ttl_s
    kept = other.rdatas if other is not None and same else ()
    gone = tuple(rdata for rdata in rrset.rdatas if rdata not in kept)
    if gone:
        yield RRset(rrset.owner, rrset.rdtype, rrset.ttl_s, gone)


def _serial(soa: RRset) -> int:
    return _serial_of(soa.rdatas[0])


def _serial_of(rdata: bytes) -> int:
    return int.from_bytes(rdata[-20:-16], "big")
