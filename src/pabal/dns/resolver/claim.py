"""What a zone claims, with what should prove it: the unit of validation.

Sans-IO.
Source: RFC 4035 §5 (authenticating), RFC 8914 §4 (why not).
"""

from dataclasses import dataclass
from typing import Final

import dns.name
import dns.rdatatype
import dns.rrset

from pabal.dns.dnssec.fault import ExtendedError
from pabal.dns.ports import Security
from pabal.dns.resolver.hints import Server

BOGUS_SECONDS: Final = 60
"""How long a claim that does not hold is not looked at again (RFC 4035 §4.7)."""


@dataclass(frozen=True, slots=True)
class Verdict:
    """What validation found of a claim.

    Attributes:
        security: RFC 4033 §5.
        ttl_max_s: How long the claim may be kept, seconds; ``None``: its own TTL.
        reason: Why it is bogus, or not secure, for people; may be empty.
        code: The kind of fault.
    """

    security: Security
    ttl_max_s: int | None = None
    reason: str = ""
    code: ExtendedError | None = None

    @property
    def is_lasting(self) -> bool:
        """Whether it is worth keeping: not if servers were just away."""
        return self.code is not ExtendedError.NO_REACHABLE_AUTHORITY

    @property
    def is_to_blame(self) -> bool:
        """Whether another server may do better."""
        return self.security is Security.BOGUS and self.is_lasting


@dataclass(frozen=True, slots=True)
class Claim:
    """Records of one name and type, or their absence.

    Attributes:
        name: The name.
        rdtype: The type; with ``nxdomain`` the one asked for.
        rrset: The records; ``None``: there are none.
        nxdomain: The name itself does not exist.
        soa: The SOA that came with an absence.
        source: The DNAME that a CNAME in ``rrset`` was made of: it is what is signed.
        evidence: Signatures, and records that prove an absence.
        origin: The server that said so, and the zone it was asked as a server of.
        verdict: What validation found, if it was done.
    """

    name: dns.name.Name
    rdtype: dns.rdatatype.RdataType
    rrset: dns.rrset.RRset | None = None
    nxdomain: bool = False
    soa: dns.rrset.RRset | None = None
    source: dns.rrset.RRset | None = None
    evidence: tuple[dns.rrset.RRset, ...] = ()
    origin: tuple[Server, dns.name.Name] | None = None
    verdict: Verdict | None = None

    @property
    def signed(self) -> dns.rrset.RRset | None:
        """What the signatures of a positive claim are about."""
        return self.source if self.source is not None else self.rrset


UNCHECKED: Final = Verdict(Security.INDETERMINATE)
"""What our own zones say: nobody has to prove it to us."""


def worst(verdicts: list[Verdict]) -> Verdict:
    """Return what holds for all claims together: an answer is as good as its worst."""
    order = (Security.BOGUS, Security.INDETERMINATE, Security.INSECURE, Security.SECURE)
    return min(
        verdicts, key=lambda verdict: order.index(verdict.security), default=UNCHECKED
    )
