"""Names as mail asks for them: strings in, plain values out.

Source: RFC 5321 §5.1 (MX), RFC 7505 §3 (null MX), RFC 7208 §3.3 (TXT strings joined).
"""

import asyncio
import enum
from collections.abc import Sequence
from dataclasses import dataclass

import dns.exception
import dns.name
import dns.rcode
import dns.rdata
import dns.rdatatype
import dns.rdtypes.ANY.MX
import dns.rdtypes.ANY.PTR
import dns.rdtypes.ANY.TXT
import dns.reversename

from pabal.dns.ports import ResolutionError, Resolved, Resolver, Security, Steps
from pabal.dns.resolver.hints import addresses_of


class MxKind(enum.Enum):
    """What a domain says of its mail."""

    RECORDS = "records"
    NONE = "none"
    NULL = "null"
    NXDOMAIN = "nxdomain"


@dataclass(frozen=True, slots=True)
class MxAnswer:
    """The mail exchangers of a domain.

    Attributes:
        kind: ``RECORDS``; ``NONE``: the domain is there without any (implicit MX);
            ``NULL``: it takes no mail (RFC 7505); ``NXDOMAIN``: no such domain.
        records: Preference and host (A-labels, no trailing dot), best first.
        security: What DNSSEC says of them.
    """

    kind: MxKind
    records: tuple[tuple[int, str], ...] = ()
    security: Security = Security.INDETERMINATE


class Lookup:
    """Asks ``resolver``; one a process or one a test.

    Every method raises ``ResolutionError`` when nothing can be known right now. A name
    that no zone can hold (an empty or over-long label) does not exist: an answer too.
    """

    def __init__(self, resolver: Resolver) -> None:
        self._resolver = resolver

    async def resolved(
        self, name: str, rdtype: dns.rdatatype.RdataType, steps: Steps | None = None
    ) -> Resolved:
        """Return the whole answer for ``name``, for callers that need its security.

        Raises:
            ResolutionError: No answer right now.
        """
        absolute = absolute_name(name)
        if absolute is None:
            return Resolved(int(dns.rcode.NXDOMAIN), ())
        return await self._resolver.resolve(absolute, rdtype, steps)

    async def mx(self, domain: str, steps: Steps | None = None) -> MxAnswer:
        """Return the mail exchangers of ``domain`` (A-labels).

        Raises:
            ResolutionError: No answer right now.
        """
        resolved = await self.resolved(domain, dns.rdatatype.MX, steps)
        if resolved.rcode == dns.rcode.NXDOMAIN:
            return MxAnswer(MxKind.NXDOMAIN, security=resolved.security)
        found = [
            (rdata.preference, rdata.exchange)
            for rdata in _final(resolved, dns.rdatatype.MX)
            if isinstance(rdata, dns.rdtypes.ANY.MX.MX)
        ]
        # RFC 7505 §3: "." says "no mail"; beside real exchangers it means nothing.
        records = sorted(
            (preference, host_text(host))
            for preference, host in found
            if host != dns.name.root
        )
        if records:
            return MxAnswer(MxKind.RECORDS, tuple(records), resolved.security)
        kind = MxKind.NULL if found else MxKind.NONE
        return MxAnswer(kind, security=resolved.security)

    async def addresses(self, host: str, steps: Steps | None = None) -> tuple[str, ...]:
        """Return the addresses of ``host`` (A-labels), IPv6 first; ``()``: it has none.

        One family is enough: the other may fail.

        Raises:
            ResolutionError: No address found, and not sure that there is none.
        """
        answers = await asyncio.gather(
            self.resolved(host, dns.rdatatype.AAAA, steps),
            self.resolved(host, dns.rdatatype.A, steps),
            return_exceptions=True,
        )
        found: list[str] = []
        failed: BaseException | None = None
        for rdtype, answer in zip(
            (dns.rdatatype.AAAA, dns.rdatatype.A), answers, strict=True
        ):
            if isinstance(answer, BaseException):
                failed = answer
                if not isinstance(answer, ResolutionError):
                    raise answer
            else:
                found += addresses_of(_final(answer, rdtype))
        if failed is not None and not found:
            raise failed
        return tuple(found)

    async def txt(self, name: str, steps: Steps | None = None) -> tuple[bytes, ...]:
        """Return the TXT records of ``name``, the strings of each joined.

        Raises:
            ResolutionError: No answer right now.
        """
        resolved = await self.resolved(name, dns.rdatatype.TXT, steps)
        return tuple(
            b"".join(rdata.strings)
            for rdata in _final(resolved, dns.rdatatype.TXT)
            if isinstance(rdata, dns.rdtypes.ANY.TXT.TXT)
        )

    async def ptr(self, address: str, steps: Steps | None = None) -> tuple[str, ...]:
        """Return the names that ``address`` (IPv4 or IPv6) says it has.

        Raises:
            ResolutionError: No answer right now.
        """
        try:
            name = dns.reversename.from_address(address)
        except dns.exception.SyntaxError:
            return ()
        resolved = await self._resolver.resolve(name, dns.rdatatype.PTR, steps)
        return tuple(
            host_text(rdata.target)
            for rdata in _final(resolved, dns.rdatatype.PTR)
            if isinstance(rdata, dns.rdtypes.ANY.PTR.PTR)
        )


def absolute_name(text: str) -> dns.name.Name | None:
    """Return the absolute name ``text`` means, dot at the end or not; else ``None``."""
    try:
        return dns.name.from_text(text)
    except (dns.exception.DNSException, UnicodeError):
        return None


def host_text(name: dns.name.Name) -> str:
    """Return ``name`` in lower case without the dot at its end."""
    return name.canonicalize().to_text(omit_final_dot=True)


def _final(
    resolved: Resolved, rdtype: dns.rdatatype.RdataType
) -> Sequence[dns.rdata.Rdata]:
    """Return the records asked for, where the aliases end; empty if there are none."""
    if resolved.answer and resolved.answer[-1].rdtype == rdtype:
        return list(resolved.answer[-1])
    return ()
