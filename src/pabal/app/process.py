"""One running process: its roles, its listeners, and the order they stop in."""

import asyncio
import contextlib
import gc
import importlib
import signal
import socket
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from functools import partial
from typing import Final, Protocol

import uvloop

from pabal.app import parts
from pabal.app.certificate import ServerTls
from pabal.app.heap import share_heaps
from pabal.app.mail import MailRole
from pabal.app.measures import Measures
from pabal.app.names import NamesRole
from pabal.app.outbound import QueueRole
from pabal.app.reading import Keeping, Preloaded
from pabal.app.shared import ASKED_BELL, Shared, open_shared
from pabal.app.signing import SigningRole
from pabal.app.version import version
from pabal.app.vitals import vitals
from pabal.base.errors import OperatorError, PabalError
from pabal.config.settings import Settings
from pabal.dns.zone.compiled import Compiled
from pabal.web.doh import DnsOverHttps
from pabal.web.exposition import MetricsPage
from pabal.web.server import WebServer
from pabal.web.site import Sites

GARBAGE_OBJECTS: Final = 20_000
"""Containers made before the collector looks at the young ones: 0.5 ms, some MB."""

GARBAGE_ROUNDS: Final = 20
"""Looks at one generation before the next older one is looked at."""

SWITCH_S: Final = 0.0005
"""How long a thread keeps the interpreter to itself: the event loop waits that long for
its turn while a thread changes or looks through thousands of messages. Beside a thread
that computes, a step that is due waits 0.8 ms instead of 5.4 (measured)."""

FRESH_SECONDS: Final = 60.0
"""How long after a look at all zone files a process need not look before it answers.
It does a second later."""

Sockets = Mapping[str, Sequence[socket.socket]]


class Part(Protocol):
    """Something that runs until it is stopped."""

    async def start(self, sockets: Sockets) -> None:
        """Open its listeners."""
        ...

    async def stop(self) -> None:
        """Finish."""
        ...


def run(process: "Process", sockets: Sockets, ready: Callable[[], None]) -> int:
    """Be one process of the server until SIGTERM; return the exit code.

    Args:
        process: Not started yet.
        sockets: Bound sockets by service.
        ready: Called when every listener is up.

    Raises:
        OperatorError: Something an operator has to mend keeps it from starting.
    """
    share_heaps()
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        return runner.run(_serve(process, sockets, ready))


def _calm_collector() -> None:
    """Look for cyclic garbage rarely, and never among what lives as long as we do.

    Looking through every module and setting costs tens of milliseconds, in which
    nobody is answered; what a connection leaves is freed by its reference counts.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(GARBAGE_OBJECTS, GARBAGE_ROUNDS, GARBAGE_ROUNDS)


async def _serve(
    process: "Process", sockets: Sockets, ready: Callable[[], None]
) -> int:
    sys.setswitchinterval(SWITCH_S)
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    try:
        await process.start(sockets)
        loop.add_signal_handler(signal.SIGHUP, process.heard, ASKED_BELL)
        _calm_collector()
        ready()
        await stop.wait()
    except OperatorError:
        raise
    except PabalError as error:
        raise OperatorError(f"cannot start: {error}") from error
    finally:
        await process.stop()
    return 0


class Process:
    """The objects of one process, wired.

    Args (of the constructor):
        settings: From pabal.toml.
        name: Of the process, unique in this server.
        roles: What it does: dns, transfers, mail, queue, web.
        tls: What listeners show; ``None``: the files are read when it starts.
        zones: Our zones, as far as they were read before the fork.
    """

    def __init__(
        self,
        settings: Settings,
        name: str,
        roles: frozenset[str],
        tls: ServerTls | None = None,
        zones: Preloaded | None = None,
    ) -> None:
        self._preloaded = zones
        self._open = partial(open_shared, settings, name, self._wake_queue)
        self._roles = roles
        self._read_tls = partial(_own_or_read, tls, settings)
        self._shared: Shared | None = None
        self._names: NamesRole | None = None
        self._mail: MailRole | None = None
        self._outbound: QueueRole | None = None
        self._signing: SigningRole | None = None
        self._web: list[WebServer] = []
        self._others: list[Part] = []
        self._measures: Measures | None = None

    async def start(self, sockets: Sockets) -> None:
        """Build everything and open the listeners.

        Raises:
            OperatorError: Something an operator has to mend.
            UnavailableError: A database cannot be opened.
        """
        tls = self._read_tls()
        shared = self._open(tls)
        self._shared = shared
        self._measures = Measures(shared.registry, shared.layout, shared.bell)
        shared.registry.add(partial(vitals, version()))
        stale = self._adopt(shared)
        if self._roles & {"dns", "mail", "queue"} or sockets.get("https"):
            # Without sockets it answers nobody, but this process's resolver needs our
            # zones: nobody else may know them.
            transfers = "transfers" in self._roles
            self._names = NamesRole(shared, tls, transfers=transfers)
            await self._names.start(sockets)
            shared.registry.add(self._names.statistics)
        if "queue" in self._roles:
            self._outbound = QueueRole(shared)
            self._outbound.start()
            # One process of all has this role: it signs, the others read.
            views = self._names.views if self._names is not None else ()
            self._signing = SigningRole(shared, self.heard, views)
            self._signing.start()
            if stale is not None:
                self._others.append(Keeping(shared.layout.compiled, stale))
                await self._others[-1].start(sockets)
            if self._names is not None:
                self._names.on_updated = self._signing.wake
        if "mail" in self._roles:
            self._mail = MailRole(shared, tls.mail)
            await self._mail.start(sockets)
        await self._start_web(sockets, tls)
        if sockets.get("ssh"):
            self._others.append(_console(shared))
            await self._others[-1].start(sockets)
        shared.bell.listen(self.heard)

    def _adopt(self, shared: Shared) -> Compiled | None:
        """Begin with the zones that were read; return what is to be kept of them."""
        found, self._preloaded = self._preloaded, None
        if found is None:
            return None
        state = found.state
        if shared.clock.monotonic() - found.looked_at > FRESH_SECONDS:
            # Started again, long after: the files may be others.
            state = replace(state, looked=None)
        shared.zones.adopt(state)
        return found.stale

    async def _start_web(self, sockets: Sockets, tls: ServerTls) -> None:
        if self._shared is None:
            return
        pages = parts.own_pages(self._shared.settings, self._shared.book, tls.facts)
        sites = Sites(self._shared.settings.directory / "www", pages.find)
        if sockets.get("http"):
            self._web.append(WebServer(sites, self._shared.clock))
            await self._web[-1].start(sockets["http"])
        if sockets.get("https") and self._names:
            secure = DnsOverHttps(self._names.answer, sites)
            self._web.append(WebServer(secure, self._shared.clock, tls.web))
            await self._web[-1].start(sockets["https"])

        if sockets.get("metrics") and self._measures:
            page = MetricsPage(self._measures.gather, self._shared.clock)
            self._web.append(WebServer(page, self._shared.clock))
            await self._web[-1].start(sockets["metrics"])

    def heard(self, subject: str) -> None:
        """Pass a ring of the doorbell to every role."""
        roles = (self._names, self._mail, self._outbound, self._signing)
        for role in (*roles, self._measures):
            if role is not None:
                role.heard(subject)

    async def stop(self) -> None:
        """Stop taking work, finish what is under way, close the databases.

        In this order, the last first; a part that fails keeps no other from its end.
        """
        async with contextlib.AsyncExitStack() as order:
            if self._shared:
                order.push_async_callback(self._shared.close)
            parts = (self._names, self._signing, self._outbound, self._mail)
            last = (*self._others, self._measures)
            for part in (*parts[:3], *self._web, *parts[3:], *last):
                if part is not None:
                    order.push_async_callback(part.stop)

    def _wake_queue(self) -> None:
        if self._outbound:
            self._outbound.wake()


def _own_or_read(tls: ServerTls | None, settings: Settings) -> ServerTls:
    return ServerTls(settings) if tls is None else tls


def _console(shared: Shared) -> Part:
    """Return the console. Imported by whom has one: SSH costs a quarter of a start."""
    module = importlib.import_module("pabal.app.console")
    console: Part = module.ConsoleRole(shared)
    return console
