"""Master files that are edited by command: checked first, old versions kept.

Versions lie beside the zones, ``.versions/DOMAIN.zone.N``: they are their owner's, too.
"""

import contextlib
import json
import os
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import dns.name

from pabal.admin.privileges import answer_as_owner
from pabal.app.office import ring_zones, shown_problem, zone_input
from pabal.base.atomic import write_file
from pabal.base.clock import SystemClock
from pabal.base.errors import NotFoundError, OperatorError
from pabal.config.settings import Settings
from pabal.dns.zone import edit
from pabal.dns.zone.history import difference
from pabal.dns.zone.load import Loaded, ZoneInput, load_zone
from pabal.dns.zone.source import DirectorySource, Text, zone_file

VERSIONS: Final = ".versions"

VERSIONS_MAX: Final = 20
"""Versions of one file that are kept: the oldest goes."""

_NEW_FILE: Final = """\
; {zone} has no file yet. What follows from the directory is served without one:
; `pabal zone show {zone}`. What you write here comes beside it, or takes its place.
$TTL 3600
"""


@dataclass(frozen=True, slots=True)
class Verdict:
    """What would come of a text.

    Attributes:
        problems: As they are shown.
        is_wrong: Whether it would not be served.
        lines: What changes in the records; ``None``: it cannot be said.
    """

    problems: tuple[str, ...]
    is_wrong: bool
    lines: tuple[str, ...] | None


class ZoneEditing:
    """One zone's file under the hands of its owner.

    Raises:
        OperatorError: From the constructor: it is no zone of this server.
    """

    def __init__(self, settings: Settings, name: dns.name.Name) -> None:
        self._settings = settings
        self._name = name
        self._zones = settings.dns.zones
        self.path = self._zones / zone_file(name)
        self._shown = name.to_text(omit_final_dot=True)

    def text(self) -> str:
        """Return the file's text; what to begin with where a domain has none.

        Raises:
            OperatorError: There is no such zone, or it cannot be read.
        """
        try:
            return self.path.read_text(encoding="utf-8")
        except FileNotFoundError:
            pass
        except (OSError, UnicodeDecodeError) as error:
            raise OperatorError(f"{self.path} cannot be read: {error}.") from error
        hosted = self._asked(lambda: json.dumps(self._given(None).hosted))
        if hosted != "true":
            raise NotFoundError(
                f"there is no zone {self._shown}.",
                f"`pabal domain add {self._shown}`, or write {self.path}.",
            )
        return _NEW_FILE.format(zone=self._shown)

    def judge(self, text: str) -> Verdict:
        """Return what would come of ``text`` in place of the file."""
        found = json.loads(self._asked(lambda: json.dumps(self._judged(text))))
        lines = None if found["lines"] is None else tuple(found["lines"])
        return Verdict(tuple(found["problems"]), bool(found["wrong"]), lines)

    def raised(self, text: str, verdict: Verdict) -> str:
        """Return ``text``, its serial number raised if records changed."""
        before = edit.find_serial(self.text())
        if before is None or verdict.lines == ():
            return text
        today = time.strftime("%Y%m%d", time.gmtime(SystemClock().now()))
        return edit.raised(text, before.value, today)

    def save(self, text: str) -> None:
        """Put ``text`` in place of the file, which stays as a version.

        Raises:
            OperatorError: It cannot be written.
        """
        try:
            if self.path.exists():
                self._keep(self.path.read_bytes())
            self._write(self.path, text.encode())
        except OSError as error:
            raise OperatorError(f"{self.path} cannot be written: {error}.") from error
        self._asked(self._rung)

    def draft(self, text: str) -> Path:
        """Return a new file with ``text``, for an editor; the caller removes it."""
        directory = Path(tempfile.mkdtemp(prefix="pabal-"))
        path = directory / self.path.name
        path.write_text(text, encoding="utf-8")
        return path

    def versions(self) -> list[Path]:
        """Return the versions kept, the oldest first."""
        found = (self._zones / VERSIONS).glob(f"{self.path.name}.*")
        numbered = [path for path in found if path.suffix[1:].isdigit()]
        return sorted(numbered, key=lambda path: int(path.suffix[1:]))

    def undo(self) -> str:
        """Return the text to go back to, with a serial number that goes on.

        Raises:
            OperatorError: There is none.
        """
        versions = self.versions()
        if not versions:
            raise NotFoundError(
                f"no earlier version of {self._shown} is kept.",
                "`pabal zone edit` keeps one each time.",
            )
        text = versions[-1].read_text(encoding="utf-8")
        now = edit.find_serial(self.text()) if self.path.exists() else None
        if now is None:
            return text
        today = time.strftime("%Y%m%d", time.gmtime(SystemClock().now()))
        return edit.raised(text, now.value, today)

    def take_back(self, text: str) -> Path:
        """Put ``text``, of the last version, in place; return where the file went.

        Raises:
            OperatorError: It cannot be written.
        """
        last = self.versions()[-1]
        aside = last.with_name(f"{self.path.name}.undone")
        try:
            if self.path.exists():
                self._write(aside, self.path.read_bytes())
            self._write(self.path, text.encode())
            last.unlink()
        except OSError as error:
            raise OperatorError(f"{self.path} cannot be written: {error}.") from error
        self._asked(self._rung)
        return aside

    def _rung(self) -> str:
        ring_zones(self._settings, self._name)
        return ""

    def _asked(self, work: Callable[[], str]) -> str:
        """Return what ``work`` does with the data: as its owner, if we are root."""
        return answer_as_owner(self._settings.data, work)

    def _given(self, file: str | None) -> ZoneInput:
        return zone_input(self._settings, self._name, file)

    def _judged(self, text: str) -> dict[str, object]:
        new = self._loaded(text)
        problems = [shown_problem(self._zones, each) for each in new.problems]
        old = self._loaded(None)
        lines = None
        if new.zone is not None and old.zone is not None:
            lines = edit.shown(difference(old.zone, new.zone))
        return {
            "problems": [problem.render() for problem in problems],
            "wrong": new.zone is None,
            "lines": lines,
        }

    def _loaded(self, text: str | None) -> Loaded:
        """Return the zone of ``text``, or of the file as it is."""
        source = DirectorySource(self._zones)
        file = self.path.name if text is not None or self.path.exists() else None

        def read(name: str) -> Text:
            return text if name == file and text is not None else source.read(name)

        return load_zone(self._given(file), read)

    def _keep(self, octets: bytes) -> None:
        directory = self._zones / VERSIONS
        directory.mkdir(exist_ok=True)
        versions = self.versions()
        number = int(versions[-1].suffix[1:]) + 1 if versions else 1
        self._write(directory / f"{self.path.name}.{number}", octets)
        for old in versions[: max(0, len(versions) + 1 - VERSIONS_MAX)]:
            old.unlink(missing_ok=True)

    def _write(self, path: Path, octets: bytes) -> None:
        """Write as whoever owns the file now, or the directory."""
        like = self.path if self.path.exists() else self._zones
        status = like.stat()
        mode = status.st_mode & 0o666 if like is self.path else 0o644
        write_file(path, octets, mode)
        with contextlib.suppress(PermissionError):
            os.chown(path, status.st_uid, status.st_gid)
