"""Small zones of the plainest lines, made at once: there may be a hundred thousand.

Sans-IO. What is right is taken here with little work a line; whatever might be wrong,
or is said in a less common way, is left to the careful way (``load``), which gives the
same zone, and finds words for what is wrong. Lines are remembered: the zones of one
owner are much alike.

Source: RFC 1035 §5.1 (format), RFC 2181 §5 (sets), §10 (aliases), RFC 4592 §2.2 (empty
non-terminals).
"""

import re
from collections.abc import Iterable
from typing import Final, NamedTuple

from typing_extensions import override

from pabal.dns.wire import codes
from pabal.dns.wire.name import NAME_MAX_OCTETS, is_below
from pabal.dns.zone.check import TTL_LONG_S, expires_early
from pabal.dns.zone.packed import HEAD, Nodes, has_type, is_single, walk
from pabal.dns.zone.plain import (
    KINDS,
    LINE,
    PLAIN_NAME,
    Names,
    owner_name,
    seconds,
    wire_name,
)
from pabal.dns.zone.tree import Zone, add_empty_non_terminals

CHARS_MAX: Final = 32_768
"""Text of a small zone; what is longer is read in bulk by ``master``."""

KNOWN_LINES_MAX: Final = 8192
"""Lines remembered: some four megabytes."""

_STAND_IN: Final = bytes(range(0x80, 0xA0))
"""Stands for the zone's name in RDATA: longer than any numbers there, and no octet of
it is in a plain name."""

_NOTHING: Final = re.compile(r"[ \t\r]*(?:;.*)?")
_TTL: Final = re.compile(r"\$TTL[ \t]+([0-9]{1,9})[ \t\r]*(?:;.*)?")
_BRACKETS: Final = re.compile(
    r"^([^\n;\"()$][^\n;\"()]*[ \t][Ss][Oo][Aa][ \t][^\n;\"()]*)\(([^)\"]*)\)[ \t]*"
    r"(?:;.*)?$",
    re.MULTILINE,
)
"""The SOA in several lines, as most people write it."""
_COMMENT: Final = re.compile(r";[^\n]*")

_TARGET_AT: Final = {
    codes.NS: 0,
    codes.CNAME: 0,
    codes.PTR: 0,
    codes.DNAME: 0,
    codes.MX: 2,
    codes.SRV: 6,
}
"""Types that point to a name, and where that begins in the RDATA."""

_HOSTED: Final = frozenset((codes.NS, codes.MX, codes.SRV))
"""Types whose target has to have an address, if it is in the zone."""

_LOOKED_AT: Final = frozenset((*_TARGET_AT, codes.SOA))
"""Types that may be wrong together with others."""

_SPF: Final = b"v=spf1"
"""Of which there may be one."""

_ADDRESSES: Final = frozenset((codes.A, codes.AAAA))


class _Shape(NamedTuple):
    """What one line says, whatever zone it stands in.

    Attributes:
        rdtype: Of its record; 0: it holds none.
        owner: As a wire name, or what stands before the zone's; ``None``: that of the
            line before.
        folded: The same, folded.
        is_relative: Whether the zone's name completes ``owner``.
        ttl_s: That of the record, or what $TTL says; ``None``: not given.
        pieces: RDATA, the zone's name left out between them.
        longest: Octets of the longest name it begins, without the zone's.
    """

    rdtype: int
    owner: bytes | None = None
    folded: bytes = b""
    is_relative: bool = False
    ttl_s: int | None = None
    pieces: tuple[bytes, ...] = ()
    longest: int = 0


_EMPTY: Final = _Shape(0)


class SmallZones:
    """Makes zones of their text, one after the other."""

    def __init__(self) -> None:
        self._lines: dict[str, _Shape] = {}

    def zone(self, origin: bytes, text: str) -> Zone | None:
        """Return the zone of folded ``origin``.

        ``None``: the careful way has to look. If not, it would find no problem.
        """
        if len(text) > CHARS_MAX:
            return None
        if "(" in text:
            text = _BRACKETS.sub(_joined, text)
        shapes, known = [], self._lines
        for line in text.split("\n"):
            shape = known.get(line) or self._shape(line)
            if shape is None:
                return None
            if shape is not _EMPTY:
                shapes.append(shape)
        reading = _Reading(origin)
        if reading.take(shapes) and reading.is_right():
            return reading.zone()
        return None

    def _shape(self, line: str) -> _Shape | None:
        shape = _shape_of(line)
        if shape is not None:
            if len(self._lines) >= KNOWN_LINES_MAX:
                self._lines.clear()
            self._lines[line] = shape
        return shape


class _Reading:
    """One zone: its names as far as they were found, and what is to be looked at."""

    __slots__ = ("_hosts", "_looked", "_nodes", "_origin", "_spelt", "_ttls")

    def __init__(self, origin: bytes) -> None:
        self._origin = origin
        self._ttls: set[int] = set()
        self._nodes: dict[bytes, bytes] = {}
        self._spelt: dict[bytes, bytes] = {}
        self._hosts: set[bytes] = set()
        self._looked: list[tuple[int, bytes, bytes]] = []

    def take(self, shapes: Iterable[_Shape]) -> bool:
        """Take all lines; return whether each may stand as it is."""
        origin, found = self._origin, []
        room = NAME_MAX_OCTETS - len(origin)
        ttl_s = usual_s = folded = spelt = None
        for rdtype, owner, begun, is_relative, given_s, pieces, longest in shapes:
            if not rdtype:
                usual_s = given_s
                continue
            if owner is not None:
                folded = begun + origin if is_relative else self._inside(begun)
                spelt = folded
                if owner is not begun and folded is not None:
                    spelt = owner + folded[len(owner) :]
            if given_s is not None:
                ttl_s = given_s
            elif usual_s is not None:
                ttl_s = usual_s
            if ttl_s is None or folded is None or spelt is None or longest > room:
                return False
            rdata = pieces[0] if len(pieces) == 1 else origin.join(pieces)
            found.append((folded, spelt, rdtype, ttl_s, rdata))
        return self._add(found)

    def _inside(self, name: bytes) -> bytes | None:
        return name if is_below(name, self._origin) else None

    def _add(self, records: Iterable[tuple[bytes, bytes, int, int, bytes]]) -> bool:
        """Take records as they come; return whether none is there twice."""
        nodes, pack, ttls = self._nodes, HEAD.pack, self._ttls
        for folded, spelt, rdtype, ttl_s, rdata in records:
            record = pack(rdtype, ttl_s, 0, len(rdata)) + rdata
            before = nodes.get(folded)
            if before is None:
                nodes[folded] = record
                if spelt is not folded:
                    self._spelt[folded] = spelt
            elif record in before or (rdtype == codes.TXT and _SPF in before):
                return False  # perhaps twice
            else:
                nodes[folded] = before + record
            ttls.add(ttl_s)
            if rdtype in _ADDRESSES:
                self._hosts.add(folded)
            elif rdtype in _LOOKED_AT:
                self._looked.append((rdtype, folded, rdata))
        return True

    def is_right(self) -> bool:
        """Return whether nothing is wrong with what was taken."""
        origin, nodes = self._origin, self._nodes
        apex, hosts = nodes.get(origin, b""), self._hosts
        # The root's twice would be the root again: nothing ends in two of it.
        twice = (origin[:-1] or origin) + origin
        count = 0
        for rdtype, owner, rdata in self._looked:
            if rdtype == codes.SOA:
                count += 1 if owner == origin else 2
                if expires_early(rdata):
                    return False
                continue
            target = rdata[_TARGET_AT[rdtype] :].lower()
            if target.endswith(twice):
                return False  # a dot is missing
            if rdtype == codes.CNAME and not is_single(nodes[owner]):
                return False
            hosted = rdtype not in _HOSTED or target in hosts
            if not hosted and is_below(target, origin):
                return False
        return (
            count == 1
            and has_type(apex, codes.NS)
            and max(self._ttls) <= TTL_LONG_S
            and not any(name.endswith(twice) for name in nodes)
            and (len(self._ttls) == 1 or all(map(_is_even, nodes.values())))
        )

    def zone(self) -> Zone:
        """Return the zone; there must be nothing wrong with it."""
        nodes, size = self._nodes, len(self._origin)
        for name in list(nodes):
            above = name[name[0] + 1 :]
            if len(above) > size and above not in nodes:
                add_empty_non_terminals(nodes, name, size)
        return Zone(self._origin, Nodes(nodes, self._spelt))


def _is_even(records: bytes) -> bool:
    """Return whether the records of each type have one TTL (RFC 2181 §5.2)."""
    if is_single(records):
        return True
    ttls: dict[int, int] = {}
    return all(ttls.setdefault(each[0], each[1]) == each[1] for each in walk(records))


class _StandIn(Names):
    """Completes names by what stands for the zone's."""

    def __init__(self) -> None:
        self.longest = 0

    @override
    def name(self, text: str) -> bytes:
        """Return the wire name of ``text``; raises ValueError if it is not plain."""
        if text != "@" and not PLAIN_NAME.fullmatch(text):
            raise ValueError
        made = wire_name(text, _STAND_IN)
        if made.endswith(_STAND_IN):
            self.longest = max(self.longest, len(made) - len(_STAND_IN))
        return made


def _joined(found: re.Match[str]) -> str:
    words = _COMMENT.sub("", found[2]).split()
    return f"{found[1].rstrip()} {' '.join(words)}"


def _shape_of(line: str) -> _Shape | None:
    if _NOTHING.fullmatch(line):
        return _EMPTY
    found = LINE.fullmatch(line)
    if found is None:
        directive = _TTL.fullmatch(line)
        return None if directive is None else _Shape(0, ttl_s=int(directive[1]))
    word, early, late, kind, rest = found.groups()
    if kind not in KINDS:
        return None
    rdtype, parse = KINDS[kind]
    names = _StandIn()
    try:
        owner = None if word is None else owner_name(word, b"")
        rdata = parse(names, rest)
        ttl_s = seconds(early, late)
    except (LookupError, ValueError):
        return None
    pieces: tuple[bytes, ...] = (rdata,)
    if rdtype in _TARGET_AT or rdtype == codes.SOA:
        pieces = tuple(rdata.split(_STAND_IN))
    is_relative = word is not None and not word.endswith(".")
    longest = max(names.longest, len(owner or b"") if is_relative else 0)
    folded = owner.lower() if owner else b""
    if folded == owner:
        owner = folded  # the same object: not compared in every zone
    return _Shape(rdtype, owner, folded, is_relative, ttl_s, pieces, longest)
