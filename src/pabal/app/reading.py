"""Many zones read by several processes at once, or not at all: they are kept compiled.

Security: what runs here is what would have read the zones anyhow; the pipe carries
octets between a process and its own child. The file of compiled zones belongs to who
the server runs as; a supervisor that is root only cuts it into columns.
"""

import asyncio
import contextlib
import gc
import io
import os
from collections.abc import Mapping
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Final

import dns.name
from typing_extensions import override

from pabal.base.atomic import write_pieces
from pabal.base.log import Log
from pabal.base.tasks import Tasks
from pabal.dns.wire.rrset import name_of
from pabal.dns.zone.compiled import WARNED, Compiled, CompiledError, read_compiled
from pabal.dns.zone.load import ZoneInput, load_zone
from pabal.dns.zone.reading import APART_MIN_OCTETS, Reader
from pabal.dns.zone.small import SmallZones
from pabal.dns.zone.source import DirectorySource, Stamp, plain_apex
from pabal.dns.zone.zones import State

MANY_FILES: Final = 2_000
"""Files that are worth a process of their own: a fifth of a second."""

STALE_PARTS: Final = 50
"""What is kept is written anew when more than one zone in so many is not in it."""

KEEP_AFTER_S: Final = 3.0
"""How long after the start zones are kept: that takes some tenths of a second."""

log = Log("zones")


@dataclass(frozen=True, slots=True)
class Preloaded:
    """The zones of the owner's files, for all processes to begin with.

    Attributes:
        state: What ``Zones.adopt`` takes.
        looked_at: When the files were looked at, by the monotonic clock.
        stale: What is to be kept for the next start, if it is not yet.
    """

    state: State
    looked_at: float
    stale: Compiled | None


class SharedSource(DirectorySource):
    """The files of a directory as they were looked at before.

    Args (of the constructor):
        stamps: All, or some of them.
    """

    def __init__(self, source: DirectorySource, stamps: Mapping[str, Stamp]) -> None:
        super().__init__(source.directory)
        self._stamps = stamps

    @override
    def stamps(self, own: Mapping[str, Stamp] | None = None) -> Mapping[str, Stamp]:
        """Return the files given: what changed since is seen the next time."""
        return self._stamps

    @override
    def stamp(self, file: str) -> Stamp:
        """Return the same for one file."""
        return self._stamps.get(file) or super().stamp(file)


def compiled_zones(
    source: DirectorySource, stamps: Mapping[str, Stamp], kept: Path, cores: int
) -> tuple[Compiled, bool]:
    """Return the zones that one file each decides about, and whether ``kept`` is stale.

    The caller has no threads.

    Args:
        stamps: All files.
        kept: What was compiled before, if it was.
        cores: How many processes may read at once.
    """
    found = read_kept(kept)
    found = found.rows(lambda file, stamp: stamps.get(file) == stamp)
    there = frozenset(found.files)
    others = {file: stamp for file, stamp in stamps.items() if file not in there}
    count = max(1, min(cores, len(others) // MANY_FILES))
    shares = [dict(islice(others.items(), n, None, count)) for n in range(count)]
    pipes = [_started(source, each) for each in shares[1:]]
    before = len(found)
    found.extend(compile_files(source, shares[0]))
    for pipe in pipes:
        found.extend(_received(*pipe))
    return found, len(found) - before > len(found) // STALE_PARTS


def read_kept(path: Path, *, bodies: bool = True) -> Compiled:
    """Return the zones kept in ``path``; none, if it cannot be used.

    Args:
        bodies: Whether the zones are wanted, or only what is said of them.
    """
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NOFOLLOW)
        with os.fdopen(descriptor, "rb") as stream:
            return read_compiled(stream, bodies=bodies)
    except (OSError, CompiledError):
        return Compiled()


class Keeping:
    """Keeps the zones that were read for the next start, once the server answers.

    Args (of the constructor):
        path: Where.
    """

    def __init__(self, path: Path, compiled: Compiled) -> None:
        self._path = path
        self._compiled: Compiled | None = compiled
        self._tasks = Tasks()

    async def start(self, _: object) -> None:
        """Begin, some seconds from now."""
        self._tasks.start(self._keep(), "zones kept")

    async def stop(self) -> None:
        """Leave it as it is: the next start keeps it."""
        await self._tasks.stop()

    async def _keep(self) -> None:
        await asyncio.sleep(KEEP_AFTER_S)
        compiled, self._compiled = self._compiled, None
        if compiled is not None:
            await asyncio.to_thread(keep, self._path, compiled)


def keep(path: Path, compiled: Compiled) -> None:
    """Keep ``compiled`` for the next start; what cannot be kept is read again then."""
    try:
        write_pieces(path, compiled.sorted().octets(), 0o600)
    except OSError as error:
        log.info("compiled zones not kept", reason=str(error))


def compile_files(source: DirectorySource, stamps: Mapping[str, Stamp]) -> Compiled:
    """Return the zones of those files that need nothing else; others are left out."""
    small = SmallZones()
    found = Compiled()
    for file, stamp in stamps.items():
        origin = plain_apex(file)
        if origin is None or stamp[1] >= APART_MIN_OCTETS:
            continue
        try:
            text = source.read(file)
        except (OSError, UnicodeDecodeError):
            continue
        zone = small.zone(origin, text) if isinstance(text, str) else None
        if zone is None:
            _compile_with_care(found, source, file, stamp, origin)
        else:
            found.add(file, stamp, zone)
    return found


def _compile_with_care(
    found: Compiled, source: DirectorySource, file: str, stamp: Stamp, origin: bytes
) -> None:
    reader = Reader(source)
    name: dns.name.Name = name_of(origin)
    given = ZoneInput(name, file, hosted=False, derived=(), hostname="", serial=0)
    loaded = load_zone(given, reader.read)
    if loaded.zone is not None and len(reader.stamps()) == 1:
        found.add(file, stamp, loaded.zone, WARNED if loaded.problems else 0)


def _started(source: DirectorySource, share: Mapping[str, Stamp]) -> tuple[int, int]:
    """Let a child read ``share``; return its pid and where its answer comes from."""
    reading, writing = os.pipe2(os.O_CLOEXEC)
    pid = os.fork()
    if pid:
        os.close(writing)
        return pid, reading
    with contextlib.suppress(BaseException):
        os.close(reading)
        gc.disable()
        compiled = compile_files(source, share)
        with os.fdopen(writing, "wb") as stream:
            stream.writelines(compiled.octets())
    os._exit(0)


def _received(pid: int, reading: int) -> Compiled:
    """Return what a child read; nothing if it came to a bad end."""
    with os.fdopen(reading, "rb") as stream:
        data = stream.read()
    os.waitpid(pid, 0)
    try:
        return read_compiled(io.BytesIO(data))
    except CompiledError as error:
        log.warning("zones are read by one process only", reason=str(error))
        return Compiled()
