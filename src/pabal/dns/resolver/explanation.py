"""A resolution explained, for ``pabal dig``: data only, who shows it decides how."""

from dataclasses import dataclass

import dns.name
import dns.rcode
import dns.rdatatype
import dns.rrset

from pabal.base.clock import Clock
from pabal.dns.ports import ResolutionError, Resolver, Security, Step, Steps


@dataclass(frozen=True, slots=True)
class Explanation:
    """What was asked, what came, and how.

    Attributes:
        name: The name asked for, absolute, presentation form.
        rdtype: The type asked for, mnemonic.
        rcode: ``NOERROR``, ``NXDOMAIN``; ``SERVFAIL`` when there was no answer.
        answer: Records in presentation form (RFC 1035 §5.1), aliases first.
        authority: The SOA of a negative answer, presentation form.
        security: What DNSSEC says.
        authoritative: Whether a zone served here had it.
        steps: Each question sent.
        trouble: Why there is no answer; empty when there is one.
        elapsed_ms: From question to answer.
    """

    name: str
    rdtype: str
    rcode: str
    answer: tuple[str, ...]
    authority: tuple[str, ...]
    security: Security
    authoritative: bool
    steps: tuple[Step, ...]
    trouble: str
    elapsed_ms: float


async def explain(
    resolver: Resolver,
    name: dns.name.Name,
    rdtype: dns.rdatatype.RdataType,
    clock: Clock,
) -> Explanation:
    """Resolve ``name`` and return how that went; a failure is an explanation too."""
    steps = Steps()
    began_at = clock.monotonic()
    rcode, trouble = "SERVFAIL", ""
    answer: tuple[dns.rrset.RRset, ...] = ()
    authority: tuple[dns.rrset.RRset, ...] = ()
    security, authoritative = Security.INDETERMINATE, False
    try:
        resolved = await resolver.resolve(name, rdtype, steps)
    except ResolutionError as error:
        trouble = error.reason
    else:
        rcode = dns.rcode.to_text(dns.rcode.Rcode(resolved.rcode))
        answer, authority = resolved.answer, resolved.authority
        security, authoritative = resolved.security, resolved.authoritative
    return Explanation(
        name=str(name),
        rdtype=dns.rdatatype.to_text(rdtype),
        rcode=rcode,
        answer=_lines(answer),
        authority=_lines(authority),
        security=security,
        authoritative=authoritative,
        steps=tuple(steps.taken),
        trouble=trouble,
        elapsed_ms=(clock.monotonic() - began_at) * 1000,
    )


def _lines(rrsets: tuple[dns.rrset.RRset, ...]) -> tuple[str, ...]:
    return tuple(line for rrset in rrsets for line in rrset.to_text().splitlines())
