"""The files of a view: those that are whole zones, and those that are differences.

Blocks for reading; meant for a thread.
"""

import re
from collections.abc import Mapping
from typing import Final

import dns.name

from pabal.dns.wire import codes
from pabal.dns.zone.compose import Composition
from pabal.dns.zone.master import MasterFile
from pabal.dns.zone.problem import has_errors
from pabal.dns.zone.source import Stamp, Text, ZoneSource, zone_name

_SOA: Final = re.compile(r"\bSOA\b", re.IGNORECASE)
_INCLUDE: Final = re.compile(r"^\$INCLUDE\b", re.IGNORECASE | re.MULTILINE)


class WholeFiles:
    """Implements ``ZoneSource`` with those files of another one that have an SOA."""

    def __init__(self, source: ZoneSource) -> None:
        self._source = source
        self._known: dict[str, tuple[Stamp, bool]] = {}

    def files(self) -> Mapping[dns.name.Name, str]:
        """Return the file of each zone; raises OSError if they are out of reach."""
        stamps = self.stamps()
        found = self._source.files()
        return {name: file for name, file in found.items() if file in stamps}

    def stamps(self, own: Mapping[str, Stamp] | None = None) -> Mapping[str, Stamp]:
        """Return every zone's file and its stamp; raises OSError."""
        found = self._source.stamps(own)
        for gone in self._known.keys() - found.keys():
            del self._known[gone]
        return {
            file: stamp for file, stamp in found.items() if self._is_whole(file, stamp)
        }

    def stamp(self, file: str) -> Stamp:
        """Return what changes when ``file`` does; raises OSError."""
        return self._source.stamp(file)

    def read(self, file: str) -> Text:
        """Return the text of ``file``; raises OSError or UnicodeDecodeError."""
        return self._source.read(file)

    def _is_whole(self, file: str, stamp: Stamp) -> bool:
        seen, was = self._known.get(file, (None, False))
        if stamp == seen:
            return was
        try:
            found = self._has_soa(file, was=was)
        except (OSError, UnicodeDecodeError):
            # Who tries to load it says what is wrong.
            return was
        self._known[file] = stamp, found
        return found

    def _has_soa(self, file: str, *, was: bool) -> bool:
        """Return whether ``file`` is a whole zone.

        One that is wrong counts as what it was, or seems to be: its last good version
        goes on, and nobody sees what he is not to see in its place.
        """
        read = self._source.read(file)
        texts = (read,) if isinstance(read, str) else read
        seems = any(map(_SOA.search, texts))
        if not (seems or was or any(map(_INCLUDE.search, texts))):
            return False
        name = zone_name(file)
        if name is None:
            return False
        master = MasterFile(name, self._source.read)
        master.read(file, read)
        composition = Composition(master)
        if codes.SOA in composition.types(composition.origin):
            return True
        wrong = has_errors((*master.problems, *composition.problems))
        return wrong and (seems or was)


class Differences:
    """Implements ``ZoneSource`` with the files of ``source`` that ``whole`` has not."""

    def __init__(self, source: ZoneSource, whole: ZoneSource) -> None:
        self._source = source
        self._whole = whole

    def files(self) -> Mapping[dns.name.Name, str]:
        """Return the file of each zone; raises OSError if they are out of reach."""
        whole = self._whole.files()
        found = self._source.files()
        return {name: found[name] for name in found if name not in whole}

    def stamps(self, own: Mapping[str, Stamp] | None = None) -> Mapping[str, Stamp]:
        """Return every zone's file and its stamp; raises OSError."""
        whole = self._whole.stamps(own)
        found = self._source.stamps(own)
        return {file: found[file] for file in found if file not in whole}

    def stamp(self, file: str) -> Stamp:
        """Return what changes when ``file`` does; raises OSError."""
        return self._source.stamp(file)

    def read(self, file: str) -> Text:
        """Return the text of ``file``; raises OSError or UnicodeDecodeError."""
        return self._source.read(file)
