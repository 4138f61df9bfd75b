"""One question to one server: its octets, and whether a datagram answers it.

Sans-IO: octets in, verdict out.
Security: the id, the source port and the case of the name are what a blind attacker
must guess; this module makes and checks the first and last, ``transport`` the second.
Source: RFC 1035 §4.1 (message), RFC 6891 §6.1 (EDNS), RFC 5452 §9 (matching answers).
"""

import enum
import struct
from dataclasses import dataclass
from typing import Final

import dns.exception
import dns.message
import dns.name
import dns.rdatatype

from pabal.base.errors import ProtocolError, UnavailableError
from pabal.base.ids import Chance
from pabal.dns.resolver.hints import Server
from pabal.dns.resolver.winnow import winnow

EDNS_PAYLOAD_OCTETS: Final = 1232
"""Largest UDP answer asked for: fits the least MTU of IPv6 (DNS flag day 2020)."""

HEADER_OCTETS: Final = 12
"""RFC 1035 §4.1.1."""

RECORDS_MAX: Final = 200
"""Most records read of one answer: reading costs 0.1 ms each, a hostile 64 KiB of them
would stop everything else for half a second. BIND keeps 100 of a type at most."""

_HEADER: Final = struct.Struct("!6H")
_COUNTS: Final = struct.Struct("!3H")
_TAIL: Final = struct.Struct("!2H")
_CLASS_IN: Final = 1
_RECURSION_DESIRED: Final = 0x0100
_CHECKING_DISABLED: Final = 0x0010
_DNSSEC_OK: Final = 0x8000
_OPT: Final = struct.pack("!BHHIH", 0, 41, EDNS_PAYLOAD_OCTETS, 0, 0)
_OPT_DO: Final = struct.pack("!BHHIH", 0, 41, EDNS_PAYLOAD_OCTETS, _DNSSEC_OK, 0)
_LETTERS: Final = frozenset(b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz")


class ExchangeError(UnavailableError):
    """A server could not be asked, or did not answer."""


class ServerTimeoutError(ExchangeError):
    """No answer in time."""


class ServerClosedError(ExchangeError):
    """The host said that no server is there, or closed the connection."""


class ServerUnreachableError(ExchangeError):
    """The network of this machine knows no way to the server."""


class SuspectReplyError(ExchangeError):
    """Answers came that do not fit the question: ask again where nobody can forge."""


class MalformedReplyError(ProtocolError):
    """A server sent octets that are no DNS message."""


class Verdict(enum.Enum):
    """What a datagram is to a question."""

    MATCH = "match"
    FOREIGN = "foreign"
    CASE_DIFFERS = "case differs"


@dataclass(frozen=True, slots=True)
class Query:
    """A question on its way to one server.

    Attributes:
        server: Who is asked.
        zone: The zone it is asked as a server of.
        name: The name asked for; during minimisation shorter than the one wanted.
        rdtype: The type asked for.
        tcp: Ask over TCP.
        edns: Whether the question carries an OPT record.
        recursive: Whether recursion is desired (forwarders).
        timeout_s: How long to wait, seconds.
        dnssec: Whether signatures are asked for (DO, RFC 3225 §3).
        wire: The octets to send, without the length of RFC 1035 §4.2.2.
    """

    server: Server
    zone: dns.name.Name
    name: dns.name.Name
    rdtype: dns.rdatatype.RdataType
    tcp: bool
    edns: bool
    recursive: bool
    timeout_s: float
    wire: bytes
    dnssec: bool = False

    def judge(self, octets: bytes) -> Verdict:
        """Return what ``octets`` that came from the server's address are.

        RFC 5452 §9.1: id, question name, type and class must match. An error without a
        question is accepted: old servers answer EDNS so.
        """
        if (
            len(octets) < HEADER_OCTETS
            or octets[:2] != self.wire[:2]
            or octets[2] & 0xF8 != 0x80  # QR set, opcode QUERY
        ):
            return Verdict.FOREIGN
        count = int.from_bytes(octets[4:6], "big")
        if count == 0 and octets[3] & 0x0F not in {0, 3}:
            return Verdict.MATCH
        end = HEADER_OCTETS + len(_wire_name(self.name))
        tail = slice(end, end + _TAIL.size)
        if count != 1 or octets[tail] != self.wire[tail]:
            return Verdict.FOREIGN
        asked, came = self.wire[HEADER_OCTETS:end], octets[HEADER_OCTETS:end]
        if asked == came:
            return Verdict.MATCH
        if asked.lower() != came.lower():
            return Verdict.FOREIGN
        return Verdict.MATCH if self.tcp else Verdict.CASE_DIFFERS


def encode(
    name: dns.name.Name,
    rdtype: dns.rdatatype.RdataType,
    chance: Chance,
    *,
    edns: bool,
    recursive: bool,
    mixed_case: bool,
) -> bytes:
    """Return a query message with a random id, for class IN."""
    octets = _wire_name(name)
    if mixed_case:
        octets = mix_case(octets, chance)
    flags = _RECURSION_DESIRED if recursive else 0
    header = _HEADER.pack(chance.bits(16), flags, 1, 0, 0, int(edns))
    tail = _TAIL.pack(rdtype, _CLASS_IN)
    return header + octets + tail + (_OPT if edns else b"")


def with_signatures(wire: bytes) -> bytes:
    """Return ``wire``, a query with EDNS by ``encode``, that asks for signatures, too.

    RFC 6840 §5.9: and for what is bogus, if it goes to a resolver: it is for us to say
    so, and to say why.
    """
    flags = wire[3] | (_CHECKING_DISABLED if wire[2] & 0x01 else 0)
    return wire[:3] + bytes((flags,)) + wire[4 : -len(_OPT_DO)] + _OPT_DO


def _wire_name(name: dns.name.Name) -> bytes:
    """Return absolute ``name`` uncompressed (RFC 1035 §3.1)."""
    return b"".join(bytes((len(label),)) + label for label in name.labels)


def mix_case(octets: bytes, chance: Chance) -> bytes:
    """Return a wire name with the case of each letter chosen by chance.

    Label lengths are at most 63, below every letter: they are never touched.
    """
    bits = chance.bits(len(octets))
    return bytes(
        octet ^ ((bits >> place & 1) << 5) if octet in _LETTERS else octet
        for place, octet in enumerate(octets)
    )


def is_truncated(octets: bytes) -> bool:
    """Return whether the TC bit is set; ``octets`` passed ``judge``."""
    return bool(octets[2] & 0x02)


def read(octets: bytes, query: Query) -> dns.message.Message:
    """Return the message in ``octets``, which ``query`` judged a match.

    The name in the question gets its own case back: the names of the answer are mostly
    pointers to it, and the random case must go no further.

    Raises:
        MalformedReplyError: They are none, or half of one: what was cut off over UDP
            is asked over TCP, where there is room.
    """
    if is_truncated(octets):
        raise MalformedReplyError("truncated over TCP")
    if sum(_COUNTS.unpack_from(octets, 6)) > RECORDS_MAX:
        raise MalformedReplyError("too many records")
    if octets[5]:
        name = _wire_name(query.name)
        octets = octets[:HEADER_OCTETS] + name + octets[HEADER_OCTETS + len(name) :]
    try:
        octets = winnow(octets, query.rdtype)
        return dns.message.from_wire(octets, ignore_trailing=True)
    except (dns.exception.DNSException, ValueError) as error:
        raise MalformedReplyError(type(error).__name__) from error
