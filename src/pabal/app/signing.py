"""Signs zones: the work of one process, so that all serve the same."""

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Final, TypeVar

import dns.name
import dns.rdatatype
from dns.rdtypes.ANY.DS import DS

from pabal.app.aliases import AliasTargets
from pabal.app.shared import ASKED_BELL, DIRECTORY_BELL, ZONES_BELL, Shared
from pabal.base.errors import PabalError
from pabal.base.log import Log
from pabal.base.tasks import Tasks, background_threads, give_way, sleep_until_set
from pabal.dns.ports import ResolutionError, Resolver
from pabal.dns.zone.keystore import KeyStore
from pabal.dns.zone.signedfile import SignedZones
from pabal.dns.zone.signer import ZoneSigner
from pabal.dns.zone.view import View

LOOK_SECONDS: Final = 1.0
"""How often zones and keys are looked at without a ring."""

PAUSE_TIMES: Final = 3
"""A round is followed by a pause so many times as long, a second at most: updates that
come one upon another are signed together."""

PARENTS_SECONDS: Final = 5.0
"""How often it is asked which parents are to be looked at."""

ALIASES_SECONDS: Final = 10.0
"""How often it is asked which targets of ALIAS records are due."""

AGAIN_SECONDS: Final = 60.0
"""When a parent that could not be asked is asked again."""

log = Log("signing")

_Done = TypeVar("_Done")


@dataclass(frozen=True, slots=True)
class Looked:
    """What the last round looked at.

    Attributes:
        version: Of the zones, everybody's and those of each view.
        next_at: When there is something to do all the same, seconds since 1970.
        targets: Those of all ALIAS records, folded.
    """

    version: tuple[int, ...] = ()
    next_at: float = 0.0
    targets: frozenset[bytes] = frozenset()


class SigningRole:
    """Keeps zones signed and their keys moving.

    Args (of the constructor):
        heard: Told what is rung to other processes: one does not hear itself.
        views: What some clients see instead; kept by who answers in this process.
    """

    def __init__(
        self,
        shared: Shared,
        heard: Callable[[str], None],
        views: Sequence[View] = (),
    ) -> None:
        self._shared = shared
        self._heard = heard
        files = shared.zones.finish
        if not isinstance(files, SignedZones):
            files = SignedZones(shared.layout.dnssec)
        self._signer = ZoneSigner(
            KeyStore(shared.layout.dnssec), files, shared.clock, give_way, views
        )
        self._views = views
        self._tasks = Tasks()
        self._threads = background_threads("signing")
        self._woken = asyncio.Event()
        self._stopped = asyncio.Event()
        self._again_at: dict[dns.name.Name, float] = {}
        self._aliases = AliasTargets(shared.resolver, shared.clock)
        self._resolved = asyncio.Event()
        self._looked = Looked()

    @property
    def _stopping(self) -> bool:
        return self._stopped.is_set()

    def start(self) -> None:
        """Sign in the background."""
        self._tasks.start(self._look(), "signing")
        self._tasks.start(self._watch(), "parents")
        self._tasks.start(self._resolve(), "aliases")

    def heard(self, subject: str) -> None:
        """Take note of a ring."""
        if subject in {DIRECTORY_BELL, ZONES_BELL, ASKED_BELL}:
            self.wake()

    def wake(self) -> None:
        """Look now: a zone or a key may have changed."""
        self._woken.set()

    async def stop(self) -> None:
        """Finish the round under way."""
        self._signer.stopping = True
        self._stopped.set()
        self._resolved.set()
        self._woken.set()
        await self._tasks.wait(LOOK_SECONDS)
        await self._tasks.stop()

    async def _look(self) -> None:
        while not self._stopping:
            rang = await sleep_until_set(self._woken, LOOK_SECONDS)
            self._woken.clear()
            began = self._shared.clock.monotonic()
            try:
                await self._round(rang=rang)
            except (OSError, PabalError) as error:
                log.warning("zones not signed", reason=str(error))
            took_s = self._shared.clock.monotonic() - began
            pause_s = min(LOOK_SECONDS, PAUSE_TIMES * took_s)
            await sleep_until_set(self._stopped, pause_s)

    async def _round(self, *, rang: bool) -> None:
        zones = self._shared.zones
        version = zones.version, *(view.version for view in self._views)
        owners = zones.owners
        last = self._looked
        early = self._shared.clock.now() < last.next_at
        if self._stopping or (early and not rang and version == last.version):
            return
        if version != last.version:
            targets = await self._aside(partial(self._signer.look, owners))
            self._looked = replace(last, targets=targets)
        targets = self._looked.targets
        if targets:
            self._resolved.set()
        turn = await self._aside(partial(self._signer.turn, owners, self._aliases.book))
        self._looked = Looked(version, turn.next_at, targets)
        if turn.changed:
            self._shared.bell.ring(ZONES_BELL)
            self._heard(ZONES_BELL)

    async def _aside(self, work: Callable[[], _Done]) -> _Done:
        """Return what ``work`` does, which may take seconds of a processor."""
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(self._threads, work)

    async def _resolve(self) -> None:
        """Keep what is known of the targets of ALIAS records fresh."""
        while not self._stopping:
            await sleep_until_set(self._resolved, ALIASES_SECONDS)
            self._resolved.clear()
            if await self._aliases.refresh(self._looked.targets):
                self._woken.set()
            await sleep_until_set(self._stopped, LOOK_SECONDS)

    async def _watch(self) -> None:
        """Look what DS sets the parents have, where that decides something."""
        while not await sleep_until_set(self._stopped, PARENTS_SECONDS):
            for name in self._signer.watched():
                if not self._stopping:
                    await self._ask(name)

    async def _ask(self, name: dns.name.Name) -> None:
        now = self._shared.clock.monotonic()
        if now < self._again_at.get(name, now):
            return
        try:
            records, ttl_s = await ds_records(self._shared.resolver, name)
            await asyncio.to_thread(self._signer.saw, name, records, ttl_s)
        except ResolutionError as error:
            self._again_at[name] = now + AGAIN_SECONDS
            log.info("parent not asked", zone=str(name), reason=error.reason)
        except (OSError, PabalError) as error:
            self._again_at[name] = now + AGAIN_SECONDS
            log.warning("parent not noted", zone=str(name), reason=str(error))
        else:
            self._again_at.pop(name, None)
            self._woken.set()


async def ds_records(resolver: Resolver, zone: dns.name.Name) -> tuple[list[DS], int]:
    """Return the DS set that the parent of ``zone`` has, and its TTL in seconds.

    Raises:
        ResolutionError: Nobody can say, or what is said is bogus.
    """
    resolved = await resolver.resolve(zone, dns.rdatatype.DS)
    for rrset in resolved.answer:
        if rrset.rdtype == dns.rdatatype.DS and rrset.name == zone:
            return [ds for ds in rrset if isinstance(ds, DS)], rrset.ttl
    return [], 0
