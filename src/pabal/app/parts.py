"""Settings of each package from ``pabal.toml``, and the adapters on disk.

The only modules that name an implementation of a port are here beside.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

from pabal.admin.certificate import CertificateFacts
from pabal.admin.derived import DerivedRecords
from pabal.admin.expiry import DAY_S, ExpiryPolicy
from pabal.admin.hostkey import known_host_key
from pabal.admin.layout import Layout
from pabal.admin.pages import OwnPages, StsMode
from pabal.app import resolving
from pabal.app.certificate import read_facts
from pabal.base.clock import Clock
from pabal.base.errors import OperatorError
from pabal.base.ids import SecureChance
from pabal.config.peers import NO_ANCHORS
from pabal.config.settings import Settings
from pabal.config.views import FIRST, ViewSection
from pabal.directory.book import Book
from pabal.directory.settings import AuthSettings, Cleartext
from pabal.directory.sqlite import SqliteTables
from pabal.dns.ports import LocalZones
from pabal.dns.resolver.driver import Exchange, IterativeResolver
from pabal.dns.resolver.hints import DNS_PORT, Server, read_hints
from pabal.dns.resolver.settings import ResolverSettings
from pabal.dns.resolver.transport import NetworkExchange
from pabal.dns.settings import DnsSettings, ViewSettings
from pabal.dns.zone.batch import Journals
from pabal.dns.zone.fallback import Fallbacks
from pabal.dns.zone.signedfile import SignedZones
from pabal.dns.zone.source import DirectorySource, JoinedSource
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
    engine = SqliteSettings(
        keep_expunged_s=keep_expunged_s(settings),
        first_mailboxes=settings.store.first_mailboxes,
    )
    return SqliteStore(Layout(settings.data).mail, clock, bell, engine)


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


Facts = Callable[[], CertificateFacts | None]
"""Returns what the certificate in use says."""


def derived_records(
    settings: Settings, book: Book, certificate: Facts | None = None
) -> DerivedRecords:
    """Return what follows from the directory, the keys and what we listen for.

    Args:
        certificate: What is in use; ``None``: that of the file is taken for it.
    """
    if certificate is None:
        facts = read_facts(settings.tls.certificate)
        certificate = lambda: facts  # noqa: E731  a function of its own says no more
    return DerivedRecords(
        domain_to_ascii(settings.hostname),
        own_addresses(settings),
        settings.listen,
        book,
        PublishedKeys(Layout(settings.data).dkim),
        certificate,
        _STS[settings.dns.mta_sts],
        settings.dns.caa,
        _sshfp(settings),
    )


def _sshfp(settings: Settings) -> tuple[str, ...]:
    """Return what the console is known by; nothing where it is off."""
    if not settings.listen["ssh"]:
        return ()
    key = known_host_key(Layout(settings.data).host_key)
    return (key.sshfp,) if key else ()


_STS: Final[Mapping[str, StsMode]] = {mode.value: mode for mode in StsMode}


def own_pages(settings: Settings, book: Book, certificate: Facts) -> OwnPages:
    """Return the pages that follow from the same."""
    return OwnPages(
        book.is_hosted,
        derived_records(settings, book, certificate).policy,
        domain_to_ascii(settings.hostname),
        settings.listen,
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


def zones(
    settings: Settings, book: Book, clock: Clock, certificate: Facts | None = None
) -> Zones:
    """Return our zones, not loaded yet."""
    layout = Layout(settings.data)
    made = Zones(
        JoinedSource(
            DirectorySource(settings.dns.zones), DirectorySource(layout.copies)
        ),
        derived_records(settings, book, certificate),
        settings.hostname,
        clock,
    )
    # Tools look; only the name server writes.
    made.journals = Journals(layout.updates, writes=False)
    made.fallbacks = Fallbacks(layout.last_good, writes=False)
    made.finish = SignedZones(layout.dnssec)
    return made


def zones_stamp(
    settings: Settings, book: Book, own: int | None = None
) -> tuple[object, ...]:
    """Return a value that is another one when zone files or hosted domains changed.

    Signed zones count as well. Cost: a system call a file; call it from a thread.

    Args:
        own: The fingerprint of the own files, if somebody has just looked.
    """
    layout = Layout(settings.data)
    if own is None:
        own = DirectorySource(settings.dns.zones).fingerprint()
    copies = DirectorySource(layout.copies).fingerprint()
    signed = SignedZones(layout.dnssec).fingerprint()
    views = [
        DirectorySource(Path(view.zones)).fingerprint()
        for view in settings.dns.views
        if view.zones
    ]
    views += [
        DirectorySource(layout.view(view.name).copies).fingerprint()
        for view in settings.dns.views
        if view.exchange.secondary
    ]
    signed_views = [
        SignedZones(layout.view(view.name).dnssec).fingerprint()
        for view in settings.dns.views
    ]
    return (tuple(book.domains()), own, copies, signed, *views, *signed_views)


def resolver(
    settings: Settings,
    clock: Clock,
    local: LocalZones | None = None,
    view: ViewSection | None = None,
    exchange: Exchange | None = None,
) -> IterativeResolver:
    """Return a resolver with its own cache.

    Args:
        exchange: How servers are asked; ``None``: as they are, uncounted.
        view: Whose it is; ``None``: everybody's.

    Raises:
        OperatorError: The root hints cannot be read.
    """
    chosen = resolver_settings(settings, view)
    exchange = exchange or NetworkExchange()
    return IterativeResolver(chosen, exchange, clock, SecureChance(), local)


def resolver_settings(
    settings: Settings, view: ViewSection | None = None
) -> ResolverSettings:
    """Return [dns] as the resolver takes it, or that of ``view``.

    All resolvers of a process share what one cache may take.

    Raises:
        OperatorError: The root hints cannot be read.
    """
    dns = settings.dns
    way = resolving.common_way(dns)
    if view is not None:
        way = resolving.way_of(view, way)
    shares = resolving.resolvers_in(dns)
    given = ResolverSettings(
        forwarders=tuple(_forwarder(text) for text in way.forwarders),
        forward_first=way.forward == FIRST,
        port=dns.port,
        trust_anchors=_anchors(dns.trust_anchors),
        negative_trust_anchors=dns.negative_trust_anchors,
        routes=way.routes(),
    )
    given = replace(
        given,
        cache_entries_max=given.cache_entries_max // shares,
        cache_octets_max=given.cache_octets_max // shares,
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
    return replace(given, root_hints=read_hints(text, dns.port))


def _anchors(records: Sequence[str]) -> str | None:
    """Return trust anchors as the resolver takes them; ``None``: its own."""
    if not records:
        return None
    return "\n".join(record for record in records if record != NO_ANCHORS)


def _forwarder(text: str) -> Server:
    try:
        endpoint = Endpoint.parse(text)
    except EndpointError:
        return Server("", text, DNS_PORT)
    return Server("", endpoint.address, endpoint.port)


def dns_settings(
    settings: Settings, cookie_secret: bytes = b"", *, transfers: bool = True
) -> DnsSettings:
    """Return [dns] as the name server takes it.

    Args:
        cookie_secret: What all processes at one address share.
        transfers: Whether this process tells secondaries what changed.
    """
    dns = settings.dns
    return DnsSettings(
        hostname=settings.hostname,
        zones_directory=str(dns.zones),
        allow_query=dns.allow_query,
        allow_recursion=dns.allow_recursion,
        private_zones=dns.private_zones,
        round_robin=dns.round_robin,
        nsid=dns.nsid,
        counted_zones_max=settings.metrics.zones,
        cookie_secret=cookie_secret,
        rate_max=dns.rate_max,
        rate_slip=dns.rate_slip,
        client_rate_max=dns.client_rate_max,
        recursion_per_client_max=dns.recursion_per_client_max,
        tcp=dns.tcp,
        keys=dns.keys,
        allow_transfer=dns.allow_transfer,
        transfer_tls_only=dns.transfers.tls_only,
        transfer_ca=dns.transfers.ca,
        notify=dns.notify if transfers else (),
        secondary=dns.secondary,
        secondary_directory=str(Layout(settings.data).copies),
        allow_update=dns.allow_update,
        forward_updates=dns.forward_updates,
        allow_notify=dns.allow_notify,
        follow_catalogs=dns.follow_catalogs,
        follow_groups=dns.follow_groups,
        catalog=dns.catalog,
        catalog_groups=dns.catalog_groups,
        views=view_settings(settings, transfers=transfers),
        pools=dns.pools,
        zones=dns.zone_lists
        if transfers
        else tuple(replace(zone, notify=()) for zone in dns.zone_lists),
        journal_directory=str(Layout(settings.data).updates),
        fallback_directory=str(Layout(settings.data).last_good),
    )


def view_settings(
    settings: Settings, *, transfers: bool = True
) -> tuple[ViewSettings, ...]:
    """Return [dns.view.NAME] as the name server takes them.

    Args:
        transfers: Whether this process tells secondaries what changed.
    """
    return tuple(_view(settings, v, transfers=transfers) for v in settings.dns.views)


def _view(settings: Settings, view: ViewSection, *, transfers: bool) -> ViewSettings:
    place = Layout(settings.data).view(view.name)
    exchange = view.exchange if transfers else replace(view.exchange, notify=())
    return ViewSettings(
        name=view.name,
        clients=view.who.clients,
        zones_directory=view.zones,
        addresses=view.addresses,
        allow_recursion=view.allow_recursion,
        allow_query=view.allow_query,
        destinations=view.who.destinations,
        recursive_only=view.who.recursive_only,
        without=view.without,
        exchange=exchange,
        secondary_directory=str(place.copies),
        journal_directory=str(place.updates),
        fallback_directory=str(place.last_good),
        signed_directory=str(place.dnssec),
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
