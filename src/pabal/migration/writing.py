"""Spools into files, LF line ends where that can be undone."""

import errno
import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Final

from pabal.base.errors import StorageFullError, UnavailableError
from pabal.message.spool import Spool
from pabal.migration.line_ends import CRLF, LF

_NO_WAY_BACK: Final = re.compile(rb"(?<!\r)\n|\r\r\n")
"""With LF in place of CRLF nobody could tell what these were."""

_FULL: Final = frozenset({errno.ENOSPC, errno.EDQUOT})


def lf_size(spool: Spool) -> tuple[int, bool]:
    """Return the octets a message has with LF; and whether it must stay as it is."""
    with spool.buffer() as buffer:
        if _NO_WAY_BACK.search(buffer):
            return spool.size, True
    return spool.size - sum(_line_ends(spool)), False


def _line_ends(spool: Spool) -> Iterator[int]:
    for chunk in spool.chunks():
        yield chunk.count(LF)


def lf_pieces(spool: Spool, *, as_it_is: bool) -> Iterator[bytes]:
    """Yield a message with LF line ends, or as it is."""
    held = b""
    for chunk in spool.chunks():
        if as_it_is:
            yield chunk
            continue
        piece = held + chunk
        held = b"\r" if piece.endswith(b"\r") else b""
        yield piece[: len(piece) - len(held)].replace(CRLF, LF)
    yield held


def write_lf(spool: Spool, file: IO[bytes], *, as_it_is: bool) -> None:
    """Write a message with LF line ends, or as it is."""
    for piece in lf_pieces(spool, as_it_is=as_it_is):
        file.write(piece)


@contextmanager
def disk(path: Path) -> Iterator[None]:
    """Raise the disk's errors as this program's.

    Raises:
        StorageFullError: No room.
        UnavailableError: ``path`` cannot be written; says why.
    """
    try:
        yield
    except OSError as error:
        kind = StorageFullError if error.errno in _FULL else UnavailableError
        raise kind(f"cannot write {path}: {error.strerror}") from error
