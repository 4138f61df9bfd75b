"""What comes of a named.conf: lines of pabal.toml, files to copy, notes in plain words.

Sans-IO.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final

from pabal.config.named.access import Flat, Lists, table_of
from pabal.config.named.check import Checked
from pabal.config.named.grammar import Statement, names_in
from pabal.config.named.keys import names_of, without_key
from pabal.config.named.lexer import Token
from pabal.config.named.reasons import OTHERWISE, REASONS
from pabal.config.zone_lists import OF_VIEW, ZONE

Value = bool | int | str | tuple[str, ...]
"""What a setting of pabal.toml may be."""

DNS: Final = "dns"
"""The table of everybody; views have their own."""


VIEWS: Final = "views"
"""The directory of the directories of views, beside pabal.toml."""


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
        view: Whose clients alone see it; empty: everybody.
    """

    name: str
    path: str
    place: str
    view: str = ""

    @property
    def target(self) -> str:
        """What pabal calls the file."""
        return ("root" if self.name == "." else self.name) + ".zone"

    @property
    def directory(self) -> str:
        """Where the file goes, beside pabal.toml."""
        return f"{VIEWS}/{self.view}" if self.view else "zones"


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
        tables = list(dict.fromkeys(each[0] for each in self.settings))
        # Views in their order: the first that fits a client is its own.
        for table in sorted(tables, key=lambda each: (each.split(".")[0], each != DNS)):
            lines += ["", header_of(table)] if lines else [header_of(table)]
            lines += [
                f"{key} = {_toml(value)}"
                for in_table, key, value in self.settings
                if in_table == table
            ]
        return "\n".join(lines)


@dataclass(slots=True)
class Outcome:
    """Collects it.

    Attributes:
        checked: The configuration.
        known: The keys of [dns]; what has none there is not taken over.
    """

    checked: Checked
    known: frozenset[str]
    files: list[ZoneFile] = field(default_factory=list)
    settings: list[tuple[str, str, Value]] = field(default_factory=list)
    key_names: list[str] = field(default_factory=list)
    notes: list[Note] = field(default_factory=list)
    secrets: list[str] = field(default_factory=list, repr=False)
    lists: Lists = field(init=False)

    def __post_init__(self) -> None:
        """Find the lists."""
        acls = {acl.value().lower(): acl for acl in names_in(self.statements, "acl")}
        self.lists = Lists(acls)

    def takeover(self) -> Takeover:
        """Return all of it."""
        notes, self.notes = self.notes, []
        tables = self._tables()
        return Takeover(
            tuple(self.files),
            (*tables, *self.settings),
            tuple(self.key_names),
            (*self.notes, *notes),
            tuple(self.secrets),
        )

    def _tables(self) -> list[tuple[str, str, Value]]:
        """Return the settings of the lists, and note what became of each."""
        self.lists.take_all(names_of(self.secrets))
        for acl, name, made in self.lists.made:
            what = f"acl {acl.value()}"
            self.note(acl.token, what, f"[{table_of(name)}]", taken=True)
            for lost in made.lost:
                self.note(acl.token, what, f"without {lost}")
        return [
            (table_of(name), "networks", elements)
            for name, elements in self.lists.tables.items()
        ]

    @property
    def statements(self) -> list[Statement]:
        """All statements of the configuration."""
        return self.checked.parsed.statements

    def note(self, token: Token, what: str, why: str, *, taken: bool = False) -> None:
        """Note what became of ``what``, which stands at ``token``."""
        place = f"{token.source.file}:{token.line}"
        self.notes.append(Note(taken, what, why, place))

    def not_taken(self, statement: Statement, what: str = "") -> None:
        """Note that a statement is not taken over, and why."""
        why = REASONS.get(statement.name, OTHERWISE)
        words = " ".join(token.text for token in statement.words()[:1])
        self.note(statement.token, what or f"{statement.name} {words}".strip(), why)

    def set(
        self, statement: Statement, key: str, value: Value, table: str = DNS
    ) -> None:
        """Take a statement over as ``key`` of ``table``."""
        if isinstance(value, tuple):
            value = self.with_keys(statement, value)
        self.settings.append((table, key, value))
        said = f"{key} in [{table}]"
        self.note(statement.token, statement.name, said, taken=True)

    def access(
        self,
        statement: Statement,
        key: str,
        table: str = DNS,
        *,
        with_keys: bool = True,
    ) -> None:
        """Take a list of addresses over as ``key`` of ``table``."""
        found = self.networks(statement, with_keys=with_keys)
        self.set(statement, key, found, table)

    def networks(
        self, statement: Statement, *, with_keys: bool = True
    ) -> tuple[str, ...]:
        """Return a list of addresses as pabal has it; note what it loses."""
        flat = self.flat(statement, with_keys=with_keys)
        for lost in flat.lost:
            self.note(statement.token, statement.name, f"without {lost}")
        return tuple(flat.elements)

    def flat(self, statement: Statement, *, with_keys: bool = True) -> Flat:
        """Return a list of addresses as pabal has it, and what that loses."""
        keys = names_of(self.secrets)
        return self.lists.flatten(statement.body(), keys, with_keys=with_keys)

    def with_keys(
        self, statement: Statement, elements: Sequence[str]
    ) -> tuple[str, ...]:
        """Return servers without those whose key was not taken."""
        lost = without_key(elements, names_of(self.secrets))
        for element in lost:
            why = "its key was not taken over"
            self.note(statement.token, f"{statement.name}: {element}", why)
        return tuple(each for each in elements if each not in lost)


def header_of(table: str) -> str:
    """Return the line that begins a table; the name of a zone has dots and quotes."""
    for begin in (ZONE, OF_VIEW):
        head, found, zone = table.partition(begin)
        if found and (begin == OF_VIEW or not head):
            return f'[{head}{found}"{zone}"]'
    return f"[{table}]"


def _toml(value: Value) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int):
        return str(value)
    if isinstance(value, str):
        return f'"{value}"'
    return "[" + ", ".join(f'"{each}"' for each in value) + "]"
