import click
import pytest
from click.testing import CliRunner

from pabal.base.errors import (
    NotFoundError,
    OperatorError,
    PabalError,
    UnavailableError,
)
from pabal.cli.options import PabalGroup, read_password
from pabal.config.load import BadConfigurationError
from pabal.config.problem import Problem, Span


@pytest.mark.parametrize(
    ("error", "code", "text"),
    [
        (OperatorError("not so.", "Like this."), 2, "not so. Like this."),
        (NotFoundError("no such thing."), 1, "no such thing."),
        (UnavailableError("the disk is full"), 1, "the disk is full"),
        (PabalError("odd"), 1, "odd"),
        (
            BadConfigurationError((Problem("f", Span(1, 1), "wrong", "", "x"),)),
            2,
            "f:1:1: wrong",
        ),
    ],
)
def test_our_errors_are_a_message_and_an_exit_code(
    error: PabalError, code: int, text: str
) -> None:
    @click.group(cls=PabalGroup)
    def group() -> None:
        """Nothing."""

    @group.command()
    def fail() -> None:
        raise error

    found = CliRunner().invoke(group, ["fail"])
    assert found.exit_code == code
    assert text in found.stderr
    assert found.stdout == ""


def test_a_bug_is_not_swallowed() -> None:
    @click.group(cls=PabalGroup)
    def group() -> None:
        """Nothing."""

    @group.command()
    def fail() -> None:
        raise ZeroDivisionError

    assert isinstance(CliRunner().invoke(group, ["fail"]).exception, ZeroDivisionError)


def test_a_password_is_the_first_line() -> None:
    @click.command()
    def command() -> None:
        click.echo(repr(read_password(from_stdin=True, address="a@a.test")))

    found = CliRunner().invoke(command, input=" 비밀 번호 \r\nmore\n")
    assert found.stdout == repr(" 비밀 번호 ") + "\n"
