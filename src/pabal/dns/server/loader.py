"""Zones exchanged while they answer: one thing at a time, off the event loop."""

import asyncio
import contextlib
import gc
import sys
from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import replace
from functools import partial
from typing import Final, TypeVar

import dns.name

from pabal.dns.server.cache import Spent
from pabal.dns.wire import codes
from pabal.dns.wire.rrset import name_octets
from pabal.dns.wire.update import UpdateRequest
from pabal.dns.zone.batch import Report
from pabal.dns.zone.leaving import large_replaced, let_go, replaced_zone, unused
from pabal.dns.zone.problem import Problem
from pabal.dns.zone.shards import SPLIT_NAMES
from pabal.dns.zone.tree import Zone
from pabal.dns.zone.view import View
from pabal.dns.zone.zones import Zones

SWITCH_S: Final = 0.0005
"""How long, while zones are loaded, a thread keeps the interpreter to itself: the
event loop waits that long for its turn each time it wakes."""

FREEZE_OBJECTS: Final = 20_000
"""Objects made by one load that are left out of every collection: to look at a hundred
thousand takes ten milliseconds, in which nothing else runs."""

WAITING_MAX: Final = 1000
"""Updates that wait for their turn; more are answered SERVFAIL and come again."""

LET_GO_AFTER_S: Final = 1.0
"""How long a version that is no longer served is kept: for answers under way, and so
that it is freed by a thread, bit by bit, not by whoever used it last."""

_Done = TypeVar("_Done")


class Loader:
    """Loads, updates and follows ``zones`` in threads, never two at once.

    Args (of the constructor):
        views: What some clients see instead; they follow the zones.

    Attributes:
        views: The same.
        outgoing: Zones that are no longer served and wait for ``let_go``.
    """

    def __init__(self, zones: Zones, views: Sequence[View] = ()) -> None:
        self.zones = zones
        self.views = views
        self._exclusive = asyncio.Lock()
        self._waiting: list[tuple[int, UpdateRequest, asyncio.Future[int]]] = []
        self.outgoing: list[Zone] = []
        self._is_freeing = False
        self._polite = 0
        self._switch_s = 0.0

    async def reload(self, files: Collection[str] | None = None) -> Report:
        """Check and exchange the zones that changed.

        Args:
            files: Own files that may have changed; ``None``: any may have.
        """
        async with self._exclusive:
            return await self.politely(partial(self._reloaded, files))

    async def politely(self, work: Callable[[], _Done]) -> _Done:
        """Do ``work`` in a thread that lets the answers go first."""
        if not self._polite:
            self._switch_s = sys.getswitchinterval()
            sys.setswitchinterval(SWITCH_S)
        self._polite += 1
        try:
            return await asyncio.to_thread(work)
        finally:
            self._polite -= 1
            if not self._polite:
                sys.setswitchinterval(self._switch_s)

    async def let_go(self) -> None:
        """Free what is no longer served; call it when nothing new is answered from it.

        Takes a second, more time the more there is, and as long as somebody still works
        with it.
        """
        if self._is_freeing:
            return
        self._is_freeing = True
        try:
            while self.outgoing:
                await asyncio.sleep(LET_GO_AFTER_S)
                async with self._exclusive:
                    zones = unused(self.outgoing)
                    if zones:
                        await self.politely(partial(let_go, zones))
        finally:
            self._is_freeing = False

    async def free(self, spent: Sequence[Spent]) -> None:
        """Free answers that are no longer given, one by one."""

        def work() -> None:
            for each in spent:
                while each:
                    each.popitem()

        await self.politely(work)

    def give_back(self, zone: Zone) -> bool:
        """Take a zone from who has worked with it; return whether it is to ``let_go``.

        It may have been replaced meanwhile, change by change.
        """
        is_served = self.zones.by_apex.get(zone.origin) is zone
        if is_served or len(zone.nodes) <= SPLIT_NAMES:
            return False
        if not any(each is zone for each in self.outgoing):
            self.outgoing.append(zone)
        return True

    def _reloaded(self, files: Collection[str] | None) -> Report:
        held = self.zones.state.held
        with _no_collection():
            report = self.zones.reload(files)
        for name in (*report.loaded, *report.removed) if held else ():
            origin = name_octets(dns.name.from_text(name)).lower()
            after = self.zones.state.held.get(origin)
            self.outgoing += replaced_zone(held.get(origin), after)
        before = [view.version for view in self.views]
        problems = self._follow_views()
        changed = tuple(
            view.name
            for view, version in zip(self.views, before, strict=True)
            if view.version != version
        )
        return replace(
            report,
            loaded=(*report.loaded, *changed),
            problems=(*report.problems, *problems),
        )

    def _follow_views(self) -> list[Problem]:
        problems: list[Problem] = []
        for view in self.views:
            for found in view.rebuild(self.zones.owners, self.zones.by_apex):
                # Files of a view are called like those of everybody.
                place = replace(
                    found.place, file=f"view {view.name}: {found.place.file}"
                )
                problems.append(replace(found, place=place))
        return problems

    def _followed(self, name: dns.name.Name) -> bool:
        before = self.zones.get_held(name)
        changed = self.zones.follow(name)
        if changed:
            self.outgoing += large_replaced(before, self.zones.get_held(name))
        for view in self.views:
            changed |= view.whole.follow(name)
        if changed:
            self._follow_views()
        return changed

    def _updated(self, requests: Sequence[tuple[int, UpdateRequest]]) -> list[int]:
        """Do ``requests``, each with the number of its view."""
        rcodes = [codes.SERVFAIL] * len(requests)
        changed = False
        for number in sorted({number for number, _ in requests}):
            zones = self.views[number - 1].whole if number else self.zones
            version = zones.version
            places = [n for n, (view, _) in enumerate(requests) if view == number]
            found = zones.update([requests[place][1] for place in places])
            for place, rcode in zip(places, found, strict=True):
                rcodes[place] = rcode
            changed |= zones.version != version
        if changed:
            self._follow_views()
        return rcodes

    async def follow(self, name: dns.name.Name) -> bool:
        """Take over what another process did to a zone; return whether it did."""
        async with self._exclusive:
            return await self.politely(lambda: self._followed(name))

    async def behind(self) -> list[dns.name.Name]:
        """Return the zones that other processes have updated."""
        all_zones = (self.zones, *(view.whole for view in self.views))

        def behind() -> list[dns.name.Name]:
            return [name for zones in all_zones for name in zones.behind()]

        return await asyncio.to_thread(behind)

    async def update(self, request: UpdateRequest, view: int = 0) -> int:
        """Do ``request``; return its RCODE when it is on disk.

        What comes while others are written is written together, with one fsync.

        Args:
            view: Whose own zones it is about: 0 the common ones.
        """
        if len(self._waiting) >= WAITING_MAX:
            return codes.SERVFAIL
        future: asyncio.Future[int] = asyncio.get_running_loop().create_future()
        self._waiting.append((view, request, future))
        async with self._exclusive:
            if not future.done():
                await self._write()
        return await future

    async def _write(self) -> None:
        batch, self._waiting = self._waiting, []
        requests = [(view, request) for view, request, _ in batch]
        rcodes = [codes.SERVFAIL] * len(batch)
        try:
            rcodes = await self.politely(lambda: self._updated(requests))
        finally:
            for (_, _, future), rcode in zip(batch, rcodes, strict=True):
                if not future.done():
                    future.set_result(rcode)


@contextlib.contextmanager
def _no_collection() -> Iterator[None]:
    """Keep the collector from walking, again and again, through all that is loaded.

    Zones hold no cycles, so nothing is missed; what is there at the end of a large load
    it never looks at again, and stops the event loop the less for it.
    """
    was, before = gc.isenabled(), gc.get_count()[0]
    gc.disable()
    try:
        yield
    finally:
        if gc.get_count()[0] - before > FREEZE_OBJECTS:
            # Before it may look: the first object made then would begin a collection.
            gc.freeze()
        if was:
            gc.enable()
