"""Small zones of the plainest lines, made at once: there may be a hundred thousand.

Sans-IO. What is right is taken here with little work a line; whatever might be wrong,
or is said in a less common way, is left to the careful way (``load``), which gives the
same zone, and finds words for what is wrong. Lines are remembered: the zones of one
owner are much alike.

Source: RFC 1035 §5.1 (format), RFC 2181 §5 (sets), §10 (aliases), RFC 4592 §2.2 (empty
non-terminals).
"""

import re
from dataclasses import dataclass
from typing import Final

from typing_extensions import override

from pabal.dns.wire import codes
from pabal.dns.wire.name import NAME_MAX_OCTETS, is_below
from pabal.dns.zone.check import TTL_LONG_S
from pabal.dns.zone.packed import HEAD, Nodes, has_type, is_single, walk
from pabal.dns.zone.plain import KINDS, LINE, PLAIN_NAME, Names, seconds, wire_name
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

_ADDRESSES: Final = frozenset((codes.A, codes.AAAA))


@dataclass(frozen=True, slots=True)
class _Shape:
    """What one line says, whatever zone it stands in.

    Attributes:
        rdtype: Of its record; 0: it holds none.
        owner: As a wire name, or what stands before the zone's; ``None``: that of the
            line before.
        is_relative: Whether the zone's name completes ``owner``.
        ttl_s: That of the record, or what $TTL says; ``None``: not given.
        pieces: RDATA, the zone's name left out between them.
        longest: Octets of the longest name it begins, without the zone's.
    """

    rdtype: int
    owner: bytes | None = None
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
        reading = _Reading(origin)
        known = self._lines
        for line in text.split("\n"):
            shape = known.get(line) or self._shape(line)
            if shape is None or not (shape is _EMPTY or reading.take(shape)):
                return None
        return reading.zone()

    def _shape(self, line: str) -> _Shape | None:
        shape = _shape_of(line)
        if shape is not None:
            if len(self._lines) >= KNOWN_LINES_MAX:
                self._lines.clear()
            self._lines[line] = shape
        return shape


class _Reading:
    """One zone, line by line."""

    __slots__ = (
        "_aliases",
        "_hosts",
        "_letters",
        "_nodes",
        "_origin",
        "_owner",
        "_room",
        "_stated_s",
        "_targets",
        "_ttl_s",
        "_ttls",
        "_twice",
    )

    def __init__(self, origin: bytes) -> None:
        self._origin = origin
        self._room = NAME_MAX_OCTETS - len(origin)
        # The root's twice would be the root again: nothing ends in two of it.
        self._twice = (origin[:-1] or origin) + origin
        self._owner: bytes | None = None
        self._ttl_s: int | None = None
        self._stated_s: int | None = None
        self._ttls: set[int] = set()
        self._nodes: dict[bytes, bytes] = {}
        self._letters: dict[bytes, bytes] = {}
        self._hosts: set[bytes] = set()
        self._targets: list[bytes] = []
        self._aliases: list[bytes] = []

    def take(self, shape: _Shape) -> bool:
        """Take one line; return whether it may stand as it is."""
        rdtype, origin, ttl_s = shape.rdtype, self._origin, shape.ttl_s
        if not rdtype:
            self._ttl_s = ttl_s
            return True
        owner = shape.owner
        if owner is None:
            owner = self._owner
            if owner is None:
                return False
        elif shape.is_relative:
            owner += origin
        elif not is_below(owner.lower(), origin):
            return False
        if shape.longest > self._room:
            return False
        if ttl_s is None:
            ttl_s = self._stated_s if self._ttl_s is None else self._ttl_s
            if ttl_s is None:
                return False
        self._owner, self._stated_s = owner, ttl_s
        self._ttls.add(ttl_s)
        pieces = shape.pieces
        rdata = pieces[0] if len(pieces) == 1 else origin.join(pieces)
        return self._add(owner, rdtype, ttl_s, rdata)

    def _add(self, owner: bytes, rdtype: int, ttl_s: int, rdata: bytes) -> bool:
        folded, nodes = owner.lower(), self._nodes
        record = HEAD.pack(rdtype, ttl_s, 0, len(rdata)) + rdata
        before = nodes.get(folded)
        if before is None:
            nodes[folded] = record
            if owner != folded:
                self._letters[folded] = owner
        elif record in before:
            return False  # twice, perhaps
        else:
            nodes[folded] = before + record
        if rdtype in _ADDRESSES:
            self._hosts.add(folded)
        elif rdtype in _TARGET_AT:
            target = rdata[_TARGET_AT[rdtype] :].lower()
            if rdtype in _HOSTED:
                self._targets.append(target)
            elif rdtype == codes.CNAME:
                self._aliases.append(folded)
            return not self._is_doubled(target)
        elif rdtype == codes.SOA:
            return before is None and folded == self._origin
        return True

    def _is_doubled(self, name: bytes) -> bool:
        """Return whether ``name`` ends in the zone's twice: a dot is missing."""
        return name.endswith(self._twice)

    def zone(self) -> Zone | None:
        """Return the zone, if nothing is wrong with it."""
        origin, nodes = self._origin, self._nodes
        apex = nodes.get(origin, b"")
        right = (
            has_type(apex, codes.SOA)
            and has_type(apex, codes.NS)
            and max(self._ttls) <= TTL_LONG_S
            and all(is_single(nodes[name]) for name in self._aliases)
            and all(
                target in self._hosts or not is_below(target, origin)
                for target in self._targets
            )
            and (len(self._ttls) == 1 or all(map(_is_even, nodes.values())))
            and not any(map(self._is_doubled, nodes))
        )
        if not right:
            return None
        top = len(origin) + 1
        for name in list(nodes):
            if len(name) - name[0] > top and name[name[0] + 1 :] not in nodes:
                add_empty_non_terminals(nodes, name, len(origin))
        return Zone(origin, Nodes(nodes, self._letters))


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
        owner = None if word is None else wire_name(word, b"")
        rdata = parse(names, rest)
        ttl_s = seconds(early, late)
    except (LookupError, ValueError):
        return None
    pieces: tuple[bytes, ...] = (rdata,)
    if rdtype in _TARGET_AT or rdtype == codes.SOA:
        pieces = tuple(rdata.split(_STAND_IN))
    is_relative = word is not None and not word.endswith(".")
    longest = max(names.longest, len(owner or b"") if is_relative else 0)
    return _Shape(rdtype, owner, is_relative, ttl_s, pieces, longest)
