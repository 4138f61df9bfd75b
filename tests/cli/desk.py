"""The command line on a server's directory, without a process or a socket."""

import json
import shutil
from collections.abc import Mapping
from pathlib import Path

from click.testing import CliRunner, Result

from pabal.cli.main import build

PASSWORD = "corréct hörse 비밀"

Json = None | bool | int | float | str | list["Json"] | Mapping[str, "Json"]


def pabal(*arguments: str | Path, stdin: str = "") -> Result:
    return CliRunner().invoke(build(), [str(a) for a in arguments], input=stdin)


class Desk:
    """One directory with ``a.test`` hosted and ``alice@a.test``."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory

    def run(self, *arguments: str, stdin: str = "") -> Result:
        return pabal(*arguments, "-c", self.directory, stdin=stdin)

    def ok(self, *arguments: str, stdin: str = "") -> str:
        """Run a command that must succeed; return what it printed."""
        found = self.run(*arguments, stdin=stdin)
        assert found.exit_code == 0, found.output
        assert found.stderr == ""
        return found.stdout

    def json(self, *arguments: str, stdin: str = "") -> dict[str, Json]:
        """Run a command with --json; return its one value."""
        value = json.loads(self.run(*arguments, "--json", stdin=stdin).stdout)
        assert isinstance(value, dict)
        return value

    def first(self, key: str, *arguments: str) -> Mapping[str, Json]:
        """Return the first of the list under ``key`` of what --json prints."""
        found = self.json(*arguments)[key]
        assert isinstance(found, list)
        assert isinstance(found[0], dict)
        return found[0]

    def fails(self, code: int, *arguments: str, stdin: str = "") -> str:
        """Run a command that must fail with ``code``; return what it complained."""
        found = self.run(*arguments, stdin=stdin)
        assert found.exit_code == code, found.output
        assert found.exception is None or isinstance(found.exception, SystemExit)
        return found.stderr


def make(directory: Path) -> None:
    found = pabal(
        "init",
        directory,
        *("--hostname", "mail.a.test", "--domain", "a.test"),
        *("--account", "alice@a.test", "--password-stdin"),
        *("--address", "127.0.0.1", "--port-offset", "20000"),
        stdin=PASSWORD + "\n",
    )
    assert found.exit_code == 0, found.output


def copy(template: Path, directory: Path) -> Desk:
    shutil.copytree(template, directory)
    return Desk(directory)
