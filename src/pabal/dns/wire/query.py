"""A query datagram, taken apart in bulk.

Sans-IO. Strict: what is not exactly a query is refused whole, so nothing behind this
module meets a half-understood message. Linear in the octets; no compression pointer is
ever followed: a question has no need of one, and where the name of a key ends is seen
without.

Source: RFC 1035 §4.1 (header, question), RFC 6891 §6.1 (OPT), RFC 8945 §5.1 (TSIG).
Security: every octet comes from strangers with forged addresses.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from struct import Struct
from types import MappingProxyType
from typing import Final

from pabal.base.errors import ProtocolError
from pabal.dns.wire import codes, option
from pabal.dns.wire.name import NameFormatError, end_of_name, end_of_owner

_HEADER: Final = Struct("!HHHHHH")
_QUESTION_TAIL: Final = Struct("!HH")
_RECORD: Final = Struct("!HHIH")
_OPTION: Final = Struct("!HH")

_DO: Final = 0x8000
"""DNSSEC OK, first bit of the flags in OPT's TTL (RFC 6891 §6.1.4)."""

ADDITIONAL_MAX: Final = 2
"""Records a query may bring along: OPT and TSIG."""


class QueryError(ProtocolError):
    """The datagram is not a query this server can answer.

    Attributes:
        rcode: What to answer, or ``None`` for silence.
    """

    def __init__(self, rcode: int | None) -> None:
        super().__init__(f"rcode {rcode}")
        self.rcode = rcode


@dataclass(frozen=True, slots=True)
class Edns:
    """What the OPT record said (RFC 6891 §6.1.3).

    Attributes:
        payload_octets: Largest UDP answer the client takes, as announced.
        version: EDNS version.
        dnssec_ok: The DO bit.
        options: RDATA, checked to consist of options.
    """

    payload_octets: int
    version: int
    dnssec_ok: bool
    options: bytes = b""


@dataclass(frozen=True, slots=True)
class Query:
    """One question and how it was asked.

    Attributes:
        ident: The two octets of the id.
        flags: The header's second word.
        question: The question section as asked, letters untouched.
        name: The name asked for, folded.
        rdtype: QTYPE.
        rdclass: QCLASS.
        edns: The OPT record, if there was one.
        signed: Whether a TSIG record was there.
    """

    ident: bytes
    flags: int
    question: bytes
    name: bytes
    rdtype: int
    rdclass: int
    edns: Edns | None
    signed: bool = False

    @property
    def dnssec_ok(self) -> bool:
        """The DO bit."""
        return self.edns is not None and self.edns.dnssec_ok


def parse_query(data: bytes) -> Query:
    """Return the query in ``data``.

    Raises:
        QueryError: It is none; the error says what to answer.
    """
    if len(data) < codes.HEADER_OCTETS:
        raise QueryError(None)
    _, flags, questions, answers, authorities, additionals = _HEADER.unpack_from(data)
    if flags & codes.QR:
        # Answering an answer lets two servers talk for ever.
        raise QueryError(None)
    if flags & codes.OPCODE_MASK:
        raise QueryError(codes.NOTIMP)
    if questions != 1 or answers or authorities or additionals > ADDITIONAL_MAX:
        raise QueryError(codes.FORMERR)
    try:
        name_end = end_of_name(data, codes.HEADER_OCTETS)
    except NameFormatError as error:
        raise QueryError(codes.FORMERR) from error
    end = name_end + 4
    if end > len(data):
        raise QueryError(codes.FORMERR)
    rdtype, rdclass = _QUESTION_TAIL.unpack_from(data, name_end)
    edns, signed = _additional(data, end, additionals)
    return Query(
        data[:2],
        flags,
        data[codes.HEADER_OCTETS : end],
        data[codes.HEADER_OCTETS : name_end].lower(),
        rdtype,
        rdclass,
        edns,
        signed,
    )


def parse_without_question(data: bytes) -> Query | None:
    """Return what the header and the OPT record of ``data`` say, its question left out.

    For answers to what is no query of ours, or asks for nothing but a cookie (RFC 7873
    §5.4). ``None``: there is no OPT record, or nothing can be understood.
    """
    if len(data) < codes.HEADER_OCTETS:
        return None
    _, flags, questions, answers, authorities, extra = _HEADER.unpack_from(data)
    plain = not answers and not authorities and 0 < extra <= ADDITIONAL_MAX
    if flags & codes.QR or questions > 1 or not plain:
        return None
    start = codes.HEADER_OCTETS
    try:
        if questions:
            start = end_of_name(data, start) + 4
        edns, _ = _additional(data, start, extra)
    except (NameFormatError, QueryError):
        return None
    return None if edns is None else Query(data[:2], flags, b"", b"", 0, codes.IN, edns)


def asks_to_keep(data: bytes) -> bool:
    """Return whether a message has the option edns-tcp-keepalive (RFC 7828 §3.1)."""
    if _KEEPALIVE not in data:  # nearly always: nothing is taken apart
        return False
    found = parse_without_question(data)
    if found is None or found.edns is None:
        return False
    return option.KEEPALIVE in option.read_options(found.edns.options)


_KEEPALIVE: Final = option.KEEPALIVE.to_bytes(2, "big")

_TRANSFERS: Final[Mapping[int, str]] = MappingProxyType(
    {codes.AXFR: "axfr", codes.IXFR: "ixfr"}
)

_OPCODE_NAMES: Final[Mapping[int, str]] = MappingProxyType(
    {codes.OPCODE_NOTIFY: "notify", codes.OPCODE_UPDATE: "update"}
)

_SERVER_OPCODES: Final = frozenset(
    opcode << codes.OPCODE_SHIFT for opcode in _OPCODE_NAMES
)


def is_control(data: bytes) -> bool:
    """Return whether ``data`` is for servers: NOTIFY, updates, transfers, TSIG.

    Nothing of it is checked but the form of its question and of its last records.
    """
    if len(data) < codes.HEADER_OCTETS:
        return False
    header: tuple[int, ...] = _HEADER.unpack_from(data)
    _, flags, questions, answers, authorities, extra = header
    if flags & codes.OPCODE_MASK or flags & codes.QR or questions != 1:
        return flags & (codes.OPCODE_MASK | codes.QR) in _SERVER_OPCODES
    try:
        end = end_of_name(data, codes.HEADER_OCTETS)
        transfer = int.from_bytes(data[end : end + 2], "big") in _TRANSFERS
        plain = answers or authorities or not 0 < extra <= ADDITIONAL_MAX
        return transfer or (not plain and _additional(data, end + 4, extra)[1])
    except (NameFormatError, QueryError):
        return False


def kind_of_control(data: bytes) -> str:
    """Return what is asked by a message that ``is_control``, in a word."""
    opcode = (data[2] << 8 & codes.OPCODE_MASK) >> codes.OPCODE_SHIFT
    if opcode in _OPCODE_NAMES:
        return _OPCODE_NAMES[opcode]
    try:
        end = end_of_name(data, codes.HEADER_OCTETS)
    except NameFormatError:
        return "other"
    rdtype = int.from_bytes(data[end : end + 2], "big")
    return _TRANSFERS.get(rdtype, "signed")


def _additional(data: bytes, start: int, count: int) -> tuple[Edns | None, bool]:
    """Return the OPT record and whether TSIG follows; nothing else may be there."""
    edns: Edns | None = None
    signed = False
    position = start
    for _ in range(count):
        try:
            fields = end_of_owner(data, position)
        except NameFormatError as error:
            raise QueryError(codes.FORMERR) from error
        if fields + _RECORD.size > len(data):
            raise QueryError(codes.FORMERR)
        rdtype, rdclass, ttl, length = _RECORD.unpack_from(data, fields)
        rdata = fields + _RECORD.size
        at_root = fields == position + 1
        position = rdata + length
        if position > len(data) or signed:
            # TSIG is the last record (RFC 8945 §5.1).
            raise QueryError(codes.FORMERR)
        if rdtype == codes.TSIG:
            signed = True
        elif rdtype == codes.OPT and at_root and edns is None:
            _check_options(data, rdata, position)
            version = ttl >> 16 & 0xFF
            edns = Edns(rdclass, version, bool(ttl & _DO), data[rdata:position])
        else:
            raise QueryError(codes.FORMERR)
    if position != len(data):
        raise QueryError(codes.FORMERR)
    return edns, signed


def _check_options(data: bytes, start: int, end: int) -> None:
    """Check that the options fill OPT's RDATA exactly (RFC 6891 §6.1.2)."""
    position = start
    while position < end:
        if position + _OPTION.size > end:
            raise QueryError(codes.FORMERR)
        _, length = _OPTION.unpack_from(data, position)
        position += _OPTION.size + length
    if position != end:
        raise QueryError(codes.FORMERR)


KEY_FLAGS: Final = codes.RD | codes.AD | codes.CD
"""The flags of a query an answer depends on."""

_SIZE_STEP_OCTETS: Final = 128
"""Announced sizes are rounded down to this: few classes, so few copies of an answer."""


def answer_room(edns: Edns | None, payload_octets: int) -> int:
    """Return how large a UDP answer may be, octets.

    Never over ``payload_octets`` (ours), and never under 512 (RFC 6891 §6.2.3).
    """
    announced = codes.UDP_PLAIN_MAX_OCTETS if edns is None else edns.payload_octets
    if announced >= payload_octets:
        return payload_octets
    rounded = announced - announced % _SIZE_STEP_OCTETS
    return max(rounded, codes.UDP_PLAIN_MAX_OCTETS)


def canonical(query: Query, room_octets: int) -> bytes:
    """Return the octets after the id of the plainest query with the same answer.

    Most clients ask exactly so, and then a raw datagram is its own key.
    """
    flags = query.flags & KEY_FLAGS
    question = query.name + _QUESTION_TAIL.pack(query.rdtype, query.rdclass)
    if query.edns is None:
        return _HEADER.pack(0, flags, 1, 0, 0, 0)[2:] + question
    ttl = _DO if query.edns.dnssec_ok else 0
    opt = b"\x00" + _RECORD.pack(codes.OPT, room_octets, ttl, 0)
    return _HEADER.pack(0, flags, 1, 0, 0, 1)[2:] + question + opt
