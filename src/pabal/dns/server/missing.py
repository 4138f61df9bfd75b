"""Ready answers for names that do not exist, without one being kept for each.

No I/O. All missing names right below one existing name get the same answer but for the
question, so one template answers a flood of invented names as fast as the answer cache
answers good ones, and nothing is stored for any of them.
"""

from collections.abc import Mapping
from typing import Final, NamedTuple

from pabal.dns.wire import codes
from pabal.dns.wire.name import LABEL_MAX_OCTETS
from pabal.dns.wire.query import Query
from pabal.dns.zone.tree import Zone

TEMPLATES_MAX: Final = 50_000
"""One for each existing name, form of question and length of what is missing."""

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


class _Template(NamedTuple):
    """The answer to missing names of one length, right below one that exists.

    Attributes:
        names: What exists in the zone.
        apexes: Zones of ours: one of them may begin right below.
        head: The header, id cut off.
        name_end: Where the name ends in a query whose id is cut off.
        question_end: Where the question ends there.
        tail: What follows the question.
    """

    names: Mapping[bytes, object]
    apexes: Mapping[bytes, object]
    head: bytes
    name_end: int
    question_end: int
    tail: bytes


class MissingNames:
    """Templates of NXDOMAIN answers; empty it when a zone changes."""

    def __init__(self) -> None:
        # By the query without id and without the octets of its first label: the length
        # of that is among what is left.
        self._templates: dict[bytes, _Template] = {}

    def __len__(self) -> int:
        return len(self._templates)

    def clear(self) -> None:
        """Forget everything."""
        self._templates = {}

    def answer(self, key: bytes) -> bytes | None:
        """Return the answer to query ``key`` if its name is known to be missing.

        Both are without id. Cost: a few copies of the query, whatever the size of the
        zone.
        """
        if len(key) < _KEY_MIN_OCTETS:
            return None
        rest = key[_NAME_AT + key[_LABEL_AT] :]
        template = self._templates.get(key[:_NAME_AT] + rest)
        if template is None:
            return None
        names, apexes, head, name_end, question_end, tail = template
        # The lengths of labels are no letters: there is nothing to fold in them.
        name = key[_LABEL_AT:name_end].lower()
        if name in names or name in apexes:
            return None
        return head + key[_LABEL_AT:question_end] + tail

    def learn(
        self,
        query: Query,
        key: bytes,
        answer: bytes,
        zone: Zone,
        apexes: Mapping[bytes, Zone],
    ) -> None:
        """Keep ``answer``, an NXDOMAIN out of ``zone``, as a template if it can be one.

        Args:
            key: The octets after the id of the plainest form of ``query``.
            answer: The whole message.
            apexes: Our zones by folded apex.
        """
        length = query.name[0]
        parent = query.name[length + 1 :]
        # The name above must exist, so that nothing but the first label was missing;
        # that no wildcard is there the answer itself says.
        if not 0 < length <= LABEL_MAX_OCTETS or parent not in zone.nodes:
            return
        question_end = codes.HEADER_OCTETS + len(query.question)
        tail = answer[question_end:]
        if _WHOLE_NAME in tail:
            return
        if len(self._templates) >= TEMPLATES_MAX:
            self._templates.clear()
        head = answer[_ID_OCTETS : codes.HEADER_OCTETS]
        names = zone.nodes.packed
        end = question_end - _ID_OCTETS
        name_end = end - _TYPE_AND_CLASS_OCTETS
        self._templates[key[:_NAME_AT] + key[_NAME_AT + length :]] = _Template(
            names, apexes, head, name_end, end, tail
        )
