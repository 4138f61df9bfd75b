"""The prompt of the console: history, Tab, and help for who does not know the words."""

import importlib
import sys
from collections.abc import Sequence
from types import ModuleType
from typing import Final, Protocol

import click
from click.shell_completion import ShellComplete

from pabal.app.office import administration
from pabal.base.errors import PabalError
from pabal.cli.remote import Remote
from pabal.config.load import load_or_raise

PROMPT: Final = "pabal> "
LEAVE: Final = frozenset({"exit", "quit", "logout"})
OWN_WORDS: Final = ("help", "exit")

HISTORY_MAX: Final = 500
"""Lines that the arrow keys find again, in this session."""

WELCOME: Final = (
    "pabal 파발. `help` lists the commands, Tab completes them, Ctrl-D leaves."
)


class Runner(Protocol):
    """Runs what is typed."""

    @property
    def root(self) -> click.Command:
        """Of all commands."""
        ...

    @property
    def remote(self) -> Remote:
        """For whom they run."""
        ...

    def run(self, line: str) -> int:
        """Run a command; return its exit code."""
        ...


def prompt(runner: Runner) -> int:
    """Take commands until somebody leaves; return the last exit code."""
    readline = _readline()
    if readline is not None:
        _set_up(readline, runner)
    click.echo(WELCOME)
    code = 0
    while True:
        try:
            line = input(_shown(PROMPT, readline)).strip()
        except EOFError:
            click.echo()
            return code
        except KeyboardInterrupt:
            click.echo()
            continue
        if line in LEAVE:
            return code
        if line:
            code = runner.run(line)


def completions(runner: Runner, line: str, word: str) -> list[str]:
    """Return what ``word``, the last of ``line``, can become.

    Args:
        line: All that stands before the end of the word.
    """
    before = line[: len(line) - len(word)].split()
    if before[:1] == ["help"]:
        before = before[1:]
    complete = ShellComplete(runner.root, {"obj": runner.remote}, "pabal", "")
    try:
        items = complete.get_completions(before, word)
    except (PabalError, click.ClickException):
        return []
    found = [item.value for item in items if item.type == "plain"]
    if not before:
        found += [own for own in OWN_WORDS if own.startswith(word)]
    elif not found and not word.startswith("-"):
        found = _names(runner, before, word)
    return sorted(found)


def _names(runner: Runner, before: Sequence[str], word: str) -> list[str]:
    """Return the accounts or domains that ``word`` can become, if one belongs there."""
    kind = _wanted(runner.root, before)
    if kind not in {"address", "domain", "name"}:
        return []
    with administration(load_or_raise(runner.remote.file)) as office:
        if kind == "address":
            names = [account.address for account in office.directory.accounts()]
        else:
            names = list(office.directory.domains())
    return [name for name in names if name.startswith(word)]


def _wanted(root: click.Command, words: Sequence[str]) -> str:
    """Return the name of the argument that comes after ``words``; empty: none."""
    command, path, given = root, "", 0
    # Contexts like those of a run: commands remember options they make for the first.
    context = click.Context(root, **root.context_settings)
    for word in words:
        if word.startswith("-"):
            continue
        below = None
        if isinstance(command, click.Group):
            below = command.get_command(context, word)
        if below is None:
            given += 1
        else:
            command, path, given = below, f"{path} {word}", 0
            context = click.Context(below, context, word)
    arguments = [p for p in command.params if isinstance(p, click.Argument)]
    if given >= len(arguments) or path == " dig":
        return ""
    return str(arguments[given].name)


def _set_up(readline: ModuleType, runner: Runner) -> None:
    found: list[str] = []

    def complete(word: str, state: int) -> str | None:
        if state == 0:
            line = readline.get_line_buffer()[: readline.get_endidx()]
            found[:] = completions(runner, line, word)
        return found[state] + " " if state < len(found) else None

    readline.set_completer(complete)
    readline.set_completer_delims(" \t")
    readline.set_history_length(HISTORY_MAX)
    readline.set_auto_history(True)
    for setting in _SETTINGS:
        readline.parse_and_bind(setting)


_SETTINGS: Final[Sequence[str]] = (
    "tab: complete",
    "set show-all-if-ambiguous on",
    "set bell-style none",
    # A pasted text is looked at before it runs.
    "set enable-bracketed-paste on",
)


def _readline() -> ModuleType | None:
    """Return GNU readline; ``None``: this Python has none, and lines are plain."""
    try:
        return importlib.import_module("readline")
    except ImportError:
        return None


def _shown(text: str, readline: ModuleType | None) -> str:
    """Return the prompt in bold, told apart from what takes room (readline's 1, 2)."""
    if readline is None or not sys.stdout.isatty():
        return text
    return f"\x01\x1b[1m\x02{text}\x01\x1b[0m\x02"
