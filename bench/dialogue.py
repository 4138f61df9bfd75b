"""Blocking clients, as thin as they can be: octets out, a marker awaited."""

import base64
import socket
import struct
from typing import Final, Self

from tests.support.server import PASSWORD

BUFFER_OCTETS: Final = 1 << 20
PATIENCE: Final = struct.pack("@ll", 60, 0)
"""``struct timeval`` of how long one call may wait."""

REPLY_OCTETS: Final = 4096
"""Room for a reply: more costs time at every call."""

TAIL_OCTETS: Final = 1024
"""A last line is shorter, also with capabilities."""

LINE: Final = b"Sixty-two octets of a letter nobody is ever going to read....\r\n"


def letter(
    number: int, octets: int = 4096, sender: bytes = b"sender@else.test"
) -> bytes:
    """Return a message of ``octets``, with a head as mail has it."""
    head = (
        b"Date: Tue, 3 Mar 2026 09:%02d:%02d +0900\r\n"
        b"From: =?utf-8?B?7ZmN6ri464+Z?= <%s>\r\n"
        b"To: user@a.test, second@a.test\r\n"
        b"Cc: third@a.test\r\n"
        b"Subject: weekly report %d of the bench\r\n"
        b"Message-ID: <%d.bench@else.test>\r\n"
        b"MIME-Version: 1.0\r\n"
        b"Content-Type: text/plain; charset=utf-8\r\n"
        b"\r\n"
    ) % (number // 60 % 60, number % 60, sender, number, number)
    body = LINE * ((octets - len(head)) // len(LINE) + 1)
    return head + body[: octets - len(head) - 2] + b"\r\n"


class Line:
    """A connection."""

    def __init__(self, address: str, port: int, source: str = "") -> None:
        # Blocking, the kernel keeps the time: Python would poll before each call, and
        # what the clients use up is missing on both sides alike.
        self._sock = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
        self._sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVTIMEO, PATIENCE)
        if source:
            self._sock.bind((source, 0))
        self._sock.connect((address, port))
        self._buffer = bytearray()

    def say(self, octets: bytes) -> None:
        self._sock.sendall(octets)

    def expect(self, code: bytes) -> bytes:
        """Read a short answer that ends a line; ``code`` must be in it."""
        answer = self._sock.recv(REPLY_OCTETS)
        while code not in answer or not answer.endswith(b"\n"):
            if answer.endswith(b"\n") and b"\r\n5" in b"\r\n" + answer:
                raise ConnectionError(f"{answer!r} instead of {code!r}")
            more = self._sock.recv(REPLY_OCTETS)
            if not more:
                raise ConnectionError(f"{answer!r} instead of {code!r}")
            answer += more
        return answer

    def expect_last(self, marker: bytes) -> int:
        """Read until a line that begins with ``marker``; return the octets read."""
        tail, total, begin = b"\r\n", 0, b"\r\n" + marker
        self._buffer = self._buffer or bytearray(BUFFER_OCTETS)
        view = memoryview(self._buffer)
        while True:
            count = self._sock.recv_into(view)
            if not count:
                raise ConnectionError(f"closed after {tail!r}")
            total += count
            tail = (tail + bytes(view[max(0, count - TAIL_OCTETS) : count]))[
                -TAIL_OCTETS:
            ]
            if begin in tail and tail.endswith(b"\r\n"):
                if begin + b"OK" not in tail:
                    raise ConnectionError(f"refused: {tail!r}")
                return total

    def expect_count(self, marker: bytes, count: int) -> None:
        """Read until ``marker`` came ``count`` times."""
        rest = b""
        while count > 0:
            octets = self._sock.recv(BUFFER_OCTETS)
            if not octets:
                raise ConnectionError(f"closed, {count} to come")
            rest += octets
            count -= rest.count(marker)
            rest = rest[-len(marker) + 1 :] if not rest.endswith(marker) else b""

    def close(self) -> None:
        self._sock.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exc: object) -> None:
        self.close()


def plain(user: str) -> bytes:
    """Return SASL PLAIN of ``user``, in Base64."""
    return base64.b64encode(f"\0{user}@a.test\0{PASSWORD}".encode())


class Imap(Line):
    """An IMAP connection, logged in."""

    def __init__(self, address: str, port: int, user: str, source: str = "") -> None:
        super().__init__(address, port, source)
        self.expect(b"* OK")
        self.command(b"AUTHENTICATE PLAIN " + plain(user))

    def command(self, words: bytes) -> int:
        self.say(b"zq7 " + words + b"\r\n")
        return self.expect_last(b"zq7 ")
