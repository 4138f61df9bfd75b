"""Arguments of LOGIN, AUTHENTICATE, ENABLE, ID, and of commands without any.

Sans-IO.
Source: RFC 9051 §6.1-§6.3.1 and §9; RFC 4959 (initial response), RFC 2971 (ID).
"""

import base64
import binascii
from dataclasses import dataclass, field
from typing import Final

from pabal.imap.wire.grammar import Reader

ID_FIELDS_MAX: Final = 30
"""Field-value pairs of ID (RFC 2971 §3.3)."""

ID_VALUE_MAX: Final = 1024
"""Octets of a value of ID (RFC 2971 §3.3)."""


@dataclass(frozen=True, slots=True)
class Bare:
    """A command without arguments."""


def parse_bare(reader: Reader) -> Bare:
    """Return that nothing comes; what does come is the caller's to refuse."""
    _ = reader
    return Bare()


@dataclass(frozen=True, slots=True)
class Login:
    """LOGIN."""

    user: bytes
    password: bytes = field(repr=False)


def parse_login(reader: Reader) -> Login:
    """Return the LOGIN whose arguments come next (RFC 9051 §9, login)."""
    reader.sp()
    user = reader.astring("a user name")
    reader.sp()
    return Login(user, reader.astring("a password"))


@dataclass(frozen=True, slots=True)
class Authenticate:
    """AUTHENTICATE.

    Attributes:
        mechanism: In upper case.
        initial: The initial response, decoded; ``None`` if none came.
    """

    mechanism: str
    initial: bytes | None = field(default=None, repr=False)


def parse_authenticate(reader: Reader) -> Authenticate:
    """Return the AUTHENTICATE whose arguments come next (RFC 9051 §9, authenticate)."""
    reader.sp()
    mechanism = reader.word("a mechanism").decode("ascii")
    if not reader.take_sp():
        return Authenticate(mechanism)
    rest = reader.rest
    octets = b"" if rest == b"=" else decode_base64(rest)
    if octets is None:
        raise reader.fail("base64")
    reader.position = len(reader.data)
    return Authenticate(mechanism, octets)


def decode_base64(octets: bytes) -> bytes | None:
    """Return what strict base64 says, ``None`` if it is not."""
    try:
        return base64.b64decode(octets, validate=True)
    except (binascii.Error, ValueError):
        return None


@dataclass(frozen=True, slots=True)
class Enable:
    """ENABLE: capabilities in upper case."""

    capabilities: tuple[bytes, ...]


def parse_enable(reader: Reader) -> Enable:
    """Return the ENABLE whose arguments come next (RFC 9051 §9, enable)."""
    reader.sp()
    names = [reader.word("a capability")]
    while reader.take_sp():
        names.append(reader.word("a capability"))
    return Enable(tuple(names))


@dataclass(frozen=True, slots=True)
class Compress:
    """COMPRESS: the mechanism in upper case."""

    mechanism: bytes


def parse_compress(reader: Reader) -> Compress:
    """Return the COMPRESS whose arguments come next (RFC 4978 §5)."""
    reader.sp()
    return Compress(reader.word("a mechanism"))


LANGUAGES_MAX: Final = 20
"""Language ranges in one LANGUAGE."""


@dataclass(frozen=True, slots=True)
class Languages:
    """LANGUAGE: language ranges, the best first; none: which are there."""

    ranges: tuple[bytes, ...]


def parse_languages(reader: Reader) -> Languages:
    """Return the LANGUAGE whose arguments come next (RFC 5255 §3.5)."""
    ranges: list[bytes] = []
    while reader.take_sp():
        ranges.append(reader.astring("a language"))
        if len(ranges) > LANGUAGES_MAX:
            raise reader.fail("fewer languages")
    return Languages(tuple(ranges))


COMPARATORS_MAX: Final = 20
"""Patterns in one COMPARATOR."""


@dataclass(frozen=True, slots=True)
class Comparators:
    """COMPARATOR: patterns of comparators, the best first; none: which is active."""

    patterns: tuple[bytes, ...]


def parse_comparators(reader: Reader) -> Comparators:
    """Return the COMPARATOR whose arguments come next (RFC 5255 §4.10)."""
    patterns: list[bytes] = []
    while reader.take_sp():
        patterns.append(reader.astring("a comparator"))
        if len(patterns) > COMPARATORS_MAX:
            raise reader.fail("fewer comparators")
    return Comparators(tuple(patterns))


@dataclass(frozen=True, slots=True)
class Identify:
    """ID: what the client says it is; empty for NIL."""

    fields: tuple[tuple[bytes, bytes | None], ...]


def parse_id(reader: Reader) -> Identify:
    """Return the ID whose arguments come next (RFC 2971 §4)."""
    reader.sp()
    if reader.peek() != ord("("):
        if not reader.take_word(b"NIL"):
            raise reader.fail("a list or NIL")
        return Identify(())

    def pair() -> tuple[bytes, bytes | None]:
        name = reader.string()
        reader.sp()
        return name, reader.nstring()

    pairs = reader.list_of(pair, "fields")
    if len(pairs) > ID_FIELDS_MAX or any(
        len(value or b"") > ID_VALUE_MAX for _, value in pairs
    ):
        raise reader.fail("fewer and shorter fields")
    return Identify(tuple(pairs))
