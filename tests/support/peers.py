"""Raw connections that send what no mail program would."""

import base64
import contextlib
import re
import socket
from typing import Self

from tests.support.server import PASSWORD, Server


class Peer:
    """A raw connection."""

    def __init__(self, server: Server, port: int, source: str = "127.0.0.1") -> None:
        self.socket = socket.create_connection(
            (server.address, server.port(port)), 20, (source, 0)
        )
        self.received = b""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exc: object) -> None:
        self.socket.close()

    def send(self, octets: bytes) -> None:
        """Send as much as the server takes."""
        with contextlib.suppress(ConnectionError):
            self.socket.sendall(octets)

    def line(self) -> bytes:
        """Return the next line, empty when the server closed."""
        while b"\r\n" not in self.received:
            try:
                octets = self.socket.recv(65_536)
            except ConnectionError:
                octets = b""
            if not octets:
                return b""
            self.received += octets
        line, _, self.received = self.received.partition(b"\r\n")
        return line

    def rest(self) -> list[bytes]:
        """Return every line until the server closes."""
        return list(iter(self.line, b""))

    def ask(self, command: bytes, end: re.Pattern[bytes]) -> list[bytes]:
        """Send a command; return the lines to the one that ends its answer."""
        self.send(command + b"\r\n")
        lines: list[bytes] = []
        while not lines or not end.match(lines[-1]):
            line = self.line()
            assert line, f"closed after {lines}"
            lines.append(line)
        return lines


SMTP_END = re.compile(rb"\d\d\d(?: |$)")
POP3_END = re.compile(rb"[+-]")


class Smtp(Peer):
    def __init__(self, server: Server, port: int = 25) -> None:
        super().__init__(server, port)
        assert self.line().startswith(b"220 ")
        self.said(b"EHLO client.test")

    def said(self, command: bytes) -> bytes:
        return self.ask(command, SMTP_END)[-1]

    def envelope(self) -> None:
        assert self.said(b"MAIL FROM:<you@else.test>")[:3] == b"250"
        assert self.said(b"RCPT TO:<bob@a.test>")[:3] == b"250"


class Imap(Peer):
    def __init__(self, server: Server, *, log_in: bool = True) -> None:
        super().__init__(server, 143)
        self.line()
        if log_in:
            secret = base64.b64encode(f"\0bob@a.test\0{PASSWORD}".encode())
            assert self.said(b"AUTHENTICATE PLAIN " + secret).startswith(b"a OK")
            assert self.said(b"SELECT INBOX").startswith(b"a OK")

    def said(self, command: bytes) -> bytes:
        return self.ask(b"a " + command, re.compile(rb"a |\+|\* (?:BYE|BAD)"))[-1]


class Pop3(Peer):
    def __init__(self, server: Server, *, log_in: bool = True) -> None:
        super().__init__(server, 110)
        self.line()
        if log_in:
            self.said(b"USER bob@a.test")
            assert self.said(f"PASS {PASSWORD}".encode()).startswith(b"+OK")

    def said(self, command: bytes) -> bytes:
        return self.ask(command, POP3_END)[-1]
