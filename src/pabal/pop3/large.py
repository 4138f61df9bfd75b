"""What follows the header of a message too large for a row.

To a client that said UTF8, and of a message in ASCII, the octets are told as they are
stored. Else the message waits in a file, its parts are found, and their headers are
told as ``surrogate`` has them. Memory: a chunk, and one header.
Source: RFC 6856 §2.1.
"""

from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Final, Self

from pabal.message.spool import Spool
from pabal.pop3 import surrogate
from pabal.pop3.ports import Tools
from pabal.store.ports import BLOB_CHUNK_OCTETS, AccountStore, EmailId


@dataclass(frozen=True, slots=True)
class Span:
    """A header that is told otherwise than it is stored.

    Attributes:
        start: Where it begins in the message.
        end: Where it ends.
        told: How many octets stand for it.
    """

    start: int
    end: int
    told: int


NOTHING: Final[Sequence[Span]] = ()


@dataclass(slots=True)
class LargeBody:
    """The octets behind a header; a context manager.

    Attributes:
        store: Where they are.
        email: Of which email.
        start: Octets of the header.
    """

    store: AccountStore
    email: EmailId
    start: int
    _tools: Tools
    _spool: Spool | None = None
    _spans: Sequence[Span] = field(default=NOTHING)

    @classmethod
    async def open(
        cls,
        store: AccountStore,
        email: EmailId,
        start: int,
        tools: Tools,
        *,
        utf8: bool,
    ) -> Self:
        """Return what is to be told to a client that said UTF8, or did not."""
        body = cls(store, email, start, tools)
        if not utf8 and not await body._is_ascii():
            try:
                await body._find_headers()
            except BaseException:
                body.close()
                raise
        return body

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Let the file go."""
        if self._spool is not None:
            self._spool.close()
            self._spool = None

    @property
    def extra(self) -> int:
        """How many octets more are told than stored; may be negative."""
        return sum(span.told - (span.end - span.start) for span in self._spans)

    async def pieces(self) -> AsyncIterator[bytes]:
        """Yield the octets, in chunks."""
        if self._spool is None:
            async for piece in self.store.octets(self.email, self.start):
                yield piece
            return
        position = self.start
        for span in self._spans:
            async for piece in self._stored(self._spool, position, span.start):
                yield piece
            header = self._spool.read(span.start, span.end - span.start)
            yield await self._tools.offload(partial(surrogate.of_header, header))
            position = span.end
        async for piece in self._stored(self._spool, position, self._spool.size):
            yield piece

    async def _is_ascii(self) -> bool:
        async for piece in self.store.octets(self.email, self.start):
            if not piece.isascii():
                return False
            await self._tools.pause()
        return True

    async def _find_headers(self) -> None:
        spool = self._tools.spool()
        self._spool = spool
        async for piece in self.store.octets(self.email):
            spool.write(piece)
            await self._tools.pause()
        self._spans = await self._tools.offload(partial(_found, spool, self.start))
        if not self._spans:
            self.close()  # its bodies have more than ASCII, its headers have not

    async def _stored(self, spool: Spool, start: int, end: int) -> AsyncIterator[bytes]:
        for position in range(start, end, BLOB_CHUNK_OCTETS):
            yield spool.read(position, min(BLOB_CHUNK_OCTETS, end - position))
            await self._tools.pause()


def _found(spool: Spool, start: int) -> Sequence[Span]:
    """Return the headers behind ``start`` that are not ASCII; takes long."""
    found = []
    with spool.buffer() as octets:
        for first, end in surrogate.spans_of(octets):
            header = octets[first:end] if first >= start else b""
            if not header.isascii():
                told = len(surrogate.of_header(header))
                found.append(Span(first, end, told))
    return found
