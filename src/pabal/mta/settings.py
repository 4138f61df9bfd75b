"""What an operator can set of mail transfer."""

from dataclasses import dataclass, field

from pabal.mta.queue.schedule import ScheduleSettings


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
