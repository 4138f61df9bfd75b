"""Proofs of absence with NSEC3 records whose signatures hold.

Sans-IO, pure.
Security: hashing is the validator's work at a stranger's wish (CVE-2023-50868), so
iterations and hashes are bounded.
Source: RFC 5155 §5 (hash), §8 (proofs), RFC 9276 §3.2 (iterations), RFC 6840 §4.
"""

import base64
import binascii
import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final

import dns.name
import dns.rdatatype
from dns.rdtypes.ANY.NSEC3 import NSEC3

from pabal.base.errors import LocalProtocolError
from pabal.dns.dnssec.bitmap import denies, hides_below, is_delegation
from pabal.dns.dnssec.canonical import WILDCARD, canonical_name
from pabal.dns.dnssec.fault import BogusError, EffortError, ExtendedError
from pabal.dns.dnssec.proof import Proof

ITERATIONS_MAX: Final = 50
"""Most additional iterations followed; more make the answer count as unsigned
(RFC 9276 §3.2; the limit of BIND, Knot and Unbound since 2023 or later)."""

ROUNDS_MAX: Final = 4_000
"""Most rounds of SHA-1 for one proof: about 2 ms."""

SHA1: Final = 1
OPT_OUT: Final = 0x01
FLAGS_KNOWN: Final = OPT_OUT
"""RFC 5155 §8.2: a record with another flag is ignored."""

DIGEST_OCTETS: Final = 20


class HashCollisionError(LocalProtocolError):
    """Two names hash to the same: another salt helps (RFC 5155 §7.1)."""


def nsec3_hash(name: dns.name.Name, salt: bytes, iterations: int) -> bytes:
    """Return the hashed owner of ``name`` (RFC 5155 §5)."""
    digest = hashlib.sha1(canonical_name(name) + salt, usedforsecurity=False).digest()
    for _ in range(iterations):
        digest = hashlib.sha1(digest + salt, usedforsecurity=False).digest()
    return digest


def hash_label(digest: bytes) -> bytes:
    """Return ``digest`` as the first label of an owner (RFC 5155 §3.3)."""
    return base64.b32hexencode(digest).lower().rstrip(b"=")


def hash_of_owner(owner: dns.name.Name) -> bytes | None:
    """Return the hash in the first label of ``owner``, ``None`` if there is none."""
    label = owner.labels[0].upper()
    try:
        digest = base64.b32hexdecode(label + b"=" * (-len(label) % 8))
    except (binascii.Error, ValueError):
        return None
    return digest if len(digest) == DIGEST_OCTETS else None


@dataclass(frozen=True, slots=True)
class HashSpan:
    """One NSEC3 record: nothing hashes to between ``start`` and its next hash."""

    start: bytes
    record: NSEC3

    def covers(self, digest: bytes) -> bool:
        """Return whether this says that nothing hashes to ``digest``."""
        until = bytes(self.record.next)
        if self.start < until:
            return self.start < digest < until
        return digest > self.start or digest < until


def hash_span(
    owner: dns.name.Name, record: NSEC3, zone: dns.name.Name
) -> HashSpan | None:
    """Return ``record`` if it can be used for ``zone`` (RFC 5155 §8.1, §8.2)."""
    start = hash_of_owner(owner)
    if (
        start is None
        or owner.parent() != zone
        or record.algorithm != SHA1
        or record.flags & ~FLAGS_KNOWN
        or len(record.next) != DIGEST_OCTETS
    ):
        return None
    return HashSpan(start, record)


@dataclass(slots=True)
class Nsec3Proofs:
    """The NSEC3 records of one answer; all are signed by ``zone``."""

    zone: dns.name.Name
    spans: Sequence[HashSpan]
    _hashes: dict[dns.name.Name, bytes] = field(default_factory=dict, init=False)
    _rounds: int = field(default=0, init=False)

    def no_name(self, name: dns.name.Name) -> Proof:
        """Return the proof that ``name`` does not exist, nor a wildcard for it (§8.4).

        Raises:
            BogusError: There is none.
        """
        if weak := self._weakness():
            return weak
        encloser, opt_out = self._closest(name)
        wildcard = dns.name.Name((WILDCARD, *encloser.labels))
        if self._covering(wildcard) is None:
            raise _missing(f"the wildcard {wildcard} could exist")
        return Proof(opt_out=opt_out)

    def no_data(self, name: dns.name.Name, rdtype: dns.rdatatype.RdataType) -> Proof:
        """Return the proof that ``name``, or a wildcard for it, has no ``rdtype``.

        RFC 5155 §8.5, §8.6 and §8.7.

        Raises:
            BogusError: There is none.
        """
        if weak := self._weakness():
            return weak
        here = self._at(name)
        if here is not None:
            if not denies(here.record, rdtype, root=name == dns.name.root):
                raise _missing(f"{name} could have it")
            return Proof(cut=is_delegation(here.record))
        encloser, opt_out = self._closest(name)
        wildcard = self._at(dns.name.Name((WILDCARD, *encloser.labels)))
        if wildcard is not None and denies(wildcard.record, rdtype):
            return Proof(opt_out=opt_out)
        if opt_out:
            # RFC 5155 §8.6; also names that exist only above unsigned zones.
            return Proof(opt_out=True)
        raise _missing(f"{name} could have it")

    def no_closer(self, name: dns.name.Name, wildcard: dns.name.Name) -> Proof:
        """Return the proof that nothing is closer to ``name`` than ``wildcard`` (§8.8).

        Raises:
            BogusError: There is none.
        """
        if weak := self._weakness():
            return weak
        next_closer = name.split(len(wildcard))[1]
        span = self._covering(next_closer)
        if span is None:
            raise _missing(f"{next_closer} could exist beside {wildcard}")
        return Proof(opt_out=_is_opt_out(span))

    def _weakness(self) -> Proof | None:
        if not self.spans:
            raise _missing("no usable record")
        first = self.spans[0].record
        if any(
            (s.record.salt, s.record.iterations) != (first.salt, first.iterations)
            for s in self.spans
        ):
            raise _missing("records of different parameters")  # RFC 5155 §8.2
        if first.iterations > ITERATIONS_MAX:
            return Proof(
                weak=f"NSEC3 with {first.iterations} iterations,"
                f" more than {ITERATIONS_MAX}"
            )
        return None

    def _closest(self, name: dns.name.Name) -> tuple[dns.name.Name, bool]:
        """Return the closest encloser of ``name``, and whether by opt-out (§8.3)."""
        closer = name
        while closer != self.zone and len(closer) > len(self.zone):
            encloser = closer.parent()
            here = self._at(encloser)
            if here is not None:
                if hides_below(here.record):
                    raise _missing(f"{encloser} says nothing of what is below it")
                span = self._covering(closer)
                if span is None:
                    raise _missing(f"{closer} could exist")
                return encloser, _is_opt_out(span)
            closer = encloser
        raise _missing(f"no name above {name} is shown to exist")

    def _at(self, name: dns.name.Name) -> HashSpan | None:
        digest = self._hash(name)
        return next((span for span in self.spans if span.start == digest), None)

    def _covering(self, name: dns.name.Name) -> HashSpan | None:
        digest = self._hash(name)
        return next((span for span in self.spans if span.covers(digest)), None)

    def _hash(self, name: dns.name.Name) -> bytes:
        digest = self._hashes.get(name)
        if digest is None:
            record = self.spans[0].record
            iterations = int(record.iterations)
            self._rounds += iterations + 1
            if self._rounds > ROUNDS_MAX:
                raise EffortError(f"more than {ROUNDS_MAX} rounds of hashing")
            digest = nsec3_hash(name, bytes(record.salt), iterations)
            self._hashes[name] = digest
        return digest


def _is_opt_out(span: HashSpan) -> bool:
    return bool(span.record.flags & OPT_OUT)


def _missing(reason: str) -> BogusError:
    return BogusError(f"NSEC3 proves too little: {reason}", ExtendedError.NSEC_MISSING)
