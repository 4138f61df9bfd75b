"""The table [dns] of pabal.toml; docs/configuration.md is written from this file."""

import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from pabal.config.acls import holds_everybody
from pabal.config.guard import read_limits
from pabal.config.peers import (
    PeerChecks,
    TransferSection,
    check_anchor,
    check_catalog_group,
    check_dns64,
    check_forward_zone,
    check_key,
    check_negative_anchor,
    check_policy_zone,
    check_stub_zone,
    check_zone_name,
    key_name,
    read_transfers,
)
from pabal.config.section import BadValueError, Section
from pabal.config.views import ABOUT_FORWARD, FORWARD, ONLY, ViewSection
from pabal.dns.settings import (
    ORDERS,
    RATE_MAX,
    RATE_SLIP,
    RECURSION_PER_CLIENT_MAX,
    PoolSettings,
    TcpSettings,
    ZoneSettings,
)

NSID_MAX_OCTETS: Final = 128
"""Longest name of a server: it goes into answers that have little room."""

MTA_STS: Final = ("testing", "enforce", "none", "off")
"""What may be asked of senders; the first is the default."""

_ISSUER: Final = re.compile(r"[A-Za-z0-9.-]+(?:; ?[a-z0-9]+=[A-Za-z0-9/:.,_-]*)*|;")
"""RFC 8659 §4.2: a domain, perhaps with parameters; ``;`` alone is nobody."""


@dataclass(frozen=True, slots=True)
class ResolverSection:
    """What of [dns] is about names elsewhere.

    Attributes:
        forward_zones: Zones with forwarders of their own.
        stub_zones: Zones with servers of their own.
        policy_zones: Zones that say which answers clients get otherwise.
        dns64: A prefix for IPv6 addresses made of IPv4 ones; empty: none.
        forward: ``only`` or ``first``.
    """

    forward_zones: tuple[str, ...] = ()
    stub_zones: tuple[str, ...] = ()
    policy_zones: tuple[str, ...] = ()
    dns64: str = ""
    forward: str = ONLY


@dataclass(frozen=True, slots=True)
class DnsSection:
    """[dns].

    Attributes:
        port: Where the name servers of other zones are asked.
        root_hints: A file, absolute; empty: built in.
        addresses: What the derived records say this host's addresses are.
        nsid: What this server calls itself to who asks; empty: nothing.
        rate_max: Equal answers a second to one network of strangers; 0: any number.
        rate_slip: Of the answers held back each so many-th is sent truncated; 0: none.
        client_rate_max: Queries a second of one strange address; 0: any number.
        recursion_per_client_max: Recursive questions of one address under way at once.
        tcp: What connections may take.
        private_zones: Zones that nobody is answered from.
        keys: ``ALGORITHM:NAME:SECRET``, those of ``keys_file`` among them.
        allow_transfer: Who may have whole zones.
        transfers: How they are encrypted.
        notify: Who is told of changes.
        secondary: Zones copied from others.
        allow_update: Which key may change what.
        forward_updates: Whose updates of copied zones go to the primary.
        allow_notify: Who besides primaries may say that a copied zone changed.
        follow_catalogs: Catalog zones whose members are copied.
        follow_groups: Servers of members that are in a group.
        catalog: The catalog zone of our zones; empty: none.
        catalog_groups: Which groups our zones are in there.
        round_robin: ``rotate``, ``random`` or ``fixed``.
        views: What some clients see instead.
        pools: Address sets that are weighted and probed.
        zone_lists: What holds for single zones.
        trust_anchors: DS and DNSKEY records; ``none``: nothing is validated; empty:
            the root's own.
        negative_trust_anchors: Zones that count as unsigned.
        mta_sts: What senders are asked for: testing, enforce, none, off.
        caa: Who may issue certificates for hosted domains; empty: nothing is said.
        resolver: Where it asks, and what clients get of it.
    """

    allow_query: tuple[str, ...]
    allow_recursion: tuple[str, ...]
    forwarders: tuple[str, ...]
    root_hints: str
    round_robin: str
    port: int
    addresses: tuple[str, ...]
    zones: Path
    nsid: str = ""
    rate_max: int = RATE_MAX
    rate_slip: int = RATE_SLIP
    client_rate_max: int = 0
    recursion_per_client_max: int = RECURSION_PER_CLIENT_MAX
    tcp: TcpSettings = field(default_factory=TcpSettings)
    private_zones: tuple[str, ...] = ()
    keys: tuple[str, ...] = field(default=(), repr=False)
    allow_transfer: tuple[str, ...] = ("none",)
    transfers: TransferSection = field(default_factory=TransferSection)
    notify: tuple[str, ...] = ()
    secondary: tuple[str, ...] = ()
    trust_anchors: tuple[str, ...] = ()
    negative_trust_anchors: tuple[str, ...] = ()
    mta_sts: str = MTA_STS[0]
    caa: tuple[str, ...] = ()
    allow_update: tuple[str, ...] = ()
    forward_updates: tuple[str, ...] = ()
    allow_notify: tuple[str, ...] = ()
    follow_catalogs: tuple[str, ...] = ()
    follow_groups: tuple[str, ...] = ()
    catalog: str = ""
    catalog_groups: tuple[str, ...] = ()
    views: tuple[ViewSection, ...] = ()
    resolver: ResolverSection = ResolverSection()
    pools: tuple[PoolSettings, ...] = ()
    zone_lists: tuple[ZoneSettings, ...] = ()


@dataclass(frozen=True, slots=True)
class _Access:
    """Who may ask."""

    allow_query: tuple[str, ...]
    allow_recursion: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class _Service:
    """How it answers, and where it asks."""

    forwarders: tuple[str, ...]
    root_hints: str
    round_robin: str
    port: int
    addresses: tuple[str, ...]
    zones: Path
    nsid: str


@dataclass(frozen=True, slots=True)
class _Changes:
    """What makes zones change, come and go."""

    allow_update: tuple[str, ...]
    forward_updates: tuple[str, ...]
    allow_notify: tuple[str, ...]
    follow_catalogs: tuple[str, ...]
    follow_groups: tuple[str, ...]
    catalog: str
    catalog_groups: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class _Others:
    """What is shared with other servers."""

    allow_transfer: tuple[str, ...]
    transfers: TransferSection
    notify: tuple[str, ...]
    secondary: tuple[str, ...]
    changes: _Changes


@dataclass(frozen=True, slots=True)
class _Anchors:
    """Where validation begins and ends."""

    trusted: tuple[str, ...]
    untrusted: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class _Derived:
    """What is said in the records of hosted domains."""

    mta_sts: str
    caa: tuple[str, ...]


def read_names(section: Section) -> DnsSection:
    """Return [dns]; keys stand in the manual in the order they are read in."""
    keys = _keys(section)
    checks = PeerChecks(frozenset(map(key_name, keys)))
    access = _access(section, checks)
    service = _service(section)
    limits = read_limits(section)
    others = _others(section, checks)
    anchors = _anchors(section)
    derived = _derived(section)
    return DnsSection(
        allow_query=access.allow_query,
        allow_recursion=access.allow_recursion,
        forwarders=service.forwarders,
        root_hints=service.root_hints,
        round_robin=service.round_robin,
        port=service.port,
        addresses=service.addresses,
        zones=service.zones,
        nsid=service.nsid,
        rate_max=limits.rate_max,
        rate_slip=limits.rate_slip,
        client_rate_max=limits.client_rate_max,
        recursion_per_client_max=limits.recursion_per_client_max,
        tcp=limits.tcp,
        private_zones=limits.private_zones,
        keys=keys,
        allow_transfer=others.allow_transfer,
        transfers=others.transfers,
        notify=others.notify,
        secondary=others.secondary,
        allow_update=others.changes.allow_update,
        forward_updates=others.changes.forward_updates,
        allow_notify=others.changes.allow_notify,
        follow_catalogs=others.changes.follow_catalogs,
        follow_groups=others.changes.follow_groups,
        catalog=others.changes.catalog,
        catalog_groups=others.changes.catalog_groups,
        trust_anchors=anchors.trusted,
        negative_trust_anchors=anchors.untrusted,
        mta_sts=derived.mta_sts,
        caa=derived.caa,
        resolver=_resolver(section),
    )


def _keys(section: Section) -> tuple[str, ...]:
    keys = section.texts(
        "keys",
        (),
        check_key,
        "Keys shared with other servers (TSIG), ALGORITHM:NAME:SECRET each; ALGORITHM"
        " is hmac-sha256, hmac-sha384 or hmac-sha512.",
    )
    return keys + section.secrets(
        "keys_file",
        check_key,
        "More keys: a file of mode 0600, one a line or as `tsig-keygen` prints them.",
    )


def _access(section: Section, checks: PeerChecks) -> _Access:
    allow_query = section.access(
        "allow_query",
        ("any",),
        checks.client,
        'Who may ask about our zones: networks, "key NAME" for what is signed with it'
        " (TSIG), names of lists; `!` in front excludes; the first that fits decides.",
    )
    is_open = section.boolean(
        "open_resolver",
        default=False,
        about="Say it again if allow_recursion is to hold for everybody.",
    )

    def check_recursion(text: str) -> None:
        if not is_open:
            _check_not_everybody(text)
        checks.client(text)

    allow_recursion = section.access(
        "allow_recursion",
        ("127.0.0.0/8", "::1"),
        check_recursion,
        "Who may ask about everything else; everybody only with open_resolver.",
    )
    return _Access(allow_query, allow_recursion)


def _service(section: Section) -> _Service:
    return _Service(
        forwarders=section.addresses(
            "forwarders", (), "Resolvers to ask instead of the root."
        ),
        root_hints=section.path("root_hints", "", "A hints file; empty: built in."),
        round_robin=section.switch(
            "round_robin", ORDERS, "In which order several addresses are said."
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
        nsid=_nsid(section),
    )


def _check_not_everybody(text: str) -> None:
    """Refuse what makes an open resolver, which attackers aim at others (RFC 5358)."""
    if holds_everybody(text):
        raise BadValueError(
            "anybody could use this resolver, also against others",
            "name your networks, or say it twice: open_resolver = true",
        )


def _nsid(section: Section) -> str:
    return section.text(
        "nsid",
        "",
        "What this server calls itself to who asks for it (NSID, `dig +nsid`);"
        f" at most {NSID_MAX_OCTETS} octets.",
        _check_nsid,
    )


def _check_nsid(text: str) -> None:
    if len(text.encode()) > NSID_MAX_OCTETS:
        raise BadValueError(f"longer than {NSID_MAX_OCTETS} octets")


def _others(section: Section, checks: PeerChecks) -> _Others:
    return _Others(
        allow_transfer=section.access(
            "allow_transfer",
            ("none",),
            checks.client,
            "Who may have whole zones (AXFR, IXFR), as in allow_query.",
        ),
        transfers=read_transfers(section),
        notify=section.texts(
            "notify",
            (),
            checks.peer,
            "Secondaries that are told of changes: ADDRESS[:PORT] [key NAME].",
        ),
        secondary=section.texts(
            "secondary",
            (),
            checks.secondary,
            "Zones copied from other servers: ZONE ADDRESS[:PORT] [key NAME] [tls"
            " NAME]; several for one zone are asked in this order. tls: over TLS, from"
            " who shows a certificate for NAME; `tls ephemeral`: from whoever answers.",
        ),
        changes=_changes(section, checks),
    )


def _changes(section: Section, checks: PeerChecks) -> _Changes:
    return _Changes(
        allow_update=section.texts(
            "allow_update",
            (),
            checks.update,
            "Which key may change what (nsupdate): ZONE [deny] key KEY RULE [NAME]"
            " [TYPE ...]; the first that fits decides. RULE: zonesub, name NAME,"
            " subdomain NAME, wildcard NAME, self, selfsub.",
        ),
        forward_updates=section.networks(
            "forward_updates",
            (),
            "Whose signed updates of copied zones are handed on to the primary.",
        ),
        allow_notify=section.access(
            "allow_notify",
            (),
            checks.client,
            "Who may say that a copied zone changed (NOTIFY), besides its primaries.",
        ),
        follow_catalogs=section.texts(
            "follow_catalogs",
            (),
            checks.secondary,
            "Catalog zones (RFC 9432): what they list is copied from the same servers:"
            " ZONE ADDRESS[:PORT] [key NAME] [tls NAME].",
        ),
        follow_groups=section.texts(
            "follow_groups",
            (),
            checks.group,
            "Where zones of those catalogs come from that are in a group (RFC 9432);"
            " the first that fits: GROUP ADDRESS[:PORT] [key NAME] [tls NAME].",
        ),
        catalog=section.text(
            "catalog",
            "",
            "Name of a catalog zone that lists our zones, for secondaries that follow"
            " it; empty: none.",
            _check_catalog,
        ),
        catalog_groups=section.texts(
            "catalog_groups",
            (),
            check_catalog_group,
            "Which groups our zones are in there, for followers that know what to do"
            " with them: ZONE GROUP.",
        ),
    )


def _check_catalog(text: str) -> None:
    if text:
        check_zone_name(text)


def _anchors(section: Section) -> _Anchors:
    trusted = section.texts(
        "trust_anchors",
        (),
        check_anchor,
        "DS or DNSKEY records that validation begins with; empty: the root's, which"
        ' are built in; "none": nothing is validated.',
    )
    untrusted = section.texts(
        "negative_trust_anchors",
        (),
        check_negative_anchor,
        "Zones that count as unsigned whatever their parents say (RFC 7646): ZONE"
        " [until YYYY-MM-DD]; what was found that way may be told for one TTL more.",
    )
    return _Anchors(trusted, untrusted)


def _derived(section: Section) -> _Derived:
    mta_sts = section.choice(
        "mta_sts",
        MTA_STS[0],
        MTA_STS,
        "What other servers are asked for (MTA-STS), for domains whose mta-sts.DOMAIN"
        " the certificate holds for: encryption or no mail (enforce), reports"
        " (testing), to forget what they were asked for (none), nothing.",
    )
    caa = section.texts(
        "caa",
        (),
        _check_issuer,
        "Who may issue certificates for hosted domains (CAA); empty: nothing is said.",
    )
    return _Derived(mta_sts, caa)


def _resolver(section: Section) -> ResolverSection:
    return ResolverSection(
        forward=section.choice("forward", ONLY, FORWARD, ABOUT_FORWARD),
        forward_zones=section.texts(
            "forward_zones",
            (),
            check_forward_zone,
            "Zones with forwarders of their own: ZONE [first] ADDRESS[:PORT] …; first:"
            " as in forward; without an address: asked from the root, whatever"
            " forwarders says. Answers are validated: if nobody signs for them, or the"
            " root cannot be reached, add them to negative_trust_anchors.",
        ),
        stub_zones=section.texts(
            "stub_zones",
            (),
            check_stub_zone,
            "Zones whose servers are said here, not by their parents: ZONE"
            " ADDRESS[:PORT] …; if nobody signs for them, add them to"
            " negative_trust_anchors.",
        ),
        policy_zones=section.texts(
            "policy_zones",
            (),
            check_policy_zone,
            "Zones of this server, files or copies, that say which answers clients get"
            " otherwise (RPZ); the first goes first. ZONE [ede blocked] [break-dnssec"
            " yes]: what clients are told (none, forged, blocked, censored, filtered,"
            " prohibited), and whether signed answers are changed also for those that"
            " want signatures.",
        ),
        dns64=section.text(
            "dns64",
            "",
            "Prefix of the IPv6 addresses made for names that only have IPv4 ones, like"
            " 64:ff9b::/96 (DNS64); empty: none are made.",
            check_dns64,
        ),
    )


def _check_issuer(text: str) -> None:
    if not _ISSUER.fullmatch(text):
        raise BadValueError(f"{text!r} is not an issuer", 'like "letsencrypt.org"')
