"""What is counted around the objects of a process, for they do not know of it."""

from collections.abc import Iterable, Mapping
from typing import Final

import dns.rcode

from pabal.base.clock import Clock
from pabal.base.metrics import (
    Counter,
    Extent,
    Family,
    Histogram,
    Sample,
    counter,
    gauge,
)
from pabal.dns.resolver.driver import Exchange, IterativeResolver
from pabal.dns.resolver.query import (
    ExchangeError,
    Query,
    ServerTimeoutError,
    ServerUnreachableError,
    SuspectReplyError,
)
from pabal.mta.queue.sqlite import SqliteQueue
from pabal.net.listener import Listener
from pabal.net.ports import TlsInfo
from pabal.net.sasl import Authenticator, Denied, Granted, SaslExchange, SaslStep
from pabal.trace.ports import Stage, TraceEvent, Tracer

LATENCIES_S: Final = (0.001, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5)
"""From a server next door to one beyond two oceans that is slow, besides."""

_HEADER_OCTETS: Final = 4
_RCODE_BITS: Final = 15

_FAILURES: Final[Mapping[type[ExchangeError], str]] = {
    ServerTimeoutError: "timeout",
    ServerUnreachableError: "unreachable",
    SuspectReplyError: "suspect",
}


class CountedTracer:
    """A tracer that counts: every way of a message has the same stages.

    Attributes:
        events: By stage, and the code of the reply if there was one.
    """

    def __init__(self, tracer: Tracer) -> None:
        self._tracer = tracer
        self.events = Counter(
            "pabal_mail_events_total",
            "What happened to messages, by stage and code of the SMTP reply.",
            ("stage", "code"),
        )

    def record(self, event: TraceEvent) -> None:
        """Take note of ``event``; returns at once, never raises."""
        if event.stage is not Stage.RESOLVED:
            self.events.add(event.stage.value, _code(event))
        self._tracer.record(event)

    async def families(self, _extent: Extent) -> Iterable[Family]:
        """Return what was counted."""
        return (self.events.family(),)


def _code(event: TraceEvent) -> str:
    code = str(event.facts.get("reply", ""))[:3]
    return code if code.isascii() and code.isdigit() and len(code) == 3 else ""


class CountedExchange:
    """Asks servers, and counts what came of it."""

    def __init__(self, exchange: Exchange, clock: Clock) -> None:
        self._exchange = exchange
        self._clock = clock
        self._queries = Counter(
            "pabal_resolver_queries_total",
            "Queries sent to other name servers, by transport and outcome.",
            ("transport", "outcome"),
        )
        self._latency = Histogram(
            "pabal_resolver_answer_seconds",
            "How long other name servers took to answer.",
            LATENCIES_S,
        )

    async def exchange(self, query: Query) -> bytes:
        """Return the octets of the answer to ``query``.

        Raises:
            ExchangeError: None came in time, or none that can be believed.
        """
        transport = "tcp" if query.tcp else "udp"
        began = self._clock.monotonic()
        try:
            octets = await self._exchange.exchange(query)
        except ExchangeError as error:
            self._queries.add(transport, _FAILURES.get(type(error), "closed"))
            raise
        self._latency.observe(self._clock.monotonic() - began)
        self._queries.add(transport, _rcode(octets))
        return octets

    async def families(self, _extent: Extent) -> Iterable[Family]:
        """Return what was counted."""
        return self._queries.family(), self._latency.family()


def _rcode(octets: bytes) -> str:
    if len(octets) < _HEADER_OCTETS:
        return "malformed"
    return dns.rcode.to_text(dns.rcode.Rcode(octets[3] & _RCODE_BITS))


def resolver_families(resolvers: Mapping[str, IterativeResolver]) -> Iterable[Family]:
    """Return how full the caches are; by view, everybody's has no name."""
    caches = {view: resolver.cache for view, resolver in resolvers.items()}
    return (
        gauge(
            "pabal_resolver_cache_entries",
            "Names and types that the resolver knows of.",
            [Sample(len(one), (("view", view),)) for view, one in caches.items()],
        ),
        gauge(
            "pabal_resolver_cache_bytes",
            "Memory of what the resolver knows, estimated.",
            [Sample(one.octets, (("view", view),)) for view, one in caches.items()],
        ),
        counter(
            "pabal_resolver_cache_evicted_total",
            "What the resolver had to forget before its time.",
            [Sample(one.evicted, (("view", view),)) for view, one in caches.items()],
        ),
    )


class LogIns:
    """Counts log-ins by service and result."""

    def __init__(self) -> None:
        self.counter = Counter(
            "pabal_log_ins_total",
            "Log-ins by service, mechanism and result.",
            ("service", "mechanism", "result"),
        )

    def of(self, authenticator: Authenticator, service: str) -> Authenticator:
        """Return ``authenticator`` as ``service`` is to use it."""
        return _CountedAuthenticator(authenticator, service, self.counter)


class _CountedAuthenticator:
    def __init__(
        self, authenticator: Authenticator, service: str, log_ins: Counter
    ) -> None:
        self._authenticator = authenticator
        self._service = service
        self._log_ins = log_ins

    def mechanisms(
        self, *, encrypted: bool, tls: TlsInfo | None = None
    ) -> tuple[str, ...]:
        return self._authenticator.mechanisms(encrypted=encrypted, tls=tls)

    def cleartext_allowed(self, *, peer_address: str, encrypted: bool) -> bool:
        return self._authenticator.cleartext_allowed(
            peer_address=peer_address, encrypted=encrypted
        )

    def start(
        self,
        mechanism: str,
        *,
        peer_address: str,
        encrypted: bool,
        tls: TlsInfo | None = None,
    ) -> SaslExchange | None:
        exchange = self._authenticator.start(
            mechanism, peer_address=peer_address, encrypted=encrypted, tls=tls
        )
        if exchange is None:
            return None
        return _CountedSasl(exchange, self, mechanism.upper())

    async def login(
        self, user: str, password: str, *, peer_address: str
    ) -> Granted | Denied:
        found = await self._authenticator.login(
            user, password, peer_address=peer_address
        )
        self.count("password", found)
        return found

    def count(self, mechanism: str, step: SaslStep) -> None:
        """Count the end of an exchange."""
        if isinstance(step, Granted):
            self._log_ins.add(self._service, mechanism, "ok")
        elif isinstance(step, Denied):
            result = "unavailable" if step.temporary else "denied"
            self._log_ins.add(self._service, mechanism, result)


class _CountedSasl:
    def __init__(
        self, exchange: SaslExchange, by: _CountedAuthenticator, mechanism: str
    ) -> None:
        self._exchange = exchange
        self._by = by
        self._mechanism = mechanism

    async def step(self, response: bytes | None) -> SaslStep:
        step = await self._exchange.step(response)
        self._by.count(self._mechanism, step)
        return step


def connection_families(listeners: Mapping[str, Listener]) -> Iterable[Family]:
    """Return how many connections each service has and had."""

    def label(service: str) -> tuple[tuple[str, str], ...]:
        return (("service", service),)

    rows = listeners.items()
    return (
        counter(
            "pabal_connections_total",
            "Connections taken.",
            [Sample(one.taken, label(service)) for service, one in rows],
        ),
        counter(
            "pabal_connections_refused_total",
            "Connections refused: there were too many, of one client or in all.",
            [Sample(one.refused, label(service)) for service, one in rows],
        ),
        gauge(
            "pabal_connections_open",
            "Connections now.",
            [Sample(one.open, label(service)) for service, one in rows],
        ),
    )


class QueueDepth:
    """Says how much waits in the queue."""

    def __init__(self, queue: SqliteQueue, clock: Clock) -> None:
        self._queue = queue
        self._clock = clock

    async def families(self, _extent: Extent) -> Iterable[Family]:
        """Return what is in the queue now."""
        depth = await self._queue.depth()
        now = self._clock.now()
        oldest = 0.0 if depth.oldest_at is None else max(0.0, now - depth.oldest_at)
        return (
            gauge(
                "pabal_queue_recipients",
                "Recipients of messages in the queue, by state.",
                [
                    Sample(count, (("state", state),))
                    for state, count in depth.by_state.items()
                ],
            ),
            gauge(
                "pabal_queue_messages", "Messages in the queue.", [Sample(depth.items)]
            ),
            gauge(
                "pabal_queue_oldest_seconds",
                "Age of the oldest message in the queue; 0: it is empty.",
                [Sample(oldest)],
            ),
        )
