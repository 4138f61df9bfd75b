"""A server without sockets: fake clock and network, everything else in memory."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import TypeVar

from pabal.base.errors import StorageFullError, UnavailableError
from pabal.directory.book import Book
from pabal.directory.credential import HashCost
from pabal.directory.memory import MemoryTables
from pabal.directory.ports import Target
from pabal.dns.ports import Step, Steps
from pabal.message.address import Mailbox
from pabal.message.spool import Spool
from pabal.mta.accept import Acceptor
from pabal.mta.bounce import Bouncer
from pabal.mta.mda import MailDelivery
from pabal.mta.policy.dkim import Signature
from pabal.mta.ports import Sent
from pabal.mta.queue.memory import MemoryQueue
from pabal.mta.queue.ports import Queue
from pabal.mta.queue.schedule import Schedule
from pabal.mta.receive import MailReceiver
from pabal.mta.routing import Exchangers, ExchangersKind
from pabal.mta.runner import Exits, QueueRunner
from pabal.mta.settings import MtaSettings
from pabal.mta.station import Station
from pabal.mta.submission import SubmissionReceiver
from pabal.mta.transaction import Desk
from pabal.mta.transport.conversion import Converter
from pabal.mta.transport.delivery import SmtpTransport
from pabal.mta.transport.pool import SessionPool
from pabal.net.endpoint import Endpoint
from pabal.net.ports import ConnectionLostError
from pabal.net.sasl import Identity
from pabal.smtp.envelope import Envelope, Recipient
from pabal.smtp.outcome import Outcome, delivered, temporary
from pabal.smtp.ports import Client, Receiver
from pabal.store.memory.account import MemoryStore
from pabal.store.ports import INBOX, Column
from pabal.trace.ports import Stage as TraceStage
from pabal.trace.ports import TraceEvent

T = TypeVar("T")

MESSAGE = (
    b"From: you@here.test\r\nTo: bob@there.test\r\nSubject: x\r\n"
    b"Message-ID: <m1@here.test>\r\nDate: Mon, 1 Jan 2024 00:00:00 +0000\r\n"
    b"\r\nhello\r\n"
)


class FakeClock:
    """Stands still until a test moves it."""

    def __init__(self) -> None:
        self.time = 1_700_000_000.0

    def now(self) -> float:
        return self.time

    def monotonic(self) -> float:
        return self.time


class Order:
    """No chance: nothing is shuffled, jitter is 1."""

    def uniform(self, low: float, high: float) -> float:
        return (low + high) / 2

    def bits(self, count: int) -> int:
        return 0

    def shuffled(self, items: Sequence[T]) -> list[T]:
        return list(items)


def new_book(clock: FakeClock, domain: str) -> Book:
    """Return who lives at ``domain``: you, alice, bob, with ids 1, 2, 3."""
    cheap = HashCost(memory_kib=8, passes=1, scram_iterations=1)
    book = Book(MemoryTables(), clock, cheap)
    book.add_domain(domain)
    for name in ("you", "alice", "bob"):
        book.add_account(Mailbox.parse(f"{name}@{domain}"), "a long password 42")
    return book


class Ledger:
    """Keeps trace events."""

    def __init__(self) -> None:
        self.events: list[TraceEvent] = []

    def record(self, event: TraceEvent) -> None:
        self.events.append(event)

    def stages(self) -> list[str]:
        return [event.stage.value for event in self.events]

    def facts(self, stage: TraceStage) -> list[dict[str, object]]:
        return [dict(e.facts) for e in self.events if e.stage is stage]


@dataclass
class Host:
    """A server out there.

    ``replies`` are used up one a recipient, then everything is delivered.
    """

    name: str
    down: bool = False
    hangs: bool = False
    greeting: Outcome | None = None
    notifies: bool = True
    takes_eight_bits: bool = True
    replies: list[Outcome] = field(default_factory=list)
    breaks: int = 0
    silent: bool = False
    mails: list[tuple[Envelope, bytes]] = field(default_factory=list)
    arrived: asyncio.Semaphore = field(default_factory=lambda: asyncio.Semaphore(0))
    opened: int = 0
    closed: int = 0

    @property
    def recipients(self) -> list[str]:
        return [str(r.address) for e, _ in self.mails for r in e.recipients]


class FakeSession:
    tls = "TLSv1.3 TEST"
    takes_eight_bits: bool
    dialogue = ("S: 220 hello",)

    def __init__(self, host: Host) -> None:
        self._host = host
        self.takes_eight_bits = host.takes_eight_bits

    async def send(self, envelope: Envelope, spool: Spool) -> Sent:
        host = self._host
        if host.hangs:
            await asyncio.Event().wait()
        if host.breaks:
            host.breaks -= 1
            raise ConnectionLostError("gone")
        if host.silent:
            lost = temporary(51, "4.2", "Connection failed")
            return Sent([lost] * len(envelope.recipients), usable=False, broken=True)
        outcomes = [
            host.replies.pop(0) if host.replies else delivered("queued")
            for _ in envelope.recipients
        ]
        taken = [
            one
            for one, outcome in zip(envelope.recipients, outcomes, strict=True)
            if outcome.ok
        ]
        if taken:
            kept = replace(envelope, recipients=taken)
            host.mails.append((kept, spool.octets()))
            host.arrived.release()
        dialogue = ("C: MAIL FROM:<…>", "S: 250 ok")
        return Sent(outcomes, dialogue, notifies=host.notifies)

    async def close(self) -> None:
        self._host.closed += 1


class Network:
    """Names and hosts out there; implements ``Names`` and ``Sessions``."""

    def __init__(self) -> None:
        self.mx_answers: dict[str, Exchangers | UnavailableError] = {}
        self.address_answers: dict[str, tuple[str, ...] | UnavailableError] = {}
        self.hosts: dict[str, Host] = {}
        self.asked: list[str] = []

    def domain(self, domain: str, *hosts: tuple[int, str]) -> list[Host]:
        """Put ``domain`` with its exchangers on the net."""
        self.mx_answers[domain] = Exchangers(ExchangersKind.RECORDS, hosts)
        return [self.host(name) for _, name in hosts]

    def host(self, name: str) -> Host:
        address = f"192.0.2.{len(self.hosts) + 1}"
        self.address_answers[name] = (address,)
        self.hosts[address] = Host(name)
        return self.hosts[address]

    async def mx(self, domain: str, steps: Steps | None = None) -> Exchangers:
        self.asked.append(domain)
        if steps is not None:
            steps.taken.append(Step(domain, "MX", "ns", ".", "answer", 1.0))
        answer = self.mx_answers.get(domain, Exchangers(ExchangersKind.NXDOMAIN))
        if isinstance(answer, UnavailableError):
            raise answer
        return answer

    async def addresses(self, host: str, steps: Steps | None = None) -> Sequence[str]:
        self.asked.append(host)
        answer = self.address_answers.get(host, ())
        if isinstance(answer, UnavailableError):
            raise answer
        return answer

    async def open(self, host: str, endpoint: Endpoint) -> FakeSession | Outcome:
        found = self.hosts.get(endpoint.address)
        if found is None or found.down:
            raise ConnectionLostError(f"{endpoint}: refused")
        found.opened += 1
        return found.greeting or FakeSession(found)


class NoSigner:
    async def wrote(
        self, fields: Sequence[Signature], header: bytes, spool: Spool, body_start: int
    ) -> bool:
        return False

    async def sign(
        self, domain: str, header: bytes, spool: Spool, body_start: int
    ) -> bytes:
        return b""


class FullDisk:
    """A place for local mail that has no room."""

    async def deliver(self, target: Target, spool: Spool) -> Outcome:
        raise StorageFullError("no room")

    async def room(self, targets: Sequence[Target], octets: int) -> Outcome:
        return delivered()


def settings(**changes: object) -> MtaSettings:
    return replace(MtaSettings("mail.here.test"), **changes)  # type: ignore[arg-type] # tests name their fields


class Stage:
    """Everything of one server, wired as ``app`` does."""

    def __init__(
        self,
        configured: MtaSettings | None = None,
        queue: Queue | None = None,
        domain: str = "here.test",
    ) -> None:
        self.clock = FakeClock()
        self.ledger = Ledger()
        self.settings = configured or settings()
        self.station = Station(self.settings, self.clock, self.ledger)
        self.book = new_book(self.clock, domain)
        self.store = MemoryStore(self.clock)
        self.queue: Queue = queue or MemoryQueue()
        self.net = Network()
        self.wakes = 0
        self.mda = MailDelivery(self.store, self.clock, self.book)
        self.acceptor = Acceptor(self.station, self.mda, self.queue, self.wake)
        self.bouncer = Bouncer(self.station, self.book, self.acceptor)
        self.desk = Desk(self.station, self.book, self.acceptor, self.bouncer, self.mda)
        self.pool = SessionPool(self.net, self.settings.transport, self.clock)
        self.transport = SmtpTransport(
            self.station, self.net, self.pool, Order(), Converter(NoSigner())
        )
        self.schedule = Schedule(self.settings.queue.schedule, Order())
        self.runner = self.new_runner(self.schedule)
        self.receiver = MailReceiver(self.desk)
        self.submission = SubmissionReceiver(self.desk, NoSigner())

    def new_runner(self, schedule: Schedule) -> QueueRunner:
        exits = Exits(self.transport, self.mda, self.bouncer)
        return QueueRunner(self.station, self.queue, schedule, exits)

    def wake(self) -> None:
        self.wakes += 1

    async def turn(self, seconds: float = 0.0) -> None:
        """Let ``seconds`` pass, then let everything due happen."""
        self.clock.time += seconds
        for _ in range(500):
            await self.runner.turn()
            if not self.schedule.busy:
                return
            await self.runner.settled(5.0)
        raise AssertionError("it never ends")

    async def submit(self, *to: str, message: bytes = MESSAGE) -> Outcome:
        return await send(
            self.submission, user(), "you@here.test", *to, message=message
        )

    async def receive(
        self, *to: str, sender: str = "bob@there.test", message: bytes = MESSAGE
    ) -> Outcome:
        return await send(self.receiver, stranger(), sender, *to, message=message)

    async def inbox(self, account_id: int, name: str = INBOX) -> list[bytes]:
        account = await self.store.account(account_id)
        mailbox = await account.mailbox(name)
        view = await account.view(mailbox.id)
        rows = await account.read(list(view.emails), (Column.OCTETS,))
        view.close()
        return [row[0] for row in rows if row and isinstance(row[0], bytes)]

    async def close(self) -> None:
        await self.runner.stop()
        await self.pool.close()
        await self.queue.close()


def user() -> Client:
    return replace(stranger(), identity=Identity(1, "you@here.test"))


def stranger() -> Client:
    return Client(
        "s1",
        Endpoint("192.0.2.99", 40000),
        Endpoint("192.0.2.1", 25),
        helo="client.test",
        extended=True,
    )


def recipients(*to: str) -> list[Recipient]:
    return [Recipient(Mailbox.parse(one)) for one in to]


async def send(
    receiver: Receiver,
    client: Client,
    sender: str,
    *to: str | Recipient,
    message: bytes = MESSAGE,
    envelope: Envelope | None = None,
) -> Outcome:
    """Play a transaction; return the outcome of the message, or the first refusal."""
    path = Mailbox.parse(sender) if sender else None
    envelope = envelope or Envelope(path, ())
    began = await receiver.mail(client, envelope, len(message))
    if isinstance(began, Outcome):
        return began
    accepted = []
    outcome = delivered()
    for one in to:
        recipient = one if isinstance(one, Recipient) else recipients(one)[0]
        outcome = await began.rcpt(recipient)
        if outcome.ok:
            accepted.append(recipient)
    if not accepted:
        await began.abort()
        return outcome
    with Spool() as spool:
        spool.write(message)
        return await began.commit(replace(envelope, recipients=accepted), spool)
