"""All zones of this server, and their exchange while it runs.

``reload`` and ``update`` may take long and are meant for threads, one at a time; every
look-up sees either the old set of zones or the new one, because the set is one
immutable mapping replaced at once.
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final

import dns.name
import dns.rdatatype
from typing_extensions import override

from pabal.base.clock import Clock
from pabal.base.log import Log
from pabal.dns.ports import DerivedRecord, DerivedSource, LocalZones, Resolved
from pabal.dns.wire import codes
from pabal.dns.wire.name import to_text
from pabal.dns.wire.rrset import name_octets, name_of
from pabal.dns.wire.update import UpdateRequest
from pabal.dns.zone.batch import (
    Batch,
    Finish,
    Held,
    Journals,
    Owners,
    Report,
    served_of,
    zone_of,
)
from pabal.dns.zone.catalog import NOT_LISTED
from pabal.dns.zone.dynamic import Dynamic, OutdatedError
from pabal.dns.zone.fallback import Fallbacks
from pabal.dns.zone.history import History
from pabal.dns.zone.journal import JournalError
from pabal.dns.zone.layers import drop, layered
from pabal.dns.zone.load import ZoneInput
from pabal.dns.zone.local import local_answer
from pabal.dns.zone.lookup import nearest
from pabal.dns.zone.problem import Place, Problem, Severity
from pabal.dns.zone.reading import Apart
from pabal.dns.zone.settled import NOTHING_SETTLED, Look, Settled
from pabal.dns.zone.source import (
    COPIED,
    Stamp,
    ZoneSource,
    imprint_of,
    is_plain,
    is_zone_file,
    zone_name,
)
from pabal.dns.zone.tree import Zone

_SERIAL_MODULUS: Final = 1 << 32
"""RFC 1982 §3: serial numbers have 32 bits."""

_TRIES: Final = 3
"""How often a zone is read anew for one batch of updates: its file may change again."""

log = Log("dns")


@dataclass(frozen=True, slots=True)
class State:
    """Zones that were read, for another object of the same sources.

    Attributes:
        served: By folded apex.
        held: The same, with what they were made from.
        settled: Which of them need no look.
        looked: The own files as they were looked at a moment ago, if they were: the
            next reload does not look again.
    """

    served: Mapping[bytes, Zone]
    held: Mapping[bytes, Held]
    settled: Settled
    looked: Mapping[str, Stamp] | None = None

    def coming(
        self, taken: Mapping[bytes, Held], loose: Collection[bytes]
    ) -> Mapping[bytes, Held]:
        """Return what is held, without what is ``loose``, with what was taken."""
        return layered(self.held, taken, loose)

    def holding(self, taken: Mapping[bytes, Held], loose: Collection[bytes]) -> "State":
        """Return this with the ``coming`` zones, served as they are."""
        return replace(self, held=self.coming(taken, loose))


class Zones(LocalZones):
    """The zones this server is authoritative for.

    Args (of the constructor):
        source: The owners' master files.
        derived: What follows from the directory; called where ``reload`` runs.
        hostname: This server's name, for the SOA and NS of zones without a file.
        clock: Makes serial numbers.

    Attributes:
        journals: Where dynamic updates are, if any may be.
        history: Takes what changed from version to version, if set.
        finish: Makes the zones that are served of what their owners mean, if set.
        fallbacks: Where the last good version of a zone is kept, if anywhere.
        apart: Reads large zones in another process, if set.
        catalog: A list of our zones, if it has a name.
        version: Grows with everything that changes a zone.
    """

    def __init__(
        self,
        source: ZoneSource,
        derived: DerivedSource | None,
        hostname: str,
        clock: Clock,
    ) -> None:
        self._source = source
        self._derived = derived
        self._hostname = hostname
        self._clock = clock
        self._state = State({}, {}, NOTHING_SETTLED)
        self.journals: Journals | None = None
        self.history: History | None = None
        self.finish: Finish | None = None
        self.fallbacks: Fallbacks | None = None
        self.apart: Apart | None = None
        self.catalog = NOT_LISTED
        self.version = 0

    def all(self) -> Sequence[Zone]:
        """Return every zone, ordered by name."""
        return [zone for _, zone in sorted(self._state.served.items())]

    @property
    def by_apex(self) -> Mapping[bytes, Zone]:
        """Every zone by its folded apex; replaced, never changed."""
        return self._state.served

    @property
    def owners(self) -> Mapping[bytes, Zone]:
        """Every zone as its owner means it; replaced, never changed."""
        return Owners(self._state.held)

    def get(self, name: dns.name.Name) -> Zone | None:
        """Return the zone of exactly this name."""
        return self._state.served.get(name_octets(name).lower())

    def find(self, name: bytes, rdtype: int) -> Zone | None:
        """Return the zone nearest to folded ``name`` for ``rdtype``, if any.

        The DS of a zone's apex belongs to the parent (RFC 4035 §3.1.4.1).
        """
        return nearest(self._state.served, name, rdtype)

    @override
    def local(
        self, name: dns.name.Name, rdtype: dns.rdatatype.RdataType
    ) -> Resolved | None:
        """Return the authoritative answer, or ``None`` if no zone here holds it.

        A delegation away from here is ``None`` too. An alias whose target lies
        elsewhere is returned as far as it goes: its target is still to be resolved.
        """
        return local_answer(self, name, rdtype)

    @property
    def state(self) -> "State":
        """What ``adopt`` takes."""
        return self._state

    def adopt(self, state: "State") -> None:
        """Begin with what another object of the same sources read before a fork.

        The next ``reload`` finds what has changed since. Nothing is copied.
        """
        self._state = state
        self.version += 1

    def reload(self, files: Collection[str] | None = None) -> Report:
        """Check every zone that changed and put the right ones into service at once.

        Blocks for as long as parsing takes. Never raises for what a file holds.

        Args:
            files: Own files that may have changed, all others have not; ``None``: any
                may have, and each is looked at.
        """
        hosted = _hosted(self._derived)
        batch = Batch(
            self._state.held,
            self._source,
            self.journals,
            self.finish,
            self.fallbacks,
            numbers=self.history is not None,
            apart=self.apart,
        )
        other = batch.finished
        if other is not None:
            other = {*other, *(name_octets(name).lower() for name in hosted)}
        if files is not None and other is not None:
            named, gone = _stamps_of(self._source, files)
            before = self._state.settled
            look = before.look_at(named, gone, other, batch.files_touched())
            report = self._reload(batch, look, hosted)
            settled = before.after_some(named, gone, look, batch.held)
            self._state = replace(self._state, settled=settled)
            return report
        seen = self._state.looked
        try:
            stamps = self._source.stamps(seen)
        except OSError as error:
            problem = Problem(Severity.ERROR, Place("zones"), f"cannot read: {error}")
            return Report(problems=(problem,))
        before = self._state.settled
        # The very same: to go through them would copy what was read before a fork.
        imprint = before.imprint if stamps is seen else imprint_of(stamps)
        look = before.look(stamps, imprint, other, batch.files_touched())
        report = self._reload(batch, look, hosted)
        settled = before.after(stamps, imprint, look, batch.held)
        self._state = replace(self._state, settled=settled, looked=None)
        del look
        drop(stamps)
        return report

    def _reload(
        self, batch: Batch, look: Look, hosted: Mapping[dns.name.Name, str]
    ) -> Report:
        """Take what is to be looked at, and put it into service."""
        self._take(batch, look.files, hosted)
        if self.catalog.name:
            host = name_octets(dns.name.from_text(self._hostname)).lower()
            others = self._state.coming(batch.held, {*look.loose, self.catalog.name})
            batch.list_zones(self.catalog, host, others)
        report = batch.report(look.loose)
        if report.loaded or report.removed:
            self._publish(batch.held, look.loose)
        elif batch.begun:
            self._state = self._state.holding(batch.held, look.loose)
        return report

    def _take(
        self, batch: Batch, files: Collection[str], hosted: Mapping[dns.name.Name, str]
    ) -> None:
        """Look at the zones of ``files``, and at those the directory hosts."""
        # Names are hashed by a method: not more often than it has to be.
        found: dict[dns.name.Name, str | None] = dict.fromkeys(hosted)
        for file in sorted(files, key=_rank):
            own = zone_name(file.removeprefix(COPIED))
            if own is not None:
                found[own] = file
        for name, named in sorted(found.items(), key=_labels):
            derived: tuple[DerivedRecord, ...] = ()
            domain = hosted.get(name) if hosted else None
            if self._derived is not None and domain is not None:
                derived = tuple(self._derived.records(domain))
            given = ZoneInput(
                name,
                named,
                domain is not None,
                derived,
                self._hostname,
                int(self._clock.now()) % _SERIAL_MODULUS,
                copied=named is not None and named.startswith(COPIED),
            )
            batch.take(given)

    def update(self, requests: Sequence[UpdateRequest]) -> list[int]:
        """Do dynamic updates, each as a whole, in their order; return their RCODEs.

        What got NOERROR is on disk. Blocks for the disk.
        """
        rcodes = [codes.SERVFAIL] * len(requests)
        by_zone: dict[bytes, list[int]] = {}
        for index, request in enumerate(requests):
            by_zone.setdefault(request.zone, []).append(index)
        for origin, indices in by_zone.items():
            mine = [requests[index] for index in indices]
            for index, rcode in zip(indices, self._update(origin, mine), strict=True):
                rcodes[index] = rcode
        return rcodes

    def follow(self, name: dns.name.Name) -> bool:
        """Take over what another process did to zone ``name``; return if anything."""
        held = self.get_held(name)
        if held is None or held.copied or self.journals is None:
            return False
        dynamic = held.dynamic or self.journals.of(name)
        try:
            own = dynamic.follow(held.own)
        except (OSError, JournalError) as error:
            log.warning("no updates", zone=str(name), reason=str(error))
            return False
        if own is None:
            return self._reloaded()
        if own is not held.own:
            self._replace(held, own, dynamic)
        return own is not held.own

    def behind(self) -> list[dns.name.Name]:
        """Return the zones that another process has updated since we looked.

        Cost: a system call a zone that ever was.
        """
        found = []
        present = {} if self.journals is None else self.journals.present()
        for journal, end in present.items():
            name = zone_of(journal)
            held = None if name is None else self.get_held(name)
            if name is None or held is None or held.copied:
                continue
            if held.dynamic is None or held.dynamic.seen != end:
                found.append(name)
        return found

    def get_held(self, name: dns.name.Name) -> Held | None:
        """Return zone ``name`` with where it comes from."""
        return self._state.held.get(name_octets(name).lower())

    def _reloaded(self) -> bool:
        report = self.reload()
        return bool(report.loaded or report.removed)

    def _update(self, origin: bytes, requests: Sequence[UpdateRequest]) -> list[int]:
        """Do the updates of one zone."""
        for _ in range(_TRIES):
            held = self._state.held.get(origin)
            if held is None or held.copied or self.journals is None:
                return [codes.NOTAUTH] * len(requests)
            try:
                dynamic = held.dynamic
                if dynamic is None:
                    self.journals.make()
                    dynamic = self.journals.of(name_of(origin))
                own, rcodes = dynamic.commit(held.own, requests)
            except OutdatedError:
                self.reload()
                continue
            except (OSError, JournalError) as error:
                log.warning("no update", zone=to_text(origin), reason=str(error))
                break
            if own is not held.own:
                self._replace(held, own, dynamic)
            return rcodes
        return [codes.SERVFAIL] * len(requests)

    def _replace(self, held: Held, own: Zone, dynamic: Dynamic | None = None) -> None:
        """Put another version of one zone into service."""
        after = replace(
            held,
            own=own,
            served=served_of(self.finish, own, held.served),
            dynamic=dynamic or held.dynamic,
        )
        self._remember(own.origin, held, after)
        state = self._state
        self._state = State(
            layered(state.served, {own.origin: after.served}, ()),
            layered(state.held, {own.origin: after}, ()),
            state.settled.without(own.origin),
            state.looked,
        )
        self.version += 1

    def _publish(self, taken: Mapping[bytes, Held], loose: Collection[bytes]) -> None:
        """Answer from what was ``taken``, and no more from what is ``loose``."""
        state = self._state
        coming = state.coming(taken, loose)
        for origin in {*loose, *taken} if self.history else ():
            self._remember(origin, state.held.get(origin), coming.get(origin))
        served = {origin: held.served for origin, held in taken.items()}
        served_now = layered(state.served, served, loose)
        self._state = replace(state, served=served_now, held=coming)
        self.version += 1

    def _remember(self, origin: bytes, before: Held | None, after: Held | None) -> None:
        """Note what changes with a zone that is about to be served."""
        history = self.history
        if history is None:
            return
        if after is None:
            history.forget(origin)
        elif after.dynamic is not None and after.served is after.own:
            # The journal knows all changes, also those from before we were started.
            history.restore(origin, after.dynamic.changes)
        elif before is not None and after.served is not before.served:
            history.note(before.served, after.served)


def _hosted(derived: DerivedSource | None) -> Mapping[dns.name.Name, str]:
    """Return the hosted domains by name."""
    if derived is None:
        return {}
    return {
        dns.name.from_text(domain).canonicalize(): domain
        for domain in derived.domains()
    }


def _stamps_of(
    source: ZoneSource, files: Iterable[str]
) -> tuple[dict[str, Stamp], list[str]]:
    """Return those of ``files``, or their copies, that are there, and those not."""
    named: dict[str, Stamp] = {}
    gone = []
    for own in filter(is_zone_file, files):
        for file in (own, COPIED + own):
            try:
                if own in named:
                    raise FileNotFoundError(file)  # an own file hides a copy
                named[file] = source.stamp(file)
            except OSError:
                gone.append(file)
    return named, gone


def _labels(found: tuple[dns.name.Name, str | None]) -> tuple[bytes, ...]:
    """Sort names by something cheap: a hundred thousand of them."""
    return found[0].labels


def _rank(file: str) -> tuple[bool, bool, str]:
    """Sort files of one zone: a copy, another spelling of the name, the own one."""
    return not file.startswith(COPIED), is_plain(file), file
