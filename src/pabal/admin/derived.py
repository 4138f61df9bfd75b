"""The DNS records that follow from what this server is: they cannot disagree with it.

Source: RFC 5321 §5 (MX), RFC 7208 §3 (SPF), RFC 6376 §3.6.1 (DKIM keys),
RFC 9989 (DMARC), RFC 6186 §3 and RFC 8314 §5.1 (mail programs find their servers),
RFC 8461 §3 (MTA-STS), RFC 8460 §3 (TLS reports), RFC 7672 §3.1 (TLSA), RFC 8659 §4,
RFC 4255 §3 (SSHFP).
"""

import hashlib
import ipaddress
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final, Protocol

from pabal.admin.certificate import CertificateFacts
from pabal.admin.pages import StsMode, sts_policy
from pabal.directory.ports import Resolution, Route
from pabal.dns.ports import DerivedRecord
from pabal.message.address import Mailbox
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


TLSA_TTL_SECONDS: Final = 300
"""Five minutes: for so long after a new key senders may still hold the old digest."""

STS_ID_CHARACTERS: Final = 20
"""Of the id of a policy; RFC 8461 §3.1 allows 32 letters and digits."""

POSTMASTER: Final = "postmaster"


class HostedDomains(Protocol):
    """Which domains are ours."""

    def domains(self) -> Sequence[str]:
        """Return the hosted domains, A-labels."""
        ...

    def resolve(self, address: Mailbox) -> Resolution:
        """Return where mail for ``address`` goes."""
        ...


class PublicKeys(Protocol):
    """The keys that sign."""

    def public_records(self, domain: str) -> Mapping[str, str]:
        """Return the TXT text of each DKIM selector of ``domain``."""
        ...


def no_certificate() -> CertificateFacts | None:
    """Know of no certificate."""
    return None


@dataclass(frozen=True, slots=True)
class DerivedRecords:
    """Implements ``pabal.dns.ports.DerivedSource``.

    Attributes:
        hostname: This host, A-labels.
        addresses: How others reach it.
        listen: What it listens for, by service.
        directory: Which domains are ours.
        keys: The keys that sign for them.
        certificate: Returns what the certificate in use says; ``None``: none is known.
        sts: What the policy of MTA-STS asks of senders.
        caa: Who may issue certificates, if the owner says so.
        sshfp: What the host keys of the console are known by, as texts of records.
    """

    hostname: str
    addresses: Sequence[str]
    listen: Mapping[str, Sequence[Endpoint]]
    directory: HostedDomains
    keys: PublicKeys
    certificate: Callable[[], CertificateFacts | None] = no_certificate
    sts: StsMode = StsMode.OFF
    caa: Sequence[str] = ()
    sshfp: Sequence[str] = ()

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
        found += self._web(domain, host)
        found += self._reports(domain)
        found += [
            DerivedRecord(apex, "CAA", f'0 issue "{issuer}"', TTL_SECONDS)
            for issuer in self.caa
        ]
        if self.hostname == domain or self.hostname.endswith("." + domain):
            found += self._host_records(host)
        return found

    def policy(self, domain: str) -> str:
        """Return the policy of MTA-STS of ``domain`` (A-labels); empty: it has none.

        It can only be had where https is on, with a certificate that senders believe
        and that holds for the name it is fetched from and for the mail host.
        """
        facts = self.certificate()
        if self.sts is StsMode.OFF or facts is None or facts.is_self_signed:
            return ""
        if not self.listen.get("https") or not facts.covers(f"mta-sts.{domain}"):
            return ""
        if self.sts is not StsMode.NONE and not facts.covers(self.hostname):
            return ""
        return sts_policy(self.sts, self.hostname)

    def _web(self, domain: str, host: str) -> list[DerivedRecord]:
        """Return the names of pages this server has for senders and mail programs."""
        found = []
        policy = self.policy(domain)
        if policy:
            number = hashlib.sha256(policy.encode()).hexdigest()[:STS_ID_CHARACTERS]
            found += [
                _txt(f"_mta-sts.{domain}.", f"v=STSv1; id={number}"),
                DerivedRecord(f"mta-sts.{domain}.", "CNAME", host, TTL_SECONDS),
            ]
        if self.listen.get("http") or self.listen.get("https"):
            name = f"autoconfig.{domain}."
            found.append(DerivedRecord(name, "CNAME", host, TTL_SECONDS))
        return found

    def _reports(self, domain: str) -> list[DerivedRecord]:
        """Ask for reports about TLS, if somebody is there to read them."""
        postmaster = Mailbox(POSTMASTER, domain)
        if self.directory.resolve(postmaster).route is not Route.LOCAL:
            return []
        text = f"v=TLSRPTv1; rua=mailto:{POSTMASTER}@{domain}"
        return [_txt(f"_smtp._tls.{domain}.", text)]

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
        facts = self.certificate()
        if facts is not None and self.listen.get("smtp"):
            # 3 1 1: this very key, whoever vouches for it (RFC 7672 §3.1.1).
            rdata = f"3 1 1 {facts.spki_sha256}"
            name = f"_25._tcp.{host}"
            found.append(DerivedRecord(name, "TLSA", rdata, TLSA_TTL_SECONDS))
        if self.listen.get("ssh"):
            found += [
                DerivedRecord(host, "SSHFP", rdata, TTL_SECONDS) for rdata in self.sshfp
            ]
        return found


def _txt(owner: str, text: str) -> DerivedRecord:
    pieces = [
        text[i : i + STRING_MAX_OCTETS] for i in range(0, len(text), STRING_MAX_OCTETS)
    ]
    rdata = " ".join(
        '"' + piece.replace("\\", "\\\\").replace('"', '\\"') + '"' for piece in pieces
    )
    return DerivedRecord(owner, "TXT", rdata, TTL_SECONDS)
