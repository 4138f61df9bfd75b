"""What all running processes counted, brought together.

Whoever wants to know rings; every process writes what it has into a directory made for
that. A process that is dead or does not answer in time is missing, no more.
"""

import asyncio
import contextlib
import re
import secrets
import shutil
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Final

import msgspec

from pabal.admin.layout import DATA_MODE, Layout
from pabal.base.log import Log
from pabal.base.metrics import Extent, Family, Registry, join
from pabal.base.tasks import Tasks
from pabal.net.doorbell import UnixDoorbell

STATS_BELL: Final = "stats"
"""Subject of the doorbell: ``stats TOKEN``, or ``stats TOKEN all``."""

_ALL: Final = "all"

LABEL: Final = "process"
"""Tells the samples of one process from those of another: were they summed up, one that
begins anew would look as if all had, and rates would jump."""

LOOK_SECONDS: Final = 0.005
LOOKS_MAX: Final = 400
"""How often and how many times is looked for what processes write: two seconds in all.
Prometheus waits ten; a process whose event loop hangs for two is not well."""

_TOKEN: Final = re.compile("[0-9a-f]{16}")
_TOOL: Final = "tool-"
"""How the doorbells of commands begin: they count nothing."""

log = Log("measures")


class Measures:
    """The counters of one process, for itself and for others.

    Args (of the constructor):
        registry: Of this process.
        bell: Its doorbell.
    """

    def __init__(self, registry: Registry, layout: Layout, bell: UnixDoorbell) -> None:
        self._registry = registry
        self._layout = layout
        self._bell = bell
        self._tasks = Tasks()

    def heard(self, subject: str) -> None:
        """Take note of a ring: somebody asks."""
        word, _, rest = subject.partition(" ")
        token, _, how = rest.partition(" ")
        if word == STATS_BELL and _TOKEN.fullmatch(token):
            extent = Extent.ALL if how == _ALL else Extent.USUAL
            self._tasks.start(self._tell(token, extent), "stats")

    async def stop(self) -> None:
        """Tell nobody any more."""
        await self._tasks.stop()

    async def gather(self) -> list[Family]:
        """Return what every process has: this one and the others."""
        own = process_name(self._bell.name), await self._registry.families()
        return merged([own, *await collect(self._layout, self._bell)])

    async def _tell(self, token: str, extent: Extent) -> None:
        place = _place(self._layout, token)
        octets = msgspec.json.encode(await self._registry.families(extent))
        try:
            await asyncio.to_thread(_write, place / self._bell.name, octets)
        except FileNotFoundError:
            return  # whoever asked has gone
        except OSError as error:
            log.warning("statistics not written", reason=str(error))


def _write(path: Path, octets: bytes) -> None:
    """Write a file that is whole when it has its name; nobody needs it tomorrow."""
    unfinished = path.with_name(f".{path.name}")
    unfinished.write_bytes(octets)
    unfinished.replace(path)


def process_name(bell: str) -> str:
    """Return what the process with that doorbell is called: ``dns-0``."""
    return bell.rpartition("-")[0] or bell


def merged(found: Sequence[tuple[str, Sequence[Family]]]) -> list[Family]:
    """Return the families of all processes as one, each sample with its process."""
    together: dict[str, Family] = {}
    for process, families in sorted(found, key=lambda one: one[0]):
        for family in families:
            samples = tuple(one.within(LABEL, process) for one in family.samples)
            join(together, replace(family, samples=samples))
    return list(together.values())


async def collect(
    layout: Layout, bell: UnixDoorbell, extent: Extent = Extent.USUAL
) -> list[tuple[str, Sequence[Family]]]:
    """Return name and families of every other process that answers in time."""
    with _directory(layout) as (token, place):
        how = f" {_ALL}" if extent is Extent.ALL else ""
        bell.ring(f"{STATS_BELL} {token}{how}")
        for _ in range(LOOKS_MAX):
            # Anew: the bells of the dead are taken away when they are rung.
            if _others(layout, bell) <= _names(place):
                break
            await asyncio.sleep(LOOK_SECONDS)
        octets = await asyncio.to_thread(_read, place)
    return [(process_name(name), families) for name, families in octets.items()]


def _others(layout: Layout, bell: UnixDoorbell) -> set[str]:
    names = _names(layout.run)
    return {name for name in names if name != bell.name and not name.startswith(_TOOL)}


def _names(directory: Path) -> set[str]:
    return {path.name for path in directory.iterdir() if path.name[0] != "."}


def _read(place: Path) -> dict[str, list[Family]]:
    return {
        name: msgspec.json.decode((place / name).read_bytes(), type=list[Family])
        for name in _names(place)
    }


def _place(layout: Layout, token: str) -> Path:
    return layout.data / f"stats-{token}"


@contextlib.contextmanager
def _directory(layout: Layout) -> Iterator[tuple[str, Path]]:
    token = secrets.token_hex(8)
    place = _place(layout, token)
    place.mkdir(mode=DATA_MODE)
    try:
        yield token, place
    finally:
        shutil.rmtree(place, ignore_errors=True)
