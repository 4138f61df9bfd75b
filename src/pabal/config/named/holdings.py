"""The zones of a named.conf: which pabal takes over, for everybody or for a view.

Sans-IO.
"""

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, field
from typing import Final

from pabal.config.named.check import Checked, path_of
from pabal.config.named.elsewhere import Elsewhere
from pabal.config.named.grammar import Statement
from pabal.config.named.keys import names_of, without_key
from pabal.config.named.outcome import DNS, VIEWS, Outcome, Value, ZoneFile
from pabal.config.named.reasons import OTHERWISE, ZONES
from pabal.config.named.signing import told_of
from pabal.config.named.single import Singles
from pabal.config.named.transfers import Servers
from pabal.config.named.updates import Updates
from pabal.config.named.zones import Zone
from pabal.config.views import NOTHING

ASKED_ELSEWHERE: Final = frozenset(("forward", "stub", "static-stub"))
"""Types of zones that say whom to ask."""

_NOBODY_ASKS: Final = "nobody of its view may ask for names elsewhere"

_EVERYBODY: Final = "everybody sees it, so this view does too"


@dataclass(frozen=True, slots=True)
class Seen:
    """A view as its zones need to know it.

    Attributes:
        name: Its directory.
        table: Its table of pabal.toml.
        asks: Whether its clients ask for names elsewhere, otherwise than [dns] says.
        body: What it says besides its zones.
        scope: What holds in it: that, and what options say.
    """

    name: str
    table: str
    asks: bool
    body: Sequence[Statement]
    scope: Sequence[Statement] = ()


@dataclass(slots=True)
class Holdings:
    """Collects them.

    Attributes:
        outcome: Gets what comes of them.
        files: Of the zones everybody sees: their master files by origin.
        taken: The origins of all zones everybody sees, or that are asked for elsewhere.
        base: The view whose zones elsewhere are those of [dns].
        body: What the view everybody sees says besides its zones.
        scope: That, and what options say.
    """

    outcome: Outcome
    base: str = ""
    body: Sequence[Statement] = ()
    scope: Sequence[Statement] = ()
    files: dict[str, str] = field(default_factory=dict)
    taken: set[str] = field(default_factory=set)
    _copies: dict[str, list[str]] = field(default_factory=dict)
    _lent: dict[tuple[str, str], Zone] = field(default_factory=dict)
    _singles: Singles = field(init=False)

    def __post_init__(self) -> None:
        """Note what views may borrow."""
        self._singles = Singles(self.outcome, self.scope)
        for zone in self.outcome.checked.zones:
            if zone.statement.find("in-view") is None:
                self._lent[zone.view.lower(), zone.origin] = zone

    def common(self, zones: Iterable[Zone], asked: Iterable[Zone] = ()) -> None:
        """Take zones over for everybody.

        Args:
            asked: Those that say whom to ask, of the view ``base``.
        """
        outcome = self.outcome
        keys = names_of(outcome.secrets)
        known, statements = outcome.known, outcome.statements
        elsewhere = Elsewhere(known, statements, outcome.note)
        updates = Updates(known, statements, outcome.note, keys)
        for zone in asked:
            if not elsewhere.zone(zone):
                self._stays(zone, self._type_why_not(zone))
        for zone in zones:
            if zone.origin not in self.taken and elsewhere.zone(zone):
                self.taken.add(zone.origin)
            elif not self._secondary(zone):
                self._primary(zone, updates)
        copied = [
            f"{name} {peer}" for name, peers in self._copies.items() for peer in peers
        ]
        if copied:
            outcome.settings.append((DNS, "secondary", tuple(copied)))
        if updates.rules:
            outcome.settings.append((DNS, "allow_update", tuple(updates.rules)))
        outcome.settings += elsewhere.settings()

    def _primary(self, zone: Zone, updates: Updates) -> None:
        outcome = self.outcome
        real = self._real(zone)
        why = "there is one of that name already"
        if zone.origin not in self.taken:
            why = self._type_why_not(real)
        if why:
            self._stays(zone, why)
            return
        self.taken.add(zone.origin)
        path = path_of(real, outcome.checked.parsed)
        self.files[zone.origin] = path
        outcome.files.append(ZoneFile(zone.origin, path, _place(zone)))
        has_journal = outcome.checked.parsed.reading.files.exists(f"{path}.jnl")
        told = updates.zone(real, has_journal=has_journal)
        self._body(real, "type", "file", *told, *self._single(real))

    def _single(self, zone: Zone, seen: Seen | None = None) -> tuple[str, ...]:
        """Take what a zone says of who may ask for it and who is told.

        Args:
            seen: The view it is taken over for; ``None``: everybody.
        """
        said = zone.statement.find("allow-query")
        if said is not None and self._is_private(zone):
            self._singles.hidden[zone.origin] = None
        if seen is None:
            return self._singles.common(zone)
        return self._singles.view(zone, seen.name, seen.scope)

    def _secondary(self, zone: Zone) -> bool:
        """Take a zone of another server; return whether it can be."""
        peers = self._peers(self._real(zone), self.body)
        if zone.origin in self.taken or not peers:
            return False
        self.taken.add(zone.origin)
        self._copies[zone.origin] = peers
        self._copied(zone, DNS, self._single(self._real(zone)))
        return True

    def _peers(self, zone: Zone, scope: Sequence[Statement]) -> list[str]:
        """Return where a secondary zone comes from; nothing if it is none."""
        outcome = self.outcome
        if zone.type != "secondary" or "secondary" not in outcome.known:
            return []
        primaries = zone.statement.find("primaries", "masters")
        servers = Servers(outcome.statements, scope)
        peers = servers.peers(primaries) if primaries else []
        lost = without_key(peers, names_of(outcome.secrets))
        return [peer for peer in peers if peer not in lost]

    def _copied(self, zone: Zone, table: str, taken: Sequence[str]) -> None:
        what = _said(zone)
        self.outcome.note(zone.name, what, f"secondary in [{table}]", taken=True)
        self._body(zone, "type", "file", "primaries", "masters", "in-view", *taken)

    def policies(self, zones: Iterable[Zone]) -> None:
        """Take policy zones of views for everybody: there they are looked for."""
        for zone in zones:
            if zone.origin in self.taken or self._type_why_not(zone):
                continue
            path = path_of(zone, self.outcome.checked.parsed)
            self.taken.add(zone.origin)
            self.files[zone.origin] = path
            self.outcome.files.append(ZoneFile(zone.origin, path, _place(zone)))
            why = "policies are looked for in zones/: who may ask at all can read it"
            self.outcome.note(zone.name, f"{_said(zone)}: of its view alone", why)

    def _real(self, zone: Zone) -> Zone:
        """Return the zone that a view borrows from another one, else ``zone``."""
        borrowed = zone.statement.find("in-view")
        if borrowed is None:
            return zone
        return self._lent.get((borrowed.value().lower(), zone.origin), zone)

    def view(self, seen: Seen, zones: Sequence[Zone]) -> None:
        """Take zones over for the clients of a view alone."""
        outcome, table = self.outcome, seen.table
        keys, known = names_of(outcome.secrets), outcome.known
        elsewhere = Elsewhere(known, outcome.statements, outcome.note, table)
        updates = Updates(known, outcome.statements, outcome.note, keys, table)
        copied: list[str] = []
        has_files = False
        for zone in zones:
            real = self._real(zone)
            if real.type in ASKED_ELSEWHERE:
                self._elsewhere(zone, seen, elsewhere)
                continue
            peers = self._peers(real, seen.body)
            single = self._single(real, seen)
            if self._is_common(zone, real, peers):
                outcome.note(zone.name, _said(zone), _EVERYBODY, taken=True)
            elif peers:
                copied += [f"{zone.origin} {peer}" for peer in peers]
                self._copied(zone, table, single)
            else:
                has_files |= self._file(seen.name, (zone, real), updates, single)
        found: list[tuple[str, str, Value]] = list(elsewhere.settings())
        if has_files:
            found.append((table, "zones", f"{VIEWS}/{seen.name}"))
        if copied:
            found.append((table, "secondary", tuple(copied)))
        if updates.rules:
            found.append((table, "allow_update", tuple(updates.rules)))
        hidden = self._hidden(zones)
        if hidden:
            found.append((table, "without", tuple(hidden)))
        outcome.settings += found

    def _elsewhere(self, zone: Zone, seen: Seen, elsewhere: Elsewhere) -> None:
        """Take a zone that says whom to ask."""
        if zone.view == self.base:
            return
        if not seen.asks:
            self._stays(zone, _NOBODY_ASKS)
        elif not elsewhere.zone(zone):
            self._stays(zone, self._type_why_not(zone))

    def _is_common(self, zone: Zone, real: Zone, peers: Sequence[str]) -> bool:
        """Return whether everybody sees the same of a zone."""
        if peers:
            return self._copies.get(zone.origin) == peers
        common = self.files.get(zone.origin)
        return common is not None and common == path_of(
            real, self.outcome.checked.parsed
        )

    def _file(
        self,
        name: str,
        zones: tuple[Zone, Zone],
        updates: Updates,
        single: Sequence[str],
    ) -> bool:
        outcome, (zone, real) = self.outcome, zones
        why = self._type_why_not(real)
        if why:
            self._stays(zone, why)
            return False
        path = path_of(real, outcome.checked.parsed)
        outcome.files.append(ZoneFile(zone.origin, path, _place(zone), name))
        if real is zone:
            has_journal = outcome.checked.parsed.reading.files.exists(f"{path}.jnl")
            told = updates.zone(real, has_journal=has_journal)
            self._body(zone, "type", "file", *told, *single)
        return True

    def _hidden(self, zones: Iterable[Zone]) -> list[str]:
        """Return which common zones the clients of a view did not see."""
        asked = [zone.origin for zone in zones if zone.type in ASKED_ELSEWHERE]
        own = {zone.origin for zone in zones}.difference(asked)
        return sorted({*self.files, *self._copies} - own)

    def stay(self, zones: Iterable[Zone], why: str) -> None:
        """Say that zones are not taken, and why."""
        for zone in zones:
            self._stays(zone, why)

    def _stays(self, zone: Zone, why: str) -> None:
        self.outcome.note(zone.name, _said(zone), why)

    def _body(self, zone: Zone, *taken: str) -> None:
        """Say what is not taken of a zone that is."""
        for statement in zone.statement.body():
            what = f"zone {zone.name.text}: {statement.name}"
            if statement.name == "dnssec-policy" and "type" in taken:
                why = told_of(zone.name.text, statement, self.outcome.statements)
                self.outcome.note(statement.token, what, why)
            elif statement.name not in taken:
                self.outcome.not_taken(statement, what)

    def _is_private(self, zone: Zone) -> bool:
        """Return whether nobody may ask about a zone, whichever view it is in."""
        others = (z for z in self.outcome.checked.zones if z.origin == zone.origin)
        known = "private_zones" in self.outcome.known
        return known and all(map(self._is_hidden, others))

    def _is_hidden(self, zone: Zone) -> bool:
        said = zone.statement.find("allow-query")
        return said is not None and self.outcome.flat(said).elements == [NOTHING]

    def close(self) -> None:
        """Take what concerns all zones."""
        hidden = tuple(self._singles.hidden)
        if hidden:
            self.outcome.settings.append((DNS, "private_zones", hidden))

    def _type_why_not(self, zone: Zone) -> str:
        if zone.type != "primary":
            return ZONES.get(zone.type, OTHERWISE)
        return _why_no_file(zone, self.outcome.checked)


def _said(zone: Zone) -> str:
    said = f"zone {zone.name.text}"
    said += f" in view {zone.view}" if zone.view else ""
    return f"{said} ({zone.type})" if zone.type else said


def _place(zone: Zone) -> str:
    return f"{zone.name.source.file}:{zone.name.line}"


def _why_no_file(zone: Zone, checked: Checked) -> str:
    """Return why a primary zone has no file to be copied; empty: it has one."""
    if not zone.is_internet:
        return "pabal answers in class IN only"
    if "/" in zone.origin:
        return "a name with `/` cannot be that of a file"
    if zone.file is None:
        return "its records are not in a file"
    path = path_of(zone, checked.parsed)
    if not checked.parsed.reading.files.exists(path):
        return f"its file {path} does not exist"
    if zone.is_raw:
        return (
            "its file is in BIND's own format: make a text of it with "
            f"`named-compilezone -f raw -F text -o NEW {zone.origin} {path}`"
        )
    return ""


def unsaid_transfers(outcome: Outcome, said: Collection[str]) -> None:
    """Say what primary zones had without a word of the configuration.

    Args:
        said: The names of the statements in options.
    """
    for zone in outcome.checked.zones:
        if zone.type == "primary" and "allow-transfer" not in said:
            why = (
                "BIND 9.18 gives whole zones to anybody; pabal only to those whom"
                " allow_transfer names: add your secondaries, and to notify as well"
            )
            outcome.note(zone.name, "allow-transfer, which is not set", why)
            return
