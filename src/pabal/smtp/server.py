"""The SMTP server: one ``serve`` a connection, on any ``Stream``.

Replies of pipelined commands go out in one write, when nothing is left to read
(RFC 2920 §3.2) or a message has been taken.

Source: RFC 5321 §3.1 (greeting), §4.5.3.2 (timeouts), RFC 3207 §4.
Security: what strangers reach. Every wait has an end: a whole command within
``command_timeout_s``, a message at ``data_rate_min``.
"""

import asyncio
from collections.abc import Callable
from dataclasses import replace
from typing import Final

from pabal.base.clock import Clock
from pabal.base.errors import UnavailableError
from pabal.base.ids import new_id
from pabal.base.log import Log
from pabal.net.ports import ConnectionLostError, IdleTimeoutError, Stream
from pabal.smtp.commands import transaction
from pabal.smtp.commands.answer import AnsweredEvent, answer
from pabal.smtp.commands.conversation import Conversation, Service
from pabal.smtp.outcome import Outcome, temporary
from pabal.smtp.ports import Client
from pabal.smtp.session import Chunk, MessageEnd, Mode, Refused, Session
from pabal.smtp.wire.command import StartTls
from pabal.smtp.wire.reply import format_outcome, format_reply

log = Log("smtp")

EVENTS_IN_A_ROW: Final = 64
"""After so many events other connections get their turn: a client can pipeline ten
thousand commands in one write."""

_TIMEOUT: Final = format_outcome(temporary(21, "4.2", "Waited too long"))
_STOPPING: Final = format_outcome(temporary(21, "3.2", "Stopping, come back soon"))
_NO_TLS: Final = format_outcome(temporary(54, "7.0", "TLS is not available"))
_START_TLS: Final = b"220 2.0.0 Go ahead\r\n"
_MESSAGE_MODES: Final = frozenset({Mode.DATA, Mode.CHUNK})


class SmtpServer:
    """Serves one SMTP service.

    Args (of the constructor):
        service: Hostname, receiver, limits.
        clock: For ids and for the rate of messages.
    """

    def __init__(self, service: Service, clock: Clock) -> None:
        self._service = service
        self._clock = clock
        self._greeting = format_reply(220, (f"{service.hostname} ESMTP pabal",))
        self._idle: set[Stream] = set()
        self._stopping = False

    async def serve(self, stream: Stream) -> None:
        """Talk to one client until it or we have had enough."""
        client = Client(
            new_id(self._clock.now()), stream.peer, stream.local, tls=stream.tls
        )
        session = Session(self._service.settings, self._service.hostname)
        talk = Conversation(self._service, session, client)
        connection = _Connection(stream, talk, self._clock, self._idle)
        try:
            if await self._welcome(connection):
                await connection.run(lambda: self._stopping)
        finally:
            await talk.abort()
            # RFC 5321 §4.1.1.10: after QUIT the client only waits for our reply.
            stream.close(linger=not talk.said_goodbye)

    def stop(self) -> None:
        """Tell clients between two messages to go, and others once they are there."""
        self._stopping = True
        for stream in tuple(self._idle):
            stream.send(_STOPPING)
            stream.close()

    async def _welcome(self, connection: "_Connection") -> bool:
        talk = connection.talk
        try:
            outcome = await self._service.receiver.connected(talk.client)
        except UnavailableError as error:
            outcome = transaction.unavailable(talk, error)
            outcome = replace(outcome, code=21)
        if outcome.ok:
            connection.stream.send(self._greeting)
            return True
        log.info(
            "client refused",
            session=talk.client.session_id,
            client=talk.client.peer.address,
            why=outcome.detail or outcome.text,
        )
        connection.stream.send(format_outcome(_greeting_refusal(outcome)))
        return False


def _greeting_refusal(outcome: Outcome) -> Outcome:
    """Return the refusal with a code that may stand in a greeting (RFC 5321 §4.3.2)."""
    return replace(outcome, code=21 if outcome.reply_code < 500 else 54)


class _Connection:
    """The loop of one connection: octets in, events answered, replies out."""

    __slots__ = ("_clock", "_deadline", "_idle", "_replies", "_since", "stream", "talk")

    def __init__(
        self, stream: Stream, talk: Conversation, clock: Clock, idle: set[Stream]
    ) -> None:
        self.stream = stream
        self.talk = talk
        self._clock = clock
        self._idle = idle
        self._replies: list[bytes] = []
        self._since = clock.monotonic()

    async def run(self, stopping: Callable[[], bool]) -> None:
        """Answer until the connection ends."""
        session = self.talk.session
        in_a_row = 0
        while True:
            event = session.next_event()
            in_a_row += 1
            if in_a_row % EVENTS_IN_A_ROW == 0:
                await asyncio.sleep(0)
            if event is None:
                if self.talk.closing or not await self._more(stopping()):
                    break
            elif isinstance(event, Chunk):
                transaction.chunk(self.talk, event)
            else:
                await self._answer(event)
                if self.talk.closing:
                    break
        self._send()

    async def _answer(self, event: AnsweredEvent | Refused | StartTls) -> None:
        self._since = self._clock.monotonic()
        if isinstance(event, Refused):
            self._replies.append(format_outcome(event.outcome))
            if event.fatal:
                self._log_fatal(event)
                self.talk.closing = True
        elif isinstance(event, StartTls):
            await self._start_tls()
        else:
            self._replies.append(await answer(self.talk, event))
            if isinstance(event, MessageEnd):
                self._send()

    def _send(self) -> None:
        if self._replies:
            self.stream.send(b"".join(self._replies))
            self._replies.clear()

    async def _more(self, stopping: bool) -> bool:  # noqa: FBT001 (one private caller)
        """Send what is ready and read on; return whether there is more to do."""
        self._send()
        try:
            await self.stream.flush(self.talk.service.settings.command_timeout_s)
        except (ConnectionLostError, IdleTimeoutError):
            self.stream.abort()  # what is queued would wait for ever
            return False
        between = self.talk.transaction is None
        if stopping and between:
            self.stream.send(_STOPPING)
            return False
        if between:
            self._idle.add(self.stream)
        try:
            octets = await self.stream.receive(self._patience())
        except IdleTimeoutError:
            self.stream.send(_TIMEOUT)
            return False
        finally:
            self._idle.discard(self.stream)
        self.talk.session.feed(octets)
        return bool(octets)

    def _patience(self) -> float:
        """Return how many seconds the client may be silent now."""
        session, settings = self.talk.session, self.talk.service.settings
        gone = self._clock.monotonic() - self._since
        if session.mode in _MESSAGE_MODES:
            # A message may take as long as it needs, but not dribble.
            allowed = settings.data_grace_s + session.size / settings.data_rate_min
            return max(0.0, min(settings.data_timeout_s, allowed - gone))
        return max(0.0, settings.command_timeout_s - gone)

    async def _start_tls(self) -> None:
        talk = self.talk
        if not talk.service.settings.starttls or talk.client.tls is not None:
            talk.session.refuse()
            self._replies.append(_NO_TLS)
            return
        self._replies.append(_START_TLS)
        self._send()
        talk.session.accept()
        await self.stream.start_tls()
        # RFC 3207 §4.2: nothing learnt before TLS is kept.
        talk.client = replace(
            talk.client, helo="", extended=False, tls=self.stream.tls, identity=None
        )

    def _log_fatal(self, event: Refused) -> None:
        client = self.talk.client
        log.info(
            "session cut",
            session=client.session_id,
            client=client.peer.address,
            why=str(event.outcome),
        )
