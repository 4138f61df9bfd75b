"""Messages for servers that take seven bits only (RFC 6152 §3).

What we signed ourselves is converted and signed again; what somebody else signed stays
as it is, for their signature would not hold any more.

Security: a message is signed again only if each of its signatures is, octet by octet,
what our keys make of it: who forges a field of ours gets nothing signed.
"""

import asyncio
from collections.abc import Iterator, Sequence
from typing import Final, Protocol

from pabal.message.header import split
from pabal.message.mime import Octets
from pabal.message.spool import Spool
from pabal.mta.policy.dkim import SIGNATURES_MAX, Signature, signatures
from pabal.mta.seven_bit import NotConvertibleError, is_seven_bit, seven_bit

INLINE_MAX_OCTETS: Final = 128 * 1024
"""Larger messages are read and converted on a thread: 5 ms on the loop are the most."""


class Resigner(Protocol):
    """Knows its own signatures, and makes others."""

    async def wrote(
        self, fields: Sequence[Signature], header: bytes, spool: Spool, body_start: int
    ) -> bool:
        """Return whether every one of ``fields`` is what it would write itself.

        Args:
            fields: Signatures of a message.
            header: The header section below them, its empty line included.
            spool: Has the body from ``body_start`` on.
            body_start: Offset of the body.
        """
        ...

    async def sign(
        self, domain: str, header: bytes, spool: Spool, body_start: int
    ) -> bytes:
        """Return the signature fields for a message, empty if there is no key."""
        ...


class Converter:
    """Makes messages of seven bits; one a process."""

    def __init__(self, signer: Resigner) -> None:
        self._signer = signer

    async def seven_bit(self, spool: Spool) -> Spool:
        """Return the message with a body of seven bits: ``spool`` itself if it has one.

        Another spool is the caller's to close.

        Raises:
            NotConvertibleError: It must not or cannot be converted; says why.
            StorageFullError: No room for it.
        """
        if spool.size <= INLINE_MAX_OCTETS:
            header = _header_if_wide(spool)
        else:
            header = await asyncio.to_thread(_header_if_wide, spool)
        if not header:
            return spool
        before, fields, below = _taken_apart(header)
        if fields and not await self._signer.wrote(fields, below, spool, len(header)):
            raise NotConvertibleError("somebody else's signature would not hold")
        converted = Spool(spool.directory)
        try:
            if spool.size <= INLINE_MAX_OCTETS:
                header = _convert(spool, converted)
            else:
                header = await asyncio.to_thread(_convert, spool, converted)
            before, fields, below = _taken_apart(header)
            signature = b""
            if fields:
                domain = fields[0].domain
                signature = await self._signer.sign(domain, below, converted, 0)
        except BaseException:
            converted.close()
            raise
        converted.prepend(before + signature + below)
        return converted


def _header_if_wide(spool: Spool) -> bytes:
    """Return the header of a message whose body has octets above 127, else nothing."""
    with spool.buffer() as octets:
        end = split(octets)
        return b"" if is_seven_bit(octets, end, len(octets)) else octets[:end]


def _convert(spool: Spool, converted: Spool) -> bytes:
    """Write the body of ``spool`` in seven bits; return the header for it."""
    with spool.buffer() as octets:
        return _written(octets, converted)


def _written(octets: Octets, converted: Spool) -> bytes:
    pieces: Iterator[bytes] = seven_bit(octets)
    header = next(pieces)
    for piece in pieces:
        converted.write(piece)
    return header


def _taken_apart(header: bytes) -> tuple[bytes, Sequence[Signature], bytes]:
    """Return what stands above the signatures, these, and what they may cover.

    Raises:
        NotConvertibleError: They do not stand together, as ours do.
    """
    fields = signatures(header)
    if not fields:
        return b"", (), header
    block = b"".join(one.field for one in fields)
    before, found, below = header.partition(block)
    if not found or len(fields) == SIGNATURES_MAX:
        raise NotConvertibleError("more signatures than ours")
    return before, fields, below
