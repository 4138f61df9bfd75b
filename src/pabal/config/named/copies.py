"""Master files on their way into pabal's directory of zones.

pabal reads zones and what they include from one directory; BIND includes files from
anywhere. So included files go into ``DOMAIN.d/`` beside the zone, and the lines that
include them are changed to say so. Everything else stays as it is, comments too.

Sans-IO: the files come through a port. Source: RFC 1035 §5.1 ($INCLUDE).
"""

import posixpath
import re
from typing import Final

from pabal.config.named.outcome import ZoneFile
from pabal.config.named.ports import Files

INCLUDES_MAX: Final = 1000
"""Most files of one zone; more is a loop."""

_INCLUDE: Final = re.compile(
    r'^(\$INCLUDE[ \t]+)("[^"\n]+"|[^\s;"]+)', re.IGNORECASE | re.MULTILINE
)


def copies_of(zone: ZoneFile, files: Files, directory: str) -> dict[str, str]:
    """Return the texts to write by their names in the directory of zones.

    Args:
        zone: The zone.
        files: Reads the files.
        directory: What relative names in ``$INCLUDE`` start from.

    Raises:
        OSError: A file cannot be read, or there are too many.
        UnicodeDecodeError: A file is not UTF-8.
    """
    stem = zone.target.removesuffix(".zone")
    targets = {zone.path: zone.target}
    copies: dict[str, str] = {}

    def rename(found: re.Match[str]) -> str:
        path = posixpath.join(directory, found[2].strip('"'))
        if path not in targets:
            targets[path] = _free(f"{stem}.d/{posixpath.basename(path)}", targets)
            waiting.append(path)
        return f'{found[1]}"{targets[path]}"'

    waiting = [zone.path]
    while waiting:
        if len(targets) > INCLUDES_MAX:
            raise OSError("too many files are included")
        path = waiting.pop()
        copies[targets[path]] = _INCLUDE.sub(rename, files.read(path))
    return copies


def _free(name: str, taken: dict[str, str]) -> str:
    """Return a name nobody has, with a number in front if it must be."""
    head, tail = posixpath.split(name)
    number, found = 1, name
    while found in taken.values():
        number += 1
        found = f"{head}/{number}-{tail}"
    return found
