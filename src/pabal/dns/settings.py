"""What an operator may set about names."""

from dataclasses import dataclass, field
from typing import Final

PAYLOAD_OCTETS: Final = 1232
"""Fits every IPv6 path unfragmented (DNS flag day 2020)."""

CACHE_ENTRIES_MAX: Final = 200_000
"""Ready answers a process keeps: what a busy site is asked again and again."""

CACHE_OCTETS_MAX: Final = 128 * 1024 * 1024
"""Memory of the ready answers of a process, keys included."""

RECURSION_MAX: Final = 1000
"""Recursive questions under way at once; BIND's recursive-clients is 1000 as well."""

TCP_CONNECTIONS_MAX: Final = 500
"""TCP connections at once; each costs a descriptor and a few kilobytes."""

TCP_PER_CLIENT_MAX: Final = 20
"""TCP connections of one client: RFC 7766 §6.2.2 wants a limit, and clients few."""

TCP_IDLE_S: Final = 15
"""How long a TCP connection may be silent (RFC 7766 §6.2.3: some seconds)."""

TCP_KEEPALIVE_S: Final = 30
"""The same for clients that say they will ask again (RFC 7828); BIND's is as long."""

COUNTED_ZONES_MAX: Final = 100
"""A zone has a dozen numbers a process; a hundred make a page of 100 kB."""

RATE_MAX: Final = 200
"""Equal answers a second to one network of strangers; NSD's rrl-ratelimit as well."""

RATE_SLIP: Final = 2
"""Every second answer held back is sent truncated instead, as in BIND and NSD."""

RECURSION_PER_CLIENT_MAX: Final = 250
"""Recursive questions of one client under way at once: none takes them all. A quarter,
because a forwarder for a whole office is one client (dnsmasq alone forwards 150)."""

LOCAL_NETWORKS: Final = ("127.0.0.0/8", "::1")
"""Who may use the resolver unless it is said otherwise."""


@dataclass(frozen=True, slots=True)
class ViewExchange:
    """What a view and other servers have to do with each other.

    Attributes:
        secondary: Zones copied from others: ``ZONE address[:port] [key NAME]``.
        notify: Who is told of changes: ``address[:port] [key NAME]``.
        allow_transfer: Who may have whole zones; empty: who may anyway.
        allow_update: Who may change what of its own zones.
    """

    secondary: tuple[str, ...] = ()
    notify: tuple[str, ...] = ()
    allow_transfer: tuple[str, ...] = ()
    allow_update: tuple[str, ...] = ()


NO_EXCHANGE: Final = ViewExchange()


@dataclass(frozen=True, slots=True)
class ViewSettings:
    """One ``[dns.view.NAME]`` table.

    Attributes:
        name: NAME.
        clients: Who sees it.
        zones_directory: Files that differ; empty: none.
        addresses: What derived records say this host's addresses are; empty: the same.
        allow_recursion: Who of them may ask for names elsewhere; empty: who may anyway.
        allow_query: Who of them may ask for our zones; empty: who may anyway.
        destinations: Which of our addresses they ask; empty: any.
        recursive_only: Whether only questions that want recursion count.
        without: Common zones that they do not see.
        exchange: Zones that other servers have, too.
        secondary_directory: Where its copied zones are kept; empty: nowhere, none is.
        journal_directory: Where updates of its zones are kept; empty: none is taken.
        fallback_directory: Where last good versions are; empty: nowhere.
        signed_directory: Where its signed zones are; empty: nowhere, none is signed.
    """

    name: str
    clients: tuple[str, ...]
    zones_directory: str = ""
    addresses: tuple[str, ...] = ()
    allow_recursion: tuple[str, ...] = ()
    allow_query: tuple[str, ...] = ()
    destinations: tuple[str, ...] = ()
    recursive_only: bool = False
    without: tuple[str, ...] = ()
    exchange: ViewExchange = NO_EXCHANGE
    secondary_directory: str = ""
    journal_directory: str = ""
    fallback_directory: str = ""
    signed_directory: str = ""


@dataclass(frozen=True, slots=True)
class ZoneSettings:
    """One ``[dns.zone.ZONE]`` table, or one of a view.

    Attributes:
        zone: ZONE, without the last dot.
        view: Whose; empty: what everybody sees, and views that say nothing of ZONE.
        allow_query: Who may ask about it; empty: who may anyway.
        allow_transfer: Who may have it as a whole; empty: who may anyway.
        notify: Who is told of changes; empty: who is anyway; ``none``: nobody.
    """

    zone: str
    view: str = ""
    allow_query: tuple[str, ...] = ()
    allow_transfer: tuple[str, ...] = ()
    notify: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class PoolSettings:
    """One ``[dns.pool.NAME]`` table.

    Attributes:
        name: NAME.
        names: Whose address sets these are.
        weights: ``ADDRESS WEIGHT`` each.
        probe: ``tcp:PORT``, ``http:PORT/PATH``, ``https:PORT/PATH``; empty: none.
        interval_s: From probe to probe.
        timeout_s: Until one has failed.
        fall: Failures in a row that take a host out.
        rise: Successes in a row that put it back.
        ttl_s: Longest TTL of the answers.
    """

    name: str
    names: tuple[str, ...]
    weights: tuple[str, ...] = ()
    probe: str = ""
    interval_s: int = 10
    timeout_s: int = 3
    fall: int = 3
    rise: int = 2
    ttl_s: int = 60


@dataclass(frozen=True, slots=True)
class TcpSettings:
    """Limits of DNS over TCP; DNS over TLS has as many of its own.

    Attributes:
        connections_max: At once in a process.
        per_client_max: Of them those of one client: an IPv4 address, an IPv6 /64.
        idle_s: Silence after which one ends, seconds.
        keepalive_s: The same for clients that ask for it (RFC 7828); 0: nobody has it.
    """

    connections_max: int = TCP_CONNECTIONS_MAX
    per_client_max: int = TCP_PER_CLIENT_MAX
    idle_s: float = TCP_IDLE_S
    keepalive_s: float = TCP_KEEPALIVE_S


ROTATE: Final = "rotate"
RANDOM: Final = "random"
FIXED: Final = "fixed"
ORDERS: Final = (ROTATE, RANDOM, FIXED)
"""In which order the records of one set are said."""


@dataclass(frozen=True, slots=True)
class DnsSettings:
    """The ``[dns]`` table, and what it needs of the rest.

    Lists of who may do something hold networks (``192.0.2.0/24``), addresses, ``any``,
    ``none``, ``localhost``; ``!`` before one excludes it; the first that fits decides.
    """

    hostname: str
    zones_directory: str = field(
        default="zones",
        metadata={"help": "directory of master files, NAME.zone each"},
    )
    allow_query: tuple[str, ...] = field(
        default=("any",),
        metadata={"help": "who may ask for what this server holds"},
    )
    private_zones: tuple[str, ...] = field(
        default=(),
        metadata={"help": "zones that nobody is answered from"},
    )
    allow_recursion: tuple[str, ...] = field(
        default=LOCAL_NETWORKS,
        metadata={"help": "who may ask for names elsewhere"},
    )
    views: tuple[ViewSettings, ...] = field(
        default=(),
        metadata={"help": "what some clients see instead; the first that fits"},
    )
    zones: tuple[ZoneSettings, ...] = field(
        default=(),
        metadata={"help": "what holds for single zones in the place of the rest"},
    )
    forwarders: tuple[str, ...] = field(
        default=(),
        metadata={"help": "resolvers to ask instead of the root: address[:port]"},
    )
    root_hints: str = field(
        default="",
        metadata={"help": "master file with the root servers; built in if empty"},
    )
    round_robin: str = field(
        default=ROTATE,
        metadata={"help": "order of addresses: rotate, random, fixed"},
    )
    pools: tuple[PoolSettings, ...] = field(
        default=(),
        metadata={"help": "address sets that are weighted and probed"},
    )
    payload_octets: int = field(
        default=PAYLOAD_OCTETS,
        metadata={"help": "largest UDP answer", "unit": "octets", "range": (512, 4096)},
    )
    cache_entries_max: int = field(
        default=CACHE_ENTRIES_MAX,
        metadata={"help": "ready answers kept in a process", "unit": "answers"},
    )
    cache_octets_max: int = field(
        default=CACHE_OCTETS_MAX,
        metadata={"help": "memory for ready answers of a process", "unit": "octets"},
    )
    recursion_max: int = field(
        default=RECURSION_MAX,
        metadata={"help": "recursive questions under way at once", "unit": "questions"},
    )
    tcp: TcpSettings = field(
        default_factory=TcpSettings, metadata={"help": "limits of connections"}
    )
    nsid: str = field(
        default="",
        metadata={
            "help": "what this server calls itself to who asks (NSID); empty: no"
        },
    )
    counted_zones_max: int = field(
        default=COUNTED_ZONES_MAX,
        metadata={"help": "zones shown with numbers of their own", "unit": "zones"},
    )
    cookie_secret: bytes = field(
        default=b"",
        repr=False,
        metadata={"help": "16 octets all processes at an address share; empty: random"},
    )
    rate_max: int = field(
        default=RATE_MAX,
        metadata={"help": "equal answers to a strange network; 0: any", "unit": "1/s"},
    )
    rate_slip: int = field(
        default=RATE_SLIP,
        metadata={"help": "each so many-th answer held back is truncated; 0: none"},
    )
    client_rate_max: int = field(
        default=0,
        metadata={"help": "queries of one strange address; 0: any", "unit": "1/s"},
    )
    recursion_per_client_max: int = field(
        default=RECURSION_PER_CLIENT_MAX,
        metadata={"help": "recursive questions of one client", "unit": "questions"},
    )
    keys: tuple[str, ...] = field(
        default=(),
        repr=False,
        metadata={"help": "keys shared with other servers: algorithm:name:secret"},
    )
    transfer_tls_only: bool = field(
        default=False,
        metadata={"help": "whether zones are only transferred over TLS"},
    )
    transfer_ca: str = field(
        default="",
        metadata={"help": "PEM file of those who vouch for primaries; empty: system"},
    )
    allow_transfer: tuple[str, ...] = field(
        default=("none",),
        metadata={"help": "who may have whole zones: networks, `key NAME`"},
    )
    allow_update: tuple[str, ...] = field(
        default=(),
        metadata={"help": "who may change what: ZONE key KEY RULE [NAME] [TYPE ...]"},
    )
    allow_notify: tuple[str, ...] = field(
        default=(),
        metadata={"help": "who besides primaries may say that a copied zone changed"},
    )
    forward_updates: tuple[str, ...] = field(
        default=(),
        metadata={
            "help": "whose signed updates of copied zones go to the primary: networks"
        },
    )
    journal_directory: str = field(
        default="",
        metadata={"help": "where updates are kept; empty: nowhere, none is taken"},
    )
    fallback_directory: str = field(
        default="",
        metadata={
            "help": "where the last good version of a wrong zone is; empty: nowhere"
        },
    )
    notify: tuple[str, ...] = field(
        default=(),
        metadata={"help": "who is told of changes: address[:port] [key NAME]"},
    )
    secondary: tuple[str, ...] = field(
        default=(),
        metadata={"help": "zones copied from others: ZONE address[:port] [key NAME]"},
    )
    follow_catalogs: tuple[str, ...] = field(
        default=(),
        metadata={"help": "catalog zones: ZONE address[:port] [key NAME]"},
    )
    follow_groups: tuple[str, ...] = field(
        default=(),
        metadata={"help": "servers of members: GROUP address[:port] [key NAME]"},
    )
    catalog_groups: tuple[str, ...] = field(
        default=(),
        metadata={"help": "groups of zones in our catalog: ZONE GROUP"},
    )
    catalog: str = field(
        default="",
        metadata={"help": "name of a catalog zone of our zones; empty: none"},
    )
    secondary_directory: str = field(
        default="",
        metadata={"help": "where copied zones are kept; empty: nowhere, none is"},
    )
