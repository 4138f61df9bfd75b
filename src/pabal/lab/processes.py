"""The lab's hosts as real processes: ``python -m pabal serve`` three times.

Only processes started here are ended here.
"""

import asyncio
import shutil
import sys
from asyncio.subprocess import PIPE, Process
from pathlib import Path
from typing import Final

from pabal.base.errors import OperatorError
from pabal.lab.world import Host, World

READY_SECONDS: Final = 30.0
"""How long a server may take to say ``ready``; a second is usual."""

STOP_SECONDS: Final = 15.0
"""How long a server may take to stop before it is killed."""


class Servers:
    """Every host of a world, running."""

    def __init__(self) -> None:
        self._running: list[tuple[Host, Process]] = []

    async def start(self, world: World) -> None:
        """Start every host and wait until each is ready.

        Raises:
            OperatorError: One did not start; with the last lines of its log.
        """
        for host in world.hosts:
            self._running.append((host, await _spawn(host)))
        await asyncio.gather(*(_ready(*pair) for pair in self._running))

    async def first_dead(self) -> Host:
        """Wait until a host ends by itself; return it."""
        waits = {
            asyncio.get_running_loop().create_task(process.wait()): host
            for host, process in self._running
        }
        try:
            done, _ = await asyncio.wait(waits, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for task in waits:
                task.cancel()
        return waits[done.pop()]

    async def stop(self) -> None:
        """Stop every host; kill one that does not listen."""
        for _, process in self._running:
            if process.returncode is None:
                process.terminate()
        for _, process in self._running:
            try:
                async with asyncio.timeout(STOP_SECONDS):
                    await process.wait()
            except TimeoutError:
                process.kill()
                await process.wait()
            if process.stdout:
                await process.stdout.read()  # to its end: then the pipe is closed
        self._running.clear()


def log_file(host: Host) -> Path:
    """Return where the log of ``host`` is."""
    return host.directory / "log"


def leash() -> list[str]:
    """Return what ends a host when the lab is killed, and cannot end it itself."""
    setpriv = shutil.which("setpriv")  # of util-linux: every Debian has it
    return [setpriv, "--pdeathsig", "TERM"] if setpriv else []


async def _spawn(host: Host) -> Process:
    with log_file(host).open("ab") as log:
        return await asyncio.create_subprocess_exec(
            *leash(),
            sys.executable,
            "-m",
            "pabal",
            "serve",
            "-c",
            str(host.directory),
            stdout=PIPE,
            stderr=log,
            # Ctrl-C on the terminal is for the lab, which stops its hosts in order.
            start_new_session=True,
        )


async def _ready(host: Host, process: Process) -> None:
    stdout = process.stdout
    if stdout is None:
        return
    try:
        async with asyncio.timeout(READY_SECONDS):
            line = await stdout.readline()
    except TimeoutError:
        line = b""
    if line.strip() != b"ready":
        tail = log_file(host).read_text(errors="replace").splitlines()[-5:]
        raise OperatorError(f"{host.label} did not start:\n" + "\n".join(tail))
