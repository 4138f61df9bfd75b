"""Many records in a run of messages: zone transfers.

Sans-IO. Linear in the octets. Source: RFC 5936 §2.2 (AXFR), RFC 1995 §4 (IXFR).
"""

from collections.abc import Iterable, Iterator
from struct import Struct
from typing import Final

from pabal.dns.wire import codes
from pabal.dns.wire.response import Writer
from pabal.dns.wire.rrset import RRset

MESSAGE_OCTETS: Final = 16_000
"""A message is full then: in one this long every name can still be pointed to."""

_HEADER: Final = Struct("!2sHHHHH")


def transfer(
    ident: bytes,
    flags: int,
    question: bytes,
    records: Iterable[RRset],
    opt: bytes = b"",
) -> Iterator[bytes]:
    """Yield the messages that answer ``question`` with ``records`` in their order.

    Args:
        flags: The header's second word.
        question: Name, type and class; repeated in every message.
        records: Each set may hold any number of records.
        opt: An OPT record for the first message (RFC 5936 §2.2.5); may be empty.
    """
    writer = Writer(bytes(codes.HEADER_OCTETS) + question, _end(question))
    count = 0
    for rrset in records:
        for rdata in rrset.rdatas:
            mark = len(writer.out)
            writer.rrset(RRset(rrset.owner, rrset.rdtype, rrset.ttl_s, (rdata,)))
            if len(writer.out) > MESSAGE_OCTETS and count:
                del writer.out[mark:]
                yield _message(writer, ident, flags, count, opt)
                opt = b""
                writer = Writer(bytes(codes.HEADER_OCTETS) + question, _end(question))
                writer.rrset(RRset(rrset.owner, rrset.rdtype, rrset.ttl_s, (rdata,)))
                count = 0
            count += 1
    yield _message(writer, ident, flags, count, opt)


def _end(question: bytes) -> int:
    return codes.HEADER_OCTETS + len(question)


def _message(writer: Writer, ident: bytes, flags: int, count: int, opt: bytes) -> bytes:
    _HEADER.pack_into(writer.out, 0, ident, flags, 1, count, 0, 1 if opt else 0)
    return bytes(writer.out) + opt
