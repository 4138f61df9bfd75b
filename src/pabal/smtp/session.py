"""The server's side of SMTP as a state machine: octets in, events out.

Sans-IO: never blocks, never reads a clock. One instance a connection. What an event
means for the states is known once the driver says how it was answered: ``accept`` or
``refuse``; the next event is not read before that, so a pipelining client (RFC 2920)
is always understood as it would be without pipelining.

Source: RFC 5321 §4.1.4 (order of commands), RFC 3030 §2, RFC 3207 §4.2, RFC 4954 §4.
Security: the only place that decides where a message ends; see ``wire.data``.
"""

import enum
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Final

from pabal.base.errors import LocalProtocolError
from pabal.net.framing import BareNewlineError, InputBuffer, LineTooLongError
from pabal.smtp.outcome import Outcome, permanent, temporary
from pabal.smtp.settings import ServerSettings
from pabal.smtp.wire.command import (
    AUTH_LINE_MAX_OCTETS,
    LINE_MAX_OCTETS,
    Auth,
    Bdat,
    Command,
    CommandError,
    Context,
    Data,
    Ehlo,
    Expn,
    Help,
    Mail,
    Noop,
    PlainCommand,
    Quit,
    Rcpt,
    Rset,
    StartTls,
    Vrfy,
    parse_command,
)
from pabal.smtp.wire.data import DataDecoder, check_line_ends

CHUNK_MAX_OCTETS: Final = 256 * 1024
"""Largest ``Chunk``: what a driver writes in one go."""


class State(enum.IntEnum):
    """How far the dialogue is."""

    START = enum.auto()
    READY = enum.auto()
    MAIL = enum.auto()
    RCPT = enum.auto()
    CHUNKS = enum.auto()


_ANYTIME: Final[Mapping[State, Mapping[type[Command], State]]] = {
    state: {
        Ehlo: State.READY,
        Rset: State.READY if state is not State.START else state,
        Noop: state,
        Vrfy: state,
        Expn: state,
        Help: state,
        Quit: state,
    }
    for state in State
}

TRANSITIONS: Final[Mapping[State, Mapping[type[Command], State]]] = {
    State.START: _ANYTIME[State.START],
    State.READY: {
        **_ANYTIME[State.READY],
        StartTls: State.START,  # RFC 3207 §4.2: as if just connected
        Auth: State.READY,  # RFC 4954 §4: never inside a mail transaction
        Mail: State.MAIL,
    },
    State.MAIL: {**_ANYTIME[State.MAIL], Rcpt: State.RCPT},
    State.RCPT: {
        **_ANYTIME[State.RCPT],
        Rcpt: State.RCPT,
        Data: State.READY,
        Bdat: State.CHUNKS,
    },
    # RFC 3030 §2: no RCPT and no DATA once there was a BDAT.
    State.CHUNKS: {**_ANYTIME[State.CHUNKS], Bdat: State.CHUNKS},
}
"""Which command is in order where, and where an accepted one leads."""


@dataclass(frozen=True, slots=True)
class Chunk:
    """Octets of the message, as they were before dot-stuffing."""

    octets: bytes = field(repr=False)


@dataclass(frozen=True, slots=True)
class ChunkEnd:
    """A BDAT's octets are complete, more BDATs follow."""

    size: int


@dataclass(frozen=True, slots=True)
class MessageEnd:
    """The message is complete.

    Attributes:
        size: Octets of the message.
        too_large: It passed ``message_size_max``; not all of it became chunks.
    """

    size: int
    too_large: bool


@dataclass(frozen=True, slots=True)
class SaslLine:
    """The client's answer to a challenge, still base64; ``*`` cancels."""

    octets: bytes = field(repr=False)


@dataclass(frozen=True, slots=True)
class Refused:
    """Something the session answers itself.

    Attributes:
        outcome: The reply.
        fatal: Nothing after it may be read: close.
    """

    outcome: Outcome
    fatal: bool = False


Event = PlainCommand | Chunk | ChunkEnd | MessageEnd | SaslLine | Refused


class Mode(enum.IntEnum):
    """What the next octets are."""

    COMMAND = enum.auto()
    ANSWER = enum.auto()
    DATA = enum.auto()
    CHUNK = enum.auto()
    SASL = enum.auto()
    OVER = enum.auto()


BARE_NEWLINE: Final = Refused(
    permanent(54, "5.2", "A CR or LF alone is not allowed (RFC 5321 2.3.8)"), fatal=True
)
LINE_TOO_LONG: Final = Refused(permanent(0, "5.2", "Line too long"), fatal=True)
TOO_LARGE: Final = Refused(permanent(52, "3.4", "Message too large"), fatal=True)
TOO_MANY_ERRORS: Final = Refused(temporary(21, "7.0", "Too many errors"), fatal=True)
TOO_MANY_COMMANDS: Final = Refused(
    temporary(21, "7.0", "Too many commands for no message"), fatal=True
)


@dataclass(slots=True)
class _ChunkState:
    """A BDAT whose octets are being read; ``held`` is half a CRLF, if there is one."""

    command: Bdat
    left: int = 0
    in_order: bool = True
    held: bytes = b""


_MESSAGE_MODES: Final = frozenset({Mode.DATA, Mode.CHUNK})


class Session:
    """One connection of a client.

    Attributes:
        state: How far the dialogue is.
        mode: What the next octets are.
        size: Octets of the message so far.
    """

    __slots__ = (
        "_buffer",
        "_chunk",
        "_command",
        "_commands",
        "_context",
        "_decoder",
        "_errors",
        "_pending",
        "_settings",
        "mode",
        "size",
        "state",
    )

    def __init__(self, settings: ServerSettings, hostname: str) -> None:
        self.state = State.START
        self.mode = Mode.COMMAND
        self.size = 0
        self._settings = settings
        self._buffer = InputBuffer()
        self._context = Context(hostname)
        self._decoder = DataDecoder()
        self._command: PlainCommand | None = None
        self._chunk = _ChunkState(Bdat(0))
        self._pending: Event | None = None
        self._errors = 0
        self._commands = 0

    def feed(self, octets: bytes) -> None:
        """Take octets read from the client."""
        self._buffer.feed(octets)

    def next_event(self) -> Event | None:
        """Return what the client did next, or ``None`` if more octets are needed.

        After a command ``accept`` or ``refuse`` is owed, else it stays ``None``.
        """
        if self._pending is not None:
            pending, self._pending = self._pending, None
            return pending
        try:
            event = self._read()
            # A message that is too large is read without becoming chunks.
            while event is None and self.mode in _MESSAGE_MODES and len(self._buffer):
                event = self._read()
        except BareNewlineError:
            return self._end(BARE_NEWLINE)
        except LineTooLongError:
            return self._end(LINE_TOO_LONG)
        return event

    def accept(self) -> None:
        """Take note that the command was obeyed (2xx or 3xx)."""
        command = self._answered()
        self.state = TRANSITIONS[self.state][type(command)]
        match command:
            case Mail():
                if command.envelope.smtputf8 != self._context.smtputf8:
                    self._context = replace(
                        self._context, smtputf8=not self._context.smtputf8
                    )
            case Data():
                self._decoder = DataDecoder()
                self.size = 0
                self.mode = Mode.DATA
            case StartTls():
                # RFC 3207 §4.2: what was sent before TLS was not sent by the client.
                self._buffer.clear()
            case Quit():
                self.mode = Mode.OVER
            case _:
                pass

    def refuse(self) -> None:
        """Take note that the command, or the message, was refused."""
        if self.mode is Mode.ANSWER:
            self._answered()
        self.count_error()

    def tolerate(self) -> None:
        """Take note of a refusal that is not held against the client."""
        self._answered()

    def count_error(self) -> None:
        """Hold an error against the client; too many end the session."""
        self._errors += 1
        if self._errors > self._settings.errors_max:
            self.mode = Mode.OVER
            self._pending = TOO_MANY_ERRORS

    def message_taken(self) -> None:
        """Take note that a message was taken: errors before it are forgiven."""
        self._errors = self._commands = 0

    def expect_sasl(self) -> None:
        """Read the next line as an answer to a challenge."""
        self.mode = Mode.SASL

    def end_sasl(self) -> None:
        """Read commands again after an AUTH exchange."""
        self.mode = Mode.COMMAND

    def _read(self) -> Event | None:
        mode = self.mode
        if mode is Mode.COMMAND:
            return self._next_command()
        if mode is Mode.DATA:
            return self._next_data()
        if mode is Mode.CHUNK:
            return self._next_chunk()
        if mode is not Mode.SASL:
            return None
        line = self._buffer.next_line(AUTH_LINE_MAX_OCTETS)
        return None if line is None else SaslLine(line)

    def _answered(self) -> PlainCommand:
        command = self._command
        if command is None:
            raise LocalProtocolError("accept or refuse without a command")
        self._command = None
        self.mode = Mode.COMMAND
        return command

    def _end(self, event: Refused) -> Refused:
        self.mode = Mode.OVER
        self._buffer.clear()
        return event

    def _refused(self, outcome: Outcome) -> Refused:
        self.count_error()
        return Refused(outcome)

    def _next_command(self) -> Event | None:
        buffer = self._buffer
        if not len(buffer):
            return None
        is_auth = buffer.peek(5).upper() == b"AUTH "
        line = self._buffer.next_line(
            AUTH_LINE_MAX_OCTETS if is_auth else LINE_MAX_OCTETS
        )
        if line is None:
            return None
        self._commands += 1
        if self._commands > self._settings.commands_max:
            return self._end(TOO_MANY_COMMANDS)
        try:
            return self._command_event(parse_command(line, self._context))
        except CommandError as error:
            return self._refused(error.outcome)

    def _command_event(self, command: Command) -> Event | None:
        in_order = type(command) in TRANSITIONS[self.state]
        if isinstance(command, Bdat):
            return self._start_chunk(command, in_order=in_order)
        if not in_order:
            return self._refused(_out_of_order(self.state, command))
        self._command = command
        self.mode = Mode.ANSWER
        return command

    def _next_data(self) -> Event | None:
        octets = self._buffer.take(CHUNK_MAX_OCTETS)
        if not octets:
            return None
        text, rest = self._decoder.feed(octets)
        if rest is None:
            return self._message_octets(text, None)
        left = self._buffer.take(len(self._buffer))
        self._buffer.feed(rest + left)
        return self._message_octets(text, self._message_end(len(text)))

    def _start_chunk(self, command: Bdat, *, in_order: bool) -> Event | None:
        """Begin to read the octets that follow BDAT, whatever it deserves."""
        held = self._chunk.held
        if self.state is not State.CHUNKS:
            self.size = 0
            held = b""
        self._chunk = _ChunkState(command, command.size, in_order, held)
        # RFC 3030 §2: the octets follow whatever the reply will be.
        if self.size + command.size > self._settings.discard_max:
            return self._end(TOO_LARGE)
        self.mode = Mode.CHUNK
        if in_order:
            self.state = State.CHUNKS
        return self._next_chunk()

    def _next_chunk(self) -> Event | None:
        chunk = self._chunk
        octets = self._buffer.take(min(chunk.left, CHUNK_MAX_OCTETS))
        chunk.left -= len(octets)
        if not chunk.in_order:
            if chunk.left:
                return None
            self.mode = Mode.COMMAND
            return self._refused(_out_of_order(self.state, chunk.command))
        text = chunk.held + octets
        done = not chunk.left
        last = done and chunk.command.last
        # A CRLF may be cut by a chunk's end, or by the network.
        chunk.held = b"\r" if text.endswith(b"\r") and not last else b""
        text = text.removesuffix(chunk.held)
        check_line_ends(text)
        if last:
            return self._message_octets(text, self._message_end(len(text)))
        if not done:
            return self._message_octets(text, None)
        self.mode = Mode.COMMAND
        return self._message_octets(text, ChunkEnd(chunk.command.size))

    def _message_end(self, more: int) -> MessageEnd:
        self.state = State.READY
        self.mode = Mode.COMMAND
        size = self.size + more
        return MessageEnd(size, size > self._settings.message_size_max)

    def _message_octets(
        self, text: bytes, end: MessageEnd | ChunkEnd | None
    ) -> Event | None:
        """Return the event for octets of the message; the end waits for its turn."""
        self.size += len(text)
        if self.size > self._settings.discard_max:
            return self._end(TOO_LARGE)
        if text and self.size <= self._settings.message_size_max:
            self._pending = end
            return Chunk(text)
        return end


def _out_of_order(state: State, command: Command) -> Outcome:
    """Return the reply to a command that is not allowed in ``state``."""
    if isinstance(command, Data | Bdat) and state is State.MAIL:
        # RFC 2920 §3.1: what a pipelining client gets when all recipients failed.
        return permanent(54, "5.1", "No valid recipients")
    if state is State.START:
        return permanent(3, "5.1", "Say EHLO first")
    return permanent(3, "5.1", "Not in this order")
