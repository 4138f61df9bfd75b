"""What an operator can set of mail transfer."""

from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class TransportSettings:
    """How mail leaves.

    Attributes:
        port: TCP port other servers are reached on.
        smarthost: ``host`` or ``host:port`` that takes all remote mail; empty: by MX.
        source_address: Our end's address of outgoing connections; empty: the kernel
            chooses. Also decides the address family.
        hosts_max: Addresses tried for one delivery before it waits for its next turn.
        attempt_max_s: Longest delivery attempt, seconds. A large message over a slow
            line fits: RFC 5321 §4.5.3.2.6 alone gives the final reply 10 minutes.
        connect_max_s: Longest wait for a host to accept, seconds.
        idle_max_s: How long an unused connection is kept for the next message, seconds.
        messages_a_connection_max: Messages sent before a connection is given up.
        connections_idle_max: Unused connections kept in all.
    """

    port: int = 25
    smarthost: str = ""
    source_address: str = ""
    hosts_max: int = 5
    attempt_max_s: float = 900.0
    connect_max_s: float = 30.0
    idle_max_s: float = 5.0
    messages_a_connection_max: int = 100
    connections_idle_max: int = 100


@dataclass(frozen=True, slots=True)
class ScheduleSettings:
    """When, and how many at once.

    Attributes:
        retry_first_s: Wait after the first failure, seconds; doubles with each.
        retry_max_s: Longest wait between attempts, seconds.
        jitter: Share by which a wait is longer or shorter, 0 to 1.
        deliveries_max: Deliveries at once.
        destination_first: Deliveries at once to a destination nothing is known of.
        destination_max: Most deliveries at once to one destination.
        claims_max: Claimed recipients waiting here, in all.
        waiting_max: Claimed recipients waiting here, a destination: one that is slow
            leaves room for the others.
        recipients_max: Recipients in one delivery (RFC 5321 §4.5.3.1.8: 100 always
            work).
        failures_dead: Failed connections in a row after which a destination is dead.
        dead_s: How long it is left alone, seconds.
    """

    retry_first_s: float = 300.0
    retry_max_s: float = 4 * 3600.0
    jitter: float = 0.2
    deliveries_max: int = 500
    destination_first: int = 4
    destination_max: int = 20
    claims_max: int = 20_000
    waiting_max: int = 100
    recipients_max: int = 100
    failures_dead: int = 3
    dead_s: float = 300.0


@dataclass(frozen=True, slots=True)
class QueueSettings:
    """How long mail waits.

    Attributes:
        expiry_s: After this a message that cannot be delivered goes back, seconds. At
            least 4 to 5 days (RFC 5321 §4.5.4.1).
        lease_s: How long a claim outlives its crashed owner, seconds; renewed at a
            third of it.
        poll_s: Longest time between two looks at the queue, seconds: a doorbell is
            only a hint.
        schedule: When and how many at once.
    """

    expiry_s: float = 5 * 86_400.0
    lease_s: float = 60.0
    poll_s: float = 5.0
    schedule: ScheduleSettings = field(default_factory=ScheduleSettings)


@dataclass(frozen=True, slots=True)
class MtaSettings:
    """Everything about mail transfer.

    Attributes:
        hostname: What this server calls itself.
        message_size_max_octets: Largest message taken, octets; 0: no limit.
        recipients_max: Most recipients of one transaction (RFC 5321 §4.5.3.1.8 wants
            100 at least).
        header_max_octets: Largest header section taken, octets.
        hops_max: Most ``Received`` fields; more are a loop (RFC 5321 §6.3: 100 at
            least).
        bounce_full_max_octets: Larger messages come back as their header only, octets.
        transport: How mail leaves.
        queue: How long it waits.
    """

    hostname: str
    message_size_max_octets: int = 50_000_000
    recipients_max: int = 1_000
    header_max_octets: int = 1024 * 1024
    hops_max: int = 100
    bounce_full_max_octets: int = 50_000
    transport: TransportSettings = field(default_factory=TransportSettings)
    queue: QueueSettings = field(default_factory=QueueSettings)
