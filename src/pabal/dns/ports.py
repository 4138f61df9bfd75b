"""What the parts of ``pabal.dns`` and its users ask of each other.

Names and records are dnspython's immutable values (``dns.name``, ``dns.rrset``): the
control plane's common language. Wire octets stay inside ``wire`` and ``server``.
"""

import enum
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Protocol, runtime_checkable

import dns.name
import dns.rdatatype
import dns.rrset

from pabal.base.errors import UnavailableError


class Security(enum.Enum):
    """What DNSSEC says of an answer (RFC 4033 §5)."""

    SECURE = "secure"
    INSECURE = "insecure"
    BOGUS = "bogus"
    INDETERMINATE = "indeterminate"


class ResolutionError(UnavailableError):
    """No answer could be had: the client gets SERVFAIL, a mail is tried later.

    Attributes:
        reason: For the log and `pabal dig`: which servers were asked and what came.
        code: The INFO-CODE of an Extended DNS Error for the client (RFC 8914 §4), with
            ``reason`` as its text when data is bogus; ``None``: nothing to say.
    """

    def __init__(self, reason: str, code: int | None = None) -> None:
        super().__init__(reason)
        self.reason = reason
        self.code = code


class DroppedError(ResolutionError):
    """The operator wants that the client hears nothing at all."""


class TcpOnlyError(DroppedError):
    """The operator wants that the client asks again over TCP."""


@dataclass(frozen=True, slots=True)
class Step:
    """One question sent on the way to an answer, for traces and ``pabal dig``.

    Attributes:
        name: The name asked for, absolute, presentation form.
        rdtype: The type asked for, for example ``MX``.
        server: Who was asked: ``name@address#port`` or ``cache``.
        zone: The zone whose server was asked.
        outcome: What came, in words: ``referral to example.test.``, ``answer``, …
        elapsed_ms: From question to answer.
    """

    name: str
    rdtype: str
    server: str
    zone: str
    outcome: str
    elapsed_ms: float


@dataclass(slots=True)
class Steps:
    """Collects the steps of one or more resolutions; the caller owns it."""

    taken: list[Step] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Resolved:
    """A complete answer, positive or negative.

    Attributes:
        rcode: 0 NOERROR or 3 NXDOMAIN (RFC 1035 §4.1.1).
        answer: The CNAME chain, then the rrset asked for; empty when negative.
        authority: The SOA of a negative answer (RFC 2308 §2).
        security: What validation found.
        authoritative: Whether it came from a zone this server holds.
        signatures: For clients with DO: RRSIG and DNAME records of the answer section.
        proofs: For clients with DO: what proves an absence, or that a wildcard may
            answer, with signatures: NSEC, NSEC3 and RRSIG of the authority section.
        errors: INFO-CODEs of Extended DNS Errors that say why it is not what the world
            has (RFC 8914 §4).
    """

    rcode: int
    answer: tuple[dns.rrset.RRset, ...]
    authority: tuple[dns.rrset.RRset, ...] = ()
    security: Security = Security.INDETERMINATE
    authoritative: bool = False
    signatures: tuple[dns.rrset.RRset, ...] = ()
    proofs: tuple[dns.rrset.RRset, ...] = ()
    errors: tuple[int, ...] = ()


class Resolver(Protocol):
    """Finds answers anywhere in the name space."""

    async def resolve(
        self,
        name: dns.name.Name,
        rdtype: dns.rdatatype.RdataType,
        steps: Steps | None = None,
        *,
        unchecked: bool = False,
    ) -> Resolved:
        """Return the answer for absolute ``name``; questions sent go to ``steps``.

        With ``unchecked`` (the client's CD bit, RFC 4035 §3.2.2) bogus data is an
        answer, too, and its ``security`` says nothing.

        Raises:
            ResolutionError: No server gave a usable answer in time, or it is bogus.
        """
        ...


@dataclass(frozen=True, slots=True)
class Client:
    """Who asks, as far as the answer depends on it.

    Attributes:
        address: From where, without port.
        view: What it sees: 0 the common zones, else the so many-th view.
        udp: Whether it can be told to ask again over TCP.
        dnssec_ok: Whether it wants signatures (DO).
    """

    address: str
    view: int = 0
    udp: bool = False
    dnssec_ok: bool = False


@runtime_checkable
class Clientele(Protocol):
    """Knows which resolver is for whom."""

    def of(self, client: Client) -> Resolver:
        """Return the resolver that ``client`` is to get its answers from."""
        ...

    def is_apart(self, address: str, view: int) -> bool:
        """Return whether answers for that client are not those others get.

        They must then neither be kept for others nor taken from what is kept.
        """
        ...


class LocalZones(Protocol):
    """The zones this server is authoritative for, as a resolver sees them."""

    def local(
        self, name: dns.name.Name, rdtype: dns.rdatatype.RdataType
    ) -> Resolved | None:
        """Return the authoritative answer, or ``None`` if no zone here holds it.

        A delegation away from here is ``None`` too: the resolver goes on by itself.
        """
        ...


@dataclass(frozen=True, slots=True)
class DerivedRecord:
    """A record that follows from the directory, the keys or the certificate.

    Attributes:
        owner: Absolute name, presentation form.
        rdtype: Type mnemonic.
        rdata: Presentation form (RFC 1035 §5.1), names absolute.
        ttl_s: Time to live, seconds.
    """

    owner: str
    rdtype: str
    rdata: str
    ttl_s: int = 3600


class DerivedSource(Protocol):
    """Knows which records a hosted domain should have; built by ``app``."""

    def domains(self) -> Sequence[str]:
        """Return the hosted domains (A-labels, no trailing dot)."""
        ...

    def records(self, domain: str) -> Sequence[DerivedRecord]:
        """Return the records of ``domain``; the owner's zone file wins over them."""
        ...
