"""A resolution explained, for ``pabal dig``: data only, who shows it decides how."""

from dataclasses import dataclass
from typing import Final

import dns.name
import dns.rcode
import dns.rdatatype
import dns.rrset

from pabal.base.clock import Clock
from pabal.dns.ports import ResolutionError, Resolver, Security, Step, Steps
from pabal.dns.resolver.cache import NXDOMAIN_KEY, Cache, Entry

KEPT_MAX: Final = 200
"""Most entries of a cache that are told: one resolution leaves some dozen."""


@dataclass(frozen=True, slots=True)
class Kept:
    """What the cache holds of one name and type.

    Attributes:
        name: Absolute, presentation form.
        rdtype: Mnemonic.
        ttl_s: How long it is still kept, seconds.
        what: The records, or that there are none.
        trust: How far it is believed (RFC 2181 §5.4.1): ``glue`` and ``referral`` help
            to find servers; ``answer`` and up may be told to clients.
        security: What validation found; empty: it was not looked at.
    """

    name: str
    rdtype: str
    ttl_s: int
    what: str
    trust: str
    security: str


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
        kept: What the cache holds now, as far as it was asked to be told.
        code: The kind of ``trouble`` (RFC 8914 §4); ``None``: there is no number.
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
    kept: tuple[Kept, ...] = ()
    code: int | None = None


async def explain(
    resolver: Resolver,
    name: dns.name.Name,
    rdtype: dns.rdatatype.RdataType,
    clock: Clock,
    cache: Cache | None = None,
) -> Explanation:
    """Resolve ``name`` and return how that went; a failure is an explanation too.

    Args:
        cache: The resolver's, to tell what is in it afterwards.
    """
    steps = Steps()
    began_at = clock.monotonic()
    rcode, trouble = "SERVFAIL", ""
    code: int | None = None
    answer: tuple[dns.rrset.RRset, ...] = ()
    authority: tuple[dns.rrset.RRset, ...] = ()
    security, authoritative = Security.INDETERMINATE, False
    try:
        resolved = await resolver.resolve(name, rdtype, steps)
    except ResolutionError as error:
        trouble, code = error.reason, error.code
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
        kept=() if cache is None else kept(cache, clock.monotonic()),
        code=code,
    )


def kept(cache: Cache, now: float) -> tuple[Kept, ...]:
    """Return what is in ``cache`` at ``now``, root first, at most ``KEPT_MAX``."""
    alive = sorted(cache.alive(now), key=lambda each: (each[0], each[1]))
    return tuple(_kept(*each, now) for each in alive[:KEPT_MAX])


def _kept(
    name: dns.name.Name, rdtype: dns.rdatatype.RdataType, entry: Entry, now: float
) -> Kept:
    kind = "any type" if rdtype == NXDOMAIN_KEY else dns.rdatatype.to_text(rdtype)
    what = "no such name" if entry.nxdomain else "no such records"
    if entry.rrset is not None:
        what = ", ".join(rdata.to_text() for rdata in entry.rrset)
    verdict = "" if entry.verdict is None else entry.verdict.security.value
    trust = entry.trust.name.lower()
    return Kept(str(name), kind, int(entry.expires_at - now), what, trust, verdict)


def _lines(rrsets: tuple[dns.rrset.RRset, ...]) -> tuple[str, ...]:
    return tuple(line for rrset in rrsets for line in rrset.to_text().splitlines())
