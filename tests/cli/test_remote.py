"""What somebody elsewhere may not do, whatever it is spelt like."""

from collections.abc import Iterator
from pathlib import Path

import click
import pytest
from click.testing import CliRunner, Result

from pabal.cli.main import build
from pabal.cli.remote import AT_THE_MACHINE, LocalFile, LocalPath, Remote
from pabal.lab.command import lab
from tests.cli.desk import Desk


def remotely(desk: Desk, *words: str, stdin: str = "") -> Result:
    remote = Remote(desk.directory / "pabal.toml")
    return CliRunner().invoke(build(), list(words), input=stdin, obj=remote)


def test_the_configuration_is_the_servers(desk: Desk) -> None:
    found = remotely(desk, "account", "list")
    assert found.exit_code == 0, found.output
    assert "alice@a.test" in found.output
    for option in ("-c", "--config"):
        found = remotely(desk, "account", "list", option, "/etc")
        assert found.exit_code == 2
        assert "no -c" in found.stderr


@pytest.mark.parametrize(
    "words",
    [
        ("init", "x", "--hostname", "a.test", "--domain", "a.test"),
        ("serve",),
        ("console", "--leash", "1", "-c", "."),
        ("zone", "edit", "a.test"),
        ("zone", "import", "-"),
        ("account", "export", "alice@a.test", "-"),
    ],
    ids=" ".join,
)
def test_what_is_done_at_the_machine(desk: Desk, words: tuple[str, ...]) -> None:
    found = remotely(desk, *words)
    assert found.exit_code == 2
    assert "can only be typed at the machine" in found.stderr


@pytest.mark.parametrize(
    "words",
    [
        ("check", "/etc/passwd"),
        ("check", "--", "-", "/etc/passwd"),
        ("account", "import", "alice@a.test", "/var/mail/root"),
        ("account", "import", "alice@a.test", "-"),
        (
            "account",
            "import",
            "alice@a.test",
            "imaps://u@h/",
            "--tls-trust",
            "/etc/passwd",
        ),
        (
            "account",
            "import",
            "alice@a.test",
            "imaps://u@h/",
            "--tls-trust=/etc/passwd",
        ),
        ("account", "key", "add", "alice@a.test", "/etc/passwd"),
        ("account", "load", "/etc/passwd"),
        ("zone", "dnssec", "a.test", "import", "/etc/passwd"),
    ],
    ids=" ".join,
)
def test_files_at_the_machine_are_not_read(desk: Desk, words: tuple[str, ...]) -> None:
    found = remotely(desk, *words)
    assert found.exit_code == 2
    assert "at the machine" in found.stderr


def leaves(
    command: click.Command, context: click.Context
) -> Iterator[tuple[str, click.Command]]:
    if not isinstance(command, click.Group):
        yield context.command_path, command
        return
    for name in command.list_commands(context):
        below = command.get_command(context, name)
        assert below is not None
        yield from leaves(below, click.Context(below, context, name))


def test_no_command_was_forgotten() -> None:
    root = build()
    root.add_command(lab)
    context = click.Context(root, info_name="pabal", **root.context_settings)
    found = dict(leaves(root, context))
    assert len(found) > 40
    for path, command in found.items():
        if path.removeprefix("pabal ") in AT_THE_MACHINE:
            continue
        for parameter in command.params:
            if isinstance(parameter.type, click.Path | click.File):
                assert (
                    isinstance(parameter.type, LocalPath | LocalFile)
                    or parameter.name == "directory"
                ), f"{path}: {parameter.name} can name a file: LocalPath"
        assert any(p.name == "directory" for p in command.params), (
            f"{path} has no -c, which refuses what must be refused"
        )


def test_at_the_machine_nothing_is_different(desk: Desk, tmp_path: Path) -> None:
    (tmp_path / "a.test.zone").write_text("nonsense\n")
    found = desk.run("check", str(tmp_path / "a.test.zone"))
    assert found.exit_code == 2
    assert "nonsense" in found.output
