"""A conversation with an IMAP server, from the client's end.

Commands may be sent ahead: the server works on the next while we write what the one
before brought. Memory is bounded: a long literal goes to a file.
"""

import base64
import re
from collections.abc import AsyncIterator, Sequence
from typing import Final

from pabal.base.errors import ProtocolError, UnavailableError
from pabal.imap.wire.response import quoted
from pabal.message.spool import CHUNK_OCTETS, Spool
from pabal.migration.imap_wire import (
    Part,
    Value,
    literal_size,
    parse,
    without_literal,
)
from pabal.migration.reading import MESSAGE_MAX_OCTETS
from pabal.migration.source import SourceError
from pabal.net.framing import InputBuffer
from pabal.net.ports import Stream

SILENCE_SECONDS: Final = 600.0
"""How long a server may think: a large mailbox is opened in minutes by some."""

LINE_MAX_OCTETS: Final = 64 * 1024 * 1024
"""Longest line: the answer to SEARCH ALL in a mailbox of some million messages."""

LITERALS_MAX: Final = 100
"""Literals in one response; what we ask for has one."""

_STATUS: Final = re.compile(rb"\* (?:OK|NO|BAD|BYE|PREAUTH)\b", re.IGNORECASE)


class RefusedError(SourceError):
    """The server said NO or BAD; says to what, and its words."""


class ImapClient:
    """One connection, logged in or not.

    Args (of the constructor):
        stream: Connected; closed by ``close``.

    Attributes:
        greeting: The first line.
        capabilities: Upper case; current after ``capability``.
    """

    def __init__(self, stream: Stream) -> None:
        self.greeting = b""
        self.capabilities: frozenset[bytes] = frozenset()
        self._stream = stream
        self._input = InputBuffer()
        self._last = 0
        self._waiting: dict[bytes, bytes] = {}
        self._done: dict[bytes, bytes] = {}

    async def greet(self) -> None:
        """Read the greeting.

        Raises:
            SourceError: The server does not want us, or is none.
        """
        self.greeting = await self._line()
        if not self.greeting.upper().startswith((b"* OK", b"* PREAUTH")):
            said = self.greeting[:200].decode("utf-8", "replace")
            raise SourceError(f"the server does not greet us: {said}")

    async def start_tls(self, server_name: str) -> None:
        """Encrypt the connection (RFC 9051 §6.2.1).

        Raises:
            SourceError: The server does not, or its certificate is not good.
        """
        await self.run(b"STARTTLS")
        self._input.clear()
        await self.secure(server_name)

    async def secure(self, server_name: str) -> None:
        """Make the connection a TLS one.

        Raises:
            SourceError: That fails; says why.
        """
        try:
            await self._stream.start_tls(server_name)
        except ProtocolError as error:
            raise SourceError(f"no TLS with {server_name}: {error}") from error

    async def capability(self) -> None:
        """Ask what the server can do."""
        found: set[bytes] = set()
        async for parts in self.lines(self.send(b"CAPABILITY")):
            words = b"".join(part for part in parts if isinstance(part, bytes)).split()
            if words[1:2] and words[1].upper() == b"CAPABILITY":
                found.update(word.upper() for word in words[2:])
        self.capabilities = frozenset(found)

    async def log_in(self, user: str, password: str) -> None:
        """Log in, with what the server offers.

        Raises:
            SourceError: It refuses.
        """
        if b"AUTH=PLAIN" in self.capabilities:
            secret = base64.b64encode(f"\0{user}\0{password}".encode())
            if b"SASL-IR" in self.capabilities:
                await self.run(b"AUTHENTICATE PLAIN " + secret, shown=b"AUTHENTICATE")
            else:
                await self._authenticate(secret)
        elif b"LOGINDISABLED" in self.capabilities:
            raise SourceError("the server takes no password on this connection")
        else:
            words = quoted(user.encode(), utf8=True), quoted(password.encode())
            await self.run(b"LOGIN %b %b" % words, shown=b"LOGIN")
        await self.capability()

    def send(self, command: bytes, shown: bytes = b"") -> bytes:
        """Send a command; return its tag, for ``lines``.

        Args:
            command: Without tag and CRLF.
            shown: What an error calls it, if not by itself: passwords are secret.
        """
        self._last += 1
        tag = b"p%d" % self._last
        self._waiting[tag] = shown or command[:60]
        self._stream.send(b"%b %b\r\n" % (tag, command))
        return tag

    async def run(self, command: bytes, shown: bytes = b"") -> list[bytes]:
        """Send a command and return the text of what came until it was done.

        Raises:
            RefusedError: The server said no.
        """
        found = []
        async for parts in self.lines(self.send(command, shown)):
            found.append(b"".join(p for p in parts if isinstance(p, bytes)))
            _close(parts)
        return found

    async def values(self, tag: bytes) -> AsyncIterator[list[Value]]:
        """Yield the data that comes until the command ``tag`` is done, parsed.

        Raises:
            BadResponseError: It makes no sense.
        """
        async for parts in self.lines(tag):
            text = parts[0]
            # What is for people may hold anything.
            if isinstance(text, bytes) and not _STATUS.match(text):
                yield parse(parts)

    async def lines(self, tag: bytes) -> AsyncIterator[Sequence[Part]]:
        """Yield the untagged responses until the command ``tag`` is done.

        Those of commands sent ahead may be among them (RFC 9051 §5.5). The last is how
        the command ended.

        Raises:
            RefusedError: The server said no.
            SourceError: The connection is lost, or this is no IMAP.
        """
        while tag not in self._done:
            parts = await self._response()
            text = parts[0] if isinstance(parts[0], bytes) else b""
            if text.startswith(b"* "):
                if text[2:5].upper() == b"BYE":
                    raise SourceError(f"the server hangs up: {_words(text)}")
                yield parts
                continue
            said, _, words = text.partition(b" ")
            if said not in self._waiting:
                raise SourceError(f"the server said out of turn: {_words(text)}")
            # Commands that do not get in each other's way may end in any order
            # (RFC 9051 §5.5).
            self._done[said] = words
        words, shown = self._done.pop(tag), self._waiting.pop(tag)
        if words[:2].upper() != b"OK":
            command, answer = shown.decode("utf-8", "replace"), _text(words)
            raise RefusedError(f"{command}: the server says {answer}")
        yield [b"* " + words]

    def close(self) -> None:
        """Hang up."""
        self._stream.send(b"p0 LOGOUT\r\n")
        self._stream.close()

    async def _authenticate(self, secret: bytes) -> None:
        tag = self.send(b"AUTHENTICATE PLAIN")
        line = await self._line()
        while line.startswith(b"* "):
            line = await self._line()
        if not line.startswith(b"+"):
            raise RefusedError(f"AUTHENTICATE: the server says {_words(line)}")
        self._stream.send(secret + b"\r\n")
        async for _ in self.lines(tag):
            pass

    async def _response(self) -> list[Part]:
        line = await self._line()
        size = literal_size(line)
        if size is None:
            return [line]
        parts: list[Part] = []
        try:
            while size is not None:
                if len(parts) > 2 * LITERALS_MAX:
                    raise SourceError("the server sends literals without end")
                parts += [without_literal(line), await self._literal(size)]
                line = await self._line()
                size = literal_size(line)
        except BaseException:
            _close(parts)
            raise
        parts.append(line)
        return parts

    async def _line(self) -> bytes:
        while True:
            try:
                line = self._input.next_line(LINE_MAX_OCTETS)
            except ProtocolError as error:
                raise SourceError(f"the server speaks no IMAP: {error!r}") from error
            if line is not None:
                return line
            await self._more()

    async def _literal(self, size: int) -> Spool:
        if size > MESSAGE_MAX_OCTETS:
            raise SourceError("a message is longer than a gigabyte")
        spool = Spool()
        try:
            while size:
                piece = self._input.take(min(size, CHUNK_OCTETS))
                if piece:
                    spool.write(piece)
                    size -= len(piece)
                else:
                    await self._more()
        except BaseException:
            spool.close()
            raise
        return spool

    async def _more(self) -> None:
        try:
            octets = await self._stream.receive(SILENCE_SECONDS)
        except (ProtocolError, UnavailableError) as error:
            raise SourceError(f"the server went away: {error}") from error
        if not octets:
            raise SourceError("the server closed the connection")
        self._input.feed(octets)


def _words(line: bytes) -> str:
    return _text(line.partition(b" ")[2])


def _text(words: bytes) -> str:
    return words[:200].decode("utf-8", "replace")


def _close(parts: Sequence[Part]) -> None:
    for part in parts:
        if isinstance(part, Spool):
            part.close()
