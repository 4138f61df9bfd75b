"""Answers for names beside one that was asked for, put together without a look-up.

No I/O. Names right below one and the same name have the same zone, the same cuts and
wildcards above them. What differs between their answers is the question, the records
of the name, and where a signed zone denies it, the proof. So the answer for one of
them holds head and tail of all, and neither a flood of invented names nor a large zone
asked for evenly goes the long way, or fills a cache.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from struct import Struct
from typing import Final, NamedTuple

from pabal.dns.server.counting import Group
from pabal.dns.wire import codes
from pabal.dns.wire.name import LABEL_MAX_OCTETS
from pabal.dns.wire.query import Query
from pabal.dns.wire.response import Response
from pabal.dns.zone.denial import Denial
from pabal.dns.zone.lookup import Answer
from pabal.dns.zone.packed import walk
from pabal.dns.zone.tree import Zone

ENDS_MAX: Final = 20_000
"""One for each existing name, form of question, length of the first label, and proof;
with proofs they have some 700 octets: 14 MB."""

_ID_OCTETS: Final = 2

_LABEL_AT: Final = codes.HEADER_OCTETS - _ID_OCTETS
"""Where the name begins in a query whose id is cut off: the length of its label."""

_NAME_AT: Final = _LABEL_AT + 1
"""Where the octets of the label begin."""

_TYPE_AND_CLASS_OCTETS: Final = 4

_KEY_MIN_OCTETS: Final = _LABEL_AT + 1 + _TYPE_AND_CLASS_OCTETS
"""A header without id and the question for the root."""

_WHOLE_NAME: Final = b"\xc0\x0c"
"""A pointer to the whole name asked for: what follows would not fit another name."""

_FIELDS: Final = Struct("!2sHHIH")
"""A record up to its RDATA: owner, type, class, TTL, octets of RDATA."""

_PLAIN: Final = frozenset((codes.A, codes.AAAA, codes.TXT))
"""Types whose RDATA holds no name: nothing is compressed, and nothing comes along."""

_ELSEWHERE: Final = frozenset((codes.NS, codes.CNAME, codes.SOA))
"""What has one of these is a cut, an alias or the top of a zone."""


_Ends = tuple[bytes, bytes, Group]
"""What stands around the question and the records of a name: the header, id cut off,
and what follows the records; and what such answers are counted with. A tuple and no
more: who unpacks one of a class of ours pays for looking at that."""


class Around(NamedTuple):
    """What an answer depends on besides question and zone.

    Attributes:
        apexes: Our zones by folded apex.
        answer_max_octets: The room there was.
        group: What it was counted with.
    """

    apexes: Mapping[bytes, Zone]
    answer_max_octets: int
    group: Group


@dataclass(slots=True)
class _Family:
    """Names right below one name, all with first labels of one length, asked alike.

    Attributes:
        names: What exists in the zone.
        apexes: Zones of ours: one of them may begin right below.
        rdtype: What is asked for.
        name_end: Where the name ends in a query whose id is cut off.
        question_end: Where the question ends there.
        answer_max_octets: The room for an answer without id.
        denial: What says by which proof a name is missing; ``None``: there are none.
        missing: By proof, for names that are not there.
        without: For names that have other types only.
        having: For names that have one record of the type.
    """

    names: Mapping[bytes, bytes]
    apexes: Mapping[bytes, object]
    rdtype: int
    name_end: int
    question_end: int
    answer_max_octets: int
    denial: Denial | None
    missing: dict[bytes, _Ends] = field(default_factory=dict)
    without: _Ends | None = None
    having: _Ends | None = None

    def has_room(self, tail: bytes, records: bytes) -> bool:
        """Return whether the answer with ``records`` and ``tail`` is not too long."""
        size = self.question_end + len(records) + len(tail)
        return size <= self.answer_max_octets


class Siblings:
    """What is known of names beside others; empty it when a zone changes.

    Attributes:
        group: That of the answer given last.
    """

    def __init__(self) -> None:
        # By the query without id and without the octets of its first label: the length
        # of that is among what is left.
        self._families: dict[bytes, _Family] = {}
        self._ends = 0
        self.group = Group()

    def __len__(self) -> int:
        return self._ends

    def clear(self) -> None:
        """Forget everything."""
        self._families = {}
        self._ends = 0

    def answer(self, key: bytes) -> bytes | None:
        """Return the answer to query ``key`` if enough is known.

        Both are without id. Cost: a few copies of the query, whatever the size of the
        zone; a walk over the records of the name if it exists.
        """
        if len(key) < _KEY_MIN_OCTETS:
            return None
        rest = key[_NAME_AT + key[_LABEL_AT] :]
        family = self._families.get(key[:_NAME_AT] + rest)
        if family is None:
            return None
        # The lengths of labels are no letters: there is nothing to fold in them.
        name = key[_LABEL_AT : family.name_end].lower()
        if name in family.apexes:
            return None
        records = family.names.get(name)
        middle: bytes | None = b""
        if records is None:
            # Not a method: in a flood of invented names a call is felt.
            denial = family.denial
            ends = family.missing.get(b"" if denial is None else denial.gap(name))
        else:
            middle = _own_record(records, family)
            ends = family.having if middle else family.without
        if ends is None or middle is None:
            return None
        head, tail, group = ends
        if middle and not family.has_room(tail, middle):
            return None
        group.ready += 1
        self.group = group
        return head + key[_LABEL_AT : family.question_end] + middle + tail

    def learn(
        self,
        query: Query,
        data: bytes,
        octets: bytes,
        answer: Answer,
        around: Around,
    ) -> None:
        """Keep what the answer to ``query`` says about the names beside it.

        Args:
            data: The whole of it: lower case, no options.
            octets: The whole answer.
            answer: The same, before it was octets.
            around: What else it depended on.
        """
        zone, response = answer.zone, answer.response
        length = query.name[0]
        # The name above must exist, so that nothing but the first label decides; that
        # no wildcard is there the answer itself says.
        above = query.name[length + 1 :]
        if not 0 < length <= LABEL_MAX_OCTETS or above not in zone.nodes:
            return
        if self._ends >= ENDS_MAX:
            self.clear()
        key = data[_ID_OCTETS:]
        place = key[:_NAME_AT] + key[_NAME_AT + length :]
        family = self._families.get(place)
        if family is None:
            end = _LABEL_AT + len(query.question)
            family = self._families[place] = _Family(
                zone.nodes.packed,
                around.apexes,
                query.rdtype,
                end - _TYPE_AND_CLASS_OCTETS,
                end,
                around.answer_max_octets - _ID_OCTETS,
                zone.denial if query.dnssec_ok else None,
            )
        rest, group = octets[_ID_OCTETS:], around.group
        self._ends += _extend(family, query.name, response, rest, group)


def _extend(
    family: _Family, name: bytes, response: Response, octets: bytes, group: Group
) -> int:
    """Add to ``family`` what ``octets`` says, without id; return how many are new."""
    records = family.names.get(name)
    middle = b"" if records is None else _own_record(records, family)
    rest = octets[family.question_end :]
    if middle is None or not rest.startswith(middle):
        return 0
    tail = rest[len(middle) :]
    ends = octets[:_LABEL_AT], tail, group
    if records is None:
        if _is_missing(response) and _WHOLE_NAME not in tail:
            denial = family.denial
            family.missing[b"" if denial is None else denial.gap(name)] = ends
            return 1
    elif middle:
        if _is_plain(response, family):
            family.having = ends
            return 1
    elif _is_without(response, family) and _WHOLE_NAME not in tail:
        family.without = ends
        return 1
    return 0


def _is_missing(response: Response) -> bool:
    return response.rcode == codes.NXDOMAIN and not response.answer


def _is_without(response: Response, family: _Family) -> bool:
    """Return whether there are no such records, and nothing to prove about that."""
    authority = response.authority
    nothing = response.rcode == codes.NOERROR and not response.answer
    soa = nothing and authority and authority[0].rdtype == codes.SOA
    is_data = family.rdtype < codes.FIRST_META_TYPE
    return bool(soa) and is_data and family.denial is None


def _is_plain(response: Response, family: _Family) -> bool:
    """Return whether records of the name itself are all there is."""
    others = response.authority or response.glue or response.additional
    return family.rdtype in _PLAIN and not others


def _own_record(records: bytes, family: _Family) -> bytes | None:
    """Return the one record asked for among packed ``records``, as in an answer.

    With its signature, where that is wanted. Empty: there is none of the type.
    ``None``: it is not as simple as that.
    """
    rdtype, ttl_s, found, signature = family.rdtype, 0, b"", b""
    covered = rdtype.to_bytes(2, "big")
    for kind, seconds, _, rdata in walk(records):
        if kind in _ELSEWHERE:
            return None
        if kind == rdtype:
            if found:
                return None
            ttl_s = seconds
            found = _record(rdtype, ttl_s, rdata)
        elif kind == codes.RRSIG and family.denial and rdata[:2] == covered:
            if signature:
                return None
            signature = rdata
    if not found or family.denial is None:
        return found
    # RFC 4034 §3: the TTL of a signature is that of what it covers.
    return found + _record(codes.RRSIG, ttl_s, signature) if signature else None


def _record(rdtype: int, ttl_s: int, rdata: bytes) -> bytes:
    head = _FIELDS.pack(_WHOLE_NAME, rdtype, codes.IN, ttl_s, len(rdata))
    return head + rdata
