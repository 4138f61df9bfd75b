"""Settings of each package from ``pabal.toml``, and the adapters on disk.

The only modules that name an implementation of a port are here beside.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from pabal.admin.derived import DerivedRecords
from pabal.admin.expiry import DAY_S, ExpiryPolicy
from pabal.admin.layout import Layout
from pabal.base.clock import Clock
from pabal.base.errors import OperatorError
from pabal.base.ids import SecureChance
from pabal.config.settings import Settings
from pabal.directory.book import Book
from pabal.directory.settings import AuthSettings, Cleartext
from pabal.directory.sqlite import SqliteTables
from pabal.dns.ports import LocalZones
from pabal.dns.resolver.driver import IterativeResolver
from pabal.dns.resolver.hints import DNS_PORT, Server, read_hints
from pabal.dns.resolver.settings import ResolverSettings
from pabal.dns.resolver.transport import NetworkExchange
from pabal.dns.settings import DnsSettings
from pabal.dns.zone.source import DirectorySource
from pabal.dns.zone.zones import Zones
from pabal.message.address import domain_to_ascii
from pabal.mta.policy import keys
from pabal.mta.settings import MtaSettings, TransportSettings
from pabal.net.endpoint import Endpoint, EndpointError
from pabal.store.doorbell import Doorbell
from pabal.store.sqlite.housekeeping import KEEP_EXPUNGED_S
from pabal.store.sqlite.store import SqliteSettings, SqliteStore

WILDCARDS: Final = frozenset({"0.0.0.0", "::"})  # noqa: S104 (compared, not bound)


def open_directory(settings: Settings, clock: Clock) -> Book:
    """Return the domains and accounts.

    Raises:
        UnavailableError: The database cannot be opened; says which and why.
    """
    return Book(SqliteTables(Layout(settings.data).directory), clock)


def open_store(settings: Settings, clock: Clock, bell: Doorbell) -> SqliteStore:
    """Return the mailboxes; the caller closes them."""
    kept = SqliteSettings(keep_expunged_s=keep_expunged_s(settings))
    return SqliteStore(Layout(settings.data).mail, clock, bell, kept)


def keep_expunged_s(settings: Settings) -> float:
    """Return how long expunged messages are kept, seconds."""
    return max(KEEP_EXPUNGED_S, settings.store.undelete_days * DAY_S)


def expiry_policy(settings: Settings) -> ExpiryPolicy:
    """Return [store] as ``pabal.admin.expiry`` takes it."""
    return ExpiryPolicy(settings.store.trash_days, settings.store.junk_days)


@dataclass(frozen=True, slots=True)
class PublishedKeys:
    """The public halves of the DKIM keys in ``directory``."""

    directory: Path

    def public_records(self, domain: str) -> Mapping[str, str]:
        """Return the TXT text of each DKIM selector of ``domain``."""
        return {
            key.selector: key.public_text() for key in keys.load(self.directory, domain)
        }


def derived_records(settings: Settings, book: Book) -> DerivedRecords:
    """Return what follows from the directory, the keys and what we listen for."""
    return DerivedRecords(
        domain_to_ascii(settings.hostname),
        own_addresses(settings),
        settings.listen,
        book,
        PublishedKeys(Layout(settings.data).dkim),
    )


def own_addresses(settings: Settings) -> tuple[str, ...]:
    """Return the addresses in our records: those set, else those we listen on."""
    if settings.dns.addresses:
        return settings.dns.addresses
    found: list[str] = []
    for service in ("smtp", "dns"):
        for endpoint in settings.listen[service]:
            if endpoint.address not in {*WILDCARDS, *found}:
                found.append(endpoint.address)
    return tuple(found)


def zones(settings: Settings, book: Book, clock: Clock) -> Zones:
    """Return our zones, not loaded yet."""
    return Zones(
        DirectorySource(settings.dns.zones),
        derived_records(settings, book),
        settings.hostname,
        clock,
    )


def zones_stamp(settings: Settings, book: Book) -> tuple[object, ...]:
    """Return a value that is another one when zone files or hosted domains changed."""
    source = DirectorySource(settings.dns.zones)
    files = tuple(
        (file, source.stamp(file)) for file in sorted(source.files().values())
    )
    return (tuple(book.domains()), files)


def resolver(
    settings: Settings, clock: Clock, local: LocalZones | None = None
) -> IterativeResolver:
    """Return a resolver with its own cache.

    Raises:
        OperatorError: The root hints cannot be read.
    """
    chosen = resolver_settings(settings)
    exchange = NetworkExchange()
    return IterativeResolver(chosen, exchange, clock, SecureChance(), local)


def resolver_settings(settings: Settings) -> ResolverSettings:
    """Return [dns] as the resolver takes it.

    Raises:
        OperatorError: The root hints cannot be read.
    """
    dns = settings.dns
    given = ResolverSettings(
        forwarders=tuple(_forwarder(text) for text in dns.forwarders), port=dns.port
    )
    if not dns.root_hints:
        return given
    try:
        text = Path(dns.root_hints).read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise OperatorError(
            f"the root hints {dns.root_hints} cannot be read: {error}.",
            "Correct root_hints under [dns] in pabal.toml, or leave it out.",
        ) from error
    return ResolverSettings(
        root_hints=read_hints(text, dns.port),
        forwarders=given.forwarders,
        port=dns.port,
    )


def _forwarder(text: str) -> Server:
    try:
        endpoint = Endpoint.parse(text)
    except EndpointError:
        return Server("", text, DNS_PORT)
    return Server("", endpoint.address, endpoint.port)


def dns_settings(settings: Settings) -> DnsSettings:
    """Return [dns] as the name server takes it."""
    return DnsSettings(
        hostname=settings.hostname,
        zones_directory=str(settings.dns.zones),
        allow_query=settings.dns.allow_query,
        allow_recursion=settings.dns.allow_recursion,
        round_robin=settings.dns.round_robin,
    )


def mta_settings(settings: Settings) -> MtaSettings:
    """Return [mta] as mail transfer takes it."""
    return MtaSettings(
        hostname=settings.hostname,
        message_size_max_octets=settings.mta.message_size_max,
        transport=TransportSettings(
            port=settings.mta.port,
            smarthost=settings.mta.smarthost,
            source_address=settings.source_address,
        ),
    )


def hidden_capabilities(text: str) -> tuple[tuple[str, frozenset[bytes]], ...]:
    """Return ``hide`` of [imap] as IMAP takes it.

    Raises:
        OperatorError: It is of another form.
    """
    found = []
    for part in filter(None, map(str.strip, text.split(";"))):
        name, colon, capabilities = part.partition(":")
        words = capabilities.upper().split()
        if not name.strip() or not colon or not words or not part.isascii():
            raise OperatorError(
                f"hide has {part!r}, which is not NAME: CAPABILITY …",
                'Like hide = "Some Mail: MOVE COMPRESS=DEFLATE" under [imap].',
            )
        found.append((name.strip(), frozenset(word.encode() for word in words)))
    return tuple(found)


_CLEARTEXT: Final[Mapping[str, Cleartext]] = {rule.value: rule for rule in Cleartext}


def auth_settings(settings: Settings) -> AuthSettings:
    """Return [auth] as the authenticator takes it."""
    return AuthSettings(cleartext=_CLEARTEXT[settings.auth.cleartext])
