"""A response, put together: sections, compression, truncation, OPT.

Sans-IO. Linear in the octets written. Source: RFC 1035 §4.1, RFC 6891 §6.1 (OPT),
RFC 2181 §9 (truncation), RFC 9471 §3 (glue that must be there).
"""

from dataclasses import dataclass
from struct import Struct
from typing import Final

from pabal.dns.wire import codes
from pabal.dns.wire.query import Edns, Query
from pabal.dns.wire.rrset import RRset

_HEADER: Final = Struct("!HHHHHH")
_OPT: Final = Struct("!BHHIH")
_FIELDS: Final = Struct("!HHIH")
_LENGTH: Final = Struct("!H")

_DO: Final = 0x8000

_POINTER_LIMIT: Final = 0x4000
"""A compression pointer has fourteen bits (RFC 1035 §4.1.4)."""

_COMPRESSED_NAMES: Final = {
    codes.NS: (0, 1),
    codes.CNAME: (0, 1),
    codes.PTR: (0, 1),
    codes.SOA: (0, 2),
    codes.MX: (2, 1),
}
"""Type → octets before the names in RDATA, and how many names may be compressed.

Only the well-known types of RFC 1035 (RFC 3597 §4).
"""

_ROTATED: Final = frozenset((codes.A, codes.AAAA))
"""What round robin turns: addresses. Their records are all of one size and hold no
name, so turning them is cutting octets."""


@dataclass(frozen=True, slots=True)
class Response:
    """What to answer, before it is octets.

    Attributes:
        rcode: RFC 1035 §4.1.1, or an extended one (RFC 6891 §6.1.3).
        authoritative: The AA bit.
        answer: Answer section.
        authority: Authority section.
        glue: Additional records the answer is useless without (RFC 9471 §3).
        additional: Further additional records, dropped when there is no room.
        authenticated: The AD bit (RFC 4035 §3.2.3).
        error: An Extended DNS Error, as an option (RFC 8914 §2); may be empty.
    """

    rcode: int
    authoritative: bool = False
    answer: tuple[RRset, ...] = ()
    authority: tuple[RRset, ...] = ()
    glue: tuple[RRset, ...] = ()
    additional: tuple[RRset, ...] = ()
    authenticated: bool = False
    error: bytes = b""


@dataclass(frozen=True, slots=True)
class Run:
    """Records of equal size standing side by side: what round robin turns.

    Attributes:
        start: Offset of the first.
        size_octets: Octets of each.
        count: How many.
    """

    start: int
    size_octets: int
    count: int


@dataclass(frozen=True, slots=True)
class Rendered:
    """A response as octets, and where its changing parts are.

    Attributes:
        octets: The whole message.
        run: The address records round robin may turn, if there are two or more.
        ttl_offsets: Where each record's TTL stands.
        ttl_min_s: The smallest of them, seconds; 0 without records.
    """

    octets: bytes
    run: Run | None
    ttl_offsets: tuple[int, ...]
    ttl_min_s: int


@dataclass(frozen=True, slots=True)
class Limits:
    """How large an answer may be.

    Attributes:
        answer_max_octets: The whole message.
        payload_octets: What we announce to take over UDP ourselves.
        recursion: The RA bit.
    """

    answer_max_octets: int
    payload_octets: int
    recursion: bool


class _Truncated(Exception):  # noqa: N818  not an error: the answer is sent with TC
    """The mandatory sections do not fit."""


class Writer:
    """Writes names and records behind a header and a question."""

    def __init__(self, head: bytes, question_end: int) -> None:
        self.out = bytearray(head)
        self.ttl_offsets: list[int] = []
        self.ttl_min_s = 0xFFFF_FFFF
        self._offsets: dict[bytes, int] = {}
        folded = head[codes.HEADER_OCTETS : question_end - 4].lower()
        position = 0
        while folded[position]:
            self._offsets[folded[position:]] = codes.HEADER_OCTETS + position
            position += folded[position] + 1

    def name(self, name: bytes) -> None:
        """Write ``name``, its known tail as a pointer (RFC 1035 §4.1.4)."""
        folded = name.lower()
        base = len(self.out)
        offsets = self._offsets
        position = 0
        while length := folded[position]:
            tail = folded[position:]
            offset = offsets.get(tail)
            if offset is not None:
                self.out += name[:position]
                self.out += _LENGTH.pack(0xC000 | offset)
                return
            if base + position < _POINTER_LIMIT:
                offsets[tail] = base + position
            position += length + 1
        self.out += name

    def rrset(self, rrset: RRset) -> Run | None:
        """Write all records of ``rrset``; return them if round robin may turn them."""
        out = self.out
        names = _COMPRESSED_NAMES.get(rrset.rdtype)
        self.ttl_min_s = min(self.ttl_min_s, rrset.ttl_s)
        start = second = len(out)
        for index, rdata in enumerate(rrset.rdatas):
            if index == 1:
                second = len(out)
            self.name(rrset.owner)
            self.ttl_offsets.append(len(out) + 4)
            size = len(rdata)
            out += _FIELDS.pack(rrset.rdtype, codes.IN, rrset.ttl_s, size)
            if names is None:
                out += rdata
            else:
                self._rdata(rdata, *names)
        count = len(rrset.rdatas)
        size = second - start
        if (
            count < 2
            or rrset.rdtype not in _ROTATED
            or len(out) != start + size * count
        ):
            return None
        return Run(start, size, count)

    def _rdata(self, rdata: bytes, fixed: int, names: int) -> None:
        """Write ``rdata`` with its names compressed, and mend its length."""
        out = self.out
        start = len(out)
        out += rdata[:fixed]
        position = fixed
        for _ in range(names):
            end = position
            while length := rdata[end]:
                end += length + 1
            self.name(rdata[position : end + 1])
            position = end + 1
        out += rdata[position:]
        _LENGTH.pack_into(out, start - 2, len(out) - start)


def render(query: Query, response: Response, limits: Limits) -> Rendered:
    """Return ``response`` to ``query`` as octets, id 0 and letters folded.

    What does not fit: optional additional records are left out; otherwise the answer
    is emptied and TC set, so that the client asks again over TCP (RFC 2181 §9).
    """
    question_end = codes.HEADER_OCTETS + len(query.question)
    head = bytes(codes.HEADER_OCTETS) + query.name + query.question[-4:]
    opt = _opt(query, response.rcode, limits)
    room = limits.answer_max_octets - len(opt)
    flags = _flags(query, response, limits)
    writer = Writer(head, question_end)
    try:
        counts, run = _sections(writer, response, room)
    except _Truncated:
        writer = Writer(head, question_end)
        counts, run = (0, 0, 0), None
        flags |= codes.TC
    octets = writer.out + opt
    _HEADER.pack_into(
        octets, 0, 0, flags, 1, counts[0], counts[1], counts[2] + bool(opt)
    )
    offsets = tuple(writer.ttl_offsets)
    return Rendered(bytes(octets), run, offsets, writer.ttl_min_s if offsets else 0)


def _sections(
    writer: Writer, response: Response, room: int
) -> tuple[tuple[int, int, int], Run | None]:
    """Write the three sections; return their counts and what may be turned."""
    run: Run | None = None
    for rrset in response.answer:
        # Signatures may follow the addresses; in what order these stand is not signed.
        run = writer.rrset(rrset) or (run if rrset.rdtype == codes.RRSIG else None)
    for rrset in response.authority:
        writer.rrset(rrset)
    for rrset in response.glue:
        writer.rrset(rrset)
    if len(writer.out) > room:
        raise _Truncated
    additional = _count(response.glue)
    for rrset in response.additional:
        mark, ttls = len(writer.out), len(writer.ttl_offsets)
        writer.rrset(rrset)
        if len(writer.out) > room:
            # Nothing is written after this, so no pointer can lead here.
            del writer.out[mark:]
            del writer.ttl_offsets[ttls:]
            break
        additional += len(rrset.rdatas)
    return (_count(response.answer), _count(response.authority), additional), run


def _count(rrsets: tuple[RRset, ...]) -> int:
    return sum(len(rrset.rdatas) for rrset in rrsets)


def _flags(query: Query, response: Response, limits: Limits) -> int:
    flags = codes.QR | query.flags & (codes.RD | codes.CD) | response.rcode & 15
    if response.authoritative:
        flags |= codes.AA
    if limits.recursion:
        flags |= codes.RA
    if response.authenticated and (query.dnssec_ok or query.flags & codes.AD):
        # RFC 6840 §5.8: AD goes to those who showed that they understand it.
        flags |= codes.AD
    return flags


def _opt(query: Query, rcode: int, limits: Limits) -> bytes:
    """Return the OPT record of an answer; empty if the client sent none."""
    return opt_record(query.edns, limits.payload_octets, rcode)


def opt_record(edns: Edns | None, payload_octets: int, rcode: int = 0) -> bytes:
    """Return the OPT record that answers ``edns``; empty if there was none.

    Whoever sends one gets one, whatever the answer is (RFC 6891 §6.1.1).

    Args:
        payload_octets: What we announce to take over UDP ourselves.
        rcode: Of the answer; its upper bits stand here.
    """
    if edns is None:
        return b""
    flags = (rcode >> 4) << 24 | (_DO if edns.dnssec_ok else 0)
    return _OPT.pack(0, codes.OPT, payload_octets, flags, 0)


def header_only(data: bytes, rcode: int, opt: bytes = b"") -> bytes:
    """Return the answer to ``data`` (12 octets or more) that was not understood.

    Header and OPT record: never larger than what a forger spent.
    """
    flags = int.from_bytes(data[2:4], "big")
    flags = codes.QR | flags & (codes.OPCODE_MASK | codes.RD) | rcode
    counts = bytes(7) + (b"\1" if opt else b"\0")
    return data[:2] + _LENGTH.pack(flags) + counts + opt


def bare(query: Query, rcode: int, limits: Limits, flags: int = 0) -> bytes:
    """Return an answer without records: hardly larger than the query.

    Args:
        flags: Of the header, beside what follows from the query.
    """
    flags |= codes.QR | rcode & 15 | query.flags & (codes.RD | codes.CD)
    opt = _opt(query, rcode, limits)
    counts = (1 if query.question else 0, 0, 0, 1 if opt else 0)
    return query.ident + _HEADER.pack(0, flags, *counts)[2:] + query.question + opt


def truncated(query: Query, limits: Limits) -> bytes:
    """Return the answer that says: ask over TCP."""
    return bare(query, codes.NOERROR, limits, codes.TC)


def turned(octets: bytes, run: Run, by: int) -> bytes:
    """Return ``octets`` with the first ``by`` records of ``run`` moved to its end."""
    end = run.start + run.size_octets * run.count
    cut = run.start + run.size_octets * by
    return (
        octets[: run.start] + octets[cut:end] + octets[run.start : cut] + octets[end:]
    )
