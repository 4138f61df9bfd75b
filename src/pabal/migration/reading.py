"""Files into spools, CRLF line ends, memory bounded."""

import bz2
import gzip
import lzma
import zlib
from collections.abc import Iterator
from typing import IO, Final

from pabal.message.spool import CHUNK_OCTETS, Spool
from pabal.migration.line_ends import CrlfTurner
from pabal.migration.source import SourceError

MESSAGE_MAX_OCTETS: Final = 1 << 30
"""Longest message taken in, decompressed: no server takes one of a gigabyte."""

_MAGIC_OCTETS: Final = 6
_GZIP, _BZIP2, _XZ = b"\x1f\x8b", b"BZh", b"\xfd7zXZ\0"


def spooled(file: IO[bytes], *, as_it_is: bool = False) -> Spool:
    """Return the message in ``file``, with CRLF line ends.

    Compressed ones (gzip, bzip2, xz: Dovecot's ``zlib`` plugin) are decompressed.

    Args:
        file: At its beginning.
        as_it_is: Do not touch line ends.

    Raises:
        SourceError: It is too long, or damaged.
        StorageFullError: No room in the temporary directory.
    """
    spool = Spool()
    try:
        for piece in _turned(pieces(file), as_it_is=as_it_is):
            if spool.size > MESSAGE_MAX_OCTETS:
                raise SourceError("a message is longer than a gigabyte")
            spool.write(piece)
    except (EOFError, OSError, zlib.error, lzma.LZMAError) as error:
        spool.close()
        raise SourceError(f"a message is damaged: {error}") from error
    except BaseException:
        spool.close()
        raise
    return spool


def pieces(file: IO[bytes]) -> Iterator[bytes]:
    """Yield the octets in ``file``, decompressed."""
    first = file.read(CHUNK_OCTETS)
    magic = first[:_MAGIC_OCTETS]
    if magic.startswith((_GZIP, _BZIP2, _XZ)):
        file.seek(0)
        with _opened(file, magic) as plain:
            while piece := plain.read(CHUNK_OCTETS):
                yield piece
        return
    while first:
        yield first
        first = file.read(CHUNK_OCTETS) if len(first) == CHUNK_OCTETS else b""


def _opened(
    file: IO[bytes], magic: bytes
) -> gzip.GzipFile | bz2.BZ2File | lzma.LZMAFile:
    if magic.startswith(_GZIP):
        return gzip.GzipFile(fileobj=file)
    return bz2.BZ2File(file) if magic.startswith(_BZIP2) else lzma.LZMAFile(file)


def _turned(octets: Iterator[bytes], *, as_it_is: bool) -> Iterator[bytes]:
    if as_it_is:
        yield from octets
        return
    turner = CrlfTurner()
    for piece in octets:
        yield turner.feed(piece)
    yield turner.end()
