"""Writes a Maildir as Dovecot would have it, folders and UIDs included.

Each file has LF line ends, unless that could not be undone (a message with both kinds
of line ends): then it is as it is, and its name says so: S and W are the same.
"""

import hashlib
import os
from pathlib import Path
from typing import Final

from pabal.base.errors import OperatorError
from pabal.imap.wire import mailbox_name
from pabal.migration.maildir_files import (
    EXTRA_KEYWORDS,
    KEYWORD_LETTERS,
    letters_for,
)
from pabal.migration.targets import Outgoing, OutgoingFolder
from pabal.migration.writing import disk, lf_size, write_lf
from pabal.store.ports import INBOX

PARTS: Final = ("cur", "new", "tmp")


class MaildirTarget:
    """A Maildir++: INBOX in the directory, ``.Name.Below`` in it.

    Raises:
        OperatorError: From the constructor: the directory is not empty.
    """

    def __init__(self, directory: Path) -> None:
        self._directory = directory
        self._subscribed: list[bytes] = []
        need_empty(directory)

    def open(self, folder: OutgoingFolder) -> "MaildirSink":
        """Begin a folder."""
        if folder.levels == (INBOX,):
            path = self._directory
        else:
            name = b"".join(b"." + _level(level) for level in folder.levels)
            path = self._directory / os.fsdecode(name)
        if folder.subscribed:
            self._subscribed.append(b"\t".join(map(_level, folder.levels)))
        with disk(path):
            for part in PARTS:
                (path / part).mkdir(parents=True, exist_ok=True)
        return MaildirSink(path, folder)

    def close(self) -> None:
        """Write subscriptions, and wait until all is on disk."""
        with disk(self._directory):
            lines = [b"V\t2", b"", *sorted(self._subscribed), b""]
            (self._directory / "subscriptions").write_bytes(b"\n".join(lines))
            os.sync()


class MaildirSink:
    """One folder."""

    def __init__(self, path: Path, folder: OutgoingFolder) -> None:
        self._path = path
        self._folder = folder
        self._keywords = folder.keywords[: len(KEYWORD_LETTERS)]
        digest = f"{path.name}\0{folder.uid_validity}".encode("utf-8", "replace")
        guid = hashlib.blake2b(digest, digest_size=16).hexdigest()
        with disk(path):
            self._uids = (path / "dovecot-uidlist").open("wb")
        self._uids.write(
            f"3 V{folder.uid_validity} N{folder.uid_next} G{guid}\n".encode()
        )
        self._extra: list[str] = []

    def put(self, message: Outgoing) -> None:
        """Write a message into ``cur``."""
        size, as_it_is = lf_size(message.spool)
        seconds, fraction = divmod(int(message.received_at * 1_000_000), 1_000_000)
        base = (
            f"{seconds}.M{fraction}V{self._folder.uid_validity}U{message.uid}.pabal"
            f",S={size},W={message.spool.size}"
        )
        letters = letters_for(message.flags, self._keywords)
        path = self._path / "cur" / f"{base}:2,{letters}"
        with disk(path):
            with path.open("wb") as file:
                write_lf(message.spool, file, as_it_is=as_it_is)
            nanoseconds = int(message.received_at * 1_000_000) * 1_000
            os.utime(path, ns=(nanoseconds, nanoseconds))
            uidl = f" P{message.uidl}" if message.uidl else ""
            self._uids.write(f"{message.uid}{uidl} :{base}\n".encode())
        extra = message.flags & frozenset(self._folder.keywords[len(KEYWORD_LETTERS) :])
        if extra:
            self._extra.append(f"{message.uid} {' '.join(sorted(extra))}\n")

    def close(self) -> None:
        """Write keywords."""
        with disk(self._path):
            self._uids.close()
            lines = [f"{at} {name}\n" for at, name in enumerate(self._keywords)]
            if lines:
                (self._path / "dovecot-keywords").write_text("".join(lines))
            if self._extra:
                (self._path / EXTRA_KEYWORDS).write_text("".join(self._extra))
            if self._path.name.startswith("."):
                (self._path / "maildirfolder").touch()


def _level(level: str) -> bytes:
    """Return a level as it stands in a directory's name: without a dot of its own."""
    return mailbox_name.encode(level).replace(b".", b"&AC4-")


def need_empty(directory: Path) -> None:
    """Make ``directory``.

    Raises:
        OperatorError: There is something in it, or it cannot be made.
    """
    try:
        directory.mkdir(parents=True, exist_ok=True, mode=0o700)
        if any(directory.iterdir()):
            raise OperatorError(
                f"{directory} is not empty.", "Name a directory that is not there yet."
            )
    except OSError as error:
        raise OperatorError(f"cannot use {directory}: {error.strerror}.") from error
