"""The common lines of master files, read without an object for any word.

Sans-IO. What a line says here, it says to the careful reader too: a line that is not
one record of a common type in its plainest form is left to that one, with its mistakes.
Linear in the characters.

Source: RFC 1035 §5.1 (format), RFC 3596 §2.4 (AAAA), RFC 2782 (SRV), RFC 8659 §4.1
(CAA), RFC 4034 §5.3 (DS), RFC 4291 §2.2 (addresses).
"""

import re
from collections.abc import Callable, Mapping
from struct import Struct
from types import MappingProxyType
from typing import Final, Protocol

from typing_extensions import override

from pabal.dns.wire import codes
from pabal.dns.wire.name import NAME_MAX_OCTETS, is_below
from pabal.dns.zone.gathering import Gathering
from pabal.dns.zone.mistaken import QUOTES

_WORD: Final = r"""(?:"[^"\\]*"|[^\s;()"\\]+)"""

LINE: Final = re.compile(
    r"([A-Za-z0-9_*@.-]+)?[ \t]+(?:([0-9]+)[ \t]+)?(?:[Ii][Nn][ \t]+)?"
    r"(?:([0-9]+)[ \t]+)?([A-Za-z]+)[ \t]+"
    rf"({_WORD}(?:[ \t]+{_WORD})*)[ \t\r]*(?:;.*)?"
)
"""Owner, TTL, TTL, type, RDATA."""

_WORDS: Final = re.compile(r'"([^"]*)"|([^ \t"]+)')

PLAIN_NAME: Final = re.compile(r"[A-Za-z0-9_*-]+(?:\.[A-Za-z0-9_*-]+)*\.?")

_WILD: Final = re.compile(r"\*(?:\.[^*]*)?")

_CURLY: Final = re.compile(f"[{QUOTES}]")

_ADDRESS: Final = re.compile(r"(?:[0-9]{1,3}\.){3}[0-9]{1,3}")
_DIGITS: Final = frozenset("0123456789")

_TTL_MAX_DIGITS: Final = 9
"""More digits may be more than RFC 2181 §8 allows."""

_LENGTHS: Final = tuple(bytes((octets,)) for octets in range(64))
_OCTETS: Final = {str(octet): octet for octet in range(256)}

_KNOWN_NAMES_MAX: Final = 4096
"""Targets remembered: many records point to few hosts."""

_STRING_MAX_OCTETS: Final = 255
"""RFC 1035 §3.3."""

_DIGEST_OCTETS: Final = {1: 20, 2: 32, 4: 48}
"""Digest types of DS (RFC 4509, RFC 6605)."""

_SHORT: Final = Struct("!H")
_SRV: Final = Struct("!HHH")
_DS: Final = Struct("!HBB")
_TIMERS: Final = Struct("!IIIII")


class Names(Protocol):
    """Completes names that are not absolute."""

    def name(self, text: str) -> bytes:
        """Return the wire name of ``text``; raises ValueError if it is not plain."""
        ...


class PlainLines(Names):
    """Reads lines of one file.

    Attributes:
        owner: The owner of the record before, a wire name; ``None`` before the first.
        ttl_s: The $TTL, seconds, if there was one.
        stated_s: The TTL of the record before, seconds; ``None`` before the first.
        suspects: Lines whose last word is a relative name that ends in the zone's.
    """

    def __init__(self, zone: bytes, gathering: Gathering, suspects: set[int]) -> None:
        self._zone = zone
        self._tail = ".".join(_texts(zone))
        self._gathering = gathering
        self._origin = zone
        self._inside = True
        self._names: dict[str, bytes] = {}
        self.owner: bytes | None = None
        self.ttl_s: int | None = None
        self.stated_s: int | None = None
        self.suspects = suspects

    def set_origin(self, origin: bytes) -> None:
        """Complete relative names by ``origin``, a wire name, from now on."""
        self._origin = origin
        self._inside = is_below(origin.lower(), self._zone)
        self._names.clear()

    def take(self, text: str, line: int) -> bool:
        """Take the record of ``text``; ``False`` if it needs the careful reader."""
        found = LINE.fullmatch(text)
        if found is None:
            return False
        owner, early, late, word, rest = found.groups()
        kind = KINDS.get(word)
        if kind is None:
            return False
        rdtype, parse = kind
        try:
            ttl_s = self._ttl(early, late)
            wire = self._owner(owner)
            rdata = parse(self, rest)
        except (LookupError, ValueError):
            return False
        self.owner, self.stated_s = wire, ttl_s
        self._gathering.add(wire, rdtype, ttl_s, line, rdata)
        if rdtype in _NAMED:
            self._suspect(rest, line)
        return True

    def _ttl(self, early: str | None, late: str | None) -> int:
        ttl_s = seconds(early, late)
        if ttl_s is None:
            ttl_s = self.stated_s if self.ttl_s is None else self.ttl_s
            if ttl_s is None:
                raise ValueError
        return ttl_s

    def _owner(self, text: str | None) -> bytes:
        if text is None:
            if self.owner is None:
                raise ValueError
            return self.owner
        wire = owner_name(text, self._origin)
        relative = text[-1] != "."
        if not (self._inside if relative else is_below(wire.lower(), self._zone)):
            raise ValueError
        return wire

    @override
    def name(self, text: str) -> bytes:
        """Return the wire name of ``text``; raises ValueError if it is not plain."""
        wire = self._names.get(text)
        if wire is None:
            if text != "@" and not PLAIN_NAME.fullmatch(text):
                raise ValueError
            wire = wire_name(text, self._origin)
            if len(self._names) >= _KNOWN_NAMES_MAX:
                self._names.clear()
            self._names[text] = wire
        return wire

    def _suspect(self, rest: str, line: int) -> None:
        if rest[-1] != "." and self._tail and rest.lower().endswith(self._tail):
            self.suspects.add(line)


def seconds(early: str | None, late: str | None) -> int | None:
    """Return the TTL of a record that says it before its class, behind it or nowhere.

    Raises:
        ValueError: It says it twice, or more than there can be.
    """
    text = early or late
    if text is None:
        return None
    if (early and late) or len(text) > _TTL_MAX_DIGITS:
        raise ValueError
    return int(text)


def _texts(wire: bytes) -> list[str]:
    """Return the labels of a folded name."""
    labels = []
    position = 0
    while length := wire[position]:
        labels.append(wire[position + 1 : position + 1 + length].decode("latin-1"))
        position += length + 1
    return labels


def owner_name(text: str, origin: bytes) -> bytes:
    """Return the same for the name of a record; raises if it is hardly meant so."""
    if ("@" in text and text != "@") or ("*" in text and not _WILD.fullmatch(text)):
        raise ValueError
    return wire_name(text, origin)


def wire_name(text: str, origin: bytes) -> bytes:
    """Return a name without escapes as octets; raises if it is none."""
    if text == "@":
        return origin
    labels = text.encode("ascii").split(b".")
    tail = origin
    if not labels[-1]:
        labels.pop()
        tail = b"\x00"
    wire = b"".join([_LENGTHS[len(label)] + label for label in labels]) + tail
    if b"" in labels or len(wire) > NAME_MAX_OCTETS:
        raise ValueError
    return wire


def _a(_: Names, text: str) -> bytes:
    first, second, third, fourth = text.split(".")
    octets = _OCTETS
    return bytes((octets[first], octets[second], octets[third], octets[fourth]))


def _aaaa(_: Names, text: str) -> bytes:
    head, gap, tail = text.partition("::")
    first = head.split(":") if head else []
    last = tail.split(":") if tail else []
    missing = 8 - len(first) - len(last)
    if "" in first or "" in last or (missing < 1 if gap else missing):
        raise ValueError
    groups = [group.zfill(4) for group in first]
    groups += ["0000"] * missing
    groups += [group.zfill(4) for group in last]
    digits = "".join(groups)
    address = bytes.fromhex(digits)
    # fromhex overlooks blanks: in eight groups of four digits there is room for none.
    if len(digits) != 32 or len(address) != 16 or not text.isascii():
        raise ValueError
    return address


def _target(names: Names, text: str) -> bytes:
    if text[-1] in _DIGITS and _ADDRESS.fullmatch(text):
        raise ValueError  # hardly meant as a name
    return names.name(text)


def _mx(names: Names, text: str) -> bytes:
    preference, host = text.split()
    return _SHORT.pack(_number(preference, 0xFFFF)) + names.name(host)


def _srv(names: Names, text: str) -> bytes:
    *words, host = text.split()
    if len(words) != 3:
        raise ValueError
    numbers = (_number(word, 0xFFFF) for word in words)
    return _SRV.pack(*numbers) + names.name(host)


def _txt(_: Names, text: str) -> bytes:
    curly = not text.isascii() and _CURLY.search(text)
    if curly or ("=" in text and '"' not in text):
        raise ValueError  # perhaps it is not what was meant
    return b"".join([_string(word) for word in _strings(text)])


def _caa(_: Names, text: str) -> bytes:
    flags, tag, value = _strings(text)
    if not (tag.isascii() and tag.isalnum()) or tag not in text.split():
        raise ValueError
    return bytes((_number(flags, 255),)) + _string(tag) + value.encode()


def _ds(_: Names, text: str) -> bytes:
    key, algorithm, digest_type, *digest = text.split()
    kind = _number(digest_type, 255)
    octets = bytes.fromhex("".join(digest))
    if len(octets) != _DIGEST_OCTETS[kind]:
        raise ValueError
    return _DS.pack(_number(key, 0xFFFF), _number(algorithm, 255), kind) + octets


def _soa(names: Names, text: str) -> bytes:
    primary, keeper, serial, *words = text.split()
    if len(words) != 4:
        raise ValueError
    timers = (_number(word, 0x7FFF_FFFF) for word in words)
    numbers = _TIMERS.pack(_number(serial, 0xFFFF_FFFF), *timers)
    return names.name(primary) + names.name(keeper) + numbers


def _strings(text: str) -> list[str]:
    return [quoted or bare for quoted, bare in _WORDS.findall(text)]


def _string(word: str) -> bytes:
    octets = word.encode()
    if len(octets) > _STRING_MAX_OCTETS:
        raise ValueError
    return bytes((len(octets),)) + octets


def _number(text: str, most: int) -> int:
    if not (text.isascii() and text.isdigit()) or (number := int(text)) > most:
        raise ValueError
    return number


_Parse = Callable[[Names, str], bytes]
"""Returns the RDATA of the words; LookupError and ValueError say: not plain."""

_NAMED: Final = frozenset(
    (codes.NS, codes.CNAME, codes.PTR, codes.DNAME, codes.MX, codes.SRV)
)
"""Types whose last word is a name."""

_COMMON: Final[Mapping[str, tuple[int, _Parse]]] = {
    "A": (codes.A, _a),
    "AAAA": (codes.AAAA, _aaaa),
    "NS": (codes.NS, _target),
    "CNAME": (codes.CNAME, _target),
    "PTR": (codes.PTR, _target),
    "DNAME": (codes.DNAME, _target),
    "MX": (codes.MX, _mx),
    "SRV": (codes.SRV, _srv),
    "TXT": (codes.TXT, _txt),
    "CAA": (codes.CAA, _caa),
    "DS": (codes.DS, _ds),
    "SOA": (codes.SOA, _soa),
}

KINDS: Final[Mapping[str, tuple[int, _Parse]]] = MappingProxyType(
    {**_COMMON, **{word.lower(): kind for word, kind in _COMMON.items()}}
)
"""By mnemonic, as people write it."""
