"""Large messages: streamed from the store, never in memory as a whole.

Sans-IO. What needs the message's parts reads it into a spool first, where it is a
file above a size; octets that are sent come in chunks.
Source: RFC 9051 §6.4.5.
"""

from collections.abc import AsyncIterator, Iterable, Iterator
from dataclasses import dataclass
from functools import partial

from pabal.imap.commands.context import Context
from pabal.imap.commands.decoding import decoder_of
from pabal.imap.commands.sections import span_of, subset
from pabal.imap.wire.fetch import Binary, Body, SectionText
from pabal.message.mime import Part, scan
from pabal.message.spool import CHUNK_OCTETS, MEMORY_MAX_OCTETS, Spool
from pabal.store.ports import AccountStore, EmailId


@dataclass(slots=True)
class LargeMessage:
    """One message too large for a row.

    Attributes:
        context: The connection.
        email: Which.
        size: Its octets.
        header: Its header section.
        spool: All of it, once a part was asked for.
        root: Its tree, likewise; scanned once, off the event loop.
        account: Where it is, if not with the selected mailbox.
    """

    context: Context
    email: EmailId
    size: int
    header: bytes
    spool: Spool | None = None
    root: Part | None = None
    account: AccountStore | None = None

    def close(self) -> None:
        """Give the spool back."""
        if self.spool is not None:
            self.spool.close()
            self.spool = None

    async def send(self, item: Body | Binary) -> None:
        """Send ``item`` as it stands in the response."""
        if isinstance(item, Binary):
            await self._send_binary(item)
            return
        span = await self._span(item)
        if span is None:
            self.context.send(item.label + b" NIL")
            return
        if item.section.text in {SectionText.FIELDS, SectionText.FIELDS_NOT}:
            await self._send_fields(item, span)
            return
        start, end = span
        if item.partial is not None:
            start = min(end, start + item.partial[0])
            end = min(end, start + item.partial[1])
        self.context.send(b"%b {%d}\r\n" % (item.label, end - start))
        await self._send_span(start, end)

    async def write(self, item: Body, target: Spool) -> bool:
        """Write the octets of ``item`` into ``target``; return whether there are any.

        Raises:
            StoreError: The message is gone.
        """
        span = await self._span(item)
        if span is None:
            return False
        start, end = span
        first, count = item.partial or (0, end - start)
        if item.section.text in {SectionText.FIELDS, SectionText.FIELDS_NOT}:
            header = (await self._spooled()).read(start, end - start)
            target.write(subset(header, item.section)[first : first + count])
            return True
        start = min(end, start + first)
        length = min(end - start, count)
        if length:
            async for chunk in self._chunks(start, length):
                target.write(chunk)
        return True

    async def _span(self, item: Body) -> tuple[int, int] | None:
        section = item.section
        if not section.part and section.text is SectionText.WHOLE:
            return 0, self.size
        if not section.part and section.text is SectionText.TEXT:
            return len(self.header), self.size
        return span_of(await self._scanned(), section)

    async def _send_fields(self, item: Body, span: tuple[int, int]) -> None:
        spool = await self._spooled()
        header = spool.read(span[0], span[1] - span[0])
        fields = await self.context.services.offload(
            partial(subset, header, item.section)
        )
        if item.partial is not None:
            first, count = item.partial
            fields = fields[first : first + count]
        self.context.send(b"%b {%d}\r\n%b" % (item.label, len(fields), fields))

    async def _send_binary(self, item: Binary) -> None:
        spool = await self._spooled()
        part = (await self._scanned()).part(item.part)
        decoder = decoder_of(part.encoding) if part is not None else None
        if part is None or decoder is None:
            # The response has begun: an unknown encoding cannot become a NO any more.
            nothing = b" 0" if item.size_only else b" NIL"
            self.context.send(item.label + nothing)
            return
        # The empty part number is the message as it is (RFC 3516 §4.2).
        span = (part.body_start, part.body_end) if item.part else (0, self.size)
        pieces = _pieces(spool, *span)
        with self.context.services.spool(MEMORY_MAX_OCTETS) as decoded:
            taken_off = decoder(pieces) if item.part else pieces
            await self.context.services.offload(partial(_fill, decoded, taken_off))
            await self._send_decoded(item, decoded)

    async def _send_decoded(self, item: Binary, decoded: Spool) -> None:
        if item.size_only:
            self.context.send(b"%b %d" % (item.label, decoded.size))
            return
        start, count = item.partial or (0, decoded.size)
        start = min(start, decoded.size)
        end = min(start + count, decoded.size)
        has_nul = await self.context.services.offload(
            partial(_has_nul, decoded, start, end)
        )
        mark = b"~" if has_nul else b""
        self.context.send(b"%b %b{%d}\r\n" % (item.label, mark, end - start))
        for piece in _pieces(decoded, start, end):
            self.context.send(piece)
            await self.context.breathe()

    async def _send_span(self, start: int, end: int) -> None:
        if start >= end:
            return
        async for chunk in self._chunks(start, end - start):
            self.context.send(chunk)
            await self.context.breathe()

    def _chunks(self, start: int, length: int) -> AsyncIterator[bytes]:
        account = self.account or self.context.here
        return account.octets(self.email, start, length)

    async def _scanned(self) -> Part:
        """Return its tree: 50 MB take 70 ms, which no other session should wait."""
        if self.root is None:
            spool = await self._spooled()
            self.root = await self.context.services.offload(partial(_scan, spool))
        return self.root

    async def _spooled(self) -> Spool:
        if self.spool is None:
            spool = self.context.services.spool(0)
            try:
                async for chunk in self._chunks(0, self.size):
                    spool.write(chunk)
            except BaseException:
                spool.close()
                raise
            self.spool = spool
        return self.spool


def _scan(spool: Spool) -> Part:
    with spool.buffer() as octets:
        return scan(octets)


def _fill(spool: Spool, pieces: Iterable[bytes]) -> None:
    for piece in pieces:
        spool.write(piece)


def _has_nul(spool: Spool, start: int, end: int) -> bool:
    return any(b"\0" in piece for piece in _pieces(spool, start, end))


def _pieces(spool: Spool, start: int, end: int) -> Iterator[bytes]:
    for position in range(start, end, CHUNK_OCTETS):
        yield spool.read(position, min(CHUNK_OCTETS, end - position))
