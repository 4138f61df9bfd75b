"""The command ``pabal``: every noun in one group.

A command's module is imported when it is typed: ``pabal account list`` must not
pay for IMAP, half a second of imports.
"""

import gc
import importlib
from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

import click
from typing_extensions import override

from pabal.app.version import version
from pabal.base.errors import LocalProtocolError
from pabal.cli.options import PabalGroup
from pabal.cli.remote import expect_allowed, is_allowed

COMMANDS: Final[Mapping[str, str]] = MappingProxyType(
    {
        name: f"pabal.cli.{name}"
        for name in (
            "init",
            "serve",
            "check",
            "domain",
            "account",
            "alias",
            "queue",
            "zone",
            "dig",
            "cache",
            "stats",
            "trace",
            "ssh",
            "console",
        )
    }
)
"""Command → the module that has it under the same name."""


class Nouns(PabalGroup):
    """A group whose commands are found by name in modules."""

    modules: Mapping[str, str] = COMMANDS

    @override
    def list_commands(self, ctx: click.Context) -> list[str]:
        """Return the names in the order they are shown."""
        found = {*self.modules, *super().list_commands(ctx)}
        return sorted(name for name in found if is_allowed(ctx, name))

    @override
    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Return the command, importing its module; ``None`` if there is none."""
        expect_allowed(ctx, cmd_name)
        module = self.modules.get(cmd_name)
        if module is None:
            return super().get_command(ctx, cmd_name)
        # What is imported stays: to look for garbage in it costs a tenth of its time.
        gc.disable()
        try:
            command = getattr(importlib.import_module(module), cmd_name)
            gc.freeze()
        finally:
            gc.enable()
        if not isinstance(command, click.Command):
            raise LocalProtocolError(f"{module} has no command {cmd_name}")
        return command


def _say_version(ctx: click.Context, _option: click.Parameter, wanted: object) -> None:
    if wanted and not ctx.resilient_parsing:
        click.echo(f"pabal, version {version()}")
        ctx.exit()


def build(more: Mapping[str, str] = MappingProxyType({})) -> click.Group:
    """Return the command group.

    Args:
        more: Further commands and their modules: ``__main__`` adds the lab, which this
            package must not know.
    """

    @click.group(cls=Nouns, context_settings={"help_option_names": ["-h", "--help"]})
    @click.option(
        "--version",
        is_flag=True,
        is_eager=True,
        expose_value=False,
        callback=_say_version,
        help="Show the version and exit.",
    )
    def pabal() -> None:
        """Mail and names for a domain, in one program."""

    if isinstance(pabal, Nouns):
        pabal.modules = MappingProxyType({**COMMANDS, **more})
    return pabal
