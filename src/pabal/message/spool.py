"""Octets of a message while they travel: in memory first, then in a nameless file.

A message of 50 MB must not cost 50 MB of memory anywhere (docs/architecture.md), so
whoever receives one writes it here from its first chunk on. The owner is who created
it; who is lent one reads it and never closes it.

Security: the file has no name from its first moment, so a crash leaves nothing behind.
"""

import errno
import mmap
import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import TracebackType
from typing import Final, Self

from pabal.base.errors import LocalProtocolError, StorageFullError

MEMORY_MAX_OCTETS: Final = 1024 * 1024
"""Octets kept in memory; nearly all mail is smaller, and 1,000 sessions are 1 GiB."""

CHUNK_OCTETS: Final = 256 * 1024
"""Octets handed out at once: the size of a blob's chunk in the store."""

_FULL: Final = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EFBIG})
"""What the kernel says when there is no room."""


class Spool:
    """Octets written once, readable as a whole and in pieces.

    Cost: linear in the octets written, however small the pieces.

    Attributes:
        directory: Where the file goes; ``None`` is the system's temporary directory.
        memory_max: Octets kept in memory before a file is used.
    """

    __slots__ = (
        "_closed",
        "_descriptor",
        "_memory",
        "_prefix",
        "_written",
        "directory",
        "memory_max",
    )

    def __init__(
        self, directory: Path | None = None, memory_max: int = MEMORY_MAX_OCTETS
    ) -> None:
        self.directory = directory
        self.memory_max = memory_max
        self._memory = bytearray()
        self._prefix = b""
        self._descriptor = -1
        self._written = 0
        self._closed = False

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def __del__(self) -> None:
        if self._descriptor >= 0:
            self.close()

    @property
    def size(self) -> int:
        """Octets in all, what was prepended included."""
        return len(self._prefix) + self._written

    @property
    def in_memory(self) -> bool:
        """Whether no file was needed."""
        return self._descriptor < 0

    def write(self, data: bytes) -> None:
        """Append ``data``.

        Raises:
            StorageFullError: No room for it; the spool is closed, its file gone.
            LocalProtocolError: The spool is closed.
        """
        if self._closed:
            raise LocalProtocolError("write to a closed spool")
        if self._descriptor < 0:
            if self._written + len(data) <= self.memory_max:
                self._memory += data
                self._written += len(data)
                return
            self._move_to_file()
        self._append(data)

    def prepend(self, header: bytes) -> None:
        """Put ``header`` in front of everything; costs its own length only."""
        self._prefix = header + self._prefix

    def chunks(self, size: int = CHUNK_OCTETS) -> Iterator[bytes]:
        """Yield everything in order, ``size`` octets at a time."""
        for start in range(0, self.size, size):
            yield self.read(start, size)

    def read(self, start: int, length: int) -> bytes:
        """Return at most ``length`` octets from offset ``start`` on.

        Raises:
            LocalProtocolError: The spool is closed.
        """
        if self._closed:
            raise LocalProtocolError("read of a closed spool")
        front = self._prefix[start : start + length]
        offset = max(0, start - len(self._prefix))
        length = min(length - len(front), self._written - offset)
        if length <= 0:
            return front
        if self._descriptor < 0:
            return front + self._memory[offset : offset + length]
        return front + self._read_file(offset, length)

    def has(self, octet: bytes) -> bool:
        """Return whether ``octet``, a single one, is anywhere."""
        if self._descriptor < 0 and not self._closed:
            return octet in self._memory or octet in self._prefix
        return any(octet in chunk for chunk in self.chunks())

    def octets(self) -> bytes:
        """Return everything at once: for what is known to be small."""
        return self.read(0, self.size)

    @contextmanager
    def buffer(self) -> Iterator[bytes | mmap.mmap]:
        """Lend everything as one buffer to scan: octets, or the file mapped.

        The mapping ends with the context. When something was prepended to a file, the
        file is written anew once, by the kernel, without passing through memory.

        Raises:
            StorageFullError: No room to write the file anew.
        """
        if self._descriptor < 0:
            yield self.octets()
            return
        if self._prefix:
            self._join_prefix()
        with mmap.mmap(self._descriptor, self._written, prot=mmap.PROT_READ) as view:
            yield view

    def close(self) -> None:
        """Forget the octets and give the file back; closing twice is fine."""
        self._closed = True
        self._memory = bytearray()
        self._prefix = b""
        self._written = 0
        if self._descriptor >= 0:
            os.close(self._descriptor)
            self._descriptor = -1

    def _move_to_file(self) -> None:
        kept = bytes(self._memory)
        self._descriptor = self._nameless_file()
        self._memory = bytearray()
        self._written = 0
        self._append(kept)

    def _append(self, data: bytes) -> None:
        view = memoryview(data)
        try:
            while view:
                done = os.write(self._descriptor, view)
                self._written += done
                view = view[done:]
        except OSError as error:
            self.close()
            _raise_full(error)

    def _read_file(self, offset: int, length: int) -> bytes:
        pieces = []
        while length > 0:
            piece = os.pread(self._descriptor, length, offset)
            if not piece:
                break
            pieces.append(piece)
            offset += len(piece)
            length -= len(piece)
        return pieces[0] if len(pieces) == 1 else b"".join(pieces)

    def _join_prefix(self) -> None:
        old, self._descriptor = self._descriptor, self._nameless_file()
        prefix, rest = self._prefix, self._written
        self._prefix, self._written = b"", 0
        try:
            self._append(prefix)
            source = 0
            while source < rest:
                done = os.sendfile(self._descriptor, old, source, rest - source)
                if not done:
                    raise LocalProtocolError("spool file shorter than written")
                source += done
            self._written += source
        except OSError as error:
            self.close()
            _raise_full(error)
        finally:
            os.close(old)

    def _nameless_file(self) -> int:
        try:
            with tempfile.TemporaryFile(dir=self.directory, buffering=0) as file:
                return os.dup(file.fileno())
        except OSError as error:
            self.close()
            _raise_full(error)
            raise


def _raise_full(error: OSError) -> None:
    """Raise what ``error`` means: no room, or itself."""
    if error.errno in _FULL:
        raise StorageFullError("no room in the spool directory") from error
    raise error
