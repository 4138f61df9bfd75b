"""What of [dns] keeps clients from taking everything, or what is not for them."""

from dataclasses import dataclass
from typing import Final

from pabal.config.peers import check_zone_name
from pabal.config.section import Section
from pabal.dns.settings import (
    RATE_MAX,
    RATE_SLIP,
    RECURSION_PER_CLIENT_MAX,
    TCP_CONNECTIONS_MAX,
    TCP_IDLE_S,
    TCP_KEEPALIVE_S,
    TCP_PER_CLIENT_MAX,
    TcpSettings,
)

RATE_LIMIT: Final = 1_000_000
SLIP_LIMIT: Final = 10
RECURSION_LIMIT: Final = 100_000
CONNECTIONS_LIMIT: Final = 100_000
"""Largest values of the limits below: more means the same as none."""

SILENCE_LIMIT_S: Final = 3600
"""Longest silence of a connection: RFC 7828 §3.1 can say 6553 seconds."""


@dataclass(frozen=True, slots=True)
class Limits:
    """The limits of [dns]."""

    rate_max: int
    rate_slip: int
    client_rate_max: int
    recursion_per_client_max: int
    tcp: TcpSettings
    private_zones: tuple[str, ...]


def read_limits(section: Section) -> Limits:
    """Return the limits of [dns]."""
    return Limits(
        rate_max=section.integer(
            "rate_max",
            RATE_MAX,
            0,
            RATE_LIMIT,
            "Equal answers over UDP to one network (a /24, a /56) that may not recurse,"
            " a second in each process; 0: any number.",
        ),
        rate_slip=section.integer(
            "rate_slip",
            RATE_SLIP,
            0,
            SLIP_LIMIT,
            "Of the answers held back by rate_max each so many-th is sent truncated:"
            " a real client asks again over TCP; 0: none.",
        ),
        client_rate_max=section.integer(
            "client_rate_max",
            0,
            0,
            RATE_LIMIT,
            "Queries over UDP of one address that may not recurse, a second in each"
            " process; 0: any number.",
        ),
        recursion_per_client_max=section.integer(
            "recursion_per_client_max",
            RECURSION_PER_CLIENT_MAX,
            1,
            RECURSION_LIMIT,
            "Recursive questions of one client (an IPv4 address, an IPv6 /64) under"
            " way at once in each process; loopback has no limit of its own.",
        ),
        tcp=_tcp(section),
        private_zones=section.texts(
            "private_zones",
            (),
            check_zone_name,
            "Zones that nobody is answered from, like policy_zones; who may have them"
            " as a whole still may.",
        ),
    )


def _tcp(section: Section) -> TcpSettings:
    return TcpSettings(
        connections_max=section.integer(
            "tcp_connections_max",
            TCP_CONNECTIONS_MAX,
            1,
            CONNECTIONS_LIMIT,
            "Connections over TCP at once in each process, and as many over TLS; from"
            " half of them on they may be silent for two seconds only.",
        ),
        per_client_max=section.integer(
            "tcp_per_client_max",
            TCP_PER_CLIENT_MAX,
            1,
            CONNECTIONS_LIMIT,
            "Of them those of one client (an IPv4 address, an IPv6 /64).",
        ),
        idle_s=section.integer(
            "tcp_idle",
            TCP_IDLE_S,
            1,
            SILENCE_LIMIT_S,
            "Seconds of silence after which a connection ends.",
        ),
        keepalive_s=section.integer(
            "tcp_keepalive",
            TCP_KEEPALIVE_S,
            0,
            SILENCE_LIMIT_S,
            "The same for clients that say they keep the connection for more"
            " questions (edns-tcp-keepalive); they are told; 0: as the others.",
        ),
    )
