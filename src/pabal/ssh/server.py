"""The console's listener.

Security: the first thing a stranger reaches. Connections are counted a client and in
all before a key is exchanged; who is in does not count among those who are not, so
strangers keep no administrator out for longer than their time to log in.
"""

import asyncio
import logging
import socket
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

import asyncssh

from pabal.base.clock import Clock
from pabal.base.limits import Concurrency
from pabal.base.log import Log
from pabal.base.tasks import Tasks
from pabal.net.endpoint import client_key
from pabal.ssh import algorithms
from pabal.ssh.access import Access
from pabal.ssh.channel import Workshop
from pabal.ssh.login import Login
from pabal.ssh.ports import LogIns, Programs

BACKLOG: Final = 128
"""Connections the kernel keeps for us while the loop is busy."""

ACCEPT_PAUSE_SECONDS: Final = 0.1
"""Before the next try when no descriptor is left: connections end meanwhile."""

STRANGERS_MAX: Final = 64
"""Connections that have not logged in yet; a key exchange costs a millisecond each."""

STRANGERS_A_CLIENT_MAX: Final = 8
"""Of one client: a script that opens some at once."""

VISITORS_MAX: Final = 32
"""Connections that are logged in: one or two people, and their scripts."""

LOGIN_SECONDS: Final = 30.0
"""To log in: a passphrase has to be typed and a security key touched."""

KEEPALIVE_SECONDS: Final = 30.0
"""Between questions whether the client is still there: less than what a home router
remembers a connection."""

KEEPALIVES_MISSED_MAX: Final = 3
"""So many unanswered ones, and it is not."""

VERSION: Final = "pabal"
"""What a client is told we are (RFC 4253 §4.2): which release is nobody's business."""

log = Log("ssh")


@dataclass(frozen=True, slots=True)
class ConsoleParts:
    """What the console is made of.

    Attributes:
        host_key: Private, as OpenSSH keeps it.
        access: Who may come in.
        log_ins: Checks passwords and counts tries.
        programs: How commands are run here.
        clock: For how long nothing happened.
    """

    host_key: bytes
    access: Access
    log_ins: LogIns
    programs: Programs
    clock: Clock


class ConsoleServer:
    """The console; ``start`` once for each socket, ``stop`` once."""

    def __init__(self, parts: ConsoleParts) -> None:
        self._parts = parts
        self._workshop = Workshop(parts.programs)
        self._strangers = Concurrency(STRANGERS_A_CLIENT_MAX, STRANGERS_MAX)
        self._visitors = Concurrency(VISITORS_MAX, VISITORS_MAX)
        self._accepting = Tasks()
        self._connections = Tasks()
        self._options = _options(parts, self._login)

    async def start(self, listening: socket.socket) -> None:
        """Accept on ``listening`` from now on."""
        # What it has to say of strangers is said here.
        logging.getLogger("asyncssh").setLevel(logging.CRITICAL)
        listening.setblocking(False)  # noqa: FBT003 (no keyword form)
        listening.listen(BACKLOG)
        self._accepting.start(self._accept(listening), "accept")

    async def stop(self) -> None:
        """End every session and connection."""
        await self._accepting.stop()
        await self._workshop.stop()
        await self._connections.stop()

    def _login(self) -> Login:
        parts = self._parts
        return Login(parts.access, parts.log_ins, self._workshop, parts.clock)

    async def _accept(self, listening: socket.socket) -> None:
        loop = asyncio.get_running_loop()
        with listening:
            while True:
                try:
                    sock, address = await loop.sock_accept(listening)
                except OSError as error:
                    log.warning("cannot accept", reason=str(error))
                    await asyncio.sleep(ACCEPT_PAUSE_SECONDS)
                    continue
                key = client_key(address[0].removeprefix("::ffff:"))
                if not self._strangers.enter(key):
                    log.warning("too many connections", client=key)
                    sock.close()
                    continue
                self._connections.start(self._serve(sock, key), "console")

    async def _serve(self, sock: socket.socket, key: str) -> None:
        connection = await self._let_in(sock, key)
        if connection is None:
            return
        if not self._visitors.enter(key):
            connection.disconnect(asyncssh.DISC_TOO_MANY_CONNECTIONS, "too many")
            return
        try:
            await connection.wait_closed()
        finally:
            self._visitors.leave(key)
            connection.abort()

    async def _let_in(
        self, sock: socket.socket, key: str
    ) -> asyncssh.SSHServerConnection | None:
        """Return the connection when somebody has logged in; ``None``: nobody did."""
        try:
            return await asyncssh.run_server(sock, options=self._options)
        except (OSError, asyncssh.Error) as error:
            log.debug("nobody logged in", client=key, reason=str(error))
            return None
        finally:
            self._strangers.leave(key)


def _options(
    parts: ConsoleParts, login: Callable[[], Login]
) -> asyncssh.SSHServerConnectionOptions:
    return asyncssh.SSHServerConnectionOptions(
        server_factory=login,
        server_version=VERSION,
        server_host_keys=[asyncssh.import_private_key(parts.host_key)],
        kex_algs=algorithms.KEY_EXCHANGES,
        encryption_algs=algorithms.CIPHERS,
        mac_algs=algorithms.MACS,
        compression_algs=algorithms.COMPRESSIONS,
        signature_algs=algorithms.SIGNATURES,
        login_timeout=LOGIN_SECONDS,
        keepalive_interval=KEEPALIVE_SECONDS,
        keepalive_count_max=KEEPALIVES_MISSED_MAX,
        kbdint_auth=False,
        host_based_auth=False,
        gss_host=None,
        password_auth=parts.access.settings.passwords,
        agent_forwarding=False,
        x11_forwarding=False,
        allow_scp=False,
        line_editor=False,
        rdns_lookup=False,
        encoding=None,
    )
