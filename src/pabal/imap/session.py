"""One IMAP connection as a state machine: octets in, events out.

Sans-IO: never blocks, never reads a clock. The driver feeds what comes, asks
``next_event`` until ``None``, and runs each command before it asks for the next one,
so that what a command changes (state, TLS, limits) holds for what follows it.

Whether a literal is accepted is decided when it is announced, before any of it is
read: by state, command and size. A message's literal never stays here: it is handed
out in pieces.

Source: RFC 9051 §3 (states), §2.2 (commands and literals), §6.3.13 (IDLE); RFC 7888.

Security: a stranger reaches this first. Line, literal and command sizes are bounded;
``forget`` drops what came before STARTTLS was done (RFC 9051 §6.2.1).
"""

import enum
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Final

from pabal.base.scan import ScanError
from pabal.imap.settings import ImapSettings
from pabal.imap.wire.grammar import Reader
from pabal.net.framing import BareNewlineError, InputBuffer, LineTooLongError

LITERAL_MINUS_MAX: Final = 4096
"""Largest non-synchronizing literal before log-in (RFC 7888 §5, LITERAL-)."""

SKIP_MAX_OCTETS: Final = 1024 * 1024
"""Octets of an unwanted literal read and dropped before log-in; above it the
connection ends (RFC 7888 §4 leaves the choice)."""

_ANNOUNCED: Final = re.compile(rb"(~?)\{(\d{1,19})(\+?)\}\Z")
_TAG_AND_NAME: Final = re.compile(
    rb'([^(){ \x00-\x1f\x7f%*"\\+\x80-\xff]+) ([A-Za-z]+)'
)
_SECOND_WORD: Final = re.compile(rb" ([A-Za-z]+)")
_NO_TAG: Final = b"*"
"""Tag of a reply to a line without one (RFC 9051 §7.1.3)."""


class State(enum.Flag):
    """The states of RFC 9051 §3."""

    NOT_AUTHENTICATED = enum.auto()
    AUTHENTICATED = enum.auto()
    SELECTED = enum.auto()
    LOGOUT = enum.auto()


ANY_STATE: Final = State.NOT_AUTHENTICATED | State.AUTHENTICATED | State.SELECTED
LOGGED_IN: Final = State.AUTHENTICATED | State.SELECTED
_AUTHENTICATED: Final = State.AUTHENTICATED
_SELECTED: Final = State.SELECTED


@dataclass(frozen=True, slots=True)
class Rule:
    """What the state machine must know of a command.

    Attributes:
        states: Where it is allowed.
        parse: Reads its arguments, from behind its name to the end of the command.
        message_next: Says of the arguments so far whether the literal announced at
            their end is a message, to be handed out in pieces.
    """

    states: State
    parse: Callable[[Reader], object]
    message_next: Callable[[bytes], bool] | None = None


@dataclass(frozen=True, slots=True)
class Command:
    """A whole command, allowed in this state.

    Attributes:
        tag: Its tag.
        name: Its name in upper case: ``UID FETCH``.
        value: What its rule read.
    """

    tag: bytes
    name: bytes
    value: object


@dataclass(frozen=True, slots=True)
class Refused:
    """A command that will not be run; every message announced in it is void.

    Attributes:
        tag: Its tag, ``*`` when there was none.
        reply: What to say: ``BAD …`` or ``NO …``.
    """

    tag: bytes
    reply: bytes


@dataclass(frozen=True, slots=True)
class Continue:
    """The client waits for a continuation request before it sends a literal."""


@dataclass(frozen=True, slots=True)
class MessageBegins:
    """A message's literal of ``size`` octets begins.

    Attributes:
        size: Octets that follow in pieces.
        sync: Whether the client waits for a continuation request first; until then
            ``refuse_message`` can spare it the sending.
        tag: Tag of its command.
        arguments: Arguments of its command so far.
        name: Name of its command.
    """

    size: int
    sync: bool
    tag: bytes
    arguments: bytes
    name: bytes


@dataclass(frozen=True, slots=True)
class MessagePiece:
    """Octets of the message that began last."""

    octets: bytes = field(repr=False)


@dataclass(frozen=True, slots=True)
class Line:
    """The line asked for by ``expect_line``, without CRLF."""

    octets: bytes = field(repr=False)


@dataclass(frozen=True, slots=True)
class Fatal:
    """Nothing the client sends can be understood any more: say BYE and close."""

    text: bytes


Event = Command | Refused | Continue | MessageBegins | MessagePiece | Line | Fatal


class _Mode(enum.Enum):
    COMMAND = "command"
    LITERAL = "literal"
    MESSAGE = "message"
    SKIP = "skip"
    LINE = "line"
    DEAD = "dead"


class Session:
    """The state machine of one connection, server side.

    Attributes:
        state: Where the connection is; commands move it.
    """

    __slots__ = (
        *("_command", "_found", "_input", "_left", "_messages", "_mode"),
        *("_refusal", "_rules", "_settings", "state"),
    )

    def __init__(self, rules: Mapping[bytes, Rule], settings: ImapSettings) -> None:
        self.state = State.NOT_AUTHENTICATED
        self._rules = rules
        self._settings = settings
        self._input = InputBuffer()
        self._mode = _Mode.COMMAND
        self._left = 0
        self._command = bytearray()
        self._messages = 0
        self._refusal: Refused | None = None
        self._found: tuple[int, Rule, bytes] | None = None

    @property
    def has_input(self) -> bool:
        """Whether octets came that belong to what follows."""
        return len(self._input) > 0

    def feed(self, octets: bytes) -> None:
        """Take octets from the client."""
        self._input.feed(octets)

    def forget(self) -> None:
        """Drop what came and was not understood yet: TLS begins."""
        self._input.clear()

    def expect_line(self) -> None:
        """Let the next line be a ``Line``, not a command: SASL, IDLE."""
        self._mode = _Mode.LINE

    def next_event(self) -> Event | None:
        """Return what comes next, ``None`` if more octets are needed."""
        while self._mode is not _Mode.DEAD:
            before = self._mode
            try:
                event = self._step()
            except LineTooLongError:
                return self._die(b"the line is too long")
            except BareNewlineError:
                return self._die(b"a CR or LF stands alone")
            if event is not None or self._mode is before:
                return event
        return None

    def _step(self) -> Event | None:
        """Return an event, or ``None``: more is needed or the mode has changed."""
        if self._mode is _Mode.COMMAND:
            return self._read_line()
        if self._mode is _Mode.LITERAL:
            return self._read_literal()
        if self._mode is _Mode.MESSAGE:
            return self._read_message()
        if self._mode is _Mode.SKIP:
            return self._skip()
        line = self._next_line()
        if line is None:
            return None
        self._mode = _Mode.COMMAND
        return Line(line)

    @property
    def _logged_in(self) -> bool:
        # Asked for every line: flags of an enumeration take several times as long.
        return self.state is _SELECTED or self.state is _AUTHENTICATED

    def _next_line(self) -> bytes | None:
        if self._logged_in:
            return self._input.next_line(self._settings.line_max_octets)
        return self._input.next_line(self._settings.login_line_max_octets)

    def _die(self, text: bytes) -> Fatal:
        self._mode = _Mode.DEAD
        self._input.clear()
        self._command.clear()
        return Fatal(text)

    def _read_line(self) -> Event | None:
        line = self._next_line()
        if line is None:
            return None
        self._command += line
        announced = _ANNOUNCED.search(line) if line.endswith(b"}") else None
        if announced is None:
            return self._finish()
        self._command += b"\r\n"
        return self._announce(int(announced[2]), sync=not announced[3])

    def _announce(self, size: int, *, sync: bool) -> Event | None:
        """Decide about a literal that is announced at the end of the line."""
        refusal = self._refusal or self._refuse_early()
        if refusal is None and self._is_message():
            if 0 < self._settings.saves_max <= self._messages:
                code = b"NO [MESSAGELIMIT %d] too many messages at once"
                refusal = self._refusal_of(code % self._settings.saves_max)
            elif len(self._command) > self._settings.command_max_octets:
                refusal = self._refusal_of(b"BAD the command is too long")
            elif size > self._settings.message_max_octets:
                refusal = self._refusal_of(b"NO [TOOBIG] the message is too large")
            elif sync or self._may_come_unasked(size):
                self._messages += 1
                self._mode, self._left = _Mode.MESSAGE, size
                return self._message_begins(size, sync=sync)
        elif (
            refusal is None
            and self._fits(size)
            and (sync or self._may_come_unasked(size))
        ):
            self._mode, self._left = _Mode.LITERAL, size
            return Continue() if sync else None
        return self._refuse_literal(refusal, size, sync=sync)

    def _message_begins(self, size: int, *, sync: bool) -> MessageBegins:
        tag = bytes(self._command[: self._command.index(b" ")])
        found = self._rule()
        start, name = (0, b"") if isinstance(found, Refused) else (found[0], found[2])
        return MessageBegins(size, sync, tag, bytes(self._command[start:]), name)

    def refuse_message(self) -> None:
        """Forget the command whose message just began: the driver said no.

        Only where the client waits: it sends nothing of the message then.
        """
        self._left = 0
        self._reset()

    def _refuse_literal(
        self, refusal: Refused | None, size: int, *, sync: bool
    ) -> Event | None:
        """Refuse a literal; octets that come all the same are dropped."""
        refusal = refusal or self._refusal_of(b"BAD [TOOBIG] the literal is too large")
        if sync:
            # The client sends nothing of it, nor the rest of the command.
            self._reset()
            return refusal
        if size > self._skip_max_octets():
            return self._die(b"the literal is too large")
        self._refusal = refusal
        self._found = None
        self._command.clear()
        self._mode, self._left = _Mode.SKIP, size
        return None

    def _skip_max_octets(self) -> int:
        if self._logged_in:
            # A client with LITERAL+ should learn that its message is too large.
            return max(SKIP_MAX_OCTETS, 4 * self._settings.message_max_octets)
        return SKIP_MAX_OCTETS

    def _may_come_unasked(self, size: int) -> bool:
        """Whether a non-synchronizing literal of ``size`` octets is allowed here."""
        if self._logged_in:
            return True
        return size <= LITERAL_MINUS_MAX

    def _fits(self, size: int) -> bool:
        settings = self._settings
        if self._logged_in:
            limit = settings.literal_max_octets
        else:
            limit = settings.login_literal_max_octets
        return size <= limit and len(self._command) + size <= (
            settings.command_max_octets
        )

    def _refuse_early(self) -> Refused | None:
        """Refuse a command with a literal before the literal is read, if one must."""
        found = self._rule()
        if isinstance(found, Refused):
            return found
        return None

    def _is_message(self) -> bool:
        found = self._rule()
        if isinstance(found, Refused) or found[1].message_next is None:
            return False
        return found[1].message_next(bytes(self._command[found[0] :]))

    def _rule(self) -> tuple[int, Rule, bytes] | Refused:
        """Return where the arguments begin, the rule and the name of the command.

        Asked again for each literal, and answered from memory.
        """
        if self._found is not None:
            return self._found
        match = _TAG_AND_NAME.match(self._command)
        if match is None:
            return self._refusal_of(b"BAD a tag and a command are expected")
        end = match.end()
        name = match[2].upper()
        if name == b"UID":
            rest = _SECOND_WORD.match(self._command, end)
            if rest is not None:
                name, end = b"UID " + rest[1].upper(), rest.end()
        rule = self._rules.get(name)
        if rule is None:
            return self._refusal_of(b"BAD there is no such command")
        if self.state not in rule.states:
            return self._refusal_of(b"BAD the command is not allowed in this state")
        self._found = found = end, rule, name
        return found

    def _refusal_of(self, reply: bytes) -> Refused:
        match = _TAG_AND_NAME.match(self._command)
        if match is None:
            tag = bytes(self._command[:256]).partition(b" ")[0]
            printable = Reader(tag + b" ")
            try:
                return Refused(printable.tag(), reply)
            except ScanError:
                return Refused(_NO_TAG, reply)
        return Refused(match[1], reply)

    def _reset(self) -> None:
        self._mode = _Mode.COMMAND
        self._command.clear()
        self._messages = 0
        self._refusal = None
        self._found = None

    def _finish(self) -> Event:
        """Return the event of the command gathered."""
        refusal = self._refusal
        event = self._parse() if refusal is None else refusal
        self._reset()
        return event

    def _parse(self) -> Event:
        found = self._rule()
        if isinstance(found, Refused):
            return found
        start, rule, name = found
        reader = Reader(bytes(self._command), start)
        tag = reader.data[: reader.data.index(b" ")]
        try:
            value = rule.parse(reader)
            reader.expect_end()
        except ScanError as error:
            return Refused(tag, b"BAD " + error.expected.encode("utf-8") + b" expected")
        return Command(tag, name, value)

    def _read_literal(self) -> Event | None:
        octets = self._input.take(self._left)
        self._command += octets
        self._left -= len(octets)
        if not self._left:
            self._mode = _Mode.COMMAND
        return None

    def _read_message(self) -> Event | None:
        if not self._left:
            self._mode = _Mode.COMMAND
            return None
        octets = self._input.take(self._left)
        if not octets:
            return None
        self._left -= len(octets)
        return MessagePiece(octets)

    def _skip(self) -> Event | None:
        self._left -= len(self._input.take(self._left))
        if not self._left:
            self._mode = _Mode.COMMAND
        return None
