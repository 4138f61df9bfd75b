"""Zones copied from other servers: kept current, and kept while those are away.

A copy is a master file in a directory of its own; the server loads it as any other.
Source: RFC 1034 §4.3.5 (refresh, retry, expire), RFC 1995 §2 (IXFR first),
RFC 1996 §4.7 (NOTIFY), RFC 7766 §6.2 (TCP), RFC 9103 §7 (TLS).
Security: a NOTIFY is heeded only from a primary, and does no more than begin a check.
"""

import asyncio
import contextlib
import secrets
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Final, Protocol, TypeVar

import dns.exception
import dns.message
import dns.name
import dns.rdatatype

from pabal.base.clock import Clock
from pabal.base.errors import OperatorError, PabalError
from pabal.base.log import Log
from pabal.base.tasks import Tasks, sleep_until_set
from pabal.dns.server.catalogs import Catalogs, Listed
from pabal.dns.server.keys import KeyRing
from pabal.dns.server.peer import FORM, Peer, Sources, parse_peer
from pabal.dns.server.taking import (
    APART_MIN_OCTETS,
    Answer,
    Asked,
    Elsewhere,
    Taker,
)
from pabal.dns.wire.rrset import name_octets, name_of, to_dnspython
from pabal.dns.zone.inbound import Inbound
from pabal.dns.zone.source import zone_file
from pabal.dns.zone.tree import Zone
from pabal.dns.zone.zones import Zones
from pabal.net.endpoint import plain_address

MESSAGE_WAIT_S: Final = 30.0
"""How long a primary may be silent in a transfer."""

TRANSFERS_MAX: Final = 10
"""Zones asked for at once: BIND's transfers-in is 10 as well."""

MISSING_RETRY_S: Final = 60.0
"""How often a zone is asked for that we have no version of: its timers are unknown."""

TIMER_MIN_S: Final = 2
"""Shorter timers would only make work (BIND's minimum is configurable, 300 s)."""

CONTACT: Final = ".contact"
"""Beside the copy of a zone: its time of change is when a primary was last reached."""

EXPIRED: Final = ".expired"

log = Log("dns")

_Done = TypeVar("_Done")


class Aside(Protocol):
    """Does work in a thread that lets the answers go first."""

    def __call__(self, work: Callable[[], _Done]) -> Awaitable[_Done]:
        """Return what ``work`` does."""
        ...


async def _on_a_thread(work: Callable[[], _Done]) -> _Done:
    return await asyncio.to_thread(work)


@dataclass(frozen=True, slots=True)
class Helpers:
    """Who does what takes long.

    Attributes:
        aside: In this process.
        elsewhere: In another one, if any can.
    """

    aside: Aside
    elsewhere: Elsewhere | None = None


Reload = Callable[[], Awaitable[object]]


@dataclass(slots=True)
class Copied:
    """One zone that is copied.

    Attributes:
        name: The zone's.
        primaries: Who to ask, in this order.
        wake: Set when it is to be looked at before its time.
        is_over: Set when it is to be copied no longer.
    """

    name: dns.name.Name
    primaries: tuple[Peer, ...]
    wake: asyncio.Event = field(default_factory=asyncio.Event)
    is_over: bool = False

    @property
    def file(self) -> str:
        """Its copy's name."""
        return zone_file(self.name)


def parse_copied(
    texts: Sequence[str], keys: KeyRing, option: str = "dns.secondary"
) -> list[Copied]:
    """Return the zones of texts ``ZONE SERVER``; one zone may stand repeatedly.

    Raises:
        OperatorError: A text is none.
    """
    found: dict[dns.name.Name, list[Peer]] = {}
    for text in texts:
        zone, _, server = text.strip().partition(" ")
        try:
            name = dns.name.from_text(zone).canonicalize()
        except (dns.exception.DNSException, ValueError) as error:
            raise OperatorError(
                f"{option}: `{zone}` is not a zone: {error}.",
                FORM.replace("ADDRESS", "ZONE ADDRESS", 1),
            ) from error
        peer = parse_peer(server, keys, option)
        found.setdefault(name, []).append(peer)
    return [Copied(name, tuple(peers)) for name, peers in found.items()]


def parse_groups(
    texts: Sequence[str], keys: KeyRing
) -> Mapping[bytes, tuple[Peer, ...]]:
    """Return the servers of texts ``GROUP SERVER`` by group, in their order.

    Raises:
        OperatorError: A text is none.
    """
    found: dict[bytes, tuple[Peer, ...]] = {}
    for text in texts:
        group, _, server = text.strip().partition(" ")
        peer = parse_peer(server, keys, "dns.follow_groups")
        found[group.encode()] = (*found.get(group.encode(), ()), peer)
    return found


@dataclass(frozen=True, slots=True)
class Following:
    """Catalogs, and where what they list is.

    Attributes:
        catalogs: With the servers of all members that are in no group of these:
        groups: Servers by group (RFC 9432 §4.3.2.2); the first that fits.
    """

    catalogs: Sequence[Copied] = ()
    groups: Mapping[bytes, tuple[Peer, ...]] = field(default_factory=dict)


class Secondaries:
    """Keeps the copies current.

    Args (of the constructor):
        reload: Loads what has changed on disk.
        following: The catalogs, which list further zones.

    Attributes:
        elsewhere: Where another process follows the primaries: told the zones of the
            NOTIFYs that come here. ``None``: this one follows.
        helpers: Who does what takes long.
    """

    def __init__(
        self,
        copied: Sequence[Copied],
        directory: Path,
        zones: Zones,
        reload: Reload,
        clock: Clock,
        following: Following | None = None,
    ) -> None:
        following = following or Following()
        self._groups = following.groups
        self._copied = {each.name: each for each in (*copied, *following.catalogs)}
        self._catalogs = Catalogs(
            [each.name for each in following.catalogs], directory, self._is_taken
        )
        self._slots = asyncio.Semaphore(TRANSFERS_MAX)
        self._directory = directory
        self._zones = zones
        self._reload = reload
        self._clock = clock
        self._tasks = Tasks()
        self._sources: Sources | None = None  # not started
        self.elsewhere: Callable[[str], None] | None = None
        self.helpers = Helpers(_on_a_thread)

    def start(self, sources: Sources) -> None:
        """Follow the primaries from now on, connecting from our own addresses."""
        self._sources = sources
        for name, listed in self._catalogs.restore().items():
            self._add(name, listed)
        for copied in self._copied.values():
            self._begin(copied)
        self.loaded()

    def _begin(self, copied: Copied) -> None:
        if self.elsewhere is None:
            self._tasks.start(self._follow(copied), "dns secondary")

    def loaded(self) -> None:
        """Take note that zones were loaded: a catalog may list other ones."""
        if self._sources is None or not self._catalogs.names:
            return
        turnover = self._catalogs.look(self._zones.get)
        for name in (*turnover.removed, *turnover.added):
            over = self._copied.pop(name, None)
            if over is not None:
                over.is_over = True
                over.wake.set()
        added = [self._add(*each) for each in turnover.added.items()]
        if self.elsewhere is None and (added or turnover.removed):
            self._tasks.start(self._turn_over(turnover.removed, added), "dns catalog")

    def _add(self, name: dns.name.Name, listed: Listed) -> Copied:
        primaries = self._copied[name_of(listed.catalog)].primaries
        for group, servers in self._groups.items():
            if group in listed.groups:
                primaries = servers
                break
        return self._copied.setdefault(name, Copied(name, primaries))

    def _is_taken(self, name: dns.name.Name) -> bool:
        held = self._zones.get_held(name)
        return name in self._copied or (held is not None and not held.copied)

    async def _turn_over(
        self, removed: Sequence[dns.name.Name], added: Sequence[Copied]
    ) -> None:
        """Forget the copies of members that went, and then get those that came."""

        def forget() -> None:
            self._catalogs.save()
            for name in removed:
                for end in ("", CONTACT, EXPIRED):
                    path = self._directory / (zone_file(name) + end)
                    path.unlink(missing_ok=True)

        await asyncio.to_thread(forget)
        log.info("catalog", added=len(added), removed=len(removed))
        if removed:
            await self._reload()
        for copied in added:
            self._begin(copied)

    async def stop(self) -> None:
        """Break off what is under way: the copies on disk stay."""
        await self._tasks.stop()

    def notified(self, name: dns.name.Name, host: str) -> bool:
        """Take a NOTIFY; return whether ``host`` is a primary of zone ``name``.

        Without ``host`` it is from somebody who need not be one.
        """
        copied = self._copied.get(name.canonicalize())
        if copied is None:
            return False
        known = {peer.endpoint.address for peer in copied.primaries}
        if host and str(plain_address(host)) not in known:
            return False
        if self.elsewhere is None:
            copied.wake.set()
        else:
            self.elsewhere(str(copied.name))
        return True

    def primaries(self, name: dns.name.Name) -> Sequence[Peer]:
        """Return the primaries of zone ``name``; nothing if it is not copied."""
        copied = self._copied.get(name.canonicalize())
        return () if copied is None else copied.primaries

    def look(self, zone: str) -> None:
        """Look at ``zone`` now: another of our processes had a NOTIFY."""
        for name, copied in self._copied.items():
            if str(name) == zone:
                copied.wake.set()

    def tidy(self) -> None:
        """Take copies out of service that nobody wants any more; after ``start``."""
        if self.elsewhere is None:
            self._tasks.start(self._forget_others(), "dns copies")

    async def _forget_others(self) -> None:
        """Take copies out of service that nobody wants any more; they stay on disk."""
        known = {copied.file for copied in self._copied.values()}

        def forget() -> list[str]:
            if not self._directory.is_dir():
                return []
            others = [p for p in self._directory.glob("*.zone") if p.name not in known]
            for path in others:
                path.replace(path.with_name(path.name + EXPIRED))
            return [path.name for path in others]

        with contextlib.suppress(OSError):
            forgotten = await asyncio.to_thread(forget)
            if forgotten:
                log.info("copies no longer served", files=", ".join(forgotten))
                await self._reload()

    async def _follow(self, copied: Copied) -> None:
        while not copied.is_over:
            zone = self._zones.get(copied.name)
            async with self._slots:
                reached = await self._refresh(copied, zone)
            zone = self._zones.get(copied.name)
            if not reached and zone is not None:
                await self._expire(copied, zone)
                zone = self._zones.get(copied.name)
            await sleep_until_set(copied.wake, _wait_s(zone, reached=reached))
            copied.wake.clear()

    async def _refresh(self, copied: Copied, zone: Zone | None) -> bool:
        """Ask the primaries for what is new; return whether one answered."""
        for peer in copied.primaries:
            try:
                transfer = _Transfer(copied.name, peer, zone, self.helpers, self._clock)
                taker = await transfer.fetch(self._sources or {})
                if taker is not None:
                    await self.helpers.aside(partial(self._store, copied, taker))
            except (OSError, EOFError, TimeoutError, PabalError) as error:
                reason = str(error) or type(error).__name__
                name, at = str(copied.name), str(peer.endpoint)
                log.warning("no transfer", zone=name, at=at, reason=reason)
                continue
            if taker is not None and not copied.is_over:
                await self._reload()
                log.info("zone transferred", zone=str(copied.name))
            await asyncio.to_thread(self._reached, copied)
            return True
        return False

    def _store(self, copied: Copied, taker: Taker) -> None:
        """Put a transfer on disk; raises TransferError, OSError."""
        if copied.is_over:
            taker.break_off()
            return
        self._directory.mkdir(parents=True, exist_ok=True)
        taker.store(self._directory / copied.file)

    def _reached(self, copied: Copied) -> None:
        self._directory.mkdir(parents=True, exist_ok=True)
        (self._directory / (copied.file + CONTACT)).touch()

    async def _expire(self, copied: Copied, zone: Zone) -> None:
        """Take a zone out of service that no primary spoke of for too long."""
        file = self._directory / copied.file
        contact = self._directory / (copied.file + CONTACT)
        expire_s = int.from_bytes(zone.soa.rdatas[0][-8:-4], "big")
        with contextlib.suppress(OSError):
            silent_s = self._clock.now() - contact.stat().st_mtime
            if silent_s > expire_s:
                file.replace(file.with_name(file.name + EXPIRED))
                log.error("zone expired", zone=str(copied.name))
                await self._reload()


def _wait_s(zone: Zone | None, *, reached: bool) -> float:
    """Return how long to wait for the next look (RFC 1034 §4.3.5)."""
    if zone is None:
        return MISSING_RETRY_S
    soa = zone.soa.rdatas[0]
    timer = soa[-16:-12] if reached else soa[-12:-8]
    wait_s = max(int.from_bytes(timer, "big"), TIMER_MIN_S)
    # Not all at once: up to a tenth earlier.
    return wait_s * (1 - secrets.randbelow(100) / 1000)


class _Transfer:
    """One question for what is new, and its answer.

    Args (of the constructor):
        held: The version we have.
        helpers: Who does what takes long.
    """

    def __init__(
        self,
        name: dns.name.Name,
        peer: Peer,
        held: Zone | None,
        helpers: Helpers,
        clock: Clock,
    ) -> None:
        self._peer = peer
        self._helpers = helpers
        self._query = _query(name, peer, held)
        # What is signed, and thereby covered by the answer's signature.
        self._octets = self._query.to_wire()
        origin, mac = name_octets(name), self._query.mac or b""
        self._asked = Asked(origin, self._query.id, peer.key, mac)
        self._taker: Taker = Answer(self._asked, Inbound(origin.lower(), held), clock)

    async def fetch(self, sources: Sources) -> Taker | None:
        """Return who has taken the zone's next version; ``None`` if there is none.

        Raises:
            OSError, EOFError, TimeoutError, TransferError: No transfer.
        """
        try:
            connection = self._peer.connection(sources, MESSAGE_WAIT_S)
            async with connection as (reader, writer):
                writer.write(len(self._octets).to_bytes(2, "big") + self._octets)
                return await self._taken(reader)
        except BaseException:
            await self._helpers.aside(self._taker.break_off)
            raise

    async def _taken(self, reader: asyncio.StreamReader) -> Taker | None:
        aside = self._helpers.aside
        begun: list[bytes] = []
        octets = 0
        while not self._taker.is_done:
            async with asyncio.timeout(MESSAGE_WAIT_S):
                size = int.from_bytes(await reader.readexactly(2), "big")
                message = await reader.readexactly(size)
            await aside(partial(self._taker.take, message))
            if self._taker.is_current:
                return None
            if octets <= APART_MIN_OCTETS and self._taker.is_whole:
                begun.append(message)
                octets += size
                if octets > APART_MIN_OCTETS:
                    await aside(partial(self._go_on_elsewhere, begun))
        return self._taker

    def _go_on_elsewhere(self, begun: list[bytes]) -> None:
        """Let another process take the transfer, that began with messages ``begun``."""
        other = None
        if self._helpers.elsewhere is not None:
            other = self._helpers.elsewhere(self._asked)
        if other is not None:
            self._taker.break_off()
            self._taker = other
            for message in begun:
                other.take(message)
        begun.clear()


def _query(
    name: dns.name.Name, peer: Peer, held: Zone | None
) -> dns.message.QueryMessage:
    """Return the question: what is new, or everything if we hold nothing."""
    rdtype = dns.rdatatype.AXFR if held is None else dns.rdatatype.IXFR
    query = dns.message.make_query(name, rdtype, id=secrets.randbelow(1 << 16), flags=0)
    if held is not None:
        query.authority.append(to_dnspython(held.soa))
    if peer.key is not None:
        query.use_tsig(peer.key)
    return query
