"""One zone that can be updated: its journal, and the version it leads to.

Blocks for the disk, so it is called from a thread, and never twice at once. Each
process has its own; the journal is what they have in common.
Source: RFC 2136 §3.4.2.7 (atomic), §7.3 (stable storage), RFC 1982 §3.2 (serials).
"""

from collections.abc import Sequence
from dataclasses import dataclass, field

from pabal.base.errors import PabalError
from pabal.base.log import Log
from pabal.dns.wire import codes
from pabal.dns.wire.name import to_text
from pabal.dns.wire.update import UpdateError, UpdateRequest
from pabal.dns.zone.history import VERSIONS_MAX, Change, is_newer, short_difference
from pabal.dns.zone.journal import (
    NOWHERE,
    Entry,
    JournalError,
    JournalFile,
    Position,
)
from pabal.dns.zone.overlay import (
    Patch,
    digest_of,
    laid_over,
    next_serial,
    with_serial,
)
from pabal.dns.zone.tree import Key, Zone
from pabal.dns.zone.update import Draft, Step

log = Log("dns")


class OutdatedError(PabalError):
    """Another process has read a newer file than this one: read it, too."""


@dataclass(slots=True)
class Dynamic:
    """The updates of one zone.

    Attributes:
        journal: Where they are.
        writes: Whether this process may write it; tools only look.
        changes: The latest changes, the oldest first.
        seen: Where the journal ended when it was last looked at.
    """

    journal: JournalFile
    writes: bool = True
    changes: list[Change] = field(default_factory=list)
    seen: Position = NOWHERE
    _position: Position = NOWHERE
    _patches: dict[Key, Patch] = field(default_factory=dict)
    _last: Entry | None = None
    _fault: JournalError | None = None
    _is_stale: bool = False

    @property
    def is_behind(self) -> bool:
        """Whether the journal holds more than the zone that was last returned."""
        return self._is_stale or self.journal.position() != self.seen

    def onto(self, plain: Zone, before: Zone | None) -> Zone:
        """Return the zone of ``plain``, just loaded, with all updates.

        Its serial number grows if something else changed than the updates; that is
        written down, so that all processes have the same one.

        Args:
            before: The version that was served until now, without signatures, if it
                came from here.

        Raises:
            JournalError: The journal is damaged.
            OSError: It cannot be read or written.
        """
        self._read()
        self._is_stale = False
        last = self._last
        if last is None:
            return plain
        digest = digest_of(plain)
        if digest == last.plain:
            return laid_over(plain, self._patches, last.soa)
        if not self.writes:
            return self._rebased(plain, digest, before)[0]
        with self.journal.locked():
            self._read()
            last = self._last
            if last is not None and digest == last.plain:
                return laid_over(plain, self._patches, last.soa)
            zone, entry = self._rebased(plain, digest, before)
            self._append([entry], lasting=not is_timed(plain))
        return zone

    def begin(self, plain: Zone) -> bool:
        """Write down that there is ``plain``, unless something is written already.

        Returns whether it was written now. Raises as ``onto``.
        """
        if self._last is not None or not self.writes:
            return False
        self.journal.path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        with self.journal.locked():
            self._read()
            is_first = self._last is None
            if is_first:
                first = Entry(None, {}, plain.soa, digest_of(plain))
                self._append([first], lasting=not is_timed(plain))
            return is_first

    def from_now_on(self, plain: Zone, before: Zone | None) -> Zone:
        """Return ``onto``; from the first version on, all are written down."""
        self.begin(plain)
        return self.onto(plain, before)

    def follow(self, own: Zone) -> Zone | None:
        """Return ``own`` with what other processes have done since.

        ``None``: it has to be loaded anew. Raises as ``onto``.
        """
        last = self._last
        entries, is_anew = self._read()
        first = self._last if last is None else None
        if first is not None and digest_of(own) == first.plain:
            # Without updates until now: it need not be read again for the first.
            return laid_over(own, self._patches, first.soa)
        if is_anew or last is None or any(each.plain != last.plain for each in entries):
            self._is_stale = last is not None or self._last is not None
        if self._is_stale or last is None:
            return None
        return own if not entries else self._current(own, entries)

    def commit(
        self, own: Zone, requests: Sequence[UpdateRequest]
    ) -> tuple[Zone, list[int]]:
        """Do ``requests`` in their order; return the new zone and the RCODE of each.

        What was done is on disk when this returns.

        Raises:
            OutdatedError: The zone has to be loaded anew first; nothing was done.
            JournalError, OSError: Nothing was done.
        """
        with self.journal.locked():
            if self.is_behind or self._fault is not None:
                known = self._last is not None
                current = self.follow(own)
                if current is None and (known or self._last is not None):
                    raise OutdatedError("there is a newer version")
                own = own if current is None else current
            return self._do(own, requests)

    def _do(
        self, own: Zone, requests: Sequence[UpdateRequest]
    ) -> tuple[Zone, list[int]]:
        plain = digest_of(own) if self._last is None else self._last.plain
        draft = Draft(own, dict(self._patches))
        rcodes: list[int] = []
        entries: list[Entry] = []
        for request in requests:
            try:
                step = draft.take(request)
            except UpdateError as error:
                rcodes.append(error.rcode)
                continue
            rcodes.append(codes.NOERROR)
            if step is not None:
                entries.append(
                    Entry(step.change, step.patches, step.change.after, plain)
                )
        if not entries:
            return own, rcodes
        zone = draft.result()
        self._append(entries)
        return zone, rcodes

    def _rebased(
        self, plain: Zone, digest: bytes, before: Zone | None
    ) -> tuple[Zone, Entry]:
        """Return the zone on another ground, and what is to be written of it."""
        serial = _last_serial(self._last)
        if not is_newer(plain.serial, serial):
            wanted = with_serial(plain.soa, next_serial(serial))
        else:
            wanted = plain.soa
        zone = laid_over(plain, self._patches, wanted)
        change = None
        if before is not None and before.serial == serial:
            change = short_difference(before, zone)
        for name, rdtype in self._patches.keys() - zone.updated:
            where = f"{to_text(name)} TYPE{rdtype}"
            log.info(
                "the file wins over an update", zone=to_text(zone.origin), at=where
            )
        return zone, Entry(change, {}, zone.soa, digest)

    def _read(self) -> tuple[tuple[Entry, ...], bool]:
        try:
            reading = self.journal.read(self._position)
        except JournalError as error:
            # Read from the beginning once it has been mended.
            self.seen, self._position = self.journal.position(), NOWHERE
            self._fault = error
            raise
        self._fault, self.seen = None, reading.end
        if reading.is_anew:
            self._patches, self._last, self.changes = {}, None, []
        self._position = reading.position
        for entry in reading.entries:
            self._note(entry)
        return reading.entries, reading.is_anew

    def _note(self, entry: Entry) -> None:
        self._last = entry
        if entry.change is None:
            self.changes.clear()
        else:
            self.changes.append(entry.change)
            del self.changes[:-VERSIONS_MAX]
        for key, patch in entry.patches.items():
            if patch.is_nothing:
                self._patches.pop(key, None)
            else:
                self._patches[key] = patch

    def _append(self, entries: Sequence[Entry], *, lasting: bool = True) -> None:
        self._position = self.journal.append(self._position, entries, lasting=lasting)
        self.seen = self._position
        for entry in entries:
            self._note(entry)
        try:
            self._position = self.journal.compact(self._position, self._short)
            self.seen = self._position
        except OSError as error:
            log.warning("journal not shortened", reason=str(error))

    def _short(self) -> list[Entry]:
        """Return the shortest journal that says the same."""
        last = self._last
        if last is None:
            return []
        soa = self.changes[0].before if self.changes else last.soa
        begin = Entry(None, dict(self._patches), soa, last.plain)
        steps = (Entry(each, {}, each.after, last.plain) for each in self.changes)
        return [begin, *steps]

    def _current(self, own: Zone, entries: Sequence[Entry]) -> Zone:
        """Return ``own`` with the changes of ``entries`` done."""
        draft = Draft(own, {})
        for entry in entries:
            if entry.change is not None:
                draft.replay(Step(entry.change, entry.patches))
        return draft.result()


def is_timed(plain: Zone) -> bool:
    """Return whether the serial number of a zone is the time it was read.

    It need not be on disk at once: should the machine end, a later time is as good.
    """
    return (plain.origin, codes.SOA) in plain.derived


def _last_serial(entry: Entry | None) -> int:
    return 0 if entry is None else int.from_bytes(entry.soa.rdatas[0][-20:-16], "big")
