"""What a server costs before it works: memory of idle connections, time to start."""

import contextlib
import time
from typing import Final

from bench.dialogue import Imap
from bench.measure import Options, Row
from bench.peers import USERS, Side, dovecot, has_dovecot, pabal
from tests.support.server import Server

IDLE: Final = "memory of an idle IMAP connection"
START: Final = "start to ready"
CONNECTIONS: Final = 400
FIRST: Final = 50
"""Opened before it is counted: they bring what a process has once, not each."""

A_SOURCE: Final = 50
"""Connections from one address: servers limit them."""


def idle_octets(side: Side, count: int) -> float:
    """Return what each of ``count`` logged-in, selected, idling connections adds."""
    with contextlib.ExitStack() as stack:
        before = 0
        for number in range(FIRST + count):
            if number == FIRST:
                time.sleep(0.5)
                before = side.memory_octets()
            source = f"127.0.77.{number // A_SOURCE + 1}"
            user = USERS[number % len(USERS)]
            client = Imap(side.address, side.ports["imap"], user, source)
            stack.enter_context(client).command(b"SELECT INBOX")
            client.say(b"zq8 IDLE\r\n")
            client.expect(b"+ ")
        time.sleep(0.5)
        return (side.memory_octets() - before) / count


def idle_rows(options: Options) -> list[Row]:
    row = Row(IDLE, "kB", "Dovecot", 14.0)  # 560 kB to 40
    if not options.wants(row.name):
        return []
    with contextlib.ExitStack() as stack:
        sides = [stack.enter_context(pabal(options.directory / "idle"))]
        if has_dovecot():
            directory = options.directory / "dovecot-idle"
            sides.append(stack.enter_context(dovecot(directory)))
        for side in sides:
            row.add(side.name, idle_octets(side, options.amount(CONNECTIONS)) / 1000)
    return [row]


def start_rows(options: Options) -> list[Row]:
    row = Row(START, "s", "-", 1.0)
    if not options.wants(row.name):
        return []
    server = Server(options.directory / "start").init(workers='"auto"')
    for _ in range(max(options.rounds, 3)):
        begun = time.monotonic()
        with server:
            server.start()
            row.add("pabal", time.monotonic() - begun)
    return [row]
