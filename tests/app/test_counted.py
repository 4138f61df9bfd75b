"""Counting around objects that know nothing of it."""

from dataclasses import replace
from pathlib import Path

import dns.name
import dns.rdatatype
import pytest

from pabal.app.counted import (
    CountedExchange,
    CountedTracer,
    LogIns,
    QueueDepth,
    connection_families,
    resolver_families,
)
from pabal.app.parts import resolver
from pabal.base.metrics import Extent, Family
from pabal.config.settings import Settings
from pabal.dns.resolver.hints import Server
from pabal.dns.resolver.query import (
    ExchangeError,
    Query,
    ServerClosedError,
    ServerTimeoutError,
    ServerUnreachableError,
)
from pabal.message.spool import Spool
from pabal.mta.queue.sqlite import SqliteQueue
from pabal.net.listener import Listener, ListenerSettings
from pabal.net.ports import Stream, TlsInfo
from pabal.net.sasl import Challenge, Denied, Granted, Identity, SaslExchange, SaslStep
from pabal.trace.memory import MemoryTrace
from pabal.trace.ports import Stage, TraceEvent
from tests.app.rig import for_alice
from tests.support.zones import FixedClock


def values(family: Family) -> dict[tuple[str, ...], float]:
    return {
        (*(value for _, value in one.labels), *filter(None, (one.suffix,))): one.value
        for one in family.samples
    }


async def test_stages_and_codes() -> None:
    inner = MemoryTrace()
    tracer = CountedTracer(inner)
    event = TraceEvent(0.0, "h", "t", Stage.REFUSED, facts={"reply": "550 5.1.1 no"})
    for one in (
        event,
        event,
        replace(event, facts={"reply": "no code"}),
        replace(event, stage=Stage.DELIVERED, facts={}),
        replace(event, stage=Stage.RESOLVED),
    ):
        tracer.record(one)
    (family,) = await tracer.families(Extent.USUAL)
    assert values(family) == {
        ("refused", "550"): 2,
        ("refused", ""): 1,
        ("delivered", ""): 1,
    }


class Answers:
    def __init__(self, clock: FixedClock, answers: list[bytes | Exception]) -> None:
        self._clock = clock
        self._answers = answers

    async def exchange(self, query: Query) -> bytes:
        self._clock.at += 0.02
        answer = self._answers.pop(0)
        if isinstance(answer, Exception):
            raise answer
        return answer


def query(*, tcp: bool = False) -> Query:
    name = dns.name.from_text("a.test.")
    server = Server("ns.test", "192.0.2.1", 53)
    rdtype = dns.rdatatype.A
    return Query(server, name, name, rdtype, tcp, True, False, 1.0, b"", False)


async def test_what_came_of_questions() -> None:
    clock = FixedClock()
    answers: list[bytes | Exception] = [
        b"\x00\x00\x84\x00",
        b"\x00\x00\x84\x03",
        ServerTimeoutError("timeout"),
        ServerUnreachableError("no way"),
        ServerClosedError("closed"),
        b"",
    ]
    exchange = CountedExchange(Answers(clock, answers), clock)
    for _ in range(2):
        await exchange.exchange(query())
    for _ in range(3):
        with pytest.raises(ExchangeError):
            await exchange.exchange(query())
    await exchange.exchange(query(tcp=True))
    queries, latency = await exchange.families(Extent.USUAL)
    assert values(queries) == {
        ("udp", "NOERROR"): 1,
        ("udp", "NXDOMAIN"): 1,
        ("udp", "timeout"): 1,
        ("udp", "unreachable"): 1,
        ("udp", "closed"): 1,
        ("tcp", "malformed"): 1,
    }
    assert values(latency)["0.025", "_bucket"] == 3
    assert values(latency)["0.01", "_bucket"] == 0
    assert values(latency)["_count",] == 3


class Knows:
    """Grants after a challenge; a password is right if it is "right"."""

    def mechanisms(
        self, *, encrypted: bool, tls: TlsInfo | None = None
    ) -> tuple[str, ...]:
        return ("PLAIN",)

    def cleartext_allowed(self, *, peer_address: str, encrypted: bool) -> bool:
        return encrypted

    def start(
        self,
        mechanism: str,
        *,
        peer_address: str,
        encrypted: bool,
        tls: TlsInfo | None = None,
    ) -> SaslExchange | None:
        return self if mechanism.upper() == "PLAIN" else None

    async def step(self, response: bytes | None) -> SaslStep:
        return Challenge(b"") if response is None else Granted(Identity(1, "a@a.test"))

    async def login(
        self, user: str, password: str, *, peer_address: str
    ) -> Granted | Denied:
        if password == "right":
            return Granted(Identity(1, user))
        return Denied("wrong", temporary=password == "later")


async def test_log_ins() -> None:
    log_ins = LogIns()
    imap = log_ins.of(Knows(), "imap")
    assert imap.mechanisms(encrypted=True) == ("PLAIN",)
    assert imap.cleartext_allowed(peer_address="", encrypted=True)
    for password in ("right", "wrong", "later"):
        await imap.login("a@a.test", password, peer_address="192.0.2.1")
    exchange = imap.start("plain", peer_address="", encrypted=True)
    assert exchange is not None
    await exchange.step(None)
    await exchange.step(b"x")
    assert imap.start("OTHER", peer_address="", encrypted=True) is None
    assert values(log_ins.counter.family()) == {
        ("imap", "password", "ok"): 1,
        ("imap", "password", "denied"): 1,
        ("imap", "password", "unavailable"): 1,
        ("imap", "PLAIN", "ok"): 1,
    }


async def test_connections() -> None:
    async def serve(_stream: Stream) -> None:
        return

    listener = Listener(serve, ListenerSettings())
    listener.taken, listener.refused = 3, 1
    found = {one.name: values(one) for one in connection_families({"imap": listener})}
    assert found == {
        "pabal_connections_total": {("imap",): 3},
        "pabal_connections_refused_total": {("imap",): 1},
        "pabal_connections_open": {("imap",): 0},
    }


async def test_the_queue_has_a_depth(tmp_path: Path) -> None:
    clock = FixedClock(1_000.0)
    queue = SqliteQueue(tmp_path / "queue.db")
    depth = QueueDepth(queue, clock)
    found = {one.name: values(one) for one in await depth.families(Extent.USUAL)}
    assert found == {
        "pabal_queue_recipients": {},
        "pabal_queue_messages": {(): 0},
        "pabal_queue_oldest_seconds": {(): 0},
    }
    for age in (900.0, 400.0):
        await queue.add(for_alice(age), Spool())
    found = {one.name: values(one) for one in await depth.families(Extent.USUAL)}
    assert found == {
        "pabal_queue_recipients": {("active",): 2},
        "pabal_queue_messages": {(): 2},
        "pabal_queue_oldest_seconds": {(): 600},
    }
    await queue.close()


async def test_caches(settings: Settings) -> None:
    made = resolver(settings, FixedClock())
    families = resolver_families({"": made, "inside": made})
    found = {one.name: values(one) for one in families}
    assert found["pabal_resolver_cache_entries"] == {("",): 0, ("inside",): 0}
    await made.stop()
