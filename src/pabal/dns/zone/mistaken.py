"""Wrong data in the words of people. Sans-IO."""

import ipaddress
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final

from pabal.dns.zone.entry import Token

STRING_MAX_OCTETS: Final = 255
"""RFC 1035 §3.3."""

_SHORT_MAX: Final = 0xFFFF
_LONG_MAX: Final = 0xFFFF_FFFF
TIME_MAX_S: Final = 0x7FFF_FFFF
"""RFC 2181 §8: a time is at most this many seconds."""

_TEXT: Final = 0
"""A word that is no number."""

_TIMED: Final = re.compile(r"(?:[0-9]+[wdhms])*[0-9]+[wdhms]?", re.IGNORECASE)
"""Seconds, or with units."""


@dataclass(frozen=True, slots=True)
class _Form:
    """What a record of a type consists of.

    Attributes:
        words: The name of each, and the greatest number; 0: it is none.
        goes_on: Whether the last may come in several words.
        example: Of the whole.
    """

    words: tuple[tuple[str, int], ...]
    example: str
    goes_on: bool = False


_HOST: Final = _Form((("name", _TEXT),), "host")

_FORMS: Final[Mapping[str, _Form]] = MappingProxyType(
    {
        "A": _Form((("address", _TEXT),), "192.0.2.1"),
        "AAAA": _Form((("address", _TEXT),), "2001:db8::1"),
        "NS": _HOST,
        "CNAME": _HOST,
        "PTR": _HOST,
        "DNAME": _HOST,
        "MX": _Form((("preference", _SHORT_MAX), ("host", _TEXT)), "10 mail"),
        "SRV": _Form(
            (
                ("priority", _SHORT_MAX),
                ("weight", _SHORT_MAX),
                ("port", _SHORT_MAX),
                ("host", _TEXT),
            ),
            "0 1 5060 host",
        ),
        "SOA": _Form(
            (
                ("primary server", _TEXT),
                ("keeper's mail address", _TEXT),
                ("serial number", _LONG_MAX),
                ("refresh", TIME_MAX_S),
                ("retry", TIME_MAX_S),
                ("expire", TIME_MAX_S),
                ("minimum", TIME_MAX_S),
            ),
            "ns hostmaster 2024010101 7200 3600 1209600 300",
        ),
        "CAA": _Form(
            (("flags", 255), ("tag", _TEXT), ("value", _TEXT)), '0 issue "ca.example"'
        ),
        "DS": _Form(
            (
                ("key tag", _SHORT_MAX),
                ("algorithm", _TEXT),
                ("digest type", _TEXT),
                ("digest", _TEXT),
            ),
            "12345 13 2 <64 digits>",
            goes_on=True,
        ),
        "DNSKEY": _Form(
            (
                ("flags", _SHORT_MAX),
                ("protocol", 255),
                ("algorithm", _TEXT),
                ("key", _TEXT),
            ),
            "257 3 13 <base 64>",
            goes_on=True,
        ),
        "TLSA": _Form(
            (("usage", 255), ("selector", 255), ("matching", 255), ("data", _TEXT)),
            "3 1 1 <64 digits>",
            goes_on=True,
        ),
    }
)

_TIMES: Final = frozenset(("refresh", "retry", "expire", "minimum"))

_DIGEST_DIGITS: Final[Mapping[str, int]] = MappingProxyType({"1": 40, "2": 64, "4": 96})
"""Hexadecimal digits of a digest by its type (RFC 4509, RFC 6605)."""


@dataclass(frozen=True, slots=True)
class Wrong:
    """A mistake.

    Attributes:
        reason: What is wrong.
        fix: What to do about it; may be empty.
        word: Which word of the data it is, from 0; ``None``: not known.
    """

    reason: str
    fix: str = ""
    word: int | None = None


def why_no_address(text: str) -> str:
    """Return what is wrong with something that should be an address."""
    parts = text.split(".")
    if len(parts) == 4 and all(p.isascii() and p.isdigit() for p in parts):
        large = [p for p in parts if len(p) > 3 or int(p) > 255]
        if large:
            return f"{text} is not an address: {large[0]} is more than 255"
        return f"{text} is not an address: numbers have no leading zeros"
    if re.fullmatch(r"[0-9.]+", text) and len(parts) != 4:
        return f"`{text}` is not an address: it needs four numbers"
    for sign, what in (("/", "length of a prefix"), (":", "port")):
        address, found, rest = text.rpartition(sign)
        if found and rest.isdigit() and is_address(address):
            return f"`{text}` is not an address: it has no {what}"
    return f"`{text}` is not an address"


def wrong_data(word: str, tokens: Sequence[Token], error: Exception) -> Wrong:
    """Return what is wrong with the data of a record, and what to do.

    Args:
        word: The record's type.
        tokens: Its data.
        error: What a parser of all types says.
    """
    kind = word.upper()
    texts = [token.text for token in tokens]
    first = texts[0] if texts else ""
    if kind in {"A", "AAAA"} and len(tokens) == 1:
        other = "AAAA" if kind == "A" else "A"
        if is_address(first):
            return Wrong(f"{first} is an address of the other family", f"write {other}")
        return Wrong(why_no_address(first))
    if kind == "MX" and len(tokens) == 1 and not first.isdigit():
        return Wrong(
            "MX has a preference before its host", f"did you mean `MX 10 {first}`?"
        )
    return (
        _against(kind, texts, _FORMS.get(kind))
        or _long_string(texts)
        or Wrong(f"wrong data for {kind}: {str(error) or type(error).__name__}")
    )


def _against(kind: str, texts: Sequence[str], form: _Form | None) -> Wrong | None:
    """Return what is wrong with ``texts`` if they have not the form of the type."""
    if form is None or "\\#" in texts:
        return None
    for place, ((name, most), text) in enumerate(zip(form.words, texts, strict=False)):
        wrong = _number(name, most, text) if most else None
        if wrong is not None:
            fix = wrong.fix or f"like `{kind} {form.example}`"
            return Wrong(wrong.reason, fix, place)
    if len(texts) < len(form.words):
        lacking = form.words[len(texts)][0]
        reason = f"{kind} lacks its {lacking}"
        return Wrong(reason, f"like `{kind} {form.example}`", len(texts) - 1)
    if len(texts) > len(form.words) and not form.goes_on:
        return _too_much(kind, texts[len(form.words)], form)
    if kind == "DS":
        digits, wanted = sum(map(len, texts[3:])), _DIGEST_DIGITS.get(texts[2])
        if wanted is not None and digits != wanted:
            reason = f"a digest of type {texts[2]} has {wanted} digits, not {digits}"
            return Wrong(reason, "copy all of it", 3)
    return None


def _number(name: str, most: int, text: str) -> Wrong | None:
    if name in _TIMES and _TIMED.fullmatch(text) and not text.isdigit():
        return None
    if not (text.isascii() and text.isdigit()):
        kept = text.rstrip(",;")
        if kept != text and kept.isdigit():
            return Wrong(
                f"a blank separates words, not `{text[-1]}`", f"write `{kept}`"
            )
        fix = (
            "write its digits without signs between" if name == "serial number" else ""
        )
        return Wrong(f"`{text}` is not a number: here is the {name}", fix)
    if len(text) > len(str(_LONG_MAX)) or int(text) > most:
        fix = "as YYYYMMDDnn it has ten digits" if name == "serial number" else ""
        return Wrong(f"the {name} is at most {most}", fix)
    return None


def _too_much(kind: str, text: str, form: _Form) -> Wrong:
    place = len(form.words)
    if kind in {"A", "AAAA"} and is_address(text):
        fix = "write a line for each address"
    elif text.startswith(("#", "//")):
        fix = "a comment begins with `;`"
    else:
        fix = "remove it, or put `;` before it if it is a comment"
    return Wrong(f"`{text}` is too much: {kind} ends before it", fix, place)


def _long_string(texts: Sequence[str]) -> Wrong | None:
    for place, text in enumerate(texts):
        octets = len(text.strip('"').encode("utf-8", "replace"))
        if octets > STRING_MAX_OCTETS:
            reason = (
                f"a string has at most {STRING_MAX_OCTETS} octets, this has {octets}"
            )
            return Wrong(reason, 'cut it in two: "…" "…" is read as one text', place)
    return None


def is_address(text: str) -> bool:
    """Return whether ``text`` is an address."""
    try:
        ipaddress.ip_address(text)
    except ValueError:
        return False
    return True


def doubts(
    owner: str, kind: str, tokens: Sequence[Token], line: str
) -> Sequence[tuple[Token | None, str, str]]:
    """Return what can be read but hardly was meant: where, why, what to do.

    Args:
        owner: As written; empty: that of the line before.
        kind: The type's mnemonic in capitals.
        tokens: The data.
        line: The line that the last of ``tokens`` stands in.

    Returns:
        ``None`` for the owner's place.
    """
    found: list[tuple[Token | None, str, str]] = []
    if "@" in owner and owner != "@" and "\\@" not in owner:
        found.append(_at_sign(None, owner))
    if "*" in owner.removeprefix("*."[: len(owner)]) and owner != "*":
        reason = f"`*` in `{owner}` is an ordinary letter"
        fix = "a wildcard is `*` alone, as the first label (RFC 4592 §2.1.1)"
        found.append((None, reason, fix))
    if kind == "TXT":
        found += _text_doubts(tokens, line)
    elif kind in _POINTING:
        found += _name_doubts(kind, tokens)
    return found


_POINTING: Final = frozenset(
    ("CNAME", "DNAME", "MX", "NS", "PTR", "SOA", "SRV", "ALIAS")
)
"""Types that hold names, the last word or, of an SOA, the first two."""

QUOTES: Final = "\u2018\u2019\u201c\u201d\u201e\u00ab\u00bb"
"""Those of text processors."""


def _text_doubts(
    tokens: Sequence[Token], line: str
) -> Sequence[tuple[Token | None, str, str]]:
    last = tokens[-1] if tokens else None
    if last is None:
        return ()
    for token in tokens:
        if token.text[0] in QUOTES:
            reason = f"`{token.text[0]}` is part of the text, not a quotation mark"
            return ((token, reason, 'write `"` on both sides'),)
    rest = line[last.column - 1 + len(last.text) :].lstrip()
    is_bare = not any(token.text.startswith('"') for token in tokens)
    if is_bare and re.match(r";\s*[A-Za-z]+=", rest):
        reason = "the text ends here: what follows `;` is a comment"
        return ((last, reason, f'write "{last.text}; …" with all of it in quotes'),)
    return ()


def _name_doubts(
    kind: str, tokens: Sequence[Token]
) -> Sequence[tuple[Token | None, str, str]]:
    found: list[tuple[Token | None, str, str]] = []
    for token in tokens[:2] if kind == "SOA" else tokens[-1:]:
        text = token.text
        if kind == "SOA" and token is tokens[1] and "@" in text.strip("@"):
            name, _, domain = text.partition("@")
            meant = f"{name}.{domain.rstrip('.')}."
            reason = "the `@` of a mail address is written as a dot here"
            found.append((token, reason, f"did you mean `{meant}`?"))
        elif "@" in text and text != "@" and "\\@" not in text:
            found.append(_at_sign(token, text))
        elif "/" in text:
            host = text.split("//")[-1].split("/")[0]
            reason = f"`{text}` is a URL, and a record points to a name"
            found.append((token, reason, f"did you mean `{host.rstrip('.')}.`?"))
        elif kind in {"CNAME", "DNAME", "PTR", "ALIAS"} and is_address(text):
            reason = f"{kind} points to a name, not to an address"
            fix = f"did you mean `A {text}`?" if kind == "CNAME" else ""
            found.append((token, reason, fix))
    return found


def _at_sign(token: Token | None, text: str) -> tuple[Token | None, str, str]:
    rest = text.replace("@", "").strip(".")
    fix = f"write `@` alone, or `{rest}`" if rest else "write `@` alone"
    return token, f"`@` stands for the zone's name only alone, not in `{text}`", fix
