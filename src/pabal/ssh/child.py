"""A program that runs for somebody on the console: started, fed, heard, ended.

Each command is a process of its own, so whatever it does, no connection of the server
waits for it; only what it says passes through here, as fast as the client reads.

Security: it gets an environment of our making, no descriptor but its own, and does not
outlive the connection: it is told to hang up, and killed if it does not.
"""

import asyncio
import contextlib
import os
import signal
import socket
import subprocess
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final, Protocol

from pabal.base.log import Log
from pabal.ssh.ports import Programs
from pabal.ssh.terminal import Terminal, opened, resize

PIECE_OCTETS: Final = 32_768
"""Read at once: half of what a pipe holds."""

INPUT_MAX_OCTETS: Final = 262_144
"""What waits for a program that does not read, before its client is not read."""

TOLD_MAX_OCTETS: Final = 2_048
"""Longest line a program tells of what was typed."""

KILL_SECONDS: Final = 3.0
"""Between asking a program to end and ending it."""

SIGNALS: Final = frozenset({"HUP", "INT", "QUIT", "TERM"})
"""What a client may send (RFC 4254 §6.9); KILL comes by hanging up."""

log = Log("ssh")


class Audience(Protocol):
    """Who hears a program."""

    def said(self, data: bytes, *, error: bool) -> None:
        """Take what it printed."""
        ...

    def typed(self, line: str) -> None:
        """Take note of a command it was given."""
        ...

    def ended(self, code: int) -> None:
        """Take its exit code: all it printed was heard. Negative: the signal."""
        ...


@dataclass(frozen=True, slots=True)
class Started:
    """A process and our ends of what it is bound to.

    Attributes:
        stdin: Where it reads; the same as ``outputs`` for a terminal.
        outputs: Where it writes: standard output, standard error if it is apart.
    """

    process: subprocess.Popen[bytes]
    stdin: int
    outputs: tuple[int, ...]
    leash: socket.socket
    has_terminal: bool


def start(
    programs: Programs, command: str | None, terminal: Terminal | None
) -> Started:
    """Start what runs ``command``. Takes milliseconds: call it from a thread.

    Raises:
        OSError: No process, descriptor or terminal is left.
    """
    with contextlib.ExitStack() as theirs, contextlib.ExitStack() as ours:
        leash, end = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        ours.callback(leash.close)
        theirs.callback(end.close)
        if terminal is not None:
            mine, other = opened(terminal)
            ends, streams = [mine, mine], (other, other, other)
            made = ([mine], [other])
        else:
            (in_, stdin), (stdout, out), (stderr, err) = (
                os.pipe2(os.O_CLOEXEC) for _ in range(3)
            )
            ends, streams = [stdin, stdout, stderr], (in_, out, err)
            made = (ends, [in_, out, err])
        for stack, descriptors in zip((ours, theirs), made, strict=True):
            for descriptor in descriptors:
                stack.callback(os.close, descriptor)
        program = programs.program(command, end.fileno())
        environment = dict(program.environment)
        if terminal is not None:
            environment["TERM"] = terminal.kind
        process = subprocess.Popen(  # noqa: S603 (our own program, no shell)
            list(program.words),
            stdin=streams[0],
            stdout=streams[1],
            stderr=streams[2],
            env=environment,
            cwd=program.directory,
            pass_fds=(end.fileno(),),
            start_new_session=True,
        )
        ours.pop_all()
    for descriptor in {*ends, leash.fileno()}:
        os.set_blocking(descriptor, False)
    return Started(process, ends[0], tuple(ends[1:]), leash, terminal is not None)


class Child:
    """A running program; made on the event loop.

    Args (of the constructor):
        started: From ``start``.
        audience: Who hears it.
        gone: Called once when the process has ended, whoever still listens.

    Attributes:
        on_room: Called once when it has read all it was given.
    """

    def __init__(
        self, started: Started, audience: Audience, gone: Callable[[], None]
    ) -> None:
        self._process = started.process
        self._stdin = started.stdin
        self._has_terminal = started.has_terminal
        self._leash = started.leash
        self._audience: Audience | None = audience
        self._gone = gone
        self._loop = asyncio.get_running_loop()
        self._outputs = {fd: n > 0 for n, fd in enumerate(started.outputs)}
        self._waiting = bytearray()
        self._input_ends = False
        self.on_room: Callable[[], None] | None = None
        self._pidfd = os.pidfd_open(self._process.pid)
        self._loop.add_reader(self._pidfd, self._exited)
        self._loop.add_reader(self._leash, self._told)
        self.resume()

    @property
    def is_running(self) -> bool:
        """Whether the process has not ended yet."""
        return self._pidfd >= 0

    def feed(self, data: bytes) -> bool:
        """Give it ``data`` to read; return whether it takes more for now."""
        if self._stdin < 0 or self._input_ends:
            return True
        self._waiting += data
        self._write()
        return len(self._waiting) <= INPUT_MAX_OCTETS

    def end_input(self) -> None:
        """Let it read to the end; a terminal has none."""
        if not self._has_terminal:
            self._input_ends = True
            self._write()

    def pause(self) -> None:
        """Hear no more until ``resume``: the client does not read."""
        for descriptor in self._outputs:
            self._loop.remove_reader(descriptor)

    def resume(self) -> None:
        """Hear it."""
        for descriptor, error in self._outputs.items():
            self._loop.add_reader(descriptor, self._hear, descriptor, error)

    def resize(self, columns: int, rows: int) -> None:
        """Tell it how large its terminal is now."""
        if self._has_terminal and self._stdin >= 0:
            resize(self._stdin, columns, rows)

    def send_signal(self, name: str) -> None:
        """Send it a signal by its name, if a client may send that."""
        if name in SIGNALS:
            self._kill(getattr(signal, f"SIG{name}"))

    def hang_up(self) -> None:
        """Nobody listens any more: it is to end, soon."""
        self._audience = None
        self._close()
        if self.is_running:
            self._kill(signal.SIGHUP)
            self._loop.call_later(KILL_SECONDS, self._kill, signal.SIGKILL)

    def _kill(self, number: int) -> None:
        if self.is_running:
            # A group of its own: what it started ends too.
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.killpg(self._process.pid, number)

    def _write(self) -> None:
        if self._stdin < 0:
            return
        try:
            while self._waiting:
                done = os.write(self._stdin, self._waiting[:PIECE_OCTETS])
                del self._waiting[:done]
        except BlockingIOError:
            self._loop.add_writer(self._stdin, self._write)
            return
        except OSError:
            self._waiting.clear()  # it reads no more
            self._input_ends = True
        self._loop.remove_writer(self._stdin)
        if self.on_room is not None:
            on_room, self.on_room = self.on_room, None
            on_room()
        if self._input_ends and not self._has_terminal:
            os.close(self._stdin)
            self._stdin = -1

    def _hear(self, descriptor: int, error: bool) -> None:  # noqa: FBT001 (a callback)
        try:
            data = os.read(descriptor, PIECE_OCTETS)
        except BlockingIOError:
            return
        except OSError:
            data = b""  # EIO: a terminal nobody has open any more
        if data and self._audience is not None:
            self._audience.said(data, error=error)
            return
        self._loop.remove_reader(descriptor)
        del self._outputs[descriptor]
        if descriptor != self._stdin:
            os.close(descriptor)
        self._conclude()

    def _told(self) -> None:
        with contextlib.suppress(BlockingIOError, ConnectionError):
            while line := self._leash.recv(TOLD_MAX_OCTETS):
                if self._audience is not None:
                    self._audience.typed(line.decode("utf-8", "replace"))
            self._loop.remove_reader(self._leash)

    def _exited(self) -> None:
        if self._process.poll() is None:
            return
        self._loop.remove_reader(self._pidfd)
        os.close(self._pidfd)
        self._pidfd = -1
        self._gone()
        self._conclude()

    def _conclude(self) -> None:
        if self.is_running or self._outputs or self._audience is None:
            return
        self._told()  # what it told last
        audience, self._audience = self._audience, None
        self._close()
        audience.ended(self._process.returncode)

    def _close(self) -> None:
        """Let go of our ends, once; its own are its own."""
        if self._leash.fileno() < 0:
            return
        for descriptor in self._outputs:
            self._loop.remove_reader(descriptor)
        self._loop.remove_reader(self._leash)
        if self._stdin >= 0:
            self._loop.remove_writer(self._stdin)
        for descriptor in {*self._outputs, self._stdin} - {-1}:
            os.close(descriptor)
        self._outputs.clear()
        self._stdin = -1
        self._leash.close()
