"""Addresses of people: of SMTP, of header fields, and domains in both spellings.

Sans-IO.
Source: RFC 5321 §4.1.2 (Mailbox), §4.1.3 (address literals), §4.5.3.1 (lengths),
RFC 6531 §3.3 (UTF-8), RFC 5891 (IDNA); lists in header fields: RFC 5322 §3.4, §4.4.
The one address grammar of the program.
"""

import ipaddress
import re
import unicodedata
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Final, Self

import idna
from typing_extensions import override

from pabal.base.errors import ProtocolError
from pabal.base.scan import Scanner
from pabal.message.charset import decode
from pabal.message.words import decode_words

LOCAL_PART_MAX_OCTETS: Final = 64
"""Longest local part (RFC 5321 §4.5.3.1.1)."""

DOMAIN_MAX_OCTETS: Final = 255
"""Longest domain (RFC 5321 §4.5.3.1.2), as A-labels."""

MAILBOX_MAX_OCTETS: Final = 254
"""Longest mailbox: a path of 256 (RFC 5321 §4.5.3.1.3) without its angle brackets."""

LABEL_MAX_OCTETS: Final = 63
"""Longest label of a domain name (RFC 1035 §2.3.4)."""

_HOSTNAME: Final = re.compile(
    r"(?:[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?)"
    r"(?:\.[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?)*"
)
# RFC 5321 §4.1.2, Atom: atext of RFC 5322 §3.2.3, and UTF-8 by RFC 6531 §3.3.
# Written as what it is not: a set of few characters is compiled ten times as fast.
_ATEXT: Final = r'[^\x00-\x20\x7f"(),.:;<>@\[\\\]]+'
_DOT_STRING: Final = re.compile(rf"{_ATEXT}(?:\.{_ATEXT})*")
_PLAIN_LOCAL: Final = re.compile(r"[^\x00-\x1f\x7f-\x9f\ud800-\udfff]+")
_SPECIALS: Final = re.compile(r'([\\"])')

_MAILBOX: Final = re.compile(
    rb"(?:([A-Za-z0-9!#$%&'*+/=?^_`{|}~.\x80-\xff-]+)"
    rb'|"((?:[ !#-\[\]-~\x80-\xff]|\\[ -~])*)")'
    rb"@([A-Za-z0-9.\x80-\xff-]+|\[[!-Z^-~]*\])"
)
"""The shape of a mailbox; what is inside each piece is checked afterwards."""


ADDRESSES_MAX: Final = 10_000
"""Addresses of one header field that are looked at; the rest is left out."""

TOKENS_MAX: Final = 40_000
"""Words and specials of one field read one by one; the rest is left out.

Only what is not written plainly costs them: groups, comments, escapes, junk.
"""

_MAILBOXES_MAX: Final = 4_096
"""Addresses of envelopes remembered: at most 2 MB."""

_COMMENT_DEPTH_MAX: Final = 32
"""Comments in comments followed; deeper ones end the list."""

# Nearly every address written today: ``a@b``, ``Name <a@b>``, ``"Name" <a@b>``.
_SIMPLE: Final = re.compile(
    rb'(?:(?:[ \t]*"([^"\\]*)"[ \t]*|([^"\\()<>\[\]:;@,]*))'
    rb"<([A-Za-z0-9!#$%&'*+/=?^_`{|}~.\x80-\xff-]+)@([A-Za-z0-9._\x80-\xff-]+)>"
    rb"|[ \t]*"
    rb"([A-Za-z0-9!#$%&'*+/=?^_`{|}~.\x80-\xff-]+)@([A-Za-z0-9._\x80-\xff-]+)"
    rb")[ \t]*(?:,|\Z)"
)
_TOKEN: Final = re.compile(
    rb'[ \t\r\n]*(?:"((?:[^"\\]|\\.)*)"?|(\[[^\]]*\]?)|([<>,:;@(])'
    rb'|([^ \t\r\n"\[<>,:;@(]+))',
    re.DOTALL,
)
_COMMENT_PIECE: Final = re.compile(rb"[^()\\]*(\\.|[()]|\\?\Z)", re.DOTALL)
_ESCAPE: Final = re.compile(rb"\\(.)", re.DOTALL)


class AddressError(ProtocolError):
    """The octets are not a mailbox (RFC 5321 §4.1.2), or one of its limits passed."""


@dataclass(frozen=True, slots=True)
class Mailbox:
    """An address mail can be sent to: ``local_part@domain``.

    Values are valid from construction on: no control characters, no length passed, a
    domain that is a host name or an address literal.

    Attributes:
        local_part: What it means, without quotes: ``"a b"@x`` has ``a b``.
        domain: As written, Unicode or A-labels, or ``[192.0.2.1]``.
    """

    local_part: str
    domain: str
    _text: str = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "_text", f"{_quoted(self.local_part)}@{self.domain}")
        if not _PLAIN_LOCAL.fullmatch(self.local_part):
            raise AddressError("a local part is printable and not empty")
        if len(self.local_part.encode()) > LOCAL_PART_MAX_OCTETS:
            raise AddressError("local part longer than 64 octets")
        ascii_domain = self.ascii_domain
        if len(ascii_domain) + len(self.local_part) >= MAILBOX_MAX_OCTETS:
            raise AddressError("address longer than 254 octets")

    @override
    def __str__(self) -> str:
        return self._text

    @classmethod
    def parse(cls, text: str | bytes) -> Self:
        """Return the mailbox ``text`` is, all of it.

        Raises:
            AddressError: It is none.
        """
        # Half a character, which UTF-8 cannot spell, stays one and is refused below.
        octets = (
            text.encode("utf-8", "surrogatepass") if isinstance(text, str) else text
        )
        match = _MAILBOX.fullmatch(octets)
        if match is None:
            raise AddressError("not an address: local-part@domain expected")
        return cls(*_pieces(match))

    @property
    def ascii_domain(self) -> str:
        """The domain in A-labels and lower case: what the DNS is asked for."""
        if self.domain.startswith("["):
            return _literal(self.domain)
        return domain_to_ascii(self.domain)

    @property
    def canonical(self) -> str:
        """The form accounts are matched by: case folded, A-labels.

        Local parts of other hosts are theirs to compare (RFC 5321 §2.4); ours are
        compared without case, as every user expects.
        """
        local = unicodedata.normalize("NFC", self.local_part).casefold()
        return f"{_quoted(local)}@{self.ascii_domain}"

    @property
    def needs_smtputf8(self) -> bool:
        """Whether the local part is not ASCII: a domain can always be A-labels."""
        return not self.local_part.isascii()


def take_mailbox(scanner: Scanner) -> Mailbox:
    """Consume a mailbox (RFC 5321 §4.1.2) and return it.

    Raises:
        AddressError: Something else comes next; nothing was consumed.
    """
    match = _MAILBOX.match(scanner.data, scanner.position)
    if match is None:
        raise AddressError(f"expected local-part@domain at octet {scanner.position}")
    mailbox = _mailbox(match[0])
    scanner.position = match.end()
    return mailbox


@lru_cache(maxsize=_MAILBOXES_MAX)
def _mailbox(octets: bytes) -> Mailbox:
    """Return the mailbox of octets that have its shape: the same few come again.

    Raises:
        AddressError: A limit is passed, or the domain is none.
    """
    match = _MAILBOX.fullmatch(octets)
    if match is None:
        raise AddressError("not an address: local-part@domain expected")
    return Mailbox(*_pieces(match))


def split_subaddress(local_part: str, separator: str = "+") -> tuple[str, str]:
    """Return user and detail of ``user+detail``; the detail may be empty.

    A local part that starts with the separator has no detail, nor has any when
    ``separator`` is empty (RFC 5233 §1: where the separator is, is the site's choice).
    """
    if not separator or local_part.startswith(separator):
        return local_part, ""
    user, _, detail = local_part.partition(separator)
    return user, detail


def domain_to_ascii(text: str) -> str:
    """Return the host name ``text`` in A-labels and lower case.

    Raises:
        AddressError: It is no host name: an empty or too long label, a letter that is
            not allowed, an A-label that decodes to nothing.
    """
    name = text.lower()
    if not name.isascii():
        try:
            name = idna.encode(text, uts46=True).decode("ascii")
        except (idna.IDNAError, UnicodeError) as error:
            raise AddressError("not a host name") from error
    if len(name) > DOMAIN_MAX_OCTETS or not _HOSTNAME.fullmatch(name):
        raise AddressError("not a host name")
    return name


def domain_to_unicode(text: str) -> str:
    """Return the host name ``text`` in U-labels and lower case.

    An A-label that decodes to nothing stays as it is.

    Raises:
        AddressError: It is no host name.
    """
    name = domain_to_ascii(text)
    if "xn--" not in name:
        return name
    return ".".join(map(_label_to_unicode, name.split(".")))


def _label_to_unicode(label: str) -> str:
    if not label.startswith("xn--"):
        return label
    try:
        return idna.decode(label)
    except (idna.IDNAError, UnicodeError):
        return label


def _pieces(match: re.Match[bytes]) -> tuple[str, str]:
    """Return local part and domain of a shape, the local part without quotes."""
    dotted, quoted, domain = match.groups()
    try:
        if dotted is None:
            local = re.sub(r"\\(.)", r"\1", quoted.decode("utf-8"))
        else:
            local = dotted.decode("utf-8")
            if local[0] == "." or local[-1] == "." or ".." in local:
                raise AddressError("a dot at an end of the local part, or two of them")
        return local, domain.decode("utf-8")
    except UnicodeDecodeError as error:
        # RFC 6531 §3.3: octets beyond ASCII are UTF-8 or nothing.
        raise AddressError("address is not UTF-8") from error


def _quoted(local_part: str) -> str:
    if _DOT_STRING.fullmatch(local_part):
        return local_part
    return '"' + _SPECIALS.sub(r"\\\1", local_part) + '"'


def _literal(domain: str) -> str:
    """Return an address literal in lower case (RFC 5321 §4.1.3).

    Raises:
        AddressError: It is no IPv4 and no IPv6 address; no other form is registered.
    """
    inner = domain[1:-1] if domain.endswith("]") else ""
    try:
        if inner[:5].lower() == "ipv6:":
            ipaddress.IPv6Address(inner[5:])
        else:
            ipaddress.IPv4Address(inner)
    except ValueError as error:
        raise AddressError("not an address literal") from error
    return domain.lower()


@dataclass(frozen=True, slots=True)
class HeaderAddress:
    """One address of a header field, its octets as they were written.

    Attributes:
        name: Display name without quotes, encoded words still encoded; may be empty.
        route: Source route (``@a,@b``), obsolete; nearly always empty.
        local_part: Without quotes; empty if there was nothing.
        domain: Empty if there was none.
    """

    name: bytes
    route: bytes
    local_part: bytes
    domain: bytes

    @property
    def mailbox(self) -> Mailbox | None:
        """The address mail can be sent to, or ``None`` if it is not one."""
        try:
            return Mailbox(self.local_part.decode("utf-8"), self.domain.decode("utf-8"))
        except (AddressError, UnicodeDecodeError):
            return None

    @property
    def text(self) -> str:
        """The address for people: ``Name <local@domain>``, decoded."""
        address = self.local_part
        if self.domain:
            address = b"%b@%b" % (address, self.domain)
        if not self.name:
            return decode(address)
        return f"{decode_words(self.name)} <{decode(address)}>"


@dataclass(frozen=True, slots=True)
class HeaderGroup:
    """A named group of addresses (RFC 5322 §3.4): ``Friends: a@b, c@d;``."""

    name: bytes
    members: tuple[HeaderAddress, ...]

    @property
    def text(self) -> str:
        """The group for people, decoded."""
        members = ", ".join(member.text for member in self.members)
        return f"{decode_words(self.name)}: {members};"


def parse_address_list(octets: bytes) -> tuple[HeaderAddress | HeaderGroup, ...]:
    """Return the addresses and groups of a header field's unfolded value.

    Never raises: junk gives fewer addresses, or ones without a domain. Cost: linear.
    """
    parser: _ListParser | None = None
    found: list[HeaderAddress | HeaderGroup] = []
    position, end = 0, len(octets)
    while position < end and len(found) < ADDRESSES_MAX:
        match = _SIMPLE.match(octets, position)
        if match is None:
            parser = parser or _ListParser(octets, found)
            position = parser.parse(position)
            continue
        quoted, phrase, local, domain, bare, bare_domain = match.groups()
        if bare is not None:
            found.append(HeaderAddress(b"", b"", bare, bare_domain))
        else:
            name = phrase.strip() if quoted is None else quoted
            found.append(HeaderAddress(name, b"", local, domain))
        position = match.end()
    return tuple(found)


class _ListParser:
    """The slow way through an address list: groups, comments, routes, quotes, junk."""

    __slots__ = (
        *("_comment", "_data", "_found", "_group", "_members", "_position"),
        "_tokens_left",
    )

    def __init__(self, data: bytes, found: list[HeaderAddress | HeaderGroup]) -> None:
        self._data = data
        self._found = found
        self._position = 0
        self._tokens_left = TOKENS_MAX
        self._group: bytes | None = None
        self._members: list[HeaderAddress] = []
        self._comment = b""

    def parse(self, position: int) -> int:
        """Read one address or group at ``position``; return where the next begins."""
        self._position = position
        self._one()
        while self._group is not None and self._position < len(self._data):
            self._one()
        self._end_group()
        return self._position

    def _one(self) -> None:
        """Read up to the end of one address, or the start or end of a group."""
        words: list[bytes] = []
        address: list[bytes] | None = None
        inside = False
        self._comment = b""
        while (token := self._next()) is not None:
            special, word = token
            if inside:
                inside = special != b">"
                if inside and address is not None:
                    address.append(special or word)
            elif special == b"<":
                address, inside = [], True
            elif special == b":" and self._group is None and address is None:
                self._group = b" ".join(words)
                return
            elif special in {b",", b";"}:
                self._add(words, address)
                if special == b";":
                    self._end_group()
                return
            else:
                words.append(special or word)
        self._add(words, address)

    def _next(self) -> tuple[bytes, bytes] | None:
        """Return the next special or word; comments are kept aside."""
        while self._tokens_left > 0 and (
            match := _TOKEN.match(self._data, self._position)
        ):
            self._tokens_left -= 1
            self._position = match.end()
            quoted, literal, special, atom = match.groups()
            if special == b"(":
                self._take_comment()
                continue
            if quoted is not None:
                return b"", _ESCAPE.sub(rb"\1", quoted)
            return special or b"", literal or atom or b""
        self._position = len(self._data)
        return None

    def _take_comment(self) -> None:
        start, depth = self._position, 1
        while depth and (match := _COMMENT_PIECE.match(self._data, self._position)):
            self._position = match.end()
            if match[1] in {b"(", b")"}:
                depth += 1 if match[1] == b"(" else -1
            elif not match[1].startswith(b"\\") or match.end() == len(self._data):
                break
            if depth > _COMMENT_DEPTH_MAX:
                self._position = len(self._data)
                break
        if not self._comment:
            self._comment = self._data[start : self._position].rstrip(b")").strip()

    def _add(self, words: list[bytes], address: list[bytes] | None) -> None:
        """Note the address made of a phrase and what stood in angle brackets."""
        if address is None:
            # ``user@host (Name)``: the comment was the name before RFC 822.
            name, pieces = self._comment, words
        else:
            name, pieces = b" ".join(words), address
        if not pieces:
            return
        route, pieces = _cut_route(pieces)
        at = len(pieces) - 1 - pieces[::-1].index(b"@") if b"@" in pieces else -1
        if at < 0:
            one = HeaderAddress(name, route, b" ".join(pieces), b"")
        else:
            local, domain = b"".join(pieces[:at]), b"".join(pieces[at + 1 :])
            one = HeaderAddress(name, route, local, domain)
        (self._found if self._group is None else self._members).append(one)

    def _end_group(self) -> None:
        if self._group is not None:
            self._found.append(HeaderGroup(self._group, tuple(self._members)))
            self._group = None
            self._members = []


def _cut_route(pieces: list[bytes]) -> tuple[bytes, list[bytes]]:
    """Return the obsolete source route (RFC 5322 §4.4, obs-route) and the rest."""
    if pieces[0] != b"@" or b":" not in pieces:
        return b"", pieces
    colon = pieces.index(b":")
    return b"".join(pieces[:colon]), pieces[colon + 1 :]
