"""Asks the hosts of address pools whether they are well.

Each process that answers does so by itself: nothing has to be shared, and a process
that cannot reach a host should not send others there.
Security: only addresses that stand in our own zones are connected to; certificates are
not looked at, because nothing is believed but that somebody is there.
"""

import asyncio
import ipaddress
from collections.abc import Awaitable, Callable, Collection
from typing import Final

from pabal.base.clock import Clock
from pabal.base.errors import PabalError
from pabal.base.log import Log
from pabal.base.tasks import Tasks, sleep_until_set
from pabal.dns.server.pools import Host, Pool, Pools
from pabal.dns.server.probe import STATUS_LINE_MAX_OCTETS, Probe, parse_probe
from pabal.dns.wire.name import to_text
from pabal.net.connect import connect
from pabal.net.endpoint import Endpoint
from pabal.net.ports import Stream
from pabal.net.tls import opportunistic_client_context

LOOK_SECONDS: Final = 1.0
"""How often it is asked what is due."""

ANSWER_SECONDS: Final = 60.0
"""Longest silence: longer than any pool's own patience, which is what counts."""

PROBES_MAX: Final = 50
"""Connections at once."""

log = Log("names")


class Probing:
    """Probes until it is stopped.

    Args (of the constructor):
        pools: Whom; told what was found.
        addresses: Returns the addresses that stand at a pool's names now, as RDATA.
        changed: Called when a host came or went.
        clock: Says what is due.
        refresh: Signs what is left of signed sets; returns whether that changed.
    """

    def __init__(
        self,
        pools: Pools,
        addresses: Callable[[Pool], Collection[bytes]],
        changed: Callable[[], None],
        clock: Clock,
        refresh: Callable[[], Awaitable[bool]] | None = None,
    ) -> None:
        self._refresh = refresh
        self._pools = pools
        self._addresses = addresses
        self._changed = changed
        self._clock = clock
        self._tasks = Tasks()
        self._stopped = asyncio.Event()
        self._slots = asyncio.Semaphore(PROBES_MAX)

    def start(self) -> None:
        """Probe in the background, if there is anything to."""
        if any(pool.settings.probe for pool in self._pools.all):
            self._tasks.start(self._look(), "probing")

    async def stop(self) -> None:
        """Ask nobody any more."""
        self._stopped.set()
        await self._tasks.stop()

    async def _look(self) -> None:
        while not self._stopped.is_set():
            for pool in self._pools.all:
                pool.seen(self._addresses(pool))
                for host in pool.due(self._clock.monotonic()):
                    self._tasks.start(self._probe(pool, host), "probe")
            # A zone that was signed anew has other signatures to go with.
            if self._refresh is not None and await self._refresh():
                self._changed()
            await sleep_until_set(self._stopped, LOOK_SECONDS)

    async def _probe(self, pool: Pool, host: Host) -> None:
        address = str(ipaddress.ip_address(host.address))
        name = to_text(min(pool.names)).removesuffix(".")
        reason = ""
        async with self._slots:
            try:
                async with asyncio.timeout(pool.settings.timeout_s):
                    reason = await ask(parse_probe(pool.settings.probe), address, name)
            except (PabalError, TimeoutError) as error:
                reason = str(error) or type(error).__name__
        if not pool.note(host, well=not reason):
            return
        if reason:
            log.warning(
                "host taken out", pool=pool.settings.name, at=address, reason=reason
            )
        else:
            log.info("host put back", pool=pool.settings.name, at=address)
        if self._refresh is not None:
            await self._refresh()
        self._changed()


async def ask(probe: Probe, address: str, name: str) -> str:
    """Return why the host at ``address`` is not well; empty: it is.

    Args:
        name: What it is asked for as.

    Raises:
        ConnectionLostError: It cannot be reached.
        IdleTimeoutError, TlsFailedError: It is no partner.
    """
    tls = opportunistic_client_context() if probe.kind == "https" else None
    stream = await connect(Endpoint(address, probe.port), tls_context=tls)
    try:
        if tls is not None:
            await stream.start_tls(name)
        request = probe.request(name)
        if not request:
            return ""
        stream.send(request)
        line = await _first_line(stream)
        return "" if probe.is_well(line) else f"it answered {line[:60]!r}"
    finally:
        stream.close(linger=False)


async def _first_line(stream: Stream) -> bytes:
    """Return the first line of an answer, or what is there of one that is none."""
    line = b""
    while b"\n" not in line and len(line) <= STATUS_LINE_MAX_OCTETS:
        octets = await stream.receive(ANSWER_SECONDS)
        if not octets:
            break
        line += octets
    return line
