"""The kinds of values in a named.conf: what fits, and how a wrong one is explained.

Sans-IO. Source: the value types that BIND 9.18's reference manual names.
"""

import base64
import binascii
import ipaddress
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final

from pabal.config.named.lexer import Kind, Token
from pabal.config.problem import did_you_mean
from pabal.dns.zone.mistaken import why_no_address

INTEGER_MAX: Final = 0xFFFF_FFFF
"""Numbers are unsigned and have 32 bits."""

PORT_MAX: Final = 65_535
"""Ports have 16 bits."""

_DIGITS: Final = re.compile(r"[0-9]{1,10}")
_SIZE: Final = re.compile(r"[0-9]{1,19}[kKmMgG]?")
_PERCENT: Final = re.compile(r"[0-9]{1,9}%")
_FIXED: Final = re.compile(r"[0-9]{1,5}(?:\.[0-9]{0,2})?|\.[0-9]{1,2}")
_TTL: Final = re.compile(r"(?:[0-9]{1,10}[wdhmsWDHMS])+|[0-9]{1,10}")
_ISO: Final = re.compile(
    r"[Pp](?=.)(?:[0-9]+[Yy])?(?:[0-9]+[Mm])?(?:[0-9]+[Ww])?(?:[0-9]+[Dd])?"
    r"(?:[Tt](?=.)(?:[0-9]+[Hh])?(?:[0-9]+[Mm])?(?:[0-9]+[Ss])?)?"
)
_SHORT_NETWORK: Final = re.compile(r"([0-9]{1,3}(?:\.[0-9]{1,3}){0,2})/([0-9]{1,2})")
_ADDRESS_LIKE: Final = re.compile(
    r"[0-9]+(?:\.[0-9]+)+(?:/.*)?|[0-9]+(?:/.*)?|[0-9A-Fa-f]*:.*:.*"
)

_OTHER_QUOTES: Final = "'`´‘’‚“”„«»"
_WITH_PORT: Final = re.compile(r"\[?([0-9.]+|[0-9A-Fa-f:]+(?=\]))\]?:([0-9]{1,5})")
_HOST_LIKE: Final = re.compile(r"[A-Za-z0-9_-]+(?:\.[A-Za-z0-9_-]+)*\.?")

BOOLEANS: Final = ("yes", "no", "true", "false", "1", "0")


@dataclass(frozen=True, slots=True)
class Misfit:
    """Why a value does not fit, and what to write."""

    reason: str
    suggestion: str = ""


@dataclass(frozen=True, slots=True)
class ValueKind:
    """One kind of value.

    Attributes:
        says: What belongs there: ``yes or no``.
        example: How it may look.
        fits: Whether a word is one.
        explain: Says more about a word that is none; may have nothing to say.
    """

    says: str
    example: str
    fits: Callable[[Token], bool]
    explain: Callable[[Token], Misfit | None]


def _nothing(token: Token) -> Misfit | None:
    del token
    return None


def _is_bare(pattern: re.Pattern[str]) -> Callable[[Token], bool]:
    return lambda token: (
        token.kind is Kind.WORD and pattern.fullmatch(token.text) is not None
    )


def _is_boolean(token: Token) -> bool:
    return token.kind is Kind.WORD and token.text.lower() in BOOLEANS


def _explain_boolean(token: Token) -> Misfit | None:
    if token.kind is Kind.TEXT and token.text.lower() in BOOLEANS:
        return Misfit("yes and no stand without quotes", f"write {token.text}")
    right = {"on": "yes", "off": "no", "enable": "yes", "disable": "no"}
    word = right.get(token.text.lower())
    hint = f"did you mean `{word}`?" if word else did_you_mean(token.text, BOOLEANS)
    return Misfit(f"`{token.text}` is neither yes nor no", hint or "write yes or no")


def _is_integer(token: Token) -> bool:
    return _is_bare(_DIGITS)(token) and int(token.text) <= INTEGER_MAX


def _explain_integer(token: Token) -> Misfit | None:
    if token.kind is Kind.TEXT and _DIGITS.fullmatch(token.text):
        return Misfit("a number stands without quotes", f"write {token.text}")
    if token.text.isascii() and token.text.isdigit():
        return Misfit(f"{token.text} is too large", f"at most {INTEGER_MAX}")
    return Misfit(f"`{token.text}` is not a number")


def _is_port(token: Token) -> bool:
    return _is_integer(token) and int(token.text) <= PORT_MAX


def _explain_port(token: Token) -> Misfit | None:
    if _is_integer(token):
        return Misfit(f"{token.text} is not a port", f"a port is at most {PORT_MAX}")
    return _explain_integer(token)


def _is_duration(token: Token) -> bool:
    fits = _TTL.fullmatch(token.text) or _ISO.fullmatch(token.text)
    return token.kind is Kind.WORD and fits is not None


def _explain_duration(token: Token) -> Misfit | None:
    return Misfit(f"`{token.text}` is not a length of time", "like 3600, 1h30m or P1D")


def _is_text(token: Token) -> bool:
    return token.kind is Kind.TEXT or (token.is_word and "/" not in token.text)


def _explain_text(token: Token) -> Misfit | None:
    return Misfit("a text with `/` needs quotes", f'write "{token.text}"')


def _is_quoted(token: Token) -> bool:
    return token.kind is Kind.TEXT


def _explain_quoted(token: Token) -> Misfit | None:
    bare = token.text.strip(_OTHER_QUOTES)
    if bare != token.text:
        straight = "" if token.text.isascii() else "straight "
        return Misfit(f"only {straight}double quotes make a text", f'write "{bare}"')
    return Misfit("this text needs quotes", f'write "{token.text}"')


def is_ip(text: str, version: int = 0) -> bool:
    """Return whether ``text`` is an IP address; IPv6 may name an interface."""
    try:
        return version in {0, ipaddress.ip_address(text).version}
    except ValueError:
        return False


def _is_ip(version: int) -> Callable[[Token], bool]:
    return lambda token: token.kind is Kind.WORD and is_ip(token.text, version)


def _explain_ip(token: Token) -> Misfit | None:
    if token.kind is Kind.TEXT and is_ip(token.text):
        return Misfit("an address stands without quotes", f"write {token.text}")
    if is_ip(token.text):
        return Misfit(f"{token.text} is an address of the other family")
    return Misfit(why_no_address(token.text), _instead_of(token.text))


def _instead_of(text: str) -> str:
    """Return what to write where an address belongs; empty: nobody knows."""
    with_port = _WITH_PORT.fullmatch(text)
    if with_port and is_ip(with_port[1]):
        return f"write {with_port[1]} port {with_port[2]}"
    address = text.partition("/")[0]
    if address != text and is_ip(address):
        return f"write {address}"
    is_host = _HOST_LIKE.fullmatch(text) and not text.replace(".", "").isdigit()
    return "write its address: names are not looked up here" if is_host else ""


def looks_like_address(text: str) -> bool:
    """Return whether somebody meant an address or a network."""
    return _ADDRESS_LIKE.fullmatch(text) is not None


def network_of(text: str) -> ipaddress.IPv4Network | ipaddress.IPv6Network:
    """Return the network a text means; ``10/8`` is ``10.0.0.0/8``.

    Raises:
        ValueError: It is none; says why.
    """
    address, slash, length = _whole(text).partition("/")
    if not is_ip(address):
        raise ValueError(why_no_address(address))
    if slash and not _DIGITS.fullmatch(length):
        raise ValueError(f"`{length}` is not the length of a prefix")
    return ipaddress.ip_network(address + slash + length)


def _whole(text: str) -> str:
    """Return a network with all four numbers and without an interface."""
    short = _SHORT_NETWORK.fullmatch(text)
    if short:
        numbers = short[1].split(".") + ["0"] * 3
        return ".".join(numbers[:4]) + "/" + short[2]
    address, slash, length = text.partition("/")
    return address.partition("%")[0] + slash + length


def network_misfit(text: str) -> Misfit | None:
    """Return what is wrong with an address or network; nothing if all is well."""
    try:
        network_of(text)
    except ValueError as error:
        return _explain_network(_whole(text), str(error))
    return None


def _explain_network(text: str, why: str) -> Misfit:
    address, _, length = text.partition("/")
    if "host bits set" in why:
        right = ipaddress.ip_network(text, strict=False)
        reason = f"{address} has more digits than a prefix of {length} bits keeps"
        return Misfit(reason, f"write {right}")
    if is_ip(address):
        most = ipaddress.ip_address(address).max_prefixlen
        return Misfit(f"`/{length}` is not the length of a prefix", f"0 to {most}")
    return Misfit(why)


def _is_network(token: Token) -> bool:
    return token.kind is Kind.WORD and network_misfit(token.text) is None


def _explain_network_token(token: Token) -> Misfit | None:
    return network_misfit(token.text) or Misfit("a network stands without quotes")


def _is_base64(token: Token) -> bool:
    try:
        data = base64.b64decode("".join(token.text.split()), validate=True)
    except (binascii.Error, ValueError):
        return False
    return bool(data)


def _explain_base64(token: Token) -> Misfit | None:
    del token  # a secret: never shown in words
    return Misfit("this secret is not base64", "make one: tsig-keygen NAME")


_EVERYTHING: Final = re.compile(r"\*")

KINDS: Final[Mapping[str, ValueKind]] = MappingProxyType(
    {
        "boolean": ValueKind("yes or no", "yes", _is_boolean, _explain_boolean),
        "integer": ValueKind("a number", "10", _is_integer, _explain_integer),
        "port": ValueKind("a port", "53", _is_port, _explain_port),
        "percent": ValueKind("a percentage", "90%", _is_bare(_PERCENT), _nothing),
        "fixed": ValueKind("a number like 0.5", "0.5", _is_bare(_FIXED), _nothing),
        "size": ValueKind("a size like 64M", "64M", _is_bare(_SIZE), _nothing),
        "duration": ValueKind(
            "a length of time", "1h", _is_duration, _explain_duration
        ),
        "text": ValueKind("a text", '"text"', _is_text, _explain_text),
        "quoted": ValueKind("a text in quotes", '"text"', _is_quoted, _explain_quoted),
        "ipv4": ValueKind("an IPv4 address", "192.0.2.1", _is_ip(4), _explain_ip),
        "ipv6": ValueKind("an IPv6 address", "2001:db8::1", _is_ip(6), _explain_ip),
        "address": ValueKind("an IP address", "192.0.2.1", _is_ip(0), _explain_ip),
        "network": ValueKind(
            "a network", "192.0.2.0/24", _is_network, _explain_network_token
        ),
        "base64": ValueKind("base64", "c2VjcmV0", _is_base64, _explain_base64),
        "any": ValueKind("*", "*", _is_bare(_EVERYTHING), _nothing),
    }
)
"""Every kind by its name in the notation of ``pabal.config.named.grammar``."""
