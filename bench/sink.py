"""An SMTP server that takes everything and keeps nothing, in a process of its own."""

import asyncio
import contextlib
import multiprocessing
import os
import signal
import socket
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final, Protocol, cast

import uvloop
from typing_extensions import override

from tests.support.server import own_address

END: Final = b"\r\n.\r\n"


class Counter(Protocol):
    """A shared number."""

    value: int


@dataclass(frozen=True)
class Sink:
    address: str
    port: int
    counter: Counter

    def count(self) -> int:
        """Return how many messages came so far."""
        return self.counter.value


class Taker(asyncio.Protocol):
    """One connection: commands answered as they come, bodies counted."""

    def __init__(self, counter: Counter) -> None:
        self._counter = counter
        self._rest = b""
        self._in_body = False
        self._transport: asyncio.Transport | None = None

    @override
    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)
        self._transport.write(b"220 sink.test ESMTP\r\n")

    @override
    def data_received(self, data: bytes) -> None:
        self._rest += data
        answers = b""
        while True:
            if self._in_body:
                _, found, rest = self._rest.partition(END)
                if not found:
                    self._rest = self._rest[-len(END) + 1 :]
                    break
                self._rest, self._in_body = rest, False
                self._counter.value += 1
                answers += b"250 2.0.0 gone\r\n"
                continue
            line, found, rest = self._rest.partition(b"\r\n")
            if not found:
                break
            self._rest = rest
            answers += self._answer(line[:4].upper())
        if answers and self._transport:
            self._transport.write(answers)

    def _answer(self, verb: bytes) -> bytes:
        if verb == b"EHLO":
            return b"250-sink.test\r\n250-PIPELINING\r\n250-8BITMIME\r\n250 SIZE 0\r\n"
        if verb == b"DATA":
            self._in_body = True
            return b"354 go\r\n"
        return b"221 2.0.0 bye\r\n" if verb == b"QUIT" else b"250 2.0.0 ok\r\n"


async def serve(sock: socket.socket, counter: Counter) -> None:
    loop = asyncio.get_running_loop()
    server = await loop.create_server(lambda: Taker(counter), sock=sock)
    await server.serve_forever()


@contextlib.contextmanager
def running_sink() -> Iterator[Sink]:
    counter: Counter = multiprocessing.RawValue("l", 0)
    with socket.socket() as sock:
        sock.bind((own_address(), 0))
        sock.listen(512)
        address, port = sock.getsockname()
        pid = os.fork()
        if pid == 0:
            with contextlib.suppress(BaseException):
                uvloop.run(serve(sock, counter))
            os._exit(0)
    try:
        yield Sink(address, port, counter)
    finally:
        os.kill(pid, signal.SIGKILL)
        os.waitpid(pid, 0)
