"""Options that many commands share, and how errors end a command."""

import sys
from collections.abc import Callable
from pathlib import Path
from typing import Final, ParamSpec, TypeVar

import click
import dns.exception
import dns.name
from typing_extensions import override

from pabal.base.errors import (
    NotFoundError,
    OperatorError,
    PabalError,
    StorageFullError,
)
from pabal.cli.remote import configured
from pabal.config.load import BadConfigurationError

P = ParamSpec("P")
R = TypeVar("R")

EXIT_FAILED: Final = 1
EXIT_USAGE: Final = 2


def config_option(command: Callable[P, R]) -> Callable[P, R]:
    """Add ``-c DIR``."""
    return click.option(
        "-c",
        "--config",
        "directory",
        type=click.Path(path_type=Path),
        callback=configured,
        help="Directory with pabal.toml (default: here, then /etc/pabal).",
    )(command)


def json_option(command: Callable[P, R]) -> Callable[P, R]:
    """Add ``--json``."""
    return click.option(
        "--json", "as_json", is_flag=True, help="Print JSON for programs."
    )(command)


def password_option(command: Callable[P, R]) -> Callable[P, R]:
    """Add ``--password-stdin``."""
    return click.option(
        "--password-stdin",
        is_flag=True,
        help="Read the password from standard input instead of asking.",
    )(command)


def read_password(*, from_stdin: bool, address: str, confirm: bool = True) -> str:
    """Return a password: the first line of standard input, or what was typed.

    Args:
        from_stdin: Do not ask.
        address: Whose it is.
        confirm: Ask twice: it is a new one.

    Raises:
        OperatorError: It is empty, or nobody is there to ask.
    """
    if from_stdin:
        password = sys.stdin.readline().rstrip("\r\n")
    elif not sys.stdin.isatty():
        raise OperatorError(
            "nobody is there to type a password.",
            "Pipe it in: printf '%s\\n' \"$PASSWORD\" | pabal … --password-stdin",
        )
    else:
        password = click.prompt(
            f"Password for {address}", hide_input=True, confirmation_prompt=confirm
        )
    if not password:
        raise OperatorError("the password is empty.")
    return password


def absolute_name(text: str) -> dns.name.Name:
    """Return the absolute name ``text`` means, dot at the end or not.

    Raises:
        OperatorError: It is none.
    """
    try:
        return dns.name.from_text(text)
    except (dns.exception.DNSException, UnicodeError) as error:
        reason = str(error).rstrip(".")
        raise OperatorError(f"{text!r} is not a name: {reason}.") from error


class PabalGroup(click.Group):
    """Turns our errors into one clear message and the right exit code."""

    @override
    def invoke(self, ctx: click.Context) -> object:
        """Run the command; 1: it failed, 2: wrong usage or configuration.

        What is named and not there (a message, an alias, a zone) is a failure: the
        same words would have worked a minute ago.
        """
        try:
            return super().invoke(ctx)
        except BadConfigurationError as error:
            click.echo(error.render(), err=True)
            ctx.exit(EXIT_USAGE)
        except NotFoundError as error:
            click.echo(f"pabal: {error}", err=True)
            ctx.exit(EXIT_FAILED)
        except OperatorError as error:
            click.echo(f"pabal: {error}", err=True)
            ctx.exit(EXIT_USAGE)
        except StorageFullError as error:
            click.echo(f"pabal: {error}. Make room on the disk of `data`.", err=True)
            ctx.exit(EXIT_FAILED)
        except PabalError as error:
            click.echo(f"pabal: {error}", err=True)
            ctx.exit(EXIT_FAILED)
