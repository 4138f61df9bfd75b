"""One session of a connection: a command, or the prompt, and the program that runs it.

Security: what starts is our own program and never a shell; environment variables,
subsystems (SFTP), agents and windows of a client are not taken (RFC 4254 §6).
"""

import asyncio
import contextlib
import re
from collections.abc import Callable, Mapping
from typing import Final, Protocol

import asyncssh
from typing_extensions import override

from pabal.base.limits import Concurrency
from pabal.base.log import Log
from pabal.base.tasks import Tasks
from pabal.ssh.access import Visitor
from pabal.ssh.child import Child, start
from pabal.ssh.ports import Programs
from pabal.ssh.terminal import Terminal, described

PROGRAMS_MAX: Final = 16
"""Running at once: each is a process of some 60 MB."""

PROGRAMS_AN_ACCOUNT_MAX: Final = 6
"""Running at once for one administrator: some windows, and a script."""

RUN_SECONDS_MAX: Final = 4 * 3_600.0
"""Longest a command runs: what takes longer (moving a huge mailbox) goes on where it
was when it is typed again."""

COMMAND_MAX_CHARACTERS: Final = 8_192
"""Longest command."""

START_SECONDS_MAX: Final = 5.0
"""For a process to be started, on a machine that is busy with other things."""

STOP_SECONDS: Final = 1.0
"""For programs to end when the server does; what is left ends with its leash."""

LOGGED_MAX_CHARACTERS: Final = 300
"""So much of a command is logged."""

EXIT_UNAVAILABLE: Final = 1
EXIT_SIGNALLED: Final = 128
"""Added to a signal's number, as shells do."""

_PASSWORD_IN_URL: Final = re.compile(r"(?<=://)([^\s/@:]*):[^\s/]*@")

log = Log("ssh")


class Visit(Protocol):
    """The connection a session belongs to."""

    @property
    def client(self) -> str:
        """Where it comes from."""
        ...

    def touch(self) -> None:
        """Take note that something happened."""
        ...


class Workshop:
    """Every program that runs for the console.

    Args (of the constructor):
        programs: How commands are run here.
    """

    def __init__(self, programs: Programs) -> None:
        self.programs = programs
        self.count = Concurrency(PROGRAMS_AN_ACCOUNT_MAX, PROGRAMS_MAX)
        self.tasks = Tasks()
        self.children: set[Child] = set()
        self._left = asyncio.Event()

    def leave(self, child: Child | None, account: str) -> None:
        """Take note that a program ended."""
        self.count.leave(account)
        if child is not None:
            self.children.discard(child)
        self._left.set()

    async def stop(self) -> None:
        """End every program."""
        # One that is being started cannot be left half-way: it takes milliseconds.
        await self.tasks.wait(START_SECONDS_MAX)
        for child in tuple(self.children):
            child.hang_up()
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(STOP_SECONDS):
                while self.children:
                    self._left.clear()
                    await self._left.wait()


class Session(asyncssh.SSHServerSession[bytes]):
    """Runs what one channel asks for.

    Args (of the constructor):
        workshop: Where programs run.
        visitor: For whom.
        visit: The connection.
    """

    def __init__(self, workshop: Workshop, visitor: Visitor, visit: Visit) -> None:
        self._workshop = workshop
        self._visitor = visitor
        self._visit = visit
        self._channel: asyncssh.SSHServerChannel[bytes] | None = None
        self._terminal: Terminal | None = None
        self._command: str | None = None
        self._child: Child | None = None
        self._early: list[Callable[[Child], object]] = []
        self._timer: asyncio.TimerHandle | None = None

    @override
    def connection_made(self, chan: asyncssh.SSHServerChannel[bytes]) -> None:
        self._channel = chan

    @override
    def pty_requested(
        self,
        term_type: str,
        term_size: tuple[int, int, int, int],
        term_modes: Mapping[int, int],
    ) -> bool:
        self._terminal = described(term_type, *term_size[:2])
        return True

    @override
    def shell_requested(self) -> bool:
        return True

    @override
    def exec_requested(self, command: str) -> bool:
        self._command = command
        return len(command) <= COMMAND_MAX_CHARACTERS and "\0" not in command

    @override
    def subsystem_requested(self, subsystem: str) -> bool:
        self._note("subsystem refused", subsystem=subsystem[:40])
        return False

    @override
    def session_started(self) -> None:
        self._workshop.tasks.start(self._run(), "console session")

    @override
    def data_received(self, data: bytes, datatype: int | None) -> None:
        del datatype
        self._visit.touch()
        self._to_child(lambda child: self._fed(more=child.feed(data)))

    @override
    def eof_received(self) -> bool:
        self._to_child(Child.end_input)
        return True  # we go on talking

    @override
    def terminal_size_changed(
        self, width: int, height: int, pixwidth: int, pixheight: int
    ) -> None:
        size = described("", width, height)
        self._to_child(lambda child: child.resize(size.columns, size.rows))

    @override
    def signal_received(self, signal: str) -> None:
        self._to_child(lambda child: child.send_signal(signal))

    @override
    def break_received(self, msec: int) -> bool:
        self.signal_received("INT")
        return True

    @override
    def pause_writing(self) -> None:
        if self._child is not None:
            self._child.pause()

    @override
    def resume_writing(self) -> None:
        if self._child is not None:
            self._child.resume()

    @override
    def connection_lost(self, exc: Exception | None) -> None:
        self._channel = None
        if self._timer is not None:
            self._timer.cancel()
        if self._child is not None:
            self._child.hang_up()

    def said(self, data: bytes, *, error: bool) -> None:
        """Pass on what the program printed."""
        if self._channel is None:
            return
        self._visit.touch()
        with contextlib.suppress(BrokenPipeError):  # the client has just closed it
            if error:
                self._channel.write_stderr(data)
            else:
                self._channel.write(data)

    def typed(self, line: str) -> None:
        """Log a command."""
        self._note("command", command=loggable(line))

    def ended(self, code: int) -> None:
        """Tell the client, and close."""
        if self._channel is not None and not self._channel.is_closing():
            self._channel.exit(code if code >= 0 else EXIT_SIGNALLED - code)

    async def _run(self) -> None:
        name = self._visitor.account.address
        if not self._workshop.count.enter(name):
            self._note("too many programs")
            self._refuse("too many commands run at once; try again when one ended.")
            return
        try:
            started = await asyncio.to_thread(
                start, self._workshop.programs, self._command, self._terminal
            )
        except OSError as error:
            self._workshop.count.leave(name)
            log.warning("cannot start a command", reason=str(error))
            self._refuse("the server cannot start a command now.")
            return
        child = Child(started, self, self._gone)
        self._workshop.children.add(child)
        self._child = child
        if self._channel is None:  # gone meanwhile
            child.hang_up()
            return
        loop = asyncio.get_running_loop()
        self._timer = loop.call_later(RUN_SECONDS_MAX, self._too_long)
        for late in self._early:
            late(child)
        self._early.clear()

    def _gone(self) -> None:
        self._workshop.leave(self._child, self._visitor.account.address)

    def _too_long(self) -> None:
        self._note("command ran too long")
        if self._child is not None:
            self._child.hang_up()
        self._refuse("this ran for hours and was ended.")

    def _to_child(self, work: Callable[[Child], object]) -> None:
        if self._child is not None:
            work(self._child)
        else:
            self._early.append(work)

    def _fed(self, *, more: bool) -> None:
        if more or self._channel is None or self._child is None:
            return
        self._channel.pause_reading()
        self._child.on_room = self._channel.resume_reading

    def _refuse(self, why: str) -> None:
        if self._channel is not None and not self._channel.is_closing():
            self._channel.write_stderr(f"pabal: {why}\r\n".encode())
            self._channel.exit(EXIT_UNAVAILABLE)

    def _note(self, event: str, **facts: str) -> None:
        account, client = self._visitor.account.address, self._visit.client
        log.info(event, account=account, client=client, **facts)


def loggable(line: str) -> str:
    """Return a command as it may be logged: without passwords in URLs."""
    return _PASSWORD_IN_URL.sub(r"\1:…@", line)[:LOGGED_MAX_CHARACTERS]
