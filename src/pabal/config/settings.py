"""Everything pabal.toml can set, with types, defaults and words.

Source: the contract in docs/configuration.md, which is written from this file.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

from pabal.config.names import DnsSection, read_names
from pabal.config.pools import read_pools
from pabal.config.section import Section
from pabal.config.views import read_views
from pabal.net.endpoint import Endpoint

FILE_NAME: Final = "pabal.toml"
DEFAULT_USER: Final = "pabal"
SERVICE_PORTS: Final = {
    "smtp": 25,
    "submission": 587,
    "submissions": 465,
    "imap": 143,
    "imaps": 993,
    "pop3": 110,
    "pop3s": 995,
    "dns": 53,
    "dns-tls": 853,
    "http": 80,
    "https": 443,
    "ssh": 22,
    "metrics": 9090,
}
"""The services of [listen] and their standard ports (IANA)."""

NOT_YET: Final = frozenset({"ssh", "metrics"})
"""Services to come: a configuration that asks for one is told so."""

TABLES: Final = ("", "listen", "tls", "auth", "mta", "dns")


@dataclass(frozen=True, slots=True)
class TlsSection:
    """[tls]: absolute paths."""

    certificate: Path
    key: Path


@dataclass(frozen=True, slots=True)
class MtaSection:
    """[mta].

    Attributes:
        port: Where other servers are reached.
        message_size_max: Octets.
        smarthost: ``host`` or ``host:port`` that takes all outgoing mail; empty: MX.
    """

    port: int
    message_size_max: int
    smarthost: str


@dataclass(frozen=True, slots=True)
class Settings:
    """One server.

    Attributes:
        directory: Where pabal.toml is, absolute.
        hostname: What the server calls itself.
        data: The data directory, absolute.
        workers: Processes a role; 0: as many as the machine has cores; 1: one in all.
        user: Whom to become when started as root; empty: see ``pabal.supervisor``.
        listen: Where each service listens.
        cleartext: Where passwords may travel without TLS: never, loopback, always.
        source_address: Our end of connections to other servers; empty: any.
    """

    directory: Path
    hostname: str
    data: Path
    workers: int
    user: str
    log_level: str
    source_address: str
    listen: Mapping[str, tuple[Endpoint, ...]]
    tls: TlsSection
    cleartext: str
    mta: MtaSection
    dns: DnsSection


def read_settings(sections: Mapping[str, Section], directory: Path) -> Settings:
    """Return the settings in ``sections``: one for each of ``TABLES``, and views."""
    top = sections[""]
    return Settings(
        directory=directory,
        hostname=top.hostname("hostname", "What this server calls itself."),
        data=Path(
            top.path("data", "data", "Mailboxes, queue, keys; relative to here.")
        ),
        workers=top.workers(
            "workers", "Processes a role; 1 runs everything in one process."
        ),
        user=top.text("user", DEFAULT_USER, "Whom to become when started as root."),
        log_level=top.choice(
            "log_level",
            "info",
            ("debug", "info", "warning", "error"),
            "How much is logged.",
        ),
        source_address=top.text(
            "source_address", "", "Our end of connections to others; empty: any."
        ),
        listen=_listen(sections["listen"]),
        tls=_tls(sections["tls"]),
        cleartext=sections["auth"].choice(
            "cleartext",
            "loopback",
            ("never", "loopback", "always"),
            "Where passwords may travel without TLS.",
        ),
        mta=_mta(sections["mta"]),
        dns=replace(
            read_names(sections["dns"]),
            views=read_views(sections),
            pools=read_pools(sections),
        ),
    )


def _listen(section: Section) -> dict[str, tuple[Endpoint, ...]]:
    found = {}
    for service, port in SERVICE_PORTS.items():
        if service in NOT_YET:
            about = f"Where {service} will listen: not there yet, it can only be off."
            found[service] = section.not_yet(service, about)
        else:
            found[service] = section.endpoints(
                service,
                (f"0.0.0.0:{port}", f"[::]:{port}"),
                f'Where {service} listens; "" is off.',
            )
    return found


def _tls(section: Section) -> TlsSection:
    return TlsSection(
        Path(section.path("certificate", "tls/cert.pem", "PEM, with its chain.")),
        Path(section.path("key", "tls/key.pem", "PEM, its private key.")),
    )


def _mta(section: Section) -> MtaSection:
    return MtaSection(
        section.integer("port", 25, 1, 65535, "Where other servers are reached."),
        section.size("message_size_max", "50MB", "Largest message taken."),
        section.text(
            "smarthost",
            "",
            "Takes all outgoing mail: host or host:port; empty: each domain's MX.",
        ),
    )
