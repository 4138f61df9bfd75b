"""Next hops for tests: SMTP servers that take mail, hang, or answer garbage."""

import enum
import socket
import socketserver
import threading
from collections import Counter
from collections.abc import Iterator
from typing import Self

from typing_extensions import override

GARBAGE = b"\xff\xfe no reply \x00 at all\r\n"


class Step(enum.Enum):
    """Where a client waits for an answer."""

    GREETING = enum.auto()
    EHLO = enum.auto()
    MAIL = enum.auto()
    RCPT = enum.auto()
    DATA = enum.auto()
    DOT = enum.auto()


class Fault(enum.Enum):
    """What the sink does at a step instead of answering."""

    HANG = enum.auto()
    GARBAGE = enum.auto()
    CLOSE = enum.auto()


class Sink:
    """One SMTP server on its own address; a context manager.

    Attributes:
        step: Where it misbehaves; ``None``: nowhere.
        fault: How.
        subjects: Messages taken, counted by their subject before they get their 250.
        connections: Connections it has had.
    """

    def __init__(
        self,
        address: str,
        port: int,
        step: Step | None = None,
        fault: Fault = Fault.HANG,
    ) -> None:
        self.step = step
        self.fault = fault
        self.subjects: Counter[str] = Counter()
        self.connections = 0
        self._lock = threading.Lock()
        self._open: set[socket.socket] = set()
        sink = self

        class Handler(socketserver.BaseRequestHandler):
            @override
            def handle(self) -> None:
                assert isinstance(self.request, socket.socket)
                sink._serve(self.request)

        class Server(socketserver.ThreadingTCPServer):
            allow_reuse_address = True
            daemon_threads = True
            block_on_close = False
            request_queue_size = 128

        self._server = Server((address, port), Handler)
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.05,))

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *exc: object) -> None:
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()
        self.let_go()

    def let_go(self) -> None:
        """Close every connection: whoever hangs is free."""
        with self._lock:
            for connection in self._open:
                try:
                    connection.shutdown(socket.SHUT_RDWR)
                except OSError:
                    continue

    def _serve(self, connection: socket.socket) -> None:
        with self._lock:
            self.connections += 1
            self._open.add(connection)
        try:
            _Dialogue(self, connection).run()
        except OSError:
            pass
        finally:
            with self._lock:
                self._open.discard(connection)
            connection.close()

    def take(self, octets: bytes) -> None:
        """Count a message."""
        subject = b""
        for line in octets.split(b"\r\n"):
            if line.lower().startswith(b"subject: "):
                subject = line[9:]
                break
        with self._lock:
            self.subjects[subject.decode()] += 1


class _Dialogue:
    """One connection."""

    def __init__(self, sink: Sink, connection: socket.socket) -> None:
        self._sink = sink
        self._connection = connection
        self._lines = self._read()

    def run(self) -> None:
        if not self._say(Step.GREETING, b"220 sink.test ESMTP\r\n"):
            return
        for line in self._lines:
            verb = line[:4].upper()
            if verb == b"DATA":
                if not self._data():
                    return
            elif verb == b"QUIT":
                self._connection.sendall(b"221 bye\r\n")
                return
            elif not self._answer(verb):
                return

    def _answer(self, verb: bytes) -> bool:
        if verb in {b"EHLO", b"HELO"}:
            return self._say(Step.EHLO, b"250-sink.test\r\n250 8BITMIME\r\n")
        if verb == b"MAIL":
            return self._say(Step.MAIL, b"250 2.1.0 ok\r\n")
        if verb == b"RCPT":
            return self._say(Step.RCPT, b"250 2.1.5 ok\r\n")
        self._connection.sendall(b"250 2.0.0 ok\r\n")
        return True

    def _data(self) -> bool:
        if not self._say(Step.DATA, b"354 go on\r\n"):
            return False
        lines: list[bytes] = []
        for line in self._lines:
            if line == b".":
                break
            lines.append(line)
        else:
            return False
        if self._sink.step is not Step.DOT:
            self._sink.take(b"\r\n".join(lines))
        return self._say(Step.DOT, b"250 2.0.0 taken\r\n")

    def _say(self, step: Step, octets: bytes) -> bool:
        """Return whether the dialogue goes on."""
        if self._sink.step is not step or self._sink.fault is Fault.GARBAGE:
            wrong = self._sink.step is step
            self._connection.sendall(GARBAGE if wrong else octets)
            return True
        if self._sink.fault is Fault.HANG:
            # Whatever comes is read and never answered.
            while self._connection.recv(65_536):
                continue
        return False

    def _read(self) -> Iterator[bytes]:
        rest = b""
        while data := self._connection.recv(65_536):
            *lines, rest = (rest + data).split(b"\r\n")
            yield from lines
