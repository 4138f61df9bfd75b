"""IMAP and POP3 beside Dovecot: 3,000 messages of 4 KB, one connection if not said.

APPEND is measured three ways, all with literals nobody asks for (LITERAL+), which both
servers announce: a client that waits for each answer; one that does not, as mbsync
uploads; twenty that wait, of eight users.
"""

import contextlib
import time
from collections.abc import Callable, Sequence
from functools import partial
from itertools import cycle
from typing import Final

from bench.dialogue import Imap, Line, letter
from bench.measure import Options, Row, in_parallel
from bench.peers import USERS, Side, dovecot, has_dovecot, pabal
from tests.support.server import PASSWORD

PEER: Final = "Dovecot"
MESSAGES: Final = 3000
LOGINS_AT_ONCE: Final = 4
RETR_AT_ONCE: Final = 100
APPEND_AT_ONCE: Final = 20

REPEATED: Final[dict[str, tuple[bytes, int]]] = {
    "IMAP FETCH flags": (b"FETCH 1:* (UID FLAGS)", 20),
    "IMAP FETCH envelope": (b"FETCH 1:* (UID ENVELOPE)", 5),
    "IMAP FETCH structure": (b"FETCH 1:* (UID BODYSTRUCTURE)", 5),
    "IMAP FETCH headers": (
        b"FETCH 1:* (UID BODY.PEEK[HEADER.FIELDS (FROM TO SUBJECT DATE)])",
        3,
    ),
    "IMAP FETCH whole headers": (b"FETCH 1:* (UID BODY.PEEK[HEADER])", 3),
    "IMAP FETCH bodies": (b"FETCH 1:* (UID BODY.PEEK[])", 3),
    "IMAP SEARCH flags": (b"SEARCH ANSWERED UNDELETED", 20),
    "IMAP SEARCH subject": (b'SEARCH SUBJECT "report 7"', 5),
    "IMAP SEARCH body": (b'SEARCH BODY "not there"', 2),
}
"""Commands over the whole mailbox, and how often in a round; in messages a second."""

CHANGING: Final = ("IMAP STORE", "IMAP COPY", "IMAP EXPUNGE")
APPEND: Final = "IMAP APPEND"
PIPELINED: Final = "IMAP APPEND pipelined"
CROWDED: Final = "IMAP APPEND 20 connections"
APPENDS: Final = (APPEND, PIPELINED, CROWDED)
LOGIN: Final = "IMAP login + SELECT"
RETR: Final = "POP3 RETR"
TARGETS: Final = {**dict.fromkeys(APPENDS, 5.0), LOGIN: 5.0, RETR: 2.0}


class Bench:
    """The rows of both sides; each is filled by one method."""

    def __init__(self, options: Options) -> None:
        self.options = options
        self.rows = {
            name: Row(name, "messages/s", PEER, TARGETS.get(name, 1.5))
            for name in (*REPEATED, *CHANGING, *APPENDS, LOGIN, RETR)
            if options.wants(name)
        }
        if LOGIN in self.rows:
            self.rows[LOGIN].unit = "sessions/s"
        self.count = options.amount(MESSAGES)
        self.octets: dict[str, set[int]] = {}

    def timed(
        self, side: Side, name: str, pieces: int, work: Callable[[], object]
    ) -> None:
        """Do ``work`` and note it, unless nobody wants to know.

        How long it took it says itself, if it returns seconds.
        """
        cpu, begun = side.cpu_seconds(), time.monotonic()
        told = work()
        elapsed = told if isinstance(told, float) else time.monotonic() - begun
        if name in self.rows:
            used = side.cpu_seconds() - cpu
            self.rows[name].add(side.name, pieces / elapsed, used / pieces * 1e6)

    def fill(self, side: Side) -> None:
        """Give the first user a full INBOX."""
        with Imap(side.address, side.ports["imap"], USERS[0]) as client:
            for number in range(self.count):
                # Flags no protocol changes by itself: what a search finds stays.
                flags = rb"(\Answered) " if number % 3 == 0 else b""
                append(client, "INBOX", letter(number), flags)

    def check(self) -> None:
        """Raise if the answers to a command differ more than spelling explains."""
        for name, sizes in self.octets.items():
            if max(sizes) > 1.5 * min(sizes) + 200:
                raise RuntimeError(f"{name}: answers of {sorted(sizes)} octets")

    def appends(self, side: Side) -> None:
        count = self.options.amount(500)
        letters = [letter(number) for number in range(count)]
        for name, work in ((APPEND, append_all), (PIPELINED, append_pipelined)):
            if name not in self.rows:
                continue
            with Imap(side.address, side.ports["imap"], USERS[1]) as client:
                client.command(b"CREATE appended")
                self.timed(side, name, count, partial(work, client, letters))
                client.command(b"DELETE appended")

    def crowd(self, side: Side) -> None:
        if CROWDED not in self.rows:
            return
        letters = [letter(number) for number in range(self.options.amount(200))]
        with contextlib.ExitStack() as stack:
            clients = [
                stack.enter_context(Imap(side.address, side.ports["imap"], user))
                for user, _ in zip(cycle(USERS), range(APPEND_AT_ONCE), strict=False)
            ]
            for client in clients[: len(USERS)]:
                client.command(b"CREATE appended")
            jobs = [partial(append_all, client, letters) for client in clients]
            pieces = len(jobs) * len(letters)
            self.timed(side, CROWDED, pieces, partial(in_parallel, jobs))
            for client in clients[: len(USERS)]:
                client.command(b"DELETE appended")

    def commands(self, side: Side) -> None:
        names = [*REPEATED, *CHANGING]
        if not any(name in self.rows for name in names):
            return
        with Imap(side.address, side.ports["imap"], USERS[0]) as client:
            client.command(b"SELECT INBOX")
            for name, (words, times) in REPEATED.items():
                if name not in self.rows:
                    continue
                # Warm, on both sides; the sizes show whether they do the same work.
                self.octets.setdefault(name, set()).add(client.command(words))

                def work(words: bytes = words, times: int = times) -> None:
                    for _ in range(times):
                        client.command(words)

                self.timed(side, name, self.count * times, work)
            if any(name in self.rows for name in CHANGING):
                self.changes(side, client)

    def changes(self, side: Side, client: Imap) -> None:
        count = self.count

        def store() -> None:
            client.command(rb"STORE 1:* +FLAGS (\Flagged)")
            client.command(rb"STORE 1:* -FLAGS (\Flagged)")

        self.timed(side, "IMAP STORE", 2 * count, store)
        client.command(b"CREATE copied")
        self.timed(side, "IMAP COPY", count, lambda: client.command(b"COPY 1:* copied"))
        client.command(b"SELECT copied")
        client.command(rb"STORE 1:* +FLAGS.SILENT (\Deleted)")
        self.timed(side, "IMAP EXPUNGE", count, lambda: client.command(b"EXPUNGE"))
        client.command(b"SELECT INBOX")
        client.command(b"DELETE copied")

    def logins(self, side: Side) -> None:
        if LOGIN not in self.rows:
            return
        each = self.options.amount(400) // LOGINS_AT_ONCE
        for user in USERS[:LOGINS_AT_ONCE]:  # a password's first check is dear
            log_in_and_select(side, user, 2 * LOGINS_AT_ONCE)
        jobs = [partial(log_in_and_select, side, user, each) for user in USERS]
        self.timed(side, LOGIN, each * LOGINS_AT_ONCE,
                   partial(in_parallel, jobs[:LOGINS_AT_ONCE]))  # fmt: skip

    def retrieves(self, side: Side) -> None:
        if RETR not in self.rows:
            return
        with Line(side.address, side.ports["pop3"]) as line:
            line.expect(b"+OK")
            line.say(f"USER {USERS[0]}@a.test\r\n".encode())
            line.expect(b"+OK")
            line.say(f"PASS {PASSWORD}\r\n".encode())
            line.expect(b"+OK")
            retrieve(line, self.count)  # warm, on both sides
            self.timed(side, RETR, self.count, partial(retrieve, line, self.count))
            line.say(b"QUIT\r\n")
            line.expect(b"+OK")

    def round(self, side: Side) -> None:
        self.appends(side)
        self.crowd(side)
        self.commands(side)
        self.logins(side)
        self.retrieves(side)


def append_all(client: Imap, letters: Sequence[bytes]) -> None:
    """Append one after the other, each once the one before is on disk."""
    for text in letters:
        append(client, "appended", text)


def append_pipelined(client: Imap, letters: Sequence[bytes]) -> None:
    """Append some without waiting for answers; every answer is waited for."""
    for first in range(0, len(letters), APPEND_AT_ONCE):
        some = letters[first : first + APPEND_AT_ONCE]
        words = b"zq7 APPEND appended {%d+}\r\n%b\r\n"
        client.say(b"".join([words % (len(text), text) for text in some]))
        client.expect_count(b"zq7 OK [APPENDUID ", len(some))


def append(client: Imap, mailbox: str, text: bytes, flags: bytes = b"") -> None:
    words = b"APPEND %s %s{%d+}\r\n%s"
    client.command(words % (mailbox.encode(), flags, len(text), text))


def log_in_and_select(side: Side, user: str, count: int) -> None:
    for _ in range(count):
        with Imap(side.address, side.ports["imap"], user) as client:
            client.command(b"SELECT INBOX")
            client.command(b"LOGOUT")


def retrieve(line: Line, count: int) -> None:
    """Take messages 1 to ``count``, so many questions at once."""
    for first in range(1, count + 1, RETR_AT_ONCE):
        numbers = range(first, min(first + RETR_AT_ONCE, count + 1))
        line.say(b"".join(b"RETR %d\r\n" % number for number in numbers))
        line.expect_count(b"\r\n.\r\n", len(numbers))


def rows(options: Options) -> list[Row]:
    bench = Bench(options)
    if not bench.rows:
        return []
    with contextlib.ExitStack() as stack:
        sides = [stack.enter_context(pabal(options.directory / "imap"))]
        if has_dovecot():
            directory = options.directory / "dovecot"
            sides.append(stack.enter_context(dovecot(directory)))
        for side in sides:
            bench.fill(side)
        for _ in range(options.rounds):
            for side in sides:
                bench.round(side)
    bench.check()
    return list(bench.rows.values())
