"""The zones of a named.conf: which pabal takes over, for everybody or for a view.

Sans-IO.
"""

from collections.abc import Collection, Iterable
from dataclasses import dataclass, field
from typing import Final

from pabal.config.named.check import Checked, path_of
from pabal.config.named.elsewhere import Elsewhere
from pabal.config.named.keys import names_of, without_key
from pabal.config.named.lexer import Token
from pabal.config.named.outcome import DNS, Outcome, ZoneFile
from pabal.config.named.reasons import OTHERWISE, ZONES
from pabal.config.named.transfers import Servers
from pabal.config.named.updates import Updates
from pabal.config.named.zones import Zone

NAMES_SHOWN: Final = 5
"""Zones that a note names; of more it says how many."""

ASKED_ELSEWHERE: Final = frozenset(("forward", "stub", "static-stub"))
"""Types of zones that say whom to ask."""

_ASKED: Final = "pabal asks the same servers for the clients of all views"

_EVERYBODY: Final = "everybody sees it, so this view does too"

_COPIES: Final = (
    "copies of other servers' zones are for everybody: name it under secondary in [dns]"
    " if everybody may see it, or put its records into a file of the view"
)


@dataclass(slots=True)
class Holdings:
    """Collects them.

    Attributes:
        outcome: Gets what comes of them.
        files: Of the zones everybody sees: their master files by origin.
        taken: The origins of all zones everybody sees, or that are asked for elsewhere.
    """

    outcome: Outcome
    files: dict[str, str] = field(default_factory=dict)
    taken: set[str] = field(default_factory=set)
    _copied: list[str] = field(default_factory=list)
    _lent: dict[tuple[str, str], Zone] = field(default_factory=dict)

    def __post_init__(self) -> None:
        """Note what views may borrow."""
        for zone in self.outcome.checked.zones:
            if zone.statement.find("in-view") is None:
                self._lent[zone.view.lower(), zone.origin] = zone

    def common(self, zones: Iterable[Zone]) -> None:
        """Take zones over for everybody."""
        outcome = self.outcome
        keys = names_of(outcome.secrets)
        known, statements = outcome.known, outcome.statements
        elsewhere = Elsewhere(known, statements, outcome.note)
        updates = Updates(known, statements, outcome.note, keys)
        for zone in zones:
            if zone.origin not in self.taken and elsewhere.zone(zone):
                self.taken.add(zone.origin)
            elif not self._secondary(zone):
                self._primary(zone, updates)
        if self._copied:
            outcome.settings.append((DNS, "secondary", tuple(self._copied)))
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
        self._body(real, "type", "file", *told)

    def _secondary(self, zone: Zone) -> bool:
        """Take a zone of another server; return whether it can be."""
        outcome = self.outcome
        if zone.type != "secondary" or "secondary" not in outcome.known:
            return False
        primaries = zone.statement.find("primaries", "masters")
        peers = Servers(outcome.statements).peers(primaries) if primaries else []
        lost = without_key(peers, names_of(outcome.secrets))
        peers = [peer for peer in peers if peer not in lost]
        if zone.origin in self.taken or not peers:
            return False
        self.taken.add(zone.origin)
        self._copied += [f"{zone.origin} {peer}" for peer in peers]
        what = f"zone {zone.name.text} (secondary)"
        outcome.note(zone.name, what, "secondary in [dns]", taken=True)
        self._body(zone, "type", "file", "primaries", "masters")
        return True

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

    def view(self, name: str, zones: Iterable[Zone]) -> bool:
        """Take zones over for the clients of view ``name`` alone.

        Returns whether there are any.
        """
        found = [self._of_view(name, zone) for zone in zones]
        return any(found)

    def _of_view(self, name: str, zone: Zone) -> bool:
        outcome = self.outcome
        real = self._real(zone)
        if real.type in ASKED_ELSEWHERE:
            if zone.origin not in self.taken:
                self._stays(zone, _ASKED)
            return False
        path = path_of(real, outcome.checked.parsed)
        common = self.files.get(zone.origin)
        if zone.origin in self.taken and (common is None or common == path):
            outcome.note(zone.name, _said(zone), _EVERYBODY, taken=True)
            return False
        if real.type == "secondary":
            self._stays(zone, _COPIES)
            return False
        why = self._type_why_not(real)
        if why:
            self._stays(zone, why)
            return False
        outcome.files.append(ZoneFile(zone.origin, path, _place(zone), name))
        if real is zone:
            self._body(zone, "type", "file")
        return True

    def beyond(self, name: str, zones: Iterable[Zone], token: Token) -> None:
        """Say which zones the clients of view ``name`` see that they did not before."""
        own = {zone.origin for zone in zones}
        new = sorted(set(self.files) - own)
        if new:
            more = len(new) - NAMES_SHOWN
            shown = ", ".join(new[:NAMES_SHOWN]) + (f" and {more} more" * (more > 0))
            why = "what everybody sees is seen in every view, also what it did not have"
            self.outcome.note(token, f"view {name}: without {shown}", why)

    def stay(self, zones: Iterable[Zone], why: str) -> None:
        """Say that zones are not taken, and why."""
        for zone in zones:
            self._stays(zone, why)

    def _stays(self, zone: Zone, why: str) -> None:
        self.outcome.note(zone.name, _said(zone), why)

    def _body(self, zone: Zone, *taken: str) -> None:
        """Say what is not taken of a zone that is."""
        for statement in zone.statement.body():
            if statement.name not in taken:
                what = f"zone {zone.name.text}: {statement.name}"
                self.outcome.not_taken(statement, what)

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
