"""Whether a signature over records holds.

Sans-IO, pure: takes the time as an argument.
Security: keys and signatures are a stranger's, and may be many with one tag
(CVE-2023-50387, "KeyTrap"): an ``Effort`` counts every verification.
Source: RFC 4035 §5.3 (authenticating), RFC 4034 §3.1.5 (times).
"""

import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final

import dns.name
import dns.rdatatype
import dns.rrset
from dns.rdtypes.ANY.RRSIG import RRSIG

from pabal.dns.dnssec.algorithm import SUPPORTED, VerifyingKey
from pabal.dns.dnssec.canonical import labels_of, signed_data, wildcard_source
from pabal.dns.dnssec.fault import BogusError, EffortError, ExtendedError

VERIFICATIONS_MAX: Final = 64
"""Most verifications of one answer, its chain of trust included: 6 ms with P-256, 32 ms
with P-384, in as many turns of the loop as there are links; BIND stops at 16."""

FAILURES_MAX: Final = 4
"""Most verifications of one answer that fail; an honest zone causes none."""

COLLISIONS_MAX: Final = 3
"""Most keys of one tag and algorithm tried for one signature."""

_SERIAL_BITS: Final = 0xFFFF_FFFF
_SERIAL_HALF: Final = 0x8000_0000


@dataclass(slots=True)
class Effort:
    """What checking one answer has cost.

    Attributes:
        verifications: Signatures verified.
        failures: Those that did not hold.
        collisions: Keys that shared tag and algorithm with another.
    """

    verifications: int = 0
    failures: int = 0
    collisions: int = 0

    def verify(self, key: VerifyingKey, signature: bytes, data: bytes) -> bool:
        """Return whether ``signature`` of ``data`` is one by ``key``.

        Raises:
            EffortError: That would be one verification too many.
        """
        if self.failures > FAILURES_MAX:
            raise _hopeless()  # what comes after costs nothing any more
        self.verifications += 1
        if self.verifications > VERIFICATIONS_MAX:
            raise EffortError(f"more than {VERIFICATIONS_MAX} signatures to verify")
        if key.verify(signature, data):
            return True
        self.failures += 1
        if self.failures > FAILURES_MAX:
            raise _hopeless()
        return False


def _hopeless() -> EffortError:
    return EffortError(f"more than {FAILURES_MAX} signatures do not hold")


@dataclass(frozen=True, slots=True)
class Holds:
    """A signature that holds.

    Attributes:
        wildcard: The wildcard the records were made of, if they were.
        ttl_max_s: How long the records may be kept, seconds (RFC 4035 §5.3.3).
        tag: The key that signed.
    """

    wildcard: dns.name.Name | None
    ttl_max_s: int
    tag: int


def signatures_of(
    evidence: Iterable[dns.rrset.RRset],
    name: dns.name.Name,
    rdtype: dns.rdatatype.RdataType,
) -> list[RRSIG]:
    """Return the signatures in ``evidence`` over the records ``name``, ``rdtype``."""
    return [
        rdata
        for rrset in evidence
        if rrset.rdtype == dns.rdatatype.RRSIG and rrset.name == name
        for rdata in rrset
        if isinstance(rdata, RRSIG) and rdata.type_covered == rdtype
    ]


def check(
    rrset: dns.rrset.RRset,
    signatures: Sequence[RRSIG],
    zone: dns.name.Name,
    keys: Sequence[VerifyingKey],
    now: float,
    effort: Effort,
) -> Holds:
    """Return the first of ``signatures`` by a key of ``zone`` that holds.

    Raises:
        BogusError: None does.
        EffortError: It costs too much to find out.
    """
    what = f"{rrset.name} {dns.rdatatype.to_text(rrset.rdtype)}"
    fault = BogusError(
        f"{what}: no signature by {zone}", ExtendedError.SIGNATURES_MISSING
    )
    # Algorithms this cannot verify do not count (RFC 6840 §5.11).
    fitting = [s for s in signatures if s.signer == zone and s.algorithm in SUPPORTED]
    # Those that no key here can have made cost next to nothing, so there is no limit
    # for them: a zone that several sign (RFC 8901) may have a dozen.
    for rrsig in fitting:
        try:
            return _check_one(rrset, rrsig, keys, now, effort)
        except BogusError as error:
            fault = BogusError(f"{what}: {error.reason}", error.code)
    raise fault


def _check_one(
    rrset: dns.rrset.RRset,
    rrsig: RRSIG,
    keys: Sequence[VerifyingKey],
    now: float,
    effort: Effort,
) -> Holds:
    tag = int(rrsig.key_tag)
    if int(rrsig.labels) > labels_of(rrset.name):
        raise BogusError(f"signature {tag} has too many labels")
    left_s = _time_left_s(rrsig, now)
    candidates = [
        key for key in keys if key.tag == tag and key.algorithm == rrsig.algorithm
    ]
    if not candidates:
        raise BogusError(f"no key {tag}", ExtendedError.DNSKEY_MISSING)
    effort.collisions += len(candidates) - 1
    if len(candidates) > COLLISIONS_MAX:
        raise EffortError(f"more than {COLLISIONS_MAX} keys with tag {tag}")
    data = signed_data(rrset, rrsig)
    signature = bytes(rrsig.signature)
    if not any(effort.verify(key, signature, data) for key in candidates):
        raise BogusError(f"signature by key {tag} does not fit the records")
    return Holds(
        wildcard_source(rrset.name, int(rrsig.labels)),
        min(int(rrsig.original_ttl), left_s),
        tag,
    )


def _time_left_s(rrsig: RRSIG, now: float) -> int:
    """Return how long ``rrsig`` is still valid, seconds.

    RFC 4034 §3.1.5: serial arithmetic, good until beyond 2106.
    """
    since = (int(now) - int(rrsig.inception)) & _SERIAL_BITS
    left = (int(rrsig.expiration) - int(now)) & _SERIAL_BITS
    tag = rrsig.key_tag
    if since >= _SERIAL_HALF:
        begins = _date(now + _SERIAL_BITS + 1 - since)
        raise BogusError(
            f"signature by key {tag} is not valid yet, it begins on {begins}: is the"
            " clock right?",
            ExtendedError.SIGNATURE_NOT_YET_VALID,
        )
    if left >= _SERIAL_HALF:
        raise BogusError(
            f"signature by key {tag} ended {_ago(_SERIAL_BITS + 1 - left)} ago, on"
            f" {_date(now - (_SERIAL_BITS + 1 - left))}",
            ExtendedError.SIGNATURE_EXPIRED,
        )
    return left


def _date(seconds: float) -> str:
    """Return ``seconds`` since 1970 as a date, UTC."""
    return time.strftime("%Y-%m-%d %H:%M UTC", time.gmtime(seconds))


def _ago(seconds: int) -> str:
    """Return ``seconds`` in the largest unit of which there are at least two."""
    units = ((86_400, "days"), (3_600, "hours"), (60, "minutes"))
    for length, name in units:
        if seconds >= 2 * length:
            return f"{seconds // length} {name}"
    return f"{seconds} s"
