"""A letter's events, as two servers note them."""

from pathlib import Path

from pabal.lab.report import Told, way
from pabal.lab.story import READ_TWICE, Letter
from pabal.lab.world import World, build
from pabal.trace.memory import MemoryTrace
from pabal.trace.ports import Fact, Stage, TraceEvent

LETTER = Letter(
    "m1@seoul.test", "s@seoul.test", "t@busan.test", "delivered", READ_TWICE
)
SEOUL, BUSAN = "mail.seoul.test", "mail.busan.test"


def world() -> World:
    return build(Path("/lab"))


def servers() -> tuple[MemoryTrace, MemoryTrace]:
    """Return the traces of both, the letter read by one device so far."""
    server, server_b = MemoryTrace(), MemoryTrace()

    def note(at: float, where: str, stage: Stage, **facts: Fact) -> None:
        trace = server if where == SEOUL else server_b
        trace.record(TraceEvent(at, where, "t", stage, "m1@seoul.test", facts=facts))

    note(
        1.0,
        SEOUL,
        Stage.SUBMITTED,
        peer="127.0.0.1:53316",
        helo="laptop.test",
        protocol="ESMTPSA",
        tls="TLSv1.3 TLS_AES_256_GCM_SHA384",
        user="s@seoul.test",
        session="1m85z1tv6jqxdcnj",
    )
    asked = "ns.nic.test.@127.0.53.2#20053"
    for name in ("busan.test. MX", "mail.busan.test. A", "mail.busan.test. AAAA"):
        note(1.1, SEOUL, Stage.RESOLVED, question=name, asked=asked, answer="answer")
    note(
        1.2,
        SEOUL,
        Stage.RESOLVED,
        detail="busan.test MX: 10 mail.busan.test; trying mail.busan.test",
        mx="10 mail.busan.test",
    )
    note(
        1.3,
        SEOUL,
        Stage.RESOLVED,
        detail="mail.busan.test: ::1, 127.0.2.1",
        addresses="::1, 127.0.2.1",
    )
    note(1.4, SEOUL, Stage.CONNECTED, mx=BUSAN, dialogue="C: EHLO x\nS: 250 y")
    note(1.5, BUSAN, Stage.DELIVERED, mailbox="INBOX uid 1")
    note(1.6, SEOUL, Stage.SENT, host=BUSAN, reply="250 ok")
    note(1.7, BUSAN, Stage.FETCHED, detail="read over IMAP")
    return server, server_b


def read_again(trace: MemoryTrace) -> None:
    trace.record(TraceEvent(1.8, BUSAN, "u", Stage.FETCHED, "m1@seoul.test"))


def told() -> Told:
    server, server_b = servers()
    read_again(server_b)
    return way(LETTER, [server, server_b])
