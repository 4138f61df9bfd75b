"""The console: commands over SSH, as processes of their own.

Each is what is typed at the machine, ``python -m pabal``, with the configuration of
this server, as the user it runs as, and an environment no client has a say in.
"""

import asyncio
import os
import socket
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from pabal.admin.hostkey import host_key
from pabal.app import parts
from pabal.app.program import interpreter, modules
from pabal.app.shared import Shared
from pabal.base.log import Log
from pabal.config.load import load
from pabal.config.settings import Settings
from pabal.directory.authenticator import DirectoryAuthenticator
from pabal.directory.publickey import fingerprint
from pabal.ssh.access import Access
from pabal.ssh.ports import Program
from pabal.ssh.server import ConsoleParts, ConsoleServer
from pabal.ssh.settings import ConsoleSettings

PATH: Final = "/usr/local/bin:/usr/bin:/bin"
"""For what a command looks up; nothing is started from it."""

COMMAND: Final = "console"
"""The command of ``pabal.cli`` that takes over in the new process."""

log = Log("ssh")


@dataclass(frozen=True, slots=True)
class PabalPrograms:
    """Implements ``pabal.ssh.ports.Programs`` with this very program.

    Attributes:
        settings: Of this server.
    """

    settings: Settings

    def program(self, command: str | None, leash: int) -> Program:
        """Return what runs ``command``; ``None``: the prompt."""
        words = [
            *interpreter(),
            *("-m", "pabal", COMMAND, "-c", str(self.settings.file)),
            *("--leash", str(leash)),
        ]
        if command is not None:
            words.append(f"--command={command}")
        environment = {
            "PATH": PATH,
            "LANG": "C.UTF-8",
            "HOME": "/",
            "PYTHONPATH": os.pathsep.join(modules()),
        }
        return Program(words, environment, self.settings.data)


class ConsoleRole:
    """Lets administrators in.

    Args (of the constructor):
        shared: Objects of the process.

    Raises:
        OperatorError: From the constructor: the host key cannot be used.
    """

    def __init__(self, shared: Shared) -> None:
        settings = self._settings = shared.settings
        self._key = host_key(shared.layout.host_key)
        self._authenticator = DirectoryAuthenticator(
            shared.book, parts.auth_settings(settings), shared.clock
        )
        chosen = ConsoleSettings(
            frozenset(settings.console_administrators), settings.ssh.passwords
        )
        self._server = ConsoleServer(
            ConsoleParts(
                self._key.private,
                Access(shared.book, shared.book.keyring, chosen),
                self._authenticator,
                PabalPrograms(settings),
                shared.clock,
            )
        )

    async def start(self, sockets: Mapping[str, Sequence[socket.socket]]) -> None:
        """Open every listener there is a socket for."""
        for sock in sockets.get("ssh", ()):
            await self._server.start(sock)
        log.info(
            "console",
            host_key=fingerprint(self._key.blob),
            administrators=len(self._settings.console_administrators),
        )
        await self._see_whether_it_works()

    async def stop(self) -> None:
        """End every session."""
        await self._server.stop()
        self._authenticator.close()

    async def _see_whether_it_works(self) -> None:
        """Say what would keep every command from working."""
        if not self._settings.console_administrators:
            log.warning(
                "nobody may log in to the console",
                fix="name administrators under [ssh] in pabal.toml",
            )
        if not os.access(sys.executable, os.X_OK):
            log.warning(
                "commands of the console cannot be started",
                file=sys.executable,
                fix="let the user pabal runs as use Python: not one in /root",
            )
        loaded = await asyncio.to_thread(load, self._settings.file)
        if not loaded.ok:
            log.warning(
                "commands of the console cannot read the configuration",
                file=str(self._settings.file),
                reason=loaded.problems[0].reason,
                fix="let the user pabal runs as read it, and the files it names",
            )
