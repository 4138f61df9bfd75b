"""The DNS records that follow from what this server is: they cannot disagree with it.

Source: RFC 5321 §5 (MX), RFC 7208 §3 (SPF), RFC 6376 §3.6.1 (DKIM keys),
RFC 9989 (DMARC), RFC 6186 §3 and RFC 8314 §5.1 (mail programs find their servers).
"""

import ipaddress
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final, Protocol

from pabal.dns.ports import DerivedRecord
from pabal.net.endpoint import Endpoint

TTL_SECONDS: Final = 3600
"""An hour: a move to another address is through after lunch."""

STRING_MAX_OCTETS: Final = 255
"""Longest character-string of a TXT record (RFC 1035 §3.3); keys are longer."""

CLIENT_SERVICES: Final = (
    ("submission", "_submission._tcp"),
    ("submissions", "_submissions._tcp"),
    ("imap", "_imap._tcp"),
    ("imaps", "_imaps._tcp"),
    ("pop3", "_pop3._tcp"),
    ("pop3s", "_pop3s._tcp"),
)
"""[listen] service and the SRV name it is found under."""


class HostedDomains(Protocol):
    """Which domains are ours."""

    def domains(self) -> Sequence[str]:
        """Return the hosted domains, A-labels."""
        ...


class PublicKeys(Protocol):
    """The keys that sign."""

    def public_records(self, domain: str) -> Mapping[str, str]:
        """Return the TXT text of each DKIM selector of ``domain``."""
        ...


@dataclass(frozen=True, slots=True)
class DerivedRecords:
    """Implements ``pabal.dns.ports.DerivedSource``.

    Attributes:
        hostname: This host, A-labels.
        addresses: How others reach it.
        listen: What it listens for, by service.
        directory: Which domains are ours.
        keys: The keys that sign for them.
    """

    hostname: str
    addresses: Sequence[str]
    listen: Mapping[str, Sequence[Endpoint]]
    directory: HostedDomains
    keys: PublicKeys

    def domains(self) -> Sequence[str]:
        """Return the hosted domains (A-labels, no trailing dot)."""
        return self.directory.domains()

    def records(self, domain: str) -> Sequence[DerivedRecord]:
        """Return the records of ``domain`` (A-labels); the owner's file wins."""
        apex = f"{domain}."
        host = f"{self.hostname}."
        found = [
            DerivedRecord(apex, "MX", f"10 {host}", TTL_SECONDS),
            _txt(apex, "v=spf1 mx -all"),
            _txt(f"_dmarc.{apex}", "v=DMARC1; p=quarantine; adkim=s; aspf=s"),
        ]
        found += [
            _txt(f"{selector}._domainkey.{apex}", text)
            for selector, text in sorted(self.keys.public_records(domain).items())
        ]
        found += self._services(apex, host)
        if self.hostname == domain or self.hostname.endswith("." + domain):
            found += self._host_records(host)
        return found

    def _services(self, apex: str, host: str) -> list[DerivedRecord]:
        """Say where each service is, or that there is none (RFC 6186 §3.4)."""
        found = []
        for service, name in CLIENT_SERVICES:
            endpoints = self.listen.get(service, ())
            rdata = f"0 1 {endpoints[0].port} {host}" if endpoints else "0 0 0 ."
            found.append(DerivedRecord(f"{name}.{apex}", "SRV", rdata, TTL_SECONDS))
        return found

    def _host_records(self, host: str) -> list[DerivedRecord]:
        found = []
        for address in self.addresses:
            rdtype = "AAAA" if ipaddress.ip_address(address).version == 6 else "A"
            found.append(DerivedRecord(host, rdtype, address, TTL_SECONDS))
        found.append(_txt(host, "v=spf1 a -all"))
        return found


def _txt(owner: str, text: str) -> DerivedRecord:
    pieces = [
        text[i : i + STRING_MAX_OCTETS] for i in range(0, len(text), STRING_MAX_OCTETS)
    ]
    rdata = " ".join(
        '"' + piece.replace("\\", "\\\\").replace('"', '\\"') + '"' for piece in pieces
    )
    return DerivedRecord(owner, "TXT", rdata, TTL_SECONDS)
