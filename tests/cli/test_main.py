import click

from pabal.cli.main import build
from tests.cli.desk import pabal


def test_every_noun_of_the_contract_is_there() -> None:
    group = build()
    assert set(group.list_commands(click.Context(group))) == {
        *("init", "serve", "check", "domain", "account", "alias"),
        *("queue", "zone", "cache", "dig", "trace", "ssh", "console", "stats"),
    }


def test_every_command_is_in_its_module() -> None:
    group = build({"lab": "pabal.lab.command"})
    ctx = click.Context(group)
    for name in group.list_commands(ctx):
        command = group.get_command(ctx, name)
        assert command is not None
        assert command.name == name


def test_help_and_version() -> None:
    assert "Commands:" in pabal("-h").stdout
    version = pabal("--version")
    assert version.exit_code == 0
    assert version.stdout.startswith("pabal, version ")


def test_an_unknown_command_is_wrong_usage() -> None:
    found = pabal("frob")
    assert found.exit_code == 2
    assert "No such command" in found.stderr
