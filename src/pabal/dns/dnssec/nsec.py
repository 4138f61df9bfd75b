"""Proofs of absence with NSEC records whose signatures hold.

Sans-IO, pure.
Source: RFC 4035 §5.4, RFC 6840 §4 (who may deny what), RFC 7129 §3 (explained).
"""

from collections.abc import Sequence
from dataclasses import dataclass

import dns.name
import dns.rdatatype
from dns.rdtypes.ANY.NSEC import NSEC

from pabal.dns.dnssec.bitmap import denies, hides_below, is_delegation
from pabal.dns.dnssec.canonical import WILDCARD
from pabal.dns.dnssec.fault import BogusError, ExtendedError
from pabal.dns.dnssec.proof import Proof


@dataclass(frozen=True, slots=True)
class Span:
    """One NSEC record: nothing is between ``owner`` and ``until``."""

    owner: dns.name.Name
    record: NSEC

    @property
    def until(self) -> dns.name.Name:
        """The next name of the zone, or its apex after the last."""
        until: dns.name.Name = self.record.next
        return until

    def covers(self, name: dns.name.Name) -> bool:
        """Return whether this says that ``name`` is not there (or only has children).

        Not if ``name`` is below a cut or a DNAME at the owner (RFC 6840 §4.1).
        """
        if name.is_subdomain(self.owner) and hides_below(self.record):
            return False
        if not self.owner < name:
            return False
        if self.owner < self.until:
            return bool(name < self.until)
        return name.is_subdomain(self.until)  # the last of the zone


@dataclass(frozen=True, slots=True)
class NsecProofs:
    """The NSEC records of one answer; all are signed by ``zone``."""

    zone: dns.name.Name
    spans: Sequence[Span]

    def no_name(self, name: dns.name.Name) -> Proof:
        """Return the proof that ``name`` does not exist, nor a wildcard for it.

        Raises:
            BogusError: There is none.
        """
        wildcard = _wildcard(self._closest(name))
        span = self._covering(wildcard)
        # An empty one is there as well: RFC 4592 §2.2.2, §3.3.1.
        if span is None or span.until.is_subdomain(wildcard):
            raise _missing(f"the wildcard {wildcard} could exist")
        return Proof()

    def no_data(self, name: dns.name.Name, rdtype: dns.rdatatype.RdataType) -> Proof:
        """Return the proof that ``name``, or a wildcard for it, has no ``rdtype``.

        Raises:
            BogusError: There is none.
        """
        here = self._at(name)
        if here is not None:
            if not denies(here.record, rdtype, root=name == dns.name.root):
                raise _missing(f"{name} could have it")
            return Proof(cut=is_delegation(here.record))
        span = self._covering(name)
        if span is not None and span.until.is_subdomain(name):
            return Proof()  # an empty non-terminal (RFC 4035 §5.4)
        wildcard = _wildcard(self._closest(name))
        here, span = self._at(wildcard), self._covering(wildcard)
        if span is not None and span.until.is_subdomain(wildcard):
            return Proof()  # an empty one
        if here is None or not denies(here.record, rdtype):
            raise _missing(f"the wildcard {wildcard} could have it")
        return Proof()

    def no_closer(self, name: dns.name.Name, wildcard: dns.name.Name) -> Proof:
        """Return the proof that nothing is closer to ``name`` than ``wildcard``.

        RFC 4035 §5.3.4: only then may it answer for the name.

        Raises:
            BogusError: There is none.
        """
        if self._closest(name) != wildcard.parent():
            raise _missing(f"{name} could exist beside {wildcard}")
        return Proof()

    def _closest(self, name: dns.name.Name) -> dns.name.Name:
        """Return the closest encloser of ``name``, which is proven not to exist."""
        span = self._covering(name)
        if span is None or span.until.is_subdomain(name):
            raise _missing(f"{name} could exist")
        return max(_common(name, span.owner), _common(name, span.until), key=len)

    def _at(self, name: dns.name.Name) -> Span | None:
        return next((span for span in self.spans if span.owner == name), None)

    def _covering(self, name: dns.name.Name) -> Span | None:
        return next((span for span in self.spans if span.covers(name)), None)


def _common(one: dns.name.Name, other: dns.name.Name) -> dns.name.Name:
    _, _, labels = one.fullcompare(other)
    return one.split(labels)[1]


def _wildcard(encloser: dns.name.Name) -> dns.name.Name:
    return dns.name.Name((WILDCARD, *encloser.labels))


def _missing(reason: str) -> BogusError:
    return BogusError(f"NSEC proves too little: {reason}", ExtendedError.NSEC_MISSING)
