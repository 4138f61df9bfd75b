"""Finds out what kind of source a text names."""

from pathlib import Path

from pabal.base.errors import OperatorError
from pabal.migration.maildir import MaildirSource
from pabal.migration.ports import Source


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
