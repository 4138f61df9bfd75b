"""Everything pabal.toml can set, with types, defaults and words.

Source: the contract in docs/configuration.md, which is written from this file.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

from pabal.config.names import DnsSection, read_names
from pabal.config.peers import key_name
from pabal.config.pools import read_pools
from pabal.config.section import BadValueError, Section
from pabal.config.store import StoreSection, read_store
from pabal.config.views import read_views
from pabal.config.zone_lists import read_zone_lists
from pabal.dns.settings import COUNTED_ZONES_MAX
from pabal.message.address import AddressError, Mailbox
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

COUNTED_ZONES_CAP: Final = 20_000
"""As many groups of answers a process tells apart at most: more zones have none."""

OFF: Final = frozenset({"ssh", "metrics"})
"""Services that are off until they are asked for: port 22 is often another's, and
metrics are not for everybody."""

TABLES: Final = (
    *("", "listen", "tls", "auth", "imap", "pop3"),
    *("mta", "dns", "store", "ssh", "metrics"),
)


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
        administrators: Canonical addresses of the accounts that may set quotas.
    """

    hide: str = ""
    administrators: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Pop3Section:
    """[pop3].

    Attributes:
        login_delay: Least seconds between two log-ins of an account.
    """

    login_delay: int = 0


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
class SshSection:
    """[ssh].

    Attributes:
        administrators: Canonical addresses of the accounts that may log in; empty:
            those of [imap].
        passwords: Whether a password lets in, or keys only.
    """

    administrators: tuple[str, ...] = ()
    passwords: bool = False


@dataclass(frozen=True, slots=True)
class MetricsSection:
    """[metrics].

    Attributes:
        zones: How many zones are shown with numbers of their own.
    """

    zones: int = COUNTED_ZONES_MAX


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
        file: What all of this was read from, absolute.
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
    pop3: Pop3Section
    mta: MtaSection
    dns: DnsSection
    store: StoreSection
    ssh: SshSection = SshSection()
    metrics: MetricsSection = MetricsSection()
    file: Path = Path(FILE_NAME)

    @property
    def console_administrators(self) -> tuple[str, ...]:
        """Who may log in to the console: canonical addresses."""
        return self.ssh.administrators or self.imap.administrators


def read_settings(sections: Mapping[str, Section], directory: Path) -> Settings:
    """Return the settings in ``sections``: one for each of ``TABLES``, and views."""
    top = sections[""]
    names = read_names(sections["dns"])
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
        imap=_imap(sections["imap"]),
        pop3=Pop3Section(
            sections["pop3"].integer(
                "login_delay",
                0,
                0,
                86_400,
                "Least seconds between two log-ins of an account.",
            )
        ),
        mta=_mta(sections["mta"]),
        dns=replace(
            names,
            views=read_views(sections, frozenset(map(key_name, names.keys))),
            pools=read_pools(sections),
            zone_lists=read_zone_lists(sections, frozenset(map(key_name, names.keys))),
        ),
        store=read_store(sections["store"]),
        ssh=_ssh(sections["ssh"]),
        metrics=_metrics(sections["metrics"]),
    )


def _listen(section: Section) -> dict[str, tuple[Endpoint, ...]]:
    found = {}
    for service, port in SERVICE_PORTS.items():
        everywhere = (f"0.0.0.0:{port}", f"[::]:{port}")
        found[service] = section.endpoints(
            service,
            () if service in OFF else everywhere,
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


def _imap(section: Section) -> ImapSection:
    administrators = _administrators(
        section,
        "Accounts that may set quotas of all others with a mail program (SETQUOTA).",
    )
    return ImapSection(
        section.text(
            "hide",
            "",
            "Capabilities hidden from programs by the name in their ID, as"
            " NAME: CAPABILITY CAPABILITY; NAME: CAPABILITY.",
        ),
        administrators,
    )


def _ssh(section: Section) -> SshSection:
    return SshSection(
        _administrators(
            section,
            "Accounts that may log in and type commands; empty: those of [imap].",
        ),
        section.boolean(
            "passwords",
            default=False,
            about="Let in with the account's password too, not only with its keys.",
        ),
    )


def _metrics(section: Section) -> MetricsSection:
    about = "Zones with numbers of their own in [listen] metrics: those asked most."
    most = COUNTED_ZONES_CAP
    return MetricsSection(section.integer("zones", COUNTED_ZONES_MAX, 0, most, about))


def _administrators(section: Section, about: str) -> tuple[str, ...]:
    names = section.texts("administrators", (), _check_address, about)
    return tuple(Mailbox.parse(name).canonical for name in names)


def _check_address(text: str) -> None:
    try:
        Mailbox.parse(text)
    except AddressError as error:
        raise BadValueError(f"not an address: {error}", "like admin@example.com") from (
            error
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
