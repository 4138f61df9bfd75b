"""The caches of the running processes, seen and emptied from the command line.

A process cannot be asked, only rung: it writes what it has into a directory made for
that, and who rang reads it there.
"""

import asyncio
import contextlib
import json
import re
import secrets
import shutil
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from itertools import chain, islice
from pathlib import Path
from typing import Final, Protocol

import dns.exception
import dns.name

from pabal.admin.layout import DATA_MODE, Layout
from pabal.base.atomic import write_file
from pabal.base.clock import Clock
from pabal.base.errors import UnavailableError
from pabal.base.log import Log
from pabal.dns.resolver.cache import Cache
from pabal.dns.resolver.contents import Cached, Snapshot, listed
from pabal.net.doorbell import UnixDoorbell

FLUSH_BELL: Final = "flush"
DUMP_BELL: Final = "dump"
"""Subjects of the doorbell: ``flush NAME``, ``flush NAME VIEW``, ``dump TOKEN
NAME``."""

EVERYBODYS: Final = "-"
"""Where a view's name could stand: the cache of who is in no view with one."""

LOOK_SECONDS: Final = 0.02
LOOKS_MAX: Final = 500
"""How often and how many times is looked for what processes write: ten seconds in all;
200,000 entries take some."""

_TOKEN: Final = re.compile("[0-9a-f]{16}")
_TOOL: Final = "tool-"
"""How the doorbells of commands begin: they have no cache."""

_WEB: Final = "web-"
"""It has one if it answers DNS over HTTPS, and is silent if it does not."""

WEB_LOOKS: Final = 10
"""How many times more is looked for what it writes."""

log = Log("caches")


class Flushed(Protocol):
    """Has a cache."""

    async def flush(self, name: dns.name.Name) -> int:
        """Forget all at and below ``name``; return how many entries that were."""
        ...


@dataclass(frozen=True, slots=True)
class ProcessCache:
    """One cache of one process.

    Attributes:
        process: Its name.
        view: Whose it is; empty: everybody's who is in no view with one of its own.
        entries: All there are.
        octets: Memory, estimated.
        evicted: Entries that had to go before their time, since the start.
        found: What is at and below the name asked for.
    """

    process: str
    view: str
    entries: int
    octets: int
    evicted: int
    found: tuple[Cached, ...]


# In the process.


async def write_cache(
    caches: Mapping[str, Cache], layout: Layout, process: str, asked: str, clock: Clock
) -> None:
    """Write what ``asked`` (``TOKEN NAME``) wants into the directory of that token.

    Args:
        caches: By the name of the view; that of everybody has an empty one.
    """
    token, _, text = asked.partition(" ")
    name = _name(text)
    place = _place(layout, token)
    if name is None or _TOKEN.fullmatch(token) is None or not place.is_dir():
        return
    found = [
        (
            ProcessCache(process, view, len(one), one.octets, one.evicted, ()),
            one.items(),
        )
        for view, one in caches.items()
    ]
    now = clock.monotonic()
    try:
        await asyncio.to_thread(_write, place / process, found, name, now)
    except OSError as error:
        log.warning("cache not written", reason=str(error))


def _write(
    path: Path,
    found: Sequence[tuple[ProcessCache, Snapshot]],
    name: dns.name.Name,
    now: float,
) -> None:
    lines = []
    for facts, snapshot in found:
        items = [json.dumps(asdict(item)) for item in listed(snapshot, name, now)]
        lines.append(json.dumps({**asdict(facts), "found": len(items)}))
        lines += items
    write_file(path, "\n".join(lines).encode(), 0o600)


async def flush(resolvers: Mapping[str, Flushed], asked: str) -> None:
    """Forget what ``asked`` says: what is at and below a name, in a view or in all.

    Args:
        resolvers: By the name of the view; that of everybody has an empty one.
        asked: ``NAME`` or ``NAME VIEW``.
    """
    text, _, view = asked.partition(" ")
    name = _name(text)
    chosen = [
        each for key, each in resolvers.items() if view in ("", key or EVERYBODYS)
    ]
    if name is not None:
        entries = sum([await each.flush(name) for each in chosen])
        log.info("cache flushed", name=text, view=view, entries=entries)


def _name(text: str) -> dns.name.Name | None:
    try:
        return dns.name.from_text(text)
    except (dns.exception.DNSException, UnicodeError):
        return None


# At the command line.


async def collect(
    layout: Layout, bell: UnixDoorbell, name: dns.name.Name
) -> list[ProcessCache]:
    """Return what the running processes have at and below ``name``.

    Raises:
        UnavailableError: None runs, or one does not answer.
    """
    missing = expect_processes(layout)
    with _directory(layout) as (token, place):
        bell.ring(f"{DUMP_BELL} {token} {name.to_text()}")
        for _ in range(LOOKS_MAX):
            await asyncio.sleep(LOOK_SECONDS)
            # Anew: the bells of the dead are taken away when they are rung.
            expected = expect_processes(layout)
            missing = [
                one
                for one in expected
                if not one.startswith(_WEB) and not (place / one).exists()
            ]
            if not missing:
                return await _all_there(place, expected)
        raise UnavailableError(f"no answer from {', '.join(missing)}")


async def _all_there(place: Path, expected: list[str]) -> list[ProcessCache]:
    for _ in range(WEB_LOOKS):
        if all((place / one).exists() for one in expected):
            break
        await asyncio.sleep(LOOK_SECONDS)
    there = [place / one for one in expected if (place / one).exists()]
    return list(chain.from_iterable(map(_read, there)))


def expect_processes(layout: Layout) -> list[str]:
    """Return the names of the running processes that have a cache, at least one.

    Raises:
        UnavailableError: None runs.
    """
    names = sorted(path.name for path in layout.run.iterdir())
    found = [name for name in names if not name.startswith(_TOOL)]
    if not found:
        raise UnavailableError("no server runs here: there is no cache")
    return found


def _read(path: Path) -> Iterator[ProcessCache]:
    lines = iter(path.read_text().splitlines())
    for line in lines:
        facts = json.loads(line)
        items = map(json.loads, islice(lines, facts["found"]))
        found = tuple(Cached(**{**i, "data": tuple(i["data"])}) for i in items)
        yield ProcessCache(**{**facts, "found": found})


def _place(layout: Layout, token: str) -> Path:
    return layout.data / f"cache-{token}"


@contextlib.contextmanager
def _directory(layout: Layout) -> Iterator[tuple[str, Path]]:
    token = secrets.token_hex(8)
    place = _place(layout, token)
    place.mkdir(mode=DATA_MODE)
    try:
        yield token, place
    finally:
        shutil.rmtree(place, ignore_errors=True)
