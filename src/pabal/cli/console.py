"""``pabal console``: what the SSH service starts for each session.

A command that was given is run, and its exit code is this process's; without one a
prompt takes commands, or, where nobody types, the lines of standard input.

Security: whoever is served is at the other end of a network: ``pabal.cli.remote`` says
what they may not do. The process ends with the connection, and at once with the server.
"""

import os
import shlex
import signal
import socket
import sys
import threading
import traceback
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import click

from pabal.cli.options import EXIT_FAILED, EXIT_USAGE
from pabal.cli.prompt import prompt
from pabal.cli.remote import Remote

NICE: Final = 5
"""Mail and names go first."""

TOLD_MAX_OCTETS: Final = 1_000
"""So much of a command the server is told, for its log."""

PROGRAM: Final = "pabal"
INTERRUPTED: Final = 130
"""Exit code of a command that Ctrl-C ended, as in shells."""


@click.command(hidden=True)
@click.option(
    "-c",
    "--config",
    "file",
    # One that cannot be read is told of as every mistake of it is.
    type=click.Path(path_type=Path, readable=False),
    required=True,
)
@click.option("--leash", type=int, required=True)
@click.option("--command")
@click.pass_context
def console(ctx: click.Context, file: Path, leash: int, command: str | None) -> None:
    """Be one session of the console over SSH."""
    os.nice(NICE)
    heed_signals()
    take_the_terminal()
    with socket.socket(fileno=leash) as bound:
        bound.setblocking(True)  # noqa: FBT003 (no keyword form)
        _watch(bound)
        desk = Desk(ctx.find_root().command, Remote(file), _teller(bound))
        if command is not None:
            code = desk.run(command)
        elif sys.stdin.isatty():
            code = prompt(desk)
        else:
            code = _lines(desk)
        sys.stdout.flush()
    ctx.exit(code)


@dataclass(frozen=True, slots=True)
class Desk:
    """Runs what is typed.

    Attributes:
        root: Of all commands.
        remote: For whom.
        tell: Told each command.
    """

    root: click.Command
    remote: Remote
    tell: Callable[[str], None]

    def run(self, line: str) -> int:
        """Run a command; return its exit code."""
        try:
            words = words_of(line)
        except ValueError as error:
            click.echo(f"pabal: {error} in {line[:80]!r}.", err=True)
            return EXIT_USAGE
        if not words:
            return 0
        self.tell(line)
        return self.do(words)

    def do(self, words: Sequence[str]) -> int:
        """Run a command whose words are known; return its exit code."""
        if words[0] == "help":
            words = [*words[1:], "--help"]
        code: object = 0
        try:
            self.root.main(list(words), prog_name=PROGRAM, obj=self.remote)
        except SystemExit as ended:
            code = ended.code
        except KeyboardInterrupt:
            code = INTERRUPTED
        except Exception:  # noqa: BLE001 (a bug costs one command, not the session)
            traceback.print_exc()
            code = EXIT_FAILED
        return code if isinstance(code, int) else int(bool(code))


def words_of(line: str) -> list[str]:
    """Return the words of a line, quoted as in a shell; a leading ``pabal`` aside.

    Raises:
        ValueError: A quotation does not end, or a character cannot be in a word.
    """
    if "\0" in line:
        raise ValueError("there is a NUL")
    words = shlex.split(line)
    return words[1:] if words[:1] == [PROGRAM] else words


def take_the_terminal() -> None:
    """Make the terminal that we were given ours, so that Ctrl-C comes to us.

    We lead a session without one: the first that is opened becomes its terminal.
    """
    if sys.stdin.isatty():
        os.close(os.open(os.ttyname(sys.stdin.fileno()), os.O_RDWR))


def heed_signals() -> None:
    """Take signals as a program does, whatever the server was told to ignore.

    One that was started with nohup, or in the background of a shell, passes that on.
    """
    signal.signal(signal.SIGINT, signal.default_int_handler)
    for number in (signal.SIGHUP, signal.SIGTERM, signal.SIGQUIT):
        signal.signal(number, signal.SIG_DFL)


def _lines(desk: Desk) -> int:
    """Run each line of standard input; return the first exit code that is not 0."""
    failed = 0
    for line in sys.stdin:
        if line.strip() and not line.lstrip().startswith("#"):
            code = desk.run(line)
            failed = failed or code
    return failed


def _teller(bound: socket.socket) -> Callable[[str], None]:
    def tell(line: str) -> None:
        octets = line.strip().encode("utf-8", "replace")[:TOLD_MAX_OCTETS]
        if octets:
            bound.send(octets)

    return tell


def _watch(bound: socket.socket) -> None:
    """Watch the leash on a thread that Ctrl-C does not reach."""
    mask = signal.pthread_sigmask(signal.SIG_BLOCK, signal.valid_signals())
    try:
        threading.Thread(target=_end_with, args=(bound,), daemon=True).start()
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, mask)


def _end_with(bound: socket.socket) -> None:
    """End this process when the server's end of the leash is gone."""
    try:
        bound.recv(1)
    except OSError:
        return  # our own end was closed: we are ending
    os._exit(1)
