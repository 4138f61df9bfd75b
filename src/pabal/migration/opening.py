"""Finds out what kind of source a text names, and opens it."""

import contextlib
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from pabal.base.errors import OperatorError
from pabal.migration.imap_source import ImapAddress, open_imap, trusting
from pabal.migration.maildir import MaildirSource
from pabal.migration.ports import Source

SCHEMES: Final = ("imap://", "imaps://")


@dataclass(frozen=True, slots=True)
class Wanted:
    """What to open, and how.

    Attributes:
        text: A path, or ``imaps://user@host/``.
        password: Asks for the password of an address.
        trust: Certificates (PEM) to believe besides none; ``None``: the system's.
        uidls: How the server's POP3 unique-ids look: see ``ImapSource``.
    """

    text: str
    password: Callable[[str], str]
    trust: Path | None = None
    uidls: str = "auto"


@contextlib.asynccontextmanager
async def opened(wanted: Wanted) -> AsyncIterator[Source]:
    """Open a source; it is closed with the context.

    Raises:
        OperatorError: There is nothing of that kind.
        SourceError: It cannot be read.
    """
    if not wanted.text.startswith(SCHEMES):
        yield open_files(Path(wanted.text))
        return
    address = ImapAddress.parse(wanted.text)
    context = trusting(wanted.trust)
    password = wanted.password(f"{address.user} at {address.host}")
    source = await open_imap(address, password, context, wanted.uidls)
    try:
        yield source
    finally:
        source.close()


def open_files(path: Path) -> Source:
    """Return the messages in ``path``.

    Raises:
        OperatorError: It is nothing messages are in.
        SourceError: It cannot be read.
    """
    if not path.exists():
        raise OperatorError(
            f"there is no {path}.", "Name a Maildir, or imaps://user@host/."
        )
    return MaildirSource(path)
