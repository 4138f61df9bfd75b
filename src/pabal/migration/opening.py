"""Finds out what kind of source a text names, and opens it."""

import contextlib
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from pabal.base.errors import OperatorError
from pabal.migration.imap_source import ImapAddress, open_imap, trusting
from pabal.migration.maildir import MaildirSource
from pabal.migration.mbox import MboxSource, is_mbox
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
        mbox: What kind of mbox: see ``MboxSource``.
    """

    text: str
    password: Callable[[str], str]
    trust: Path | None = None
    uidls: str = "auto"
    mbox: str = "auto"


@contextlib.asynccontextmanager
async def opened(wanted: Wanted) -> AsyncIterator[Source]:
    """Open a source; it is closed with the context.

    Raises:
        OperatorError: There is nothing of that kind.
        SourceError: It cannot be read.
    """
    if not wanted.text.startswith(SCHEMES):
        yield open_files(Path(wanted.text), wanted.mbox)
        return
    address = ImapAddress.parse(wanted.text)
    context = trusting(wanted.trust)
    password = wanted.password(f"{address.user} at {address.host}")
    source = await open_imap(address, password, context, wanted.uidls)
    try:
        yield source
    finally:
        source.close()


def open_files(path: Path, mbox: str = "auto") -> Source:
    """Return the messages in ``path``.

    Args:
        path: A Maildir, an mbox, a directory with mbox files.
        mbox: See ``MboxSource``.

    Raises:
        OperatorError: It is nothing messages are in.
        SourceError: It cannot be read.
    """
    if not path.exists():
        raise OperatorError(
            f"there is no {path}.", "Name a Maildir, an mbox, or imaps://user@host/."
        )
    if path.is_dir() and not _has_mbox(path):
        return MaildirSource(path)
    return MboxSource(path, mbox)


def _has_mbox(path: Path) -> bool:
    """Return whether a directory has mbox files in it, and is no Maildir."""
    if (path / "cur").is_dir() or any(path.glob(".*/cur")):
        return False
    return any(is_mbox(file) for file in path.rglob("*") if file.is_file())
