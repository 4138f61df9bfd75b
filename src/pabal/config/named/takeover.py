"""What pabal takes over from a named.conf, and what it does not, in plain words.

Sans-IO: a value comes out; nothing is copied or written here.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final

from pabal.config.named.access import flatten
from pabal.config.named.check import Checked, path_of
from pabal.config.named.elsewhere import ONLY_FORWARDERS, WITHOUT_TLS, Elsewhere
from pabal.config.named.grammar import Statement, names_in
from pabal.config.named.keys import (
    KEYS_FILE,
    UNUSABLE,
    key_text,
    names_of,
    without_key,
)
from pabal.config.named.lexer import Token
from pabal.config.named.orders import order_of
from pabal.config.named.reasons import OTHERWISE, REASONS, ZONES
from pabal.config.named.transfers import DNS_PORT, Servers, bracketed, endpoint
from pabal.config.named.updates import Updates
from pabal.config.named.values import is_ip
from pabal.config.named.zones import Zone

Value = bool | str | tuple[str, ...]
"""What a setting of pabal.toml may be."""

EVERYWHERE: Final = "0.0.0.0"  # noqa: S104 - what the configuration said, not a socket
EVERYWHERE_6: Final = "[::]"

_TAKEN: Final = frozenset(
    {
        "allow-query",
        "allow-query-cache",
        "allow-recursion",
        "forward",
        "forwarders",
        "listen-on",
        "listen-on-v6",
        "port",
        "recursion",
        "rrset-order",
    }
)
"""Statements in options that the functions below look at."""

_SILENT: Final = frozenset({"options", "include", "acl", "zone", "view", "key", "type"})
"""Statements that are told of by what uses them, or one by one."""

_SERVER_LISTS: Final = frozenset({"primaries", "masters", "remote-servers"})
"""Lists of servers, which secondary zones use."""


@dataclass(frozen=True, slots=True)
class Note:
    """One thing that was taken over, or not.

    Attributes:
        what: The statement, in a few words.
        why: What became of it, or why it was not taken.
        place: ``file:line``.
    """

    taken: bool
    what: str
    why: str
    place: str


@dataclass(frozen=True, slots=True)
class ZoneFile:
    """A zone to be copied.

    Attributes:
        name: Without the last dot; ``.`` is the root.
        path: Its master file.
        place: Where it is configured: ``file:line``.
    """

    name: str
    path: str
    place: str

    @property
    def target(self) -> str:
        """What pabal calls the file."""
        return ("root" if self.name == "." else self.name) + ".zone"


@dataclass(frozen=True, slots=True)
class Takeover:
    """What becomes of a named.conf.

    Attributes:
        zones: Primary zones and their files.
        settings: What pabal.toml is to say: table, key, value.
        keys: Names of TSIG keys.
        secrets: ``ALGORITHM:NAME:SECRET`` of those pabal can use, for its keys_file.
        notes: Everything else there is to say.
    """

    zones: tuple[ZoneFile, ...]
    settings: tuple[tuple[str, str, Value], ...]
    keys: tuple[str, ...]
    notes: tuple[Note, ...]
    secrets: tuple[str, ...] = field(default=(), repr=False)

    def toml(self) -> str:
        """Return the lines for pabal.toml; empty: nothing."""
        lines: list[str] = []
        for table in sorted({each[0] for each in self.settings}):
            lines += ["", f"[{table}]"] if lines else [f"[{table}]"]
            lines += [
                f"{key} = {_toml(value)}"
                for in_table, key, value in self.settings
                if in_table == table
            ]
        return "\n".join(lines)


def take_over(checked: Checked, known: frozenset[str] = frozenset()) -> Takeover:
    """Return what pabal takes over of a configuration that was checked.

    Args:
        checked: The configuration.
        known: The keys of [dns]; what has none there is not taken over.
    """
    work = _Work(checked, known)
    work.keys()
    work.options()
    work.zones()
    work.rest()
    return Takeover(
        tuple(work.files),
        tuple(work.settings),
        tuple(work.key_names),
        tuple(work.notes),
        tuple(work.secrets),
    )


@dataclass(slots=True)
class _Work:
    """Collects what comes of a configuration."""

    checked: Checked
    known: frozenset[str]
    files: list[ZoneFile] = field(default_factory=list)
    settings: list[tuple[str, str, Value]] = field(default_factory=list)
    key_names: list[str] = field(default_factory=list)
    notes: list[Note] = field(default_factory=list)
    secrets: list[str] = field(default_factory=list, repr=False)

    # The whole server

    def options(self) -> None:
        """Take what `options` says."""
        body = [
            statement
            for options in names_in(self._statements, "options")
            for statement in options.body()
        ]
        self._query(body)
        self._recursion(body)
        self._forwarders(body)
        order = order_of(body, self._note)
        if order:
            self.settings.append(("dns", "round_robin", order))
        self._listen(body)
        elsewhere = Elsewhere(self.known, self._statements, self._note)
        # The zones tell what became of allow-update.
        silent = _SILENT | ({"allow-update"} if "allow_update" in self.known else set())
        taken = _TAKEN | silent | self._transfers(body) | elsewhere.options(body)
        self.settings += elsewhere.settings()
        for statement in body:
            if statement.name not in taken:
                self._not_taken(statement)

    def keys(self) -> None:
        """Take the keys; their secrets go into a file, not into what is printed."""
        for key in names_in(self._statements, "key"):
            name = key.value()
            self.key_names.append(name)
            text = key_text(key)
            if "keys_file" in self.known and text:
                self.secrets.append(text)
                why = f"{KEYS_FILE}, keys_file in [dns]"
                self._note(key.token, f"key {name}", why, taken=True)
            else:
                self._note(key.token, f"key {name}", UNUSABLE)
        if self.secrets:
            self.settings.append(("dns", "keys_file", KEYS_FILE))

    def rest(self) -> None:
        """Say what is not taken of the statements outside options and zones."""
        used = _SERVER_LISTS if "secondary" in self.known else frozenset()
        for statement in self._statements:
            if statement.name not in _SILENT | used:
                self._not_taken(statement)

    @property
    def _statements(self) -> list[Statement]:
        return self.checked.parsed.statements

    def _note(self, token: Token, what: str, why: str, *, taken: bool = False) -> None:
        place = f"{token.source.file}:{token.line}"
        self.notes.append(Note(taken, what, why, place))

    def _not_taken(self, statement: Statement, what: str = "") -> None:
        why = REASONS.get(statement.name, OTHERWISE)
        words = " ".join(token.text for token in statement.words()[:1])
        self._note(statement.token, what or f"{statement.name} {words}".strip(), why)

    def _set(
        self,
        statement: Statement,
        table: str,
        key: str,
        value: Value,
    ) -> None:
        if isinstance(value, tuple):
            value = self._with_keys(statement, value)
        self.settings.append((table, key, value))
        said = f"{key} in [{table}]"
        self._note(statement.token, statement.name, said, taken=True)

    def _with_keys(
        self, statement: Statement, elements: tuple[str, ...]
    ) -> tuple[str, ...]:
        """Return ``elements`` without those whose key was not taken."""
        lost = without_key(elements, names_of(self.secrets))
        for element in lost:
            why = "its key was not taken over"
            self._note(statement.token, f"{statement.name}: {element}", why)
        return tuple(each for each in elements if each not in lost)

    def _transfers(self, body: Sequence[Statement]) -> set[str]:
        """Take who may have whole zones and who is told; return the names of both."""
        taken: set[str] = set()
        for statement in names_in(body, "allow-transfer"):
            if "allow_transfer" in self.known:
                self._access(statement, "allow_transfer")
                taken.add(statement.name)
        for statement in names_in(body, "also-notify"):
            if "notify" in self.known:
                peers = Servers(self._statements).peers(statement)
                self._set(statement, "dns", "notify", tuple(peers))
                taken.add(statement.name)
        return taken

    def _access(self, statement: Statement, key: str) -> None:
        """Take a list of addresses."""
        acls = {acl.value().lower(): acl for acl in names_in(self._statements, "acl")}
        keys = key == "allow_transfer"
        flat = flatten(statement.body(), acls, with_keys=keys)
        self._set(statement, "dns", key, tuple(flat.elements))
        for lost in flat.lost:
            self._note(statement.token, statement.name, f"without {lost}")

    def _query(self, body: Sequence[Statement]) -> None:
        for statement in names_in(body, "allow-query")[:1]:
            self._access(statement, "allow_query")

    def _recursion(self, body: Sequence[Statement]) -> None:
        """Take who may ask for everything; BIND looks at three lists for that."""
        for statement in names_in(body, "recursion")[:1]:
            if statement.value().lower() in {"no", "false", "0"}:
                self._set(statement, "dns", "allow_recursion", ("none",))
                return
        for name in ("allow-recursion", "allow-query-cache", "allow-query"):
            for statement in names_in(body, name)[:1]:
                self._access(statement, "allow_recursion")
                return
        for options in names_in(self._statements, "options")[:1]:
            why = (
                "BIND answers the networks this machine is in; pabal only the machine "
                "itself, unless allow_recursion names them"
            )
            self._note(options.token, "allow-recursion, which is not set", why)

    def _forwarders(self, body: Sequence[Statement]) -> None:
        for statement in names_in(body, "forwarders")[:1]:
            port = statement.option("port")
            found = [endpoint(each, port) for each in statement.body()]
            if not found:
                continue
            self._set(statement, "dns", "forwarders", tuple(found))
            if any(each.option("tls") for each in statement.body()):
                self._note(statement.token, "forwarders: tls", WITHOUT_TLS)
            forward = names_in(body, "forward")
            if not forward or forward[0].value().lower() != "only":
                token = forward[0].token if forward else statement.token
                self._note(token, "forward first", ONLY_FORWARDERS)

    def _listen(self, body: Sequence[Statement]) -> None:
        """Take where the server listens; a family that is not said listens to all."""
        said = names_in(body, "listen-on", "listen-on-v6")
        port = str(DNS_PORT)
        for statement in names_in(body, "port")[:1]:
            port = statement.value()
        if not said and port == str(DNS_PORT):
            return
        found = [
            f"{everywhere}:{port}"
            for name, everywhere in (
                ("listen-on", EVERYWHERE),
                ("listen-on-v6", EVERYWHERE_6),
            )
            if not names_in(body, name)
        ]
        for statement in said:
            found += self._endpoints(statement, statement.option("port") or port)
        self.settings.append(("listen", "dns", tuple(found)))
        for statement in said or names_in(body, "port"):
            self._note(statement.token, statement.name, "dns in [listen]", taken=True)

    def _endpoints(self, statement: Statement, port: str) -> list[str]:
        family6 = statement.name == "listen-on-v6"
        if statement.option("tls") or statement.option("http"):
            why = "set dns-tls or https in [listen]; the certificate is that of [tls]"
            self._note(statement.token, f"{statement.name} with tls or http", why)
            return []
        words = {
            "any": [EVERYWHERE_6] if family6 else [EVERYWHERE],
            "localhost": ["[::1]"] if family6 else ["127.0.0.1"],
            "none": [],
        }
        found: list[str] = []
        for element in statement.body():
            text = element.token.text
            hosts = words.get(text.lower())
            if hosts is None and not is_ip(text):
                why = "write the addresses themselves into dns in [listen]"
                self._note(element.token, f"{statement.name}: {text}", why)
                continue
            hosts = hosts if hosts is not None else [bracketed(text)]
            found += [f"{host}:{port}" for host in hosts]
        return found

    # Zones

    def zones(self) -> None:
        """Take primary zones; the first view's where several have one."""
        taken: set[str] = set()
        copied: list[str] = []
        elsewhere = Elsewhere(self.known, self._statements, self._note)
        keys = names_of(self.secrets)
        updates = Updates(self.known, self._statements, self._note, keys)
        for zone in self.checked.zones:
            if zone.origin not in taken and elsewhere.zone(zone):
                taken.add(zone.origin)
                continue
            peers = self._copied(zone) if zone.origin not in taken else []
            if peers:
                taken.add(zone.origin)
                copied += [f"{zone.origin} {peer}" for peer in peers]
                what = f"zone {zone.name.text} (secondary)"
                self._note(zone.name, what, "secondary in [dns]", taken=True)
                self._body(zone, "type", "file", "primaries", "masters")
                continue
            why = self._why_not(zone, taken)
            if why:
                said = f"zone {zone.name.text}"
                said += f" in view {zone.view}" if zone.view else ""
                self._note(
                    zone.name, f"{said} ({zone.type})" if zone.type else said, why
                )
                continue
            taken.add(zone.origin)
            path = path_of(zone, self.checked.parsed)
            place = f"{zone.name.source.file}:{zone.name.line}"
            self.files.append(ZoneFile(zone.origin, path, place))
            has_journal = self.checked.parsed.reading.files.exists(f"{path}.jnl")
            told = updates.zone(zone, has_journal=has_journal)
            self._body(zone, "type", "file", *told)
        if copied:
            self.settings.append(("dns", "secondary", tuple(copied)))
        if updates.rules:
            self.settings.append(("dns", "allow_update", tuple(updates.rules)))
        self.settings += elsewhere.settings()
        self._unsaid()
        for view in names_in(self._statements, "view"):
            self._view(view)

    def _unsaid(self) -> None:
        """Say what primary zones had without a word of the configuration."""
        said = {s.name for o in names_in(self._statements, "options") for s in o.body()}
        for zone in self.checked.zones:
            if zone.type == "primary" and "allow-transfer" not in said:
                why = (
                    "BIND 9.18 gives whole zones to anybody; pabal only to those whom"
                    " allow_transfer names: add your secondaries, and to notify as well"
                )
                self._note(zone.name, "allow-transfer, which is not set", why)
                return

    def _body(self, zone: Zone, *taken: str) -> None:
        """Say what is not taken of a zone that is."""
        for statement in zone.statement.body():
            if statement.name not in taken:
                self._not_taken(statement, f"zone {zone.name.text}: {statement.name}")

    def _copied(self, zone: Zone) -> list[str]:
        """Return the servers a secondary zone is fetched from, if pabal can."""
        if zone.type != "secondary" or "secondary" not in self.known:
            return []
        primaries = zone.statement.find("primaries", "masters")
        peers = Servers(self._statements).peers(primaries) if primaries else []
        lost = without_key(peers, names_of(self.secrets))
        return [peer for peer in peers if peer not in lost]

    def _why_not(self, zone: Zone, taken: set[str]) -> str:
        """Return why a zone cannot be taken over; empty: it can."""
        if names_in(zone.statement.body(), "in-view"):
            return "it is the one of the other view"
        if zone.type != "primary":
            return ZONES.get(zone.type, OTHERWISE)
        if zone.origin in taken:
            return "the first view's is for all; put this one into [dns.view.NAME]"
        return _why_no_file(zone, self.checked)

    def _view(self, view: Statement) -> None:
        why = (
            "write [dns.view.NAME] with its clients, and a directory of the files that"
            " differ, which may hold those sets only"
        )
        self._note(view.token, f"view {view.value()}", why)
        for statement in view.body():
            if statement.name not in _SILENT:
                self._not_taken(statement, f"view {view.value()}: {statement.name}")


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


def _toml(value: Value) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, str):
        return f'"{value}"'
    return "[" + ", ".join(f'"{each}"' for each in value) + "]"
