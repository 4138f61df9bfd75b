"""From a directory to settings, or every problem at once."""

import os
import stat
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

from pabal.base.errors import OperatorError
from pabal.config import acls, pools, toml, views, zone_lists
from pabal.config.description import Description, Option
from pabal.config.peers import hide_secrets, key_name, keys_in
from pabal.config.problem import Problem, Span, did_you_mean
from pabal.config.section import BadValueError, FileSection
from pabal.config.settings import FILE_NAME, TABLES, Settings, read_settings
from pabal.net import interfaces

CONFIG_MAX_OCTETS: Final = 1_000_000
"""A configuration is some kilobytes: more is the wrong file."""

OTHERS: Final = 0o077
"""Permission bits that a file of secrets may not have."""

SYSTEM_DIRECTORY: Final = Path("/etc/pabal")


EXAMPLES: Final = (acls.EXAMPLE, views.EXAMPLE, zone_lists.EXAMPLE, pools.EXAMPLE)
"""Tables that there may be any number of, each with a name of its own."""


@dataclass(frozen=True, slots=True)
class Loaded:
    """What came of reading: settings only if no problem is an error."""

    file: Path
    settings: Settings | None
    problems: tuple[Problem, ...]

    @property
    def ok(self) -> bool:
        """Whether the server can start."""
        return self.settings is not None


class BadConfigurationError(OperatorError):
    """The configuration has problems; ``render`` shows all of them."""

    def __init__(self, problems: tuple[Problem, ...]) -> None:
        super().__init__(f"{len(problems)} problem(s) in the configuration.")
        self.problems = problems

    def render(self) -> str:
        """Return every problem with its line and caret."""
        return "\n".join(problem.render() for problem in self.problems)


def find_file(directory: Path | None) -> Path:
    """Return the pabal.toml to read: in ``directory``, else ``.``, else /etc/pabal.

    Raises:
        OperatorError: There is none.
    """
    candidates = [directory] if directory else [Path(), SYSTEM_DIRECTORY]
    for candidate in candidates:
        if candidate.is_file():
            return candidate
        if (candidate / FILE_NAME).is_file():
            return candidate / FILE_NAME
    where = " or ".join(str(c.absolute()) for c in candidates)
    raise OperatorError(
        f"there is no {FILE_NAME} in {where}.",
        "Name its directory with -c DIR, or make one with `pabal init DIR`.",
    )


def load(file: Path) -> Loaded:
    """Return what ``file`` says and what is wrong with it."""
    name = str(file)
    try:
        octets = file.read_bytes()[: CONFIG_MAX_OCTETS + 1]
    except OSError as error:
        reason = f"cannot be read: {error.strerror}"
        return Loaded(file, None, (Problem(name, Span(0, 0), reason),))
    if len(octets) > CONFIG_MAX_OCTETS:
        reason = "is far too large to be a configuration"
        return Loaded(file, None, (Problem(name, Span(0, 0), reason),))
    try:
        text = octets.decode()
    except UnicodeDecodeError as error:
        return Loaded(file, None, (_without_secrets(_not_utf8(name, octets, error)),))
    return parse(text, file)


def parse(text: str, file: Path) -> Loaded:
    """Return what ``text`` says, ``file`` standing for its place."""
    name = str(file)
    document = toml.parse(text, name)
    lines = text.replace("\r\n", "\n").split("\n")
    named = acls.built_in(interfaces.own())
    sections = {
        table: FileSection(document, table, name, lines, read_keys, named)
        for table in (
            *acls.acls_in(document.tables),
            *TABLES,
            *views.views_in(document.tables),
            *zone_lists.zone_lists_in(document.tables),
            *pools.pools_in(document.tables),
        )
    }
    for table in acls.acls_in(document.tables):
        # One by one: each knows those before it.
        named[table.removeprefix(acls.ACL)] = acls.read_acl(sections[table])
    settings = replace(
        read_settings(sections, file.parent.absolute()), file=file.absolute()
    )
    acls.check_keys(sections, frozenset(map(key_name, settings.dns.keys)))
    for table, section in sections.items():
        section.close([] if table else [t for t in TABLES if t])
    for table, content in document.tables.items():
        if table not in sections:
            known = [*(t for t in TABLES if t), *EXAMPLES]
            hint = did_you_mean(table, known) or "known: " + ", ".join(known)
            span = Span(content.span.line, content.span.column, len(table))
            source = lines[span.line - 1]
            document.problems.append(
                Problem(name, span, f"unknown table [{table}]", hint, source)
            )
    problems = tuple(
        _without_secrets(problem)
        for problem in sorted(document.problems, key=lambda p: p.span)
    )
    return Loaded(file, None if problems else settings, problems)


def load_or_raise(directory: Path | None) -> Settings:
    """Return the settings of ``directory``.

    Raises:
        BadConfigurationError: With every problem.
        OperatorError: There is no file.
    """
    loaded = load(find_file(directory))
    if loaded.settings is None:
        raise BadConfigurationError(loaded.problems)
    return loaded.settings


def options() -> dict[str, list[Option]]:
    """Return every option by its table, in the order of the manual."""
    sections = {table: Description() for table in (*TABLES, *EXAMPLES)}
    acls.read_acls(sections)
    read_settings(sections, Path())
    return {table: section.options for table, section in sections.items()}


def sample() -> str:
    """Return a pabal.toml with every option, its default and what it is for."""
    lines = ["# pabal.toml: every option with its default; only hostname must be set."]
    for table, found in options().items():
        lines.append("")
        if table:
            lines.append(f"{'# ' if table in EXAMPLES else ''}[{table}]")
        for option in found:
            mark = "" if option.required else "# "
            lines.append(f"{mark}{option.key} = {option.default}    # {option.help}")
    return "\n".join(lines) + "\n"


def read_keys(path: str) -> Sequence[str]:
    """Return the keys in the file at ``path``.

    Raises:
        BadValueError: It cannot be read, others may read it, or it holds no keys.
    """
    try:
        with Path(path).open("rb") as file:
            mode = os.fstat(file.fileno()).st_mode
            octets = file.read(CONFIG_MAX_OCTETS)
    except OSError as error:
        raise BadValueError(f"cannot be read: {error.strerror}") from error
    if stat.S_IMODE(mode) & OTHERS:
        raise BadValueError("others may read these secrets", f"chmod 600 {path}")
    try:
        return tuple(keys_in(octets.decode()))
    except UnicodeDecodeError as error:
        raise BadValueError("is not UTF-8") from error


def _without_secrets(problem: Problem) -> Problem:
    """Cover the secrets of keys: a report is shown, and mailed, and asked about."""
    return replace(
        problem,
        reason=hide_secrets(problem.reason),
        source=hide_secrets(problem.source),
    )


def _not_utf8(name: str, octets: bytes, error: UnicodeDecodeError) -> Problem:
    line = octets.count(b"\n", 0, error.start) + 1
    start = octets.rfind(b"\n", 0, error.start) + 1
    end = octets.find(b"\n", error.start)
    source = octets[start : end if end >= 0 else len(octets)].decode("utf-8", "replace")
    column = len(octets[start : error.start].decode("utf-8", "replace")) + 1
    return Problem(
        name,
        Span(line, column),
        f"octet 0x{octets[error.start]:02x} is not UTF-8",
        "save the file as UTF-8",
        source,
    )
