"""Commands: a line of octets in, a frozen value out, or the exact refusal.

Sans-IO.
Source: RFC 5321 §4.1 (syntax), RFC 1870 §6 (SIZE), RFC 6152 §2 (BODY), RFC 6531 §3.4
(SMTPUTF8), RFC 3461 §4 (DSN parameters), RFC 3030 §2 (BDAT), RFC 4954 §4 and §5
(AUTH), RFC 3207 §4 (STARTTLS), RFC 3848.
"""

import base64
import binascii
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Final

from pabal.base.errors import ProtocolError
from pabal.base.scan import Scanner
from pabal.message.address import AddressError, Mailbox, take_mailbox
from pabal.smtp.envelope import BodyType, Envelope, Recipient
from pabal.smtp.outcome import Outcome, permanent

COMMAND_LINE_MAX_OCTETS: Final = 512
"""Longest command line, CRLF included (RFC 5321 §4.5.3.1.4)."""

MAIL_EXTRA_OCTETS: Final = 26 + 17 + 10 + 500 + 120
"""What SIZE (RFC 1870 §6), BODY (RFC 6152 §2), SMTPUTF8 (RFC 6531 §3.4), AUTH
(RFC 4954 §5) and RET with ENVID (RFC 3461 §4) add to a MAIL line."""

RCPT_EXTRA_OCTETS: Final = 500 + 29
"""What ORCPT and NOTIFY add to a RCPT line (RFC 3461 §4)."""

AUTH_LINE_MAX_OCTETS: Final = 12_288
"""Longest line of an AUTH exchange, the AUTH command included (RFC 4954 §4)."""

LINE_MAX_OCTETS: Final = COMMAND_LINE_MAX_OCTETS + MAIL_EXTRA_OCTETS
"""Longest line of any other command: beyond it the connection ends."""

_DIGITS_MAX: Final = 20
"""Digits of SIZE= and of a BDAT size (RFC 1870 §4)."""

_HELO: Final = re.compile(rb"[!-~]{1,255}")
_KEYWORD: Final = re.compile(rb"[A-Za-z0-9][A-Za-z0-9-]*")
_VALUE: Final = re.compile(rb"[!-<>-~\x80-\xff]+")
_MECHANISM: Final = re.compile(rb"[A-Za-z0-9_-]{1,20}")
_XTEXT: Final = re.compile(rb"(?:[!-*,-<>-~]|\+[0-9A-F]{2})*")
_SOURCE_ROUTE: Final = re.compile(rb"@[^<>\s]*?:")
_CONTROLS: Final = bytes([*range(32), 127])
_NULL_PATH: Final = b"<>"


class CommandError(ProtocolError):
    """A line that is no command we can obey.

    Attributes:
        outcome: The reply for it.
    """

    def __init__(self, outcome: Outcome) -> None:
        super().__init__(str(outcome))
        self.outcome = outcome


@dataclass(frozen=True, slots=True)
class Ehlo:
    """EHLO, or HELO when not ``extended`` (RFC 5321 §4.1.1.1)."""

    name: str
    extended: bool = True


@dataclass(frozen=True, slots=True)
class Mail:
    """MAIL (RFC 5321 §4.1.1.2).

    Attributes:
        envelope: Without recipients.
        size: SIZE= in octets, 0 if none.
    """

    envelope: Envelope
    size: int = 0


@dataclass(frozen=True, slots=True)
class Rcpt:
    """RCPT (RFC 5321 §4.1.1.3)."""

    recipient: Recipient


@dataclass(frozen=True, slots=True)
class Data:
    """DATA (RFC 5321 §4.1.1.4)."""


@dataclass(frozen=True, slots=True)
class Bdat:
    """BDAT (RFC 3030 §2); ``size`` octets follow whatever the reply is."""

    size: int
    last: bool = False


@dataclass(frozen=True, slots=True)
class Rset:
    """RSET (RFC 5321 §4.1.1.5)."""


@dataclass(frozen=True, slots=True)
class Noop:
    """NOOP (RFC 5321 §4.1.1.9)."""


@dataclass(frozen=True, slots=True)
class Vrfy:
    """VRFY (RFC 5321 §4.1.1.6)."""


@dataclass(frozen=True, slots=True)
class Expn:
    """EXPN (RFC 5321 §4.1.1.7)."""


@dataclass(frozen=True, slots=True)
class Help:
    """HELP (RFC 5321 §4.1.1.8)."""


@dataclass(frozen=True, slots=True)
class Quit:
    """QUIT (RFC 5321 §4.1.1.10)."""


@dataclass(frozen=True, slots=True)
class StartTls:
    """STARTTLS (RFC 3207 §4)."""


@dataclass(frozen=True, slots=True)
class Auth:
    """AUTH (RFC 4954 §4).

    Attributes:
        mechanism: In upper case.
        initial: The initial response, ``None`` if there was none.
    """

    mechanism: str
    initial: bytes | None = field(default=None, repr=False)


PlainCommand = (
    Ehlo
    | Mail
    | Rcpt
    | Data
    | Rset
    | Noop
    | Vrfy
    | Expn
    | Help
    | Quit
    | StartTls
    | Auth
)
"""A command that is its line alone."""

Command = PlainCommand | Bdat


@dataclass(frozen=True, slots=True)
class Context:
    """What the grammar depends on.

    Attributes:
        hostname: Completes ``<Postmaster>`` (RFC 5321 §4.1.1.3).
        smtputf8: Whether MAIL said SMTPUTF8 (RFC 6531 §3.4).
    """

    hostname: str
    smtputf8: bool = False


def parse_command(line: bytes, context: Context) -> Command:
    """Return the command ``line`` is, given without its CRLF.

    Raises:
        CommandError: It is none; holds the reply.
    """
    verb = line[:4].upper()
    parse = _PARSERS.get(verb)
    rest = line[4:]
    if verb == b"STAR" and line[:8].upper() == b"STARTTLS":
        parse, rest = _starttls, line[8:]
    if parse is None or (rest and rest[0] != 32):
        raise CommandError(permanent(0, "5.2", "Command not recognised"))
    if len(line) + 2 > _LINE_LIMITS.get(verb, COMMAND_LINE_MAX_OCTETS):
        raise CommandError(permanent(0, "5.2", "Line too long"))
    if len(line.translate(None, _CONTROLS)) != len(line):
        raise _syntax("Control characters are not allowed")
    return parse(rest.strip(b" "), context)


def decode_base64(text: bytes) -> bytes:
    """Return what base64 ``text`` of an AUTH exchange says; ``=`` is empty octets.

    Raises:
        CommandError: It is not strict base64 (RFC 4954 §4).
    """
    if text == b"=":
        return b""
    try:
        return base64.b64decode(text, validate=True)
    except binascii.Error:
        raise CommandError(permanent(1, "5.2", "Cannot decode that base64")) from None


def decode_xtext(text: bytes) -> str:
    """Return what xtext (RFC 3461 §4) says.

    Raises:
        CommandError: It is not xtext.
    """
    if not _XTEXT.fullmatch(text):
        raise _parameter("Not xtext")
    raw = re.sub(rb"\+([0-9A-F]{2})", lambda m: bytes([int(m[1], 16)]), text)
    return raw.decode("utf-8", "replace")


def encode_xtext(text: str) -> str:
    """Return ``text`` as xtext (RFC 3461 §4)."""
    return "".join(
        chr(octet) if 33 <= octet <= 126 and octet not in b"+=" else f"+{octet:02X}"
        for octet in text.encode("utf-8")
    )


def _syntax(text: str) -> CommandError:
    return CommandError(permanent(1, "5.2", text))


def _parameter(text: str) -> CommandError:
    """Return 501 for a parameter's value (RFC 5321 §4.2.2)."""
    return CommandError(permanent(1, "5.4", text))


def _ehlo(rest: bytes, _: Context) -> Command:
    return Ehlo(_greeting_name(rest))


def _helo(rest: bytes, _: Context) -> Command:
    return Ehlo(_greeting_name(rest), extended=False)


def _greeting_name(rest: bytes) -> str:
    # RFC 5321 §4.1.4: what the name is may not be a reason to refuse mail.
    match = _HELO.match(rest)
    if match is None:
        raise _parameter("Say who you are: a domain or [address]")
    return match[0].decode("ascii")


def _mail(rest: bytes, _: Context) -> Command:
    scanner = Scanner(rest)
    if not scanner.take_word(b"FROM:"):
        raise _syntax("Syntax: MAIL FROM:<address>")
    _skip_spaces(scanner)
    sender = None if scanner.take(_NULL_PATH) else _path(scanner, "1.7")
    values = _parameters(scanner, _MAIL_PARAMETERS)
    smtputf8 = "SMTPUTF8" in values
    if not smtputf8 and not rest.isascii():
        raise CommandError(permanent(53, "6.7", "Address needs SMTPUTF8"))
    size = int(values.get("SIZE", "0"))
    if not values or (len(values) == 1 and size):
        return Mail(Envelope(sender, ()), size)
    body = BodyType(values.get("BODY", "7BIT").upper())
    envid = decode_xtext(values.get("ENVID", "").encode())
    ret = values.get("RET", "").upper()
    return Mail(Envelope(sender, (), body, smtputf8, envid, ret), size)


def _rcpt(rest: bytes, context: Context) -> Command:
    scanner = Scanner(rest)
    if not scanner.take_word(b"TO:"):
        raise _syntax("Syntax: RCPT TO:<address>")
    _skip_spaces(scanner)
    if scanner.take_word(b"<POSTMASTER>"):
        # RFC 5321 §4.1.1.3: understood without a domain.
        address = Mailbox("postmaster", context.hostname)
    else:
        address = _path(scanner, "1.3")
    values = _parameters(scanner, _RCPT_PARAMETERS)
    if not context.smtputf8 and not rest.isascii():
        raise CommandError(permanent(53, "6.7", "Address needs SMTPUTF8"))
    if not values:
        return Rcpt(Recipient(address))
    notify = frozenset(filter(None, values.get("NOTIFY", "").upper().split(",")))
    return Rcpt(Recipient(address, notify, values.get("ORCPT", "")))


def _path(scanner: Scanner, status: str) -> Mailbox:
    """Consume ``<address>``; a source route is dropped (RFC 5321 §4.1.1.3)."""
    if not scanner.take(b"<"):
        raise CommandError(permanent(1, status, "An address goes in < >"))
    if scanner.peek() == 64:
        match = _SOURCE_ROUTE.match(scanner.data, scanner.position)
        scanner.position = match.end() if match else scanner.position
    try:
        mailbox = take_mailbox(scanner)
    except AddressError:
        raise CommandError(permanent(1, status, "Bad address syntax")) from None
    if not scanner.take(b">"):
        raise CommandError(permanent(1, status, "Bad address syntax"))
    return mailbox


def _skip_spaces(scanner: Scanner) -> None:
    # RFC 5321 §3.3: no space here, yet so many clients write one that all servers
    # allow it.
    while scanner.take(b" "):
        pass


def _parameters(
    scanner: Scanner, known: Mapping[str, "re.Pattern[bytes]"]
) -> dict[str, str]:
    """Consume the parameters of MAIL or RCPT (RFC 5321 §4.1.2, Mail-parameters)."""
    values: dict[str, str] = {}
    if scanner.at_end:
        return values
    if not scanner.take(b" "):
        raise _syntax("A space goes before parameters")
    for parameter in filter(None, scanner.rest.split(b" ")):
        keyword, equals, value = parameter.partition(b"=")
        if not _KEYWORD.fullmatch(keyword) or (equals and not _VALUE.fullmatch(value)):
            raise _parameter("Bad parameter syntax")
        name = keyword.decode("ascii").upper()
        pattern = known.get(name)
        if pattern is None:
            # RFC 5321 §4.1.1.11.
            raise CommandError(permanent(55, "5.4", f"Unknown parameter {name[:40]}"))
        if name in values:
            raise _parameter(f"{name} was given twice")
        if not pattern.fullmatch(value):
            raise _parameter(f"Bad value of {name}")
        values[name] = value.decode("utf-8", "replace")
    return values


def _bdat(rest: bytes, _: Context) -> Command:
    size, __, last = rest.partition(b" ")
    if not size.isdigit() or len(size) > _DIGITS_MAX:
        raise _syntax("Syntax: BDAT size [LAST]")
    last = last.strip(b" ").upper()
    if last not in {b"", b"LAST"}:
        raise _syntax("Syntax: BDAT size [LAST]")
    return Bdat(int(size), bool(last))


def _auth(rest: bytes, _: Context) -> Command:
    mechanism, __, initial = rest.partition(b" ")
    if not _MECHANISM.fullmatch(mechanism) or b" " in initial:
        raise _syntax("Syntax: AUTH mechanism [initial-response]")
    name = mechanism.decode("ascii").upper()
    return Auth(name, decode_base64(initial) if initial else None)


def _alone(command: Command) -> "_Parser":
    """Return the parser of a command that has no argument (RFC 5321 §4.1.1)."""

    def parse(rest: bytes, _: Context) -> Command:
        if rest:
            raise _parameter("No argument is allowed here")
        return command

    return parse


def _with_text(command: Command) -> "_Parser":
    """Return the parser of a command whose text we do not look at."""
    return lambda _rest, _context: command


_Parser = Callable[[bytes, Context], Command]

_starttls: Final = _alone(StartTls())

_PARSERS: Final[Mapping[bytes, _Parser]] = {
    b"EHLO": _ehlo,
    b"HELO": _helo,
    b"MAIL": _mail,
    b"RCPT": _rcpt,
    b"DATA": _alone(Data()),
    b"BDAT": _bdat,
    b"RSET": _alone(Rset()),
    b"NOOP": _with_text(Noop()),
    b"VRFY": _with_text(Vrfy()),
    b"EXPN": _with_text(Expn()),
    b"HELP": _with_text(Help()),
    b"QUIT": _alone(Quit()),
    b"AUTH": _auth,
}

_LINE_LIMITS: Final[Mapping[bytes, int]] = {
    b"MAIL": COMMAND_LINE_MAX_OCTETS + MAIL_EXTRA_OCTETS,
    b"RCPT": COMMAND_LINE_MAX_OCTETS + RCPT_EXTRA_OCTETS,
    b"AUTH": AUTH_LINE_MAX_OCTETS,
}

_MAIL_PARAMETERS: Final[Mapping[str, "re.Pattern[bytes]"]] = {
    "SIZE": re.compile(rb"[0-9]{1,20}"),
    "BODY": re.compile(rb"7BIT|8BITMIME", re.IGNORECASE),
    "SMTPUTF8": re.compile(rb""),
    "RET": re.compile(rb"FULL|HDRS", re.IGNORECASE),
    "ENVID": re.compile(rb".{1,100}"),
    # RFC 4954 §5: who submitted it first; taken and not trusted.
    "AUTH": re.compile(rb".{1,500}"),
}

_RCPT_PARAMETERS: Final[Mapping[str, "re.Pattern[bytes]"]] = {
    "NOTIFY": re.compile(
        rb"NEVER|(?:SUCCESS|FAILURE|DELAY)(?:,(?:SUCCESS|FAILURE|DELAY))*",
        re.IGNORECASE,
    ),
    "ORCPT": re.compile(rb"[A-Za-z0-9-]{1,40};.{1,500}"),
}
