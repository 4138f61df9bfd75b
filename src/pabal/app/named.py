"""A named.conf on disk: checked with its zones, and taken over into zones/."""

import posixpath
from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum
from pathlib import Path
from typing import Final

from pabal.app.office import check_zone_file
from pabal.base.atomic import write_file
from pabal.base.errors import OperatorError
from pabal.config.named.check import Checked, check
from pabal.config.named.copies import copies_of
from pabal.config.named.disk import DiskFiles
from pabal.config.named.outcome import Takeover, ZoneFile
from pabal.config.named.recognition import looks_like
from pabal.config.problem import Problem, Span

SNIFF_OCTETS: Final = 65_536
"""How much of a file is looked at to see what it is."""


class Copied(Enum):
    """What became of a zone."""

    NEW = "new"
    SAME = "there already"
    DIFFERS = "another file of that name is there"
    WRONG = "it has mistakes"


@dataclass(frozen=True, slots=True)
class ZoneCopy:
    """One zone and what became of it; ``problems`` are those of its files."""

    zone: ZoneFile
    outcome: Copied
    problems: Sequence[Problem]


def is_named_conf(file: Path) -> bool:
    """Return whether a file is a named.conf, by its name or what is in it."""
    if file.name.startswith("named.conf"):
        return True
    if file.suffix == ".toml" or not file.is_file():
        return False
    try:
        with file.open("rb") as opened:
            octets = opened.read(SNIFF_OCTETS)
    except OSError:
        return False
    return looks_like(octets.decode("utf-8", "replace"))


def check_named(file: Path) -> Checked:
    """Return every mistake of a named.conf, what it includes and its zones.

    Raises:
        OperatorError: It cannot be read.
    """
    files = DiskFiles()
    try:
        text = files.read(str(file))
    except (OSError, ValueError) as error:
        raise OperatorError(f"{file} cannot be read: {error}.") from error

    def check_zone(name: str, path: str, base: str) -> Sequence[Problem]:
        return check_zone_file(Path(path), name, _reader(base))

    return check(str(file), text, files, check_zone)


def write_keys(takeover: Takeover, file: Path, *, dry_run: bool) -> Copied:
    """Write the keys to a file that nobody else reads, unless it has others.

    Raises:
        OSError: It cannot be written.
    """
    text = "".join(f"{secret}\n" for secret in takeover.secrets)
    if file.exists():
        return Copied.SAME if file.read_text() == text else Copied.DIFFERS
    if not dry_run:
        write_file(file, text.encode(), 0o600)
    return Copied.NEW


def copy_zones(
    takeover: Takeover, checked: Checked, zones: Path, views: Path, *, dry_run: bool
) -> list[ZoneCopy]:
    """Copy the zones into directories; nothing that is there is overwritten.

    Args:
        zones: For those everybody sees.
        views: For those of views, a directory each.

    Raises:
        OSError: The directory cannot be written.
    """
    base = checked.parsed.reading.base
    return [
        _copy(zone, base, views / zone.view if zone.view else zones, dry_run=dry_run)
        for zone in takeover.zones
    ]


def _copy(zone: ZoneFile, base: str, zones: Path, *, dry_run: bool) -> ZoneCopy:
    problems = check_zone_file(Path(zone.path), zone.name, _reader(base))
    if any(not problem.warning for problem in problems):
        return ZoneCopy(zone, Copied.WRONG, problems)
    try:
        copies = copies_of(zone, DiskFiles(), base)
    except (OSError, ValueError) as error:
        found = Problem(zone.path, Span(0, 0), f"cannot be read: {error}")
        return ZoneCopy(zone, Copied.WRONG, [found])
    paths = {zones / name: text.encode() for name, text in copies.items()}
    there = [path for path in paths if path.exists()]
    if any(path.read_bytes() != paths[path] for path in there):
        return ZoneCopy(zone, Copied.DIFFERS, problems)
    if len(there) == len(paths):
        return ZoneCopy(zone, Copied.SAME, problems)
    if not dry_run:
        # What is included is written first: a running server reads at once.
        for path in reversed(paths):
            path.parent.mkdir(parents=True, exist_ok=True)
            write_file(path, paths[path])
    return ZoneCopy(zone, Copied.NEW, problems)


@dataclass(frozen=True, slots=True)
class _From:
    """Reads master files; relative names start from a directory."""

    base: str

    def __call__(self, file: str) -> str:
        return DiskFiles().read(posixpath.join(self.base, file))


def _reader(base: str) -> _From:
    return _From(str(Path(base).absolute()))
