"""The SMTP client: hands messages to one server over one connection.

Whatever the server does, the caller gets an ``Outcome``: one that hangs, closes or
answers nonsense is TEMPORARY with what happened in its detail.

Source: RFC 5321 §3.3, §4.5.3.2 (timeouts), RFC 2920 (pipelining), RFC 3207 (STARTTLS),
RFC 4954 (AUTH).
Security: replies are bounded; passwords go nowhere without TLS unless the caller says
so; neither they nor message octets reach the transcript.
"""

import asyncio
import base64
import enum
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import suppress
from typing import Final

from pabal.base.errors import LocalProtocolError
from pabal.net.ports import (
    ConnectionLostError,
    IdleTimeoutError,
    Stream,
    TlsFailedError,
)
from pabal.smtp.dialogue import Delivery, outcome_of
from pabal.smtp.envelope import Envelope
from pabal.smtp.outcome import Outcome, delivered, temporary
from pabal.smtp.ports import Body
from pabal.smtp.settings import ClientSettings
from pabal.smtp.wire.data import DataEncoder
from pabal.smtp.wire.extensions import Extensions, parse_extensions
from pabal.smtp.wire.reply import Reply, ReplyError, ReplyReader, clean_text

CLOSING: Final = 421
"""RFC 5321 §3.8: the server closes, whatever it was asked."""

OnLine = Callable[[str, str], None]
"""Called with ``C`` or ``S`` and a line of the dialogue."""

_UNDECIDED: Final = temporary(51, "5.0", "No outcome", "a recipient was left undecided")

_FAILURES: Final = (
    ConnectionLostError,
    IdleTimeoutError,
    ReplyError,
    TimeoutError,
    TlsFailedError,
)


class TlsWish(enum.Enum):
    """Whether to say STARTTLS."""

    NEVER = enum.auto()
    IF_OFFERED = enum.auto()
    REQUIRED = enum.auto()


class SmtpClient:
    """One connection to a server: ``start``, then ``send`` as often as ``usable``.

    Args (of the constructor):
        stream: Connected, nothing read yet.
        hostname: What we call ourselves.
        settings: Timeouts.
        on_line: Sees the dialogue, without secrets and messages.

    Attributes:
        extensions: What the server offers.
        usable: Whether another message can be sent.
        tls_failed: The server offered TLS and then could not: a new connection with
            ``TlsWish.NEVER`` may work where policy allows.
    """

    def __init__(
        self,
        stream: Stream,
        hostname: str,
        settings: ClientSettings | None = None,
        on_line: OnLine | None = None,
    ) -> None:
        self.extensions = Extensions()
        self.usable = False
        self.tls_failed = False
        self._stream = stream
        self._hostname = hostname
        self._settings = settings or ClientSettings()
        self._on_line = on_line
        self._reader = ReplyReader()
        self._unfinished = False

    async def start(
        self, tls: TlsWish = TlsWish.IF_OFFERED, server_name: str = ""
    ) -> Outcome:
        """Read the greeting, say EHLO and STARTTLS; return whether mail can go.

        Args:
            tls: Whether the connection is to be encrypted.
            server_name: The name the server was looked up by.
        """
        try:
            outcome = await self._start(tls, server_name)
        except _FAILURES as error:
            return self._broken(error)
        self.usable = outcome.ok
        return outcome

    async def authenticate(
        self, user: str, password: str, *, cleartext: bool = False
    ) -> Outcome:
        """Prove who we are with AUTH PLAIN or LOGIN.

        Args:
            cleartext: Whether the password may travel without TLS.
        """
        if self._stream.tls is None and not cleartext:
            return temporary(54, "7.0", "No TLS, so the password stays here")
        try:
            if "PLAIN" in self.extensions.mechanisms:
                return await self._auth_plain(user, password)
            if "LOGIN" in self.extensions.mechanisms:
                return await self._auth_login(user, password)
        except _FAILURES as error:
            return self._broken(error)
        offered = " ".join(self.extensions.mechanisms) or "none"
        return temporary(54, "7.0", "No usable SASL mechanism", f"offered: {offered}")

    async def send(self, envelope: Envelope, body: Body) -> Sequence[Outcome]:
        """Hand a message over; return one outcome a recipient, in their order.

        A server that answered nothing after the end of the message may have taken it:
        TEMPORARY then, for twice is better than never (RFC 5321 §4.5.4.1).
        """
        if not self.usable:
            raise LocalProtocolError("the connection is not usable")
        delivery = Delivery(envelope, self.extensions)
        delivery.refuse_impossible(body.size, next(iter(body.chunks()), b""))
        try:
            if delivery.undecided:
                await self._transact(delivery, body)
        except _FAILURES as error:
            delivery.decide_all(self._broken(error))
        return [outcome or _UNDECIDED for outcome in delivery.outcomes]

    async def quit(self) -> None:
        """Say QUIT and close; never fails."""
        if self.usable:
            try:
                await self._command("QUIT", self._settings.quit_timeout_s)
            except _FAILURES:
                self._stream.abort()
        self.usable = False
        self._stream.close()

    async def _start(self, tls: TlsWish, server_name: str) -> Outcome:
        greeting = await self._reply(self._settings.greeting_timeout_s)
        if greeting.code != 220:
            return outcome_of(greeting, "greeting")
        outcome = await self._hello()
        if not outcome.ok or tls is TlsWish.NEVER or self._stream.tls is not None:
            return outcome
        if "STARTTLS" in self.extensions:
            reply = await self._command("STARTTLS", self._settings.command_timeout_s)
            if reply.code == 220:
                return await self._switch_to_tls(server_name)
            if reply.code == CLOSING:
                return outcome_of(reply, "STARTTLS")
        if tls is TlsWish.REQUIRED:
            return temporary(54, "7.10", "TLS is required and was not to be had")
        return outcome

    async def _switch_to_tls(self, server_name: str) -> Outcome:
        try:
            await self._stream.start_tls(server_name)
        except TlsFailedError:
            self.tls_failed = True
            raise
        # RFC 3207 §4.2: nothing said before TLS counts, offers included.
        self._reader.clear()
        return await self._hello()

    async def _hello(self) -> Outcome:
        timeout_s = self._settings.command_timeout_s
        reply = await self._command(f"EHLO {self._hostname}", timeout_s)
        if reply.ok:
            self.extensions = parse_extensions(reply)
            return delivered(detail=reply.lines[0])
        self.extensions = Extensions()
        if reply.code // 100 == 5:
            # RFC 5321 §3.2: a server of before 1995, or one that pretends to be.
            reply = await self._command(f"HELO {self._hostname}", timeout_s)
        return outcome_of(reply, "EHLO")

    async def _auth_plain(self, user: str, password: str) -> Outcome:
        secret = base64.b64encode(f"\0{user}\0{password}".encode()).decode()
        reply = await self._secret(f"AUTH PLAIN {secret}", "AUTH PLAIN ***")
        return outcome_of(reply, "AUTH")

    async def _auth_login(self, user: str, password: str) -> Outcome:
        reply = await self._secret("AUTH LOGIN", "AUTH LOGIN")
        for word in (user, password):
            if reply.code != 334:
                break
            octets = base64.b64encode(word.encode()).decode()
            reply = await self._secret(octets, "***")
        return outcome_of(reply, "AUTH")

    async def _secret(self, line: str, shown: str) -> Reply:
        self._show("C", shown)
        self._stream.send(f"{line}\r\n".encode())
        return await self._reply(self._settings.command_timeout_s)

    async def _transact(self, delivery: Delivery, body: Body) -> None:
        commands = delivery.commands(body.size)
        asked = list(delivery.undecided)
        if self._unfinished:
            self._unfinished = False
            reply = await self._command("RSET", self._settings.command_timeout_s)
            if reply.code == CLOSING:
                delivery.decide_all(outcome_of(reply, "RSET"))
                return
        if "PIPELINING" in self.extensions:
            self._say([*commands, b"DATA\r\n"])
            await self._answers(delivery, asked, ())
        else:
            await self._answers(delivery, asked, commands)
            if not delivery.accepted:
                self._unfinished = True
                return
            if self.usable:
                self._say([b"DATA\r\n"])
        if not self.usable:
            return  # it said why, and everybody has that for an outcome
        go_ahead = await self._reply(self._settings.data_timeout_s)
        if go_ahead.code != 354:
            self._unfinished = True
            delivery.decide_all(outcome_of(go_ahead, "DATA"))
        elif delivery.accepted:
            delivery.decide_all(await self._send_body(body))
        else:
            # RFC 2920 §3.1: nobody wants it, yet the server waits for a message.
            self._say([b".\r\n"])
            await self._reply(self._settings.final_timeout_s)

    async def _answers(
        self, delivery: Delivery, asked: Sequence[int], commands: Sequence[bytes]
    ) -> None:
        """Take the replies to MAIL and the RCPTs.

        Args:
            asked: Positions of the recipients, in the order of their commands.
            commands: To be said one after the other; empty if all were said.
        """
        said = iter(commands)
        timeout_s = self._settings.command_timeout_s
        self._say_next(said)
        reply = await self._reply(timeout_s)
        if not reply.ok:
            delivery.decide_all(outcome_of(reply, "MAIL"))
            for _ in () if commands else asked:
                if reply.code == CLOSING:
                    return
                reply = await self._reply(timeout_s)
            return
        for position in asked:
            self._say_next(said)
            reply = await self._reply(timeout_s)
            delivery.recipient_answered(position, reply)
            if reply.code == CLOSING:
                # Nobody else will get an answer: this was everybody's.
                delivery.decide_all(outcome_of(reply, "RCPT"))
                return

    async def _send_body(self, body: Body) -> Outcome:
        self._show("C", f"({body.size} octets)")
        self._show("C", ".")
        encoder = DataEncoder()
        stream, timeout_s = self._stream, self._settings.block_timeout_s
        ready = b""
        try:
            for chunk in body.chunks():
                if ready:
                    stream.send(ready)
                    await stream.flush(timeout_s)
                ready = encoder.encode(chunk)
            # With what ends it: a small message is one segment, and no server
            # delays its acknowledgement of one that waits for the other.
            stream.send(ready + encoder.finish())
        except ConnectionLostError as lost:
            return await self._last_words(lost)
        with suppress(ConnectionLostError):  # its answer may have come before
            await stream.flush(timeout_s)
        return outcome_of(await self._reply(self._settings.final_timeout_s), "message")

    async def _last_words(self, lost: ConnectionLostError) -> Outcome:
        """Return why the server closed in the middle, if it said so before."""
        try:
            reply = await self._reply(self._settings.quit_timeout_s)
        except _FAILURES:
            return self._broken(lost)
        self._broken(lost)
        return outcome_of(reply, "message")

    async def _command(self, line: str, timeout_s: float) -> Reply:
        self._say([f"{line}\r\n".encode()])
        return await self._reply(timeout_s)

    def _say(self, commands: Iterable[bytes]) -> None:
        lines = list(commands)
        if self._on_line is not None:
            for line in lines:
                self._show("C", line.decode("utf-8", "replace").rstrip("\r\n"))
        self._stream.send(b"".join(lines))

    def _say_next(self, commands: Iterator[bytes]) -> None:
        if command := next(commands, b""):
            self._say([command])

    async def _reply(self, timeout_s: float) -> Reply:
        """Return the next reply.

        Raises:
            TimeoutError: It was not complete within ``timeout_s`` seconds.
            ReplyError: It was no reply.
            ConnectionLostError: The server closed instead.
        """
        reply = self._reader.next_reply()
        if reply is None:
            async with asyncio.timeout(timeout_s):
                while reply is None:
                    octets = await self._stream.receive(timeout_s)
                    if not octets:
                        raise ConnectionLostError("the server closed the connection")
                    self._reader.feed(octets)
                    reply = self._reader.next_reply()
        self._show_reply(reply)
        if reply.code == CLOSING:
            self.usable = False
        return reply

    def _broken(self, error: Exception) -> Outcome:
        """Return the outcome of a connection that is of no more use."""
        self.usable = False
        self._stream.abort()
        what = clean_text(str(error)) or "no reply in time"
        if isinstance(error, TlsFailedError):
            return temporary(54, "7.5", "TLS failed", what)
        return temporary(51, "4.2", "Connection failed", what)

    def _show(self, who: str, line: str) -> None:
        if self._on_line is not None:
            self._on_line(who, line)

    def _show_reply(self, reply: Reply) -> None:
        *head, last = reply.lines
        for line in head:
            self._show("S", f"{reply.code}-{line}")
        self._show("S", f"{reply.code} {last}")
