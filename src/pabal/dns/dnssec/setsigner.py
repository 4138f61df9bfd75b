"""Signatures over record sets that are octets: thousands a second.

Sans-IO, pure: the same set, key and time give the same signature.
Cost: 0.05 ms a signature, most of it in the library.
Source: RFC 4034 §3.1.8.1 (what is signed), §6.2 (canonical RDATA), RFC 6840 §5.1,
RFC 6781 §4.4.2 (validity periods and jitter).
"""

import zlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from struct import Struct
from typing import Final

from pabal.dns.dnssec.canonical import RRSIG_FIXED
from pabal.dns.dnssec.keys import SigningKey
from pabal.dns.dnssec.keystate import DAY_S
from pabal.dns.wire import codes
from pabal.dns.wire.name import WILDCARD
from pabal.dns.wire.rrset import RRset, to_dnspython

INCEPTION_SLACK_S: Final = 3600
"""Signatures begin so much earlier, for clocks that are slow (RFC 6781 §4.4.2.2)."""

INCEPTION_JITTER_S: Final = 3600
"""They begin up to so much earlier still."""

EXPIRY_JITTER_S: Final = 2 * DAY_S
"""They end up to so much earlier than the policy says: not all on one day."""

_HEAD: Final = Struct("!HHI")
_LENGTH: Final = Struct("!H")
_SERIAL_BITS: Final = 0xFFFF_FFFF


@dataclass(frozen=True, slots=True)
class Signer:
    """A key ready to sign; no ``repr`` shows it.

    Attributes:
        tag: RFC 4034 appendix B.
        algorithm: RFC 4034 appendix A.1.
        sign: Returns the signature of octets.
    """

    tag: int
    algorithm: int
    sign: Callable[[bytes], bytes]

    @property
    def maker(self) -> tuple[int, int]:
        """What its signatures are told by: algorithm and tag."""
        return self.algorithm, self.tag

    @classmethod
    def of(cls, key: SigningKey) -> "Signer":
        """Return ``key`` as what is needed for each signature."""
        return cls(key.tag, key.algorithm, key.sign)


@dataclass(frozen=True, slots=True)
class SetSigner:
    """Signs sets of one zone at one time.

    Attributes:
        zone: Folded wire name.
        now: Seconds since 1970.
        validity_s: How long signatures hold from now on, at most.
    """

    zone: bytes
    now: int
    validity_s: int

    def sign(
        self,
        owner: bytes,
        rdtype: int,
        ttl_s: int,
        rdatas: Sequence[bytes],
        signers: Sequence[Signer],
    ) -> list[bytes]:
        """Return the RDATA of an RRSIG by each of ``signers``; ``owner`` is folded."""
        jitter = zlib.crc32(owner, rdtype)
        inception = self.now - INCEPTION_SLACK_S - jitter % INCEPTION_JITTER_S
        spread_s = min(EXPIRY_JITTER_S, self.validity_s // 4)
        expiration = self.now + self.validity_s - jitter % spread_s
        head = owner + _HEAD.pack(rdtype, codes.IN, ttl_s)
        parts: list[bytes] = []
        for rdata in canonical_rdatas(rdtype, rdatas):
            parts += (head, _LENGTH.pack(len(rdata)), rdata)
        records = b"".join(parts)
        made = []
        for signer in signers:
            fixed = (
                RRSIG_FIXED.pack(
                    rdtype,
                    signer.algorithm,
                    _labels(owner),
                    ttl_s,
                    expiration & _SERIAL_BITS,
                    inception & _SERIAL_BITS,
                    signer.tag,
                )
                + self.zone
            )
            made.append(fixed + signer.sign(fixed + records))
        return made


def _labels(owner: bytes) -> int:
    """Return the labels without root and asterisk (RFC 4034 §3.1.3)."""
    count = 0
    position = 0
    while length := owner[position]:
        position += length + 1
        count += 1
    return count - 1 if owner.startswith(WILDCARD) else count


def canonical_rdatas(rdtype: int, rdatas: Sequence[bytes]) -> list[bytes]:
    """Return ``rdatas`` in canonical form and order (RFC 4034 §6.2 and §6.3)."""
    fold = _FOLDS.get(rdtype)
    if fold is None:
        if rdtype in _UNCOMMON:
            rrset = to_dnspython(RRset(b"\x00", rdtype, 0, tuple(rdatas)))
            return sorted({rdata.to_digestable() for rdata in rrset})
        return list(rdatas) if len(rdatas) == 1 else sorted(set(rdatas))
    if len(rdatas) == 1:
        return [fold(rdatas[0])]
    return sorted({fold(rdata) for rdata in rdatas})


def _behind(octets: int) -> Callable[[bytes], bytes]:
    def fold(rdata: bytes) -> bytes:
        return rdata[:octets] + rdata[octets:].lower()

    return fold


def _soa(rdata: bytes) -> bytes:
    return rdata[:-20].lower() + rdata[-20:]


_FOLDS: Final[Mapping[int, Callable[[bytes], bytes]]] = {
    codes.NS: bytes.lower,
    codes.CNAME: bytes.lower,
    codes.PTR: bytes.lower,
    codes.DNAME: bytes.lower,
    codes.MX: _behind(2),
    codes.SRV: _behind(6),
    codes.SOA: _soa,
}
"""Common types with names in their RDATA: how the names are folded."""

_UNCOMMON: Final = frozenset(
    # MD MF MB MG MR MINFO RP AFSDB RT SIG PX NXT NAPTR KX A6
    (3, 4, 7, 8, 9, 14, 17, 18, 21, 24, 26, 30, 35, 36, 38)
)
"""The other types of RFC 4034 §6.2; HINFO is there by mistake and holds no name."""


@dataclass(frozen=True, slots=True)
class Facts:
    """What an RRSIG says of itself.

    Attributes:
        covered: The type it is over.
        maker: Algorithm and tag of its key.
        expiration: Seconds since 1970, 32 bits.
    """

    covered: int
    maker: tuple[int, int]
    expiration: int


def facts_of(rrsig: bytes) -> Facts:
    """Return what RDATA ``rrsig`` says of itself."""
    covered, algorithm, _, _, expiration, _, tag = RRSIG_FIXED.unpack_from(rrsig)
    return Facts(covered, (algorithm, tag), expiration)
