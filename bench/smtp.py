"""SMTP to mailbox on disk, and the queue's relay to a sink."""

import contextlib
import time
from collections.abc import Callable, Iterator
from functools import partial
from typing import Final

from bench.dialogue import Imap, Line, letter, plain
from bench.measure import Options, Row, in_parallel
from bench.peers import (
    USERS,
    Dovecot,
    Side,
    has_dovecot,
    has_postfix,
    pabal,
    postfix_to,
)
from bench.sink import Sink, running_sink
from tests.support.server import own_address

CONNECTIONS: Final = 20
A_SESSION: Final = 50
"""Messages over one connection where it is kept."""

MAILBOX: Final = "SMTP to mailbox, connection each"
MAILBOX_KEPT: Final = f"SMTP to mailbox, {A_SESSION} a connection"
RELAY: Final = "queue relay to a sink"
PEER: Final = "Postfix + Dovecot LMTP"
PATIENCE_SECONDS: Final = 120.0


def send(side: Side, count: int, per_session: int, *, submit: bool, to: str) -> None:
    """Send ``count`` messages, a new connection every ``per_session``."""
    text = letter(1, sender=b"user0@a.test") + b".\r\n"
    port = side.ports["submission" if submit and side.name == "pabal" else "smtp"]
    log_in = submit and side.name == "pabal"
    commands = [
        f"MAIL FROM:<user0@a.test>\r\nRCPT TO:<{to % user}>\r\nDATA\r\n".encode()
        for user in range(len(USERS))
    ]
    done = 0
    while done < count:
        with Line(side.address, port) as line:
            line.expect(b"220 ")
            line.say(b"EHLO bench.test\r\n")
            line.expect(b"250 ")
            if log_in:
                line.say(b"AUTH PLAIN " + plain("user0") + b"\r\n")
                line.expect(b"235 ")
            for number in range(done, min(done + per_session, count)):
                line.say(commands[number % len(USERS)])
                line.expect(b"354 ")
                line.say(text)
                line.expect(b"250 ")
                done += 1
            line.say(b"QUIT\r\n")
            line.expect(b"221 ")


def send_all(side: Side, count: int, per_session: int, **how: object) -> float:
    """Send from ``CONNECTIONS`` clients at once; return the seconds it took."""
    submit, to = bool(how.get("submit")), str(how.get("to", "user%d@a.test"))
    share = count // CONNECTIONS
    job = partial(send, side, share, per_session, submit=submit, to=to)
    return in_parallel([job] * CONNECTIONS)


def in_pabal(side: Side) -> int:
    """Return how many messages all INBOXes have."""
    total = 0
    for user in USERS:
        with Imap(side.address, side.ports["imap"], user) as client:
            client.say(b"zq7 STATUS INBOX (MESSAGES)\r\n")
            answer = client.expect(b"zq7 OK")
            total += int(answer.partition(b"MESSAGES ")[2].partition(b")")[0])
    return total


def timed(
    side: Side, row: Row, count: int, work: Callable[[], float],
    arrived: Callable[[], int],
) -> None:  # fmt: skip
    """Do ``work``, wait until ``count`` more have ``arrived``; note the rate.

    The clock starts when the clients, ready all of them, are let go. pabal's 250
    promises a mailbox row: what it promised is counted after the clock.
    """
    promised = side.name == "pabal" and row.name != RELAY
    before, cpu = arrived(), side.cpu_seconds()
    elapsed = work()
    begun = time.monotonic()
    while not promised and arrived() - before < count:
        if time.monotonic() - begun > PATIENCE_SECONDS:
            raise RuntimeError(f"{side.name}: {arrived() - before} of {count} arrived")
        time.sleep(0.01)
    elapsed += 0.0 if promised else time.monotonic() - begun
    used = side.cpu_seconds() - cpu
    if arrived() - before != count:
        raise RuntimeError(f"{side.name}: {arrived() - before} of {count} arrived")
    where = "pabal" if side.name == "pabal" else row.peer
    row.add(where, count / elapsed, used / count * 1e6)


@contextlib.contextmanager
def postfix_dovecot(options: Options) -> Iterator[tuple[Side, Dovecot]]:
    address = own_address()
    mailboxes = Dovecot(options.directory / "dovecot-lmtp", address)
    try:
        mailboxes.start()
        with postfix_to(
            address,
            virtual_mailbox_domains="a.test",
            virtual_mailbox_maps="static:any",
            virtual_transport=f"lmtp:unix:{mailboxes.lmtp}",
        ) as (side, _):
            assert mailboxes.process is not None
            roots = [*side.roots, mailboxes.process.pid]
            yield Side(PEER, side.address, side.ports, roots), mailboxes
    finally:
        mailboxes.stop()


def mailbox_rows(options: Options) -> list[Row]:
    rows = [
        (Row(MAILBOX, "messages/s", PEER, 4.0), 1),
        (Row(MAILBOX_KEPT, "messages/s", PEER, 4.0), A_SESSION),
    ]
    wanted = [(row, n) for row, n in rows if options.wants(row.name)]
    if not wanted:
        return []
    count = options.amount(3000) // CONNECTIONS * CONNECTIONS
    with contextlib.ExitStack() as stack:
        ours = stack.enter_context(pabal(options.directory / "smtp"))
        theirs = None
        if has_postfix() and has_dovecot():
            theirs = stack.enter_context(postfix_dovecot(options))
        send_all(ours, 200, 1)  # caches warm, processes started, on both sides
        if theirs:
            send_all(theirs[0], 200, 1)
            time.sleep(2)
        for _ in range(options.rounds):
            for row, kept in wanted:
                timed(ours, row, count, partial(send_all, ours, count, kept),
                      partial(in_pabal, ours))  # fmt: skip
                if theirs:
                    side, mailboxes = theirs
                    few = count // 2 // CONNECTIONS * CONNECTIONS
                    timed(side, row, few, partial(send_all, side, few, kept),
                          mailboxes.delivered)  # fmt: skip
    return [row for row, _ in wanted]


def relay_rows(options: Options) -> list[Row]:
    row = Row(RELAY, "messages/s", "Postfix", 2.0)
    if not options.wants(row.name):
        return []
    count = options.amount(2000) // CONNECTIONS * CONNECTIONS
    with contextlib.ExitStack() as stack:
        sink: Sink = stack.enter_context(running_sink())
        where = f"{sink.address}:{sink.port}"
        ours = stack.enter_context(
            pabal(options.directory / "relay", mta=[f'smarthost = "{where}"'])
        )
        sides = [ours]
        if has_postfix():
            theirs, _ = stack.enter_context(
                postfix_to(own_address(), relayhost=f"[{sink.address}]:{sink.port}")
            )
            sides.append(theirs)
        for number in range(options.rounds + 1):
            for side in sides:
                work = partial(send_all, side, count, A_SESSION, submit=True,
                               to="user%d@sink.test")  # fmt: skip
                warm = Row(RELAY, row.unit, row.peer, row.target)
                timed(side, row if number else warm, count, work, sink.count)
    return [row]
