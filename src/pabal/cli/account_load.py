"""``pabal account load``: many accounts at once.

Security: a line of the file holds a password, so no mistake is shown with more of its
line than the address.
"""

import itertools
import os
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Final, TextIO

import click

from pabal.app.office import administration
from pabal.base.errors import OperatorError
from pabal.cli import output
from pabal.cli.account_quota import messages_option, octets_option
from pabal.cli.options import config_option, json_option
from pabal.config.load import load_or_raise
from pabal.config.problem import Problem, Span
from pabal.directory.book import Book
from pabal.directory.credential import (
    Credential,
    PasswordError,
    make_credential,
    prepare_new,
)
from pabal.directory.ports import DirectoryError, Quota
from pabal.message.address import AddressError, Mailbox

BATCH: Final = 32
"""Accounts a transaction: what Ctrl-C loses, and half a second to a second of work."""

LINES_MAX: Final = 1_000_000
"""Longest list: more accounts than one machine serves."""

SHOWN_MAX: Final = 50
"""Mistakes shown; more say nothing new."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """An account that is to be made."""

    address: Mailbox
    password: str


class _List:
    """Reads a list, and says everything that is wrong with it."""

    def __init__(self, book: Book, file: str) -> None:
        self._book = book
        self._file = file
        self._met: dict[str, int] = {}
        self.wanted: list[Wanted] = []
        self.there = 0
        self.problems: list[Problem] = []

    def read(self, lines: Iterator[str]) -> None:
        """Take every line."""
        for number, line in enumerate(itertools.islice(lines, LINES_MAX), 1):
            fields = line.rstrip("\r\n").split(maxsplit=1)
            if fields and not fields[0].startswith("#"):
                self._take(number, line, fields)

    def _take(self, number: int, line: str, fields: Sequence[str]) -> None:
        text = fields[0]
        column = line.index(text) + 1
        span = Span(number, column, len(text))
        behind = Span(number, column + len(text))
        try:
            address = Mailbox.parse(text)
        except AddressError as error:
            self._wrong(span, line, f"{text!r}: {error}")
            return
        name = address.canonical
        first = self._met.setdefault(name, number)
        if first != number:
            self._wrong(span, line, f"{name} is in line {first} already")
        elif self._book.account_of(name) is not None:
            self.there += 1
        elif len(fields) == 1:
            hint = "ADDRESS PASSWORD, one account a line"
            self._wrong(behind, line, f"{name} has no password", hint)
        else:
            try:
                self._book.check_new_account(address)
                prepare_new(fields[1])
            except DirectoryError as error:
                self._wrong(span, line, str(error).removesuffix("."))
            except PasswordError as error:
                self._wrong(behind, line, str(error))
            else:
                self.wanted.append(Wanted(address, fields[1]))

    def _wrong(self, span: Span, line: str, reason: str, hint: str = "") -> None:
        # Not the rest of the line: that is a password.
        shown = line[: span.column + span.length - 1].rstrip("\r\n")
        self.problems.append(Problem(self._file, span, reason, hint, shown))


@click.command()
@click.argument("file", type=click.File("r", encoding="utf-8"))
@octets_option
@messages_option
@config_option
@json_option
def load(
    file: TextIO,
    octets: int | None,
    messages: int | None,
    directory: Path | None,
    *,
    as_json: bool,
) -> None:
    """Create the accounts in FILE: a line each, ADDRESS PASSWORD.

    FILE is - for standard input; lines that begin with # say nothing. Nothing is made
    if any line is wrong. Accounts that exist stay as they are, so a load that was
    stopped is run again.
    """
    settings = load_or_raise(directory)
    with administration(settings) as office:
        listed = _List(office.directory, file.name)
        try:
            listed.read(file)
        except UnicodeDecodeError as error:
            raise OperatorError(f"{file.name} is not UTF-8: {error.reason}.") from error
        if listed.problems:
            _refuse(listed.problems)
        quota = Quota(octets or 0, messages or 0)
        wanted = listed.wanted
        with output.progress("accounts", quiet=as_json) as tell:
            for done in _made(office.directory, wanted, quota):
                tell(done, len(wanted))
                office.rang()
    made = len(wanted)
    output.done(
        f"{made} account{'s' * (made != 1)} made, {listed.there} were there already.",
        as_json=as_json,
        facts={"made": made, "there": listed.there},
    )


def _made(book: Book, wanted: Sequence[Wanted], quota: Quota) -> Iterator[int]:
    """Make accounts; yield how many there are after each batch.

    A password's hash is slow by intention: every processor makes some.
    """

    def hashed(one: Wanted) -> tuple[Mailbox, Credential]:
        return one.address, make_credential(one.password, book.cost)

    with ThreadPoolExecutor(os.cpu_count() or 1) as pool:
        for start in range(0, len(wanted), BATCH):
            batch = wanted[start : start + BATCH]
            book.put_accounts(list(pool.map(hashed, batch)), quota)
            yield start + len(batch)


def _refuse(problems: Sequence[Problem]) -> None:
    for problem in problems[:SHOWN_MAX]:
        click.echo(problem.render(), err=True)
    count = len(problems)
    raise OperatorError(
        f"{count} mistake{'s' * (count > 1)}: no account was made.",
        "Mend the list and load it again.",
    )
