"""What a zone is read by: the files, what they were like, and who does it.

A file of some megabytes is read by another process (``Apart``) and comes in pieces, so
that no thread of the one that answers keeps the interpreter from it.
"""

from typing import Final, Protocol

from pabal.dns.zone.copies import packed_copy, read_copy
from pabal.dns.zone.load import Loaded, ZoneInput, load_zone
from pabal.dns.zone.small import SmallZones
from pabal.dns.zone.source import Stamp, Text, ZoneSource

APART_MIN_OCTETS: Final = 1024 * 1024
"""Of a file that is read elsewhere, once for all: some 40,000 records, a fifth of a
second for each who would read it here; to start another process takes as long."""

Stamps = tuple[tuple[str, Stamp], ...]
"""The files read and what changes when they do."""


def are_current(source: ZoneSource, stamps: Stamps) -> bool:
    """Return whether the files of ``stamps`` are as they were."""
    try:
        return all(source.stamp(file) == stamp for file, stamp in stamps)
    except OSError:
        return False


class Apart(Protocol):
    """Has zones read by another process."""

    def __call__(
        self, given: ZoneInput, source: ZoneSource
    ) -> tuple[Loaded, Stamps] | None:
        """Return what ``load_zone`` does, and the files read; blocks.

        ``None``: there is no such process, or it came to a bad end.
        """
        ...


class Reader:
    """Reads files and remembers which, and in what state."""

    def __init__(self, source: ZoneSource) -> None:
        self._source = source
        self._stamps: dict[str, Stamp] = {}

    def read(self, file: str) -> Text:
        """Return the text of ``file``; raises OSError or UnicodeDecodeError."""
        # The stamp first: a change while we read is then seen at the next reload.
        self._stamps[file] = self._source.stamp(file)
        return self._source.read(file)

    def stamp(self, file: str) -> Stamp | None:
        """Return the stamp of ``file`` now; ``None`` if it cannot be had."""
        try:
            return self._source.stamp(file)
        except OSError:
            return None

    def stamps(self) -> Stamps:
        """Return the files read and their stamps."""
        return tuple(self._stamps.items())

    def load(
        self, given: ZoneInput, small: SmallZones, apart: Apart | None, known: Stamps
    ) -> Loaded:
        """Return the zone of ``given``; a large one is read by ``apart``.

        Args:
            known: The files the version before was made of.
        """
        if apart is not None and given.file is not None:
            stamp = self.stamp(given.file)
            sizes = {file: size for file, (_, size, _) in known}
            sizes[given.file] = 0 if stamp is None else stamp[1]
            if sum(sizes.values()) >= APART_MIN_OCTETS:
                found = apart(given, self._source)
                if found is not None:
                    self._stamps.update(found[1])
                    return found[0]
        return self.load_here(given, small)

    def load_here(self, given: ZoneInput, small: SmallZones | None = None) -> Loaded:
        """Return the zone of ``given``; blocks for as long as that takes."""
        packed = packed_copy(given, self._source)
        if packed is None or given.file is None:
            return load_zone(given, self.read, small)
        self._stamps[given.file] = self._source.stamp(given.file)
        return read_copy(given.name, packed, given.file)
