"""Zones read by several processes at once, for the one that will fork the others.

Security: what runs here is what would have read the zones anyhow; the pipe carries
octets between a process and its own child.
"""

import contextlib
import gc
import marshal
import os
from collections.abc import Callable, Mapping, Sequence
from itertools import islice
from typing import Final

from typing_extensions import override

from pabal.base.log import Log
from pabal.dns.zone.carrying import Load, loads_of, state_of
from pabal.dns.zone.source import DirectorySource, Stamp
from pabal.dns.zone.zones import State, Zones

SHARE_MIN_FILES: Final = 2_000
"""Files that are worth a process of their own: a fifth of a second."""

log = Log("zones")


class SharedSource(DirectorySource):
    """Some of the files of another source.

    Args (of the constructor):
        stamps: Those files, as they were looked at before.
    """

    def __init__(self, source: DirectorySource, stamps: Mapping[str, Stamp]) -> None:
        super().__init__(source.directory)
        self._stamps = stamps

    @override
    def stamps(self) -> Mapping[str, Stamp]:
        """Return the files of this share: what changed since is seen the next time."""
        return self._stamps

    @override
    def stamp(self, file: str) -> Stamp:
        """Return the same for one file."""
        return self._stamps.get(file) or super().stamp(file)


def read_shared(
    source: DirectorySource, zones_of: Callable[[DirectorySource], Zones], cores: int
) -> State | None:
    """Return the zones of ``source``, as far as one file each decides about them.

    ``None``: there are too few for more than one process. The caller has no threads.

    Args:
        zones_of: Returns zones of a source, not loaded yet.
        cores: How many processes may read at once.
    """
    stamps = source.stamps()
    count = min(cores, len(stamps) // SHARE_MIN_FILES)
    if count < 2:
        return None
    shares = [dict(islice(stamps.items(), n, None, count)) for n in range(count)]
    pipes = [_started(zones_of(SharedSource(source, each))) for each in shares[1:]]
    own = zones_of(SharedSource(source, shares[0]))
    own.reload()
    loads: list[Sequence[Load]] = [_received(*pipe) for pipe in pipes]
    return state_of(own.state, [load for each in loads for load in each])


def _started(zones: Zones) -> tuple[int, int]:
    """Let a child read ``zones``; return its pid and where its answer comes from."""
    reading, writing = os.pipe2(os.O_CLOEXEC)
    pid = os.fork()
    if pid:
        os.close(writing)
        return pid, reading
    with contextlib.suppress(BaseException):
        os.close(reading)
        gc.disable()
        zones.reload()
        with os.fdopen(writing, "wb") as stream:
            marshal.dump(loads_of(zones.settled()), stream)
    os._exit(0)


def _received(pid: int, reading: int) -> Sequence[Load]:
    """Return what a child read; nothing if it came to a bad end."""
    with os.fdopen(reading, "rb") as stream:
        data = stream.read()
    os.waitpid(pid, 0)
    try:
        found: list[Load] = marshal.loads(data)  # noqa: S302  our own child's
    except (EOFError, ValueError, TypeError):
        log.warning("zones are read by one process only", reason="another one died")
        return ()
    return found
