"""What an operator can set of the resolver."""

from dataclasses import dataclass

from pabal.dns.resolver.hints import DNS_PORT, ROOT_SERVERS, Server
from pabal.dns.resolver.routes import Route


@dataclass(frozen=True, slots=True)
class ResolverSettings:
    """How names are resolved; every field has a working default.

    Attributes:
        root_hints: Where iteration starts.
        forwarders: Recursive servers to ask instead of iterating; none: iterate.
        forward_first: Whether what they do not answer is looked for all the same.
        routes: Zones that are asked elsewhere than their parents say.
        port: Where servers found by delegation are asked (the lab uses another).
        ipv4: Whether servers are asked over IPv4.
        ipv6: Whether servers are asked over IPv6.
        minimise: Whether servers see no more of the name than they need (RFC 9156).
        mixed_case: Whether questions carry random case as a second id ("0x20").
        deadline_s: Longest time one answer may take, seconds; clients hardly wait as
            long (BIND: 10).
        ttl_min_s: Least time a record is kept, seconds; 0 obeys the record.
        ttl_max_s: Most time a record is kept, seconds.
        negative_ttl_max_s: Most time "no such name" is kept, seconds (RFC 2308 §5).
        stale_max_s: How long after its end a record may still help when no server
            answers, seconds; 0: never (RFC 8767 §4).
        cache_entries_max: Most record sets in the cache.
        cache_octets_max: Most memory of the cache, octets, estimated.
        trust_anchors: DS or DNSKEY records, one a line, that validation begins with;
            empty: nothing is validated; ``None``: the root's, if the root is the
            Internet's.
        negative_trust_anchors: Zones that count as unsigned whatever their parent says
            (RFC 7646): ``ZONE [until YYYY-MM-DD]``.
        prime: Whether the root is asked for its servers before they are used.
        prefetch: Whether what is asked for at the end of its time is fetched anew.
        patience_s: How long a client waits when there is old data for it, seconds
            (RFC 8767 §5 recommends 1.8).
        flights_max: Most resolutions at once; then long ones give way to new ones, or
            those are refused (``flights``).
    """

    root_hints: tuple[Server, ...] = ROOT_SERVERS
    forwarders: tuple[Server, ...] = ()
    forward_first: bool = False
    routes: tuple[Route, ...] = ()
    port: int = DNS_PORT
    ipv4: bool = True
    ipv6: bool = True
    minimise: bool = True
    mixed_case: bool = True
    deadline_s: float = 10.0
    ttl_min_s: int = 0
    ttl_max_s: int = 86_400
    negative_ttl_max_s: int = 3_600
    stale_max_s: int = 86_400
    cache_entries_max: int = 200_000
    cache_octets_max: int = 128 * 1024 * 1024
    trust_anchors: str | None = None
    negative_trust_anchors: tuple[str, ...] = ()
    prime: bool = True
    prefetch: bool = True
    patience_s: float = 1.8
    flights_max: int = 2_000
