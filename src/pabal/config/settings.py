"""Everything pabal.toml can set, with types, defaults and words.

Source: the contract in docs/configuration.md, which is written from this file.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from pabal.config.section import Section
from pabal.config.store import StoreSection, read_store
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
    "http": 80,
    "https": 443,
    "ssh": 22,
    "metrics": 9090,
}
"""The services of [listen] and their standard ports (IANA)."""

NOT_YET: Final = frozenset({"https", "ssh", "metrics"})
"""Services to come: a configuration that asks for one is told so."""

TABLES: Final = ("", "listen", "tls", "auth", "imap", "mta", "dns", "store")


@dataclass(frozen=True, slots=True)
class TlsSection:
    """[tls]: absolute paths."""

    certificate: Path
    key: Path


@dataclass(frozen=True, slots=True)
class AuthSection:
    """[auth].

    Attributes:
        cleartext: Where passwords may travel without TLS: never, loopback, always.
        client_ca: Issuers of client certificates, absolute; empty: EXTERNAL is off.
        oauth_jwks: Where the issuer's keys are; empty: no signed tokens.
        oauth_introspection: Where tokens are asked about; empty: nowhere.
        oauth_client: Our name there.
        oauth_secret: File with our password there, absolute.
        oauth_issuer: Who makes tokens.
        oauth_audience: Whom tokens must be for.
        oauth_claim: Which claim is the account's address.
        oauth_scope: What a token must allow.
        oauth_discovery: What clients are told about the issuer.
    """

    cleartext: str
    client_ca: str = ""
    oauth_jwks: str = ""
    oauth_introspection: str = ""
    oauth_client: str = ""
    oauth_secret: str = ""
    oauth_issuer: str = ""
    oauth_audience: str = ""
    oauth_claim: str = "email"
    oauth_scope: str = ""
    oauth_discovery: str = ""


@dataclass(frozen=True, slots=True)
class ImapSection:
    """[imap].

    Attributes:
        hide: ``NAME: CAPABILITY …; …``: what is not told to which program.
    """

    hide: str = ""


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
class DnsSection:
    """[dns].

    Attributes:
        port: Where the name servers of other zones are asked.
        root_hints: A file, absolute; empty: built in.
        addresses: What the derived records say this host's addresses are.
    """

    allow_query: tuple[str, ...]
    allow_recursion: tuple[str, ...]
    forwarders: tuple[str, ...]
    root_hints: str
    round_robin: bool
    port: int
    addresses: tuple[str, ...]
    zones: Path


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
    auth: AuthSection
    imap: ImapSection
    mta: MtaSection
    dns: DnsSection
    store: StoreSection


def read_settings(sections: Mapping[str, Section], directory: Path) -> Settings:
    """Return the settings in ``sections`` (one for each of ``TABLES``)."""
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
        auth=_auth(sections["auth"]),
        imap=ImapSection(
            sections["imap"].text(
                "hide",
                "",
                "Capabilities hidden from programs by the name in their ID, as"
                " NAME: CAPABILITY CAPABILITY; NAME: CAPABILITY.",
            )
        ),
        mta=_mta(sections["mta"]),
        dns=_dns(sections["dns"]),
        store=read_store(sections["store"]),
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


def _auth(section: Section) -> AuthSection:
    return AuthSection(
        section.choice(
            "cleartext",
            "loopback",
            ("never", "loopback", "always"),
            "Where passwords may travel without TLS.",
        ),
        section.path(
            "client_ca", "", "Issuers of client certificates, PEM; empty: off."
        ),
        section.text("oauth_jwks", "", "URL of the token issuer's keys (JWKS)."),
        section.text("oauth_introspection", "", "URL where tokens are asked about."),
        section.text("oauth_client", "", "Our name there."),
        section.path("oauth_secret", "", "A file with our password there."),
        section.text("oauth_issuer", "", "Who makes tokens (iss)."),
        section.text("oauth_audience", "", "Whom tokens must be for (aud)."),
        section.text("oauth_claim", "email", "Which claim is the account's address."),
        section.text("oauth_scope", "", "What a token must allow; empty: anything."),
        section.text("oauth_discovery", "", "URL where clients find the issuer."),
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


def _dns(section: Section) -> DnsSection:
    return DnsSection(
        allow_query=section.networks(
            "allow_query", ("any",), "Who may ask about our zones."
        ),
        allow_recursion=section.networks(
            "allow_recursion",
            ("127.0.0.0/8", "::1"),
            "Who may ask about everything else.",
        ),
        forwarders=section.addresses(
            "forwarders", (), "Resolvers to ask instead of the root."
        ),
        root_hints=section.path("root_hints", "", "A hints file; empty: built in."),
        round_robin=section.boolean(
            "round_robin", default=True, about="Rotate answers of several addresses."
        ),
        port=section.integer(
            "port", 53, 1, 65535, "Where name servers of other zones are asked."
        ),
        addresses=section.addresses(
            "addresses",
            (),
            "Addresses of this host in derived records; empty: those it listens on.",
        ),
        zones=Path(section.path("zones", "zones", "Master files, DOMAIN.zone each.")),
    )
