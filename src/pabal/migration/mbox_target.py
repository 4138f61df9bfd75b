"""Writes a directory of mbox files (``mboxrd``), folders in ``Name.sbd``."""

import os
import re
from pathlib import Path
from typing import IO, Final

from pabal.imap.wire import mailbox_name
from pabal.migration.maildir_target import need_empty
from pabal.migration.mbox import BELOW, SUBSCRIPTIONS, escaped
from pabal.migration.mbox_files import from_line, header_notes, quoted
from pabal.migration.targets import Outgoing, OutgoingFolder
from pabal.migration.writing import disk, lf_pieces, lf_size

NOBODY: Final = b"MAILER-DAEMON"
"""Sender of a message that names none, as everybody writes it."""

_UNFIT: Final = re.compile(rb"[^\x21-\x7e]")


class MboxTarget:
    """A directory with a file a mailbox.

    Raises:
        OperatorError: From the constructor: the directory is not empty.
    """

    def __init__(self, directory: Path) -> None:
        self._directory = directory
        self._subscribed: list[bytes] = []
        need_empty(directory)

    def open(self, folder: OutgoingFolder) -> "MboxSink":
        """Begin a folder."""
        path = self._directory
        *above, name = folder.levels
        for level in above:
            path /= escaped(level) + BELOW
        if folder.subscribed:
            levels = [mailbox_name.encode(level) for level in folder.levels]
            self._subscribed.append(b"\t".join(levels))
        with disk(path):
            path.mkdir(parents=True, exist_ok=True)
        return MboxSink(path / escaped(name), folder)

    def close(self) -> None:
        """Write subscriptions, and wait until all is on disk."""
        with disk(self._directory):
            lines = [b"V\t2", b"", *sorted(self._subscribed), b""]
            (self._directory / SUBSCRIPTIONS).write_bytes(b"\n".join(lines))
            os.sync()


class MboxSink:
    """One file."""

    def __init__(self, path: Path, folder: OutgoingFolder) -> None:
        self._path = path
        self._base: tuple[int, int] | None = (folder.uid_validity, folder.uid_next - 1)
        with disk(path):
            self._file = path.open("wb")

    def put(self, message: Outgoing) -> None:
        """Write a message."""
        _, raw = lf_size(message.spool)
        sender = _UNFIT.sub(b"_", message.sender.encode()) or NOBODY
        with disk(self._path):
            self._file.write(from_line(sender, message.received_at))
            self._file.write(
                header_notes(
                    message.uid,
                    message.flags,
                    message.spool.size,
                    self._base,
                    raw=raw,
                )
            )
            self._base = None
            last = _write_quoted(message, self._file, raw=raw)
            self._file.write(b"\n" if last == b"\n" else b"\n\n")

    def close(self) -> None:
        """Write what is left."""
        with disk(self._path):
            self._file.close()


def _write_quoted(message: Outgoing, file: IO[bytes], *, raw: bool) -> bytes:
    """Write a message; return its last octet."""
    held = b""
    last = b""
    for piece in lf_pieces(message.spool, as_it_is=raw):
        lines, end, held = (held + piece).rpartition(b"\n")
        file.write(quoted(lines + end))
        last = end or last
    file.write(quoted(held))
    return held[-1:] or last
