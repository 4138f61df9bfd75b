"""What can only be done at the machine, and why: the console over SSH refuses it.

An administrator administers this server, not the files beside it: nothing that names a
file of the machine is taken from elsewhere, but for standard input (``-``). Asked where
words have become values already, so no spelling gets around it.
"""

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import IO, Final

import click
from typing_extensions import override

from pabal.base.errors import OperatorError

AT_THE_MACHINE: Final[Mapping[str, str]] = MappingProxyType(
    {
        "init": "it makes a new server",
        "serve": "it is the server",
        "lab": "it starts servers of its own",
        "console": "you are in it",
        "zone edit": "it starts an editor there",
        "zone import": "it reads a named.conf there, and what that names",
        "account export": "it writes files there",
    }
)
"""Commands that do not run over SSH."""

LIVE_SCHEMES: Final = ("imap://", "imaps://")
"""Sources of mail that are elsewhere, not at the machine."""

STANDARD_INPUT: Final = "-"


class AtTheMachineError(OperatorError):
    """What was typed can only be done at the machine."""


@dataclass(frozen=True, slots=True)
class Remote:
    """The commands are those of somebody elsewhere: the root context's object.

    Attributes:
        file: The configuration they are about.
    """

    file: Path


def remote_of(ctx: click.Context | None) -> Remote | None:
    """Return for whom a command is, ``None``: for somebody at the machine."""
    found = ctx.find_root().obj if ctx is not None else None
    return found if isinstance(found, Remote) else None


def is_allowed(ctx: click.Context, path: str) -> bool:
    """Return whether the command ``path`` may be given."""
    return remote_of(ctx) is None or path not in AT_THE_MACHINE


def expect_allowed(ctx: click.Context, path: str) -> None:
    """See whether the command ``path`` may be given.

    Raises:
        AtTheMachineError: It may not; says why.
    """
    if not is_allowed(ctx, path):
        raise AtTheMachineError(
            f"`pabal {path}` can only be typed at the machine: {AT_THE_MACHINE[path]}."
        )


def path_of(ctx: click.Context) -> str:
    """Return the command that is being read, without ``pabal``."""
    return " ".join(ctx.command_path.split()[1:])


def configured(
    ctx: click.Context, parameter: click.Parameter, value: Path | None
) -> Path | None:
    """Return where the configuration is (the callback of ``-c``).

    Raises:
        AtTheMachineError: Somebody elsewhere names one, or may not give this command.
    """
    del parameter
    remote = remote_of(ctx)
    if remote is None:
        return value
    expect_allowed(ctx, path_of(ctx))
    if value is not None:
        raise AtTheMachineError("Over SSH the configuration is this server's: no -c.")
    return remote.file


class LocalPath(click.Path):
    """A path at the machine, which somebody elsewhere cannot name."""

    @override
    def convert(
        self, value: object, param: click.Parameter | None, ctx: click.Context | None
    ) -> str | bytes | os.PathLike[str]:
        """Return the path."""
        _expect_no_file(value, ctx, is_input_taken=self.allow_dash)
        return super().convert(str(value), param, ctx)


class LocalFile(click.File):
    """A file at the machine; somebody elsewhere can only give standard input."""

    @override
    def convert(
        self,
        value: str | os.PathLike[str] | IO[str] | IO[bytes],
        param: click.Parameter | None,
        ctx: click.Context | None,
    ) -> IO[str] | IO[bytes]:
        """Return the open file."""
        _expect_no_file(value, ctx, is_input_taken=True)
        return super().convert(value, param, ctx)


def _expect_no_file(
    value: object, ctx: click.Context | None, *, is_input_taken: bool
) -> None:
    if ctx is not None:
        expect_allowed(ctx, path_of(ctx))
    is_input = is_input_taken and str(value) == STANDARD_INPUT
    if remote_of(ctx) is not None and not is_input:
        raise AtTheMachineError(
            f"{str(value)!r} would be a file at the machine.",
            "Over SSH only standard input can be read, where a command takes -",
        )


def expect_elsewhere(ctx: click.Context, parameter: click.Parameter, value: str) -> str:
    """Return where mail comes from (a callback).

    Raises:
        AtTheMachineError: Somebody elsewhere means files.
    """
    del parameter
    if remote_of(ctx) is not None and not value.startswith(LIVE_SCHEMES):
        raise AtTheMachineError(
            f"{value!r} would be files at the machine.",
            "Over SSH mail comes from imaps://user@host/",
        )
    return value
