"""What one 4 KB message costs the SMTP server: CPU, over loopback, nobody storing it.

The client is another process that pipelines MAIL, RCPT, DATA and sends the body, again
and again over one connection. Printed: microseconds of server CPU a message.
"""

# ruff: noqa: ARG002 (a null receiver)

import argparse
import asyncio
import cProfile
import os
import pstats
import socket
import time

import uvloop

from pabal.base.clock import SystemClock
from pabal.message.spool import Spool
from pabal.net.endpoint import Endpoint
from pabal.net.listener import Listener, ListenerSettings
from pabal.net.sockets import bind
from pabal.smtp.commands.conversation import Service
from pabal.smtp.envelope import Envelope, Recipient
from pabal.smtp.outcome import Outcome, delivered
from pabal.smtp.ports import Client, Transaction
from pabal.smtp.server import SmtpServer

LINE = b"Sixty-two octets of a letter nobody is ever going to read....\r\n"
BODY = b"Subject: bench\r\n\r\n" + LINE * 64
OK = delivered("OK")


class NullTransaction:
    async def rcpt(self, recipient: Recipient) -> Outcome:
        return OK

    async def commit(self, envelope: Envelope, spool: Spool) -> Outcome:
        return OK

    async def abort(self) -> None:
        pass


class NullReceiver:
    async def connected(self, client: Client) -> Outcome:
        return OK

    async def mail(
        self, client: Client, envelope: Envelope, size: int
    ) -> Transaction | Outcome:
        return NullTransaction()


def send_messages(port: int, count: int) -> None:
    with socket.create_connection(("127.0.0.1", port)) as sock:
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        sock.recv(4096)
        sock.sendall(b"EHLO bench.example\r\n")
        sock.recv(4096)
        start = (
            b"MAIL FROM:<you@client.example> SIZE=%d\r\n"
            b"RCPT TO:<user@example.com>\r\nDATA\r\n" % len(BODY)
        )
        for _ in range(count):
            sock.sendall(start)
            expect(sock, b"354")
            sock.sendall(BODY + b".\r\n")
            expect(sock, b"250")
        sock.sendall(b"QUIT\r\n")
        sock.recv(4096)


def expect(sock: socket.socket, code: bytes) -> None:
    answer = sock.recv(4096)
    while code not in answer:
        more = sock.recv(4096)
        assert more, answer
        answer += more


async def serve(sock: socket.socket, children: list[int]) -> float:
    server = SmtpServer(Service("mail.example.com", NullReceiver()), SystemClock())
    listener = Listener(server.serve, ListenerSettings())
    before = time.process_time()
    await listener.start(sock)
    for child in children:
        await asyncio.to_thread(os.waitpid, child, 0)
    used = time.process_time() - before
    await listener.stop(1.0)
    return used


def start_clients(port: int, count: int, connections: int) -> list[int]:
    """Fork before there is a loop; the kernel holds their connections until then."""
    children = []
    for _ in range(connections):
        child = os.fork()
        if child == 0:
            try:
                send_messages(port, count)
            finally:
                os._exit(0)
        children.append(child)
    return children


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--count", type=int, default=3000)
    parser.add_argument("--connections", type=int, default=1)
    parser.add_argument("--profile", action="store_true")
    options = parser.parse_args()
    sock = bind(Endpoint("127.0.0.1", 0), "smtp")
    port = sock.getsockname()[1]
    children = start_clients(port, options.count, options.connections)
    profile = cProfile.Profile()
    if options.profile:
        profile.enable()
    began = time.perf_counter()
    used = uvloop.run(serve(sock, children))
    passed = time.perf_counter() - began
    messages = options.count * options.connections
    print(f"{used / messages * 1e6:.0f} µs of server CPU a message")
    print(f"{messages / passed:.0f} messages/s")
    if options.profile:
        profile.disable()
        pstats.Stats(profile).sort_stats("tottime").print_stats(30)


if __name__ == "__main__":
    main()
