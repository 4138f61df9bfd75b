"""Programs that the console starts in tests: small scripts in the place of pabal."""

import asyncio
import sys
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from pabal.ssh.ports import Program

SCRIPTS = {
    "": "print('the prompt', flush=True); input()",
    "echo": "import sys; sys.stdout.write(sys.stdin.read().upper())",
    "fail": "import sys; sys.stderr.write('no\\n'); sys.exit(7)",
    "die": "import os, signal; os.kill(os.getpid(), signal.SIGTERM)",
    "sleep": "import time; print('asleep', flush=True); time.sleep(60)",
    "stubborn": (
        "import signal, time; signal.signal(signal.SIGHUP, signal.SIG_IGN);"
        "print('asleep', flush=True); time.sleep(60)"
    ),
    "much": "import sys; sys.stdout.write('x' * 3_000_000)",
    "deaf": "import time; print('deaf', flush=True); time.sleep(60)",
    "environment": "import os; print(sorted(os.environ)); print(os.getcwd())",
    "size": (
        "import os, signal, sys; os.open(os.ttyname(0), os.O_RDWR);"
        "signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGWINCH]);"
        "print(*os.get_terminal_size(), flush=True);"
        "signal.sigwait([signal.SIGWINCH]);"
        "print(*os.get_terminal_size(), os.environ['TERM'], flush=True)"
    ),
    "tell": (
        "import socket, sys;"
        "socket.socket(fileno=int(sys.argv[1])).send('tölle'.encode())"
    ),
    "descriptors": "import os; print(len(os.listdir('/proc/self/fd')))",
}


@dataclass
class Scripts:
    """Implements ``Programs``; a command is the name of a script."""

    directory: Path = Path("/")
    asked: list[str | None] = field(default_factory=list)

    def program(self, command: str | None, leash: int) -> Program:
        self.asked.append(command)
        script = SCRIPTS[command or ""]
        words = [sys.executable, "-I", "-S", "-c", script, str(leash)]
        return Program(words, {"LANG": "C.UTF-8"}, self.directory)


async def until(holds: Callable[[], object]) -> None:
    """Wait, at most ten seconds, until something is so."""
    for _ in range(2_000):
        if holds():
            return
        await asyncio.sleep(0.005)
    raise AssertionError("not within ten seconds")


def descriptors() -> int:
    """Return how many files this process has open."""
    return sum(1 for _ in Path("/proc/self/fd").iterdir())
