"""The last good version of zones whose files have become wrong, for a restart.

Written only while a file is wrong, so that it costs nothing as long as all is well.
"""

from pathlib import Path

import dns.name

from pabal.base.atomic import write_pieces
from pabal.dns.zone.load import ZoneInput, load_zone
from pabal.dns.zone.source import SUFFIX, DirectorySource, zone_file
from pabal.dns.zone.tree import Zone
from pabal.dns.zone.write import master_slices


class Fallbacks:
    """Versions in a directory, which is made when the first has to be.

    Args (of the constructor):
        writes: Whether this process may write; tools only look.
    """

    def __init__(self, directory: Path, *, writes: bool = True) -> None:
        self._directory = directory
        self._writes = writes

    def present(self) -> frozenset[str]:
        """Return the files of the zones that have one."""
        try:
            names = (path.name for path in self._directory.iterdir())
            return frozenset(name for name in names if name.endswith(SUFFIX))
        except OSError:
            return frozenset()

    def load(self, name: dns.name.Name) -> Zone | None:
        """Return what is kept of zone ``name``, complete as it was served."""
        file = zone_file(name)
        given = ZoneInput(
            name, file, hosted=False, derived=(), hostname="", serial=1, copied=True
        )
        return load_zone(given, DirectorySource(self._directory).read).zone

    def save(self, name: dns.name.Name, zone: Zone) -> None:
        """Keep ``zone``; raises OSError."""
        if not self._writes:
            return
        self._directory.mkdir(mode=0o700, parents=True, exist_ok=True)
        slices = master_slices(zone.origin, zone.nodes.packed)
        write_pieces(self._directory / zone_file(name), slices, 0o600)

    def drop(self, name: dns.name.Name) -> None:
        """Forget what was kept of zone ``name``; raises OSError."""
        if self._writes:
            (self._directory / zone_file(name)).unlink(missing_ok=True)
