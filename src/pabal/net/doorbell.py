"""The doorbell: a datagram to every process of this server that something changed.

A hint, never the truth: a lost ring costs a second, because everybody looks anyway.
Each process has a socket in one directory; the directory is the list of processes.
Whoever rings often gathers its rings with ``pabal.net.ringer``.
"""

import asyncio
import contextlib
import os
import socket
from collections.abc import Callable, Collection, Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Final

from pabal.base.clock import Clock

SUBJECT_MAX_OCTETS: Final = 512
"""``account 17``, ``queue``, ``zone example.com``: short."""

PATH_MAX_OCTETS: Final = 100
"""Longest path of a socket (the kernel takes 107, unix(7))."""

LOOK_SECONDS: Final = 0.5
"""How long a list of the other processes is used: a new one looks by itself."""

RINGS_A_WAKE_MAX: Final = 256
"""Datagrams read before other work gets a turn."""


class UnixDoorbell:
    """Rings the other processes and hears their rings.

    Args (of the constructor):
        directory: Where the sockets are; must exist. The kernel allows 107 octets for
            a socket's path, so the sockets are reached through the directory's
            descriptor when that is longer.
        name: This process's own name there; up to its first ``-`` it is a role.
        clock: For how often the directory is read.
        audiences: First word of a subject → the roles that want to hear it; a subject
            that is not there is for everybody.

    Attributes:
        name: As given.
    """

    def __init__(
        self,
        directory: Path,
        name: str,
        clock: Clock,
        audiences: Mapping[str, Collection[str]] = MappingProxyType({}),
    ) -> None:
        self._directory = directory
        self._clock = clock
        self._look_at = 0.0
        self._audiences = audiences
        self._others: list[tuple[Path, str]] = []
        self.name = name
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self._socket.setblocking(False)  # noqa: FBT003 (no keyword form)
        path = directory / name
        path.unlink(missing_ok=True)
        self._descriptor = os.open(directory, os.O_RDONLY | os.O_DIRECTORY)
        self._socket.bind(self._reachable(path))

    def ring(self, subject: str) -> None:
        """Send ``subject`` to those who want to hear it; never blocks, never raises.

        Cost: a system call a process that hears it. After ``close`` it does nothing.
        """
        if self._socket.fileno() < 0:
            return
        octets = subject.encode()[:SUBJECT_MAX_OCTETS]
        roles = self._audiences.get(subject.partition(" ")[0])
        now = self._clock.monotonic()
        if now >= self._look_at:
            self._look_at = now + LOOK_SECONDS
            # No descriptor left, or no directory: those known of are rung.
            with contextlib.suppress(OSError):
                self._others = self._look()
        for path, reachable in self._others:
            if roles is not None and path.name.partition("-")[0] not in roles:
                continue
            try:
                self._socket.sendto(octets, reachable)
            except ConnectionRefusedError:
                # Whoever had it is dead and cannot have bound a new one there.
                with contextlib.suppress(OSError):
                    path.unlink()
            except OSError:
                # Full or gone: it will look by itself.
                continue

    def listen(self, heard: Callable[[str], None]) -> None:
        """Call ``heard`` on the running loop with every subject that comes."""

        def readable() -> None:
            for _ in range(RINGS_A_WAKE_MAX):
                try:
                    octets = self._socket.recv(SUBJECT_MAX_OCTETS)
                except OSError:
                    return
                heard(octets.decode("utf-8", "replace"))

        asyncio.get_running_loop().add_reader(self._socket.fileno(), readable)

    def close(self) -> None:
        """Hear and ring no more. Idempotent."""
        if self._socket.fileno() < 0:
            return
        with contextlib.suppress(RuntimeError):
            asyncio.get_running_loop().remove_reader(self._socket.fileno())
        self._socket.close()
        os.close(self._descriptor)
        (self._directory / self.name).unlink(missing_ok=True)

    def _look(self) -> list[tuple[Path, str]]:
        """Return the sockets of the other processes and how to reach them.

        Raises:
            OSError: The directory cannot be read now.
        """
        return [
            (path, self._reachable(path))
            for path in self._directory.iterdir()
            if path.name != self.name
        ]

    def _reachable(self, path: Path) -> str:
        """Return a name of ``path`` that fits into an address (unix(7): sun_path)."""
        if len(os.fsencode(path)) <= PATH_MAX_OCTETS:
            return str(path)
        return f"/proc/self/fd/{self._descriptor}/{path.name}"


class SilentDoorbell:
    """For a server of one process and for tools: there is nobody to tell."""

    def ring(self, subject: str) -> None:
        """Do nothing."""
        del subject
