"""Ready answers for names that do not exist, without one being kept for each.

No I/O. All missing names right below one existing name get the same answer but for the
question, so one template answers a flood of invented names as fast as the answer cache
answers good ones, and nothing is stored for any of them.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

from pabal.dns.wire import codes
from pabal.dns.wire.name import LABEL_MAX_OCTETS
from pabal.dns.wire.query import Query
from pabal.dns.zone.tree import Zone

PARENTS_MAX: Final = 50_000
"""Existing names, each with a form of question, that a template is kept for."""

_LABEL_AT: Final = codes.HEADER_OCTETS - 2
"""Where the name begins in a query whose id is cut off."""

_KEY_MIN_OCTETS: Final = _LABEL_AT + 5
"""A header without id and the question for the root."""

_WHOLE_NAME: Final = b"\xc0\x0c"
"""A pointer to the whole name asked for: what follows would not fit another name."""


@dataclass(slots=True)
class _Below:
    """The names right below ``parent``, asked for in one form.

    Attributes:
        parent: Folded.
        names: What exists in the zone.
        apexes: Zones of ours: one of them may begin right below.
        templates: Length of the first label → header and what follows the question.
    """

    parent: bytes
    names: Mapping[bytes, object]
    apexes: Mapping[bytes, object]
    templates: dict[int, tuple[bytes, bytes]] = field(default_factory=dict)


class MissingNames:
    """Templates of NXDOMAIN answers; empty it when a zone changes."""

    def __init__(self) -> None:
        self._below: dict[bytes, _Below] = {}

    def __len__(self) -> int:
        return len(self._below)

    def clear(self) -> None:
        """Forget everything."""
        self._below = {}

    def answer(self, key: bytes) -> bytes | None:
        """Return the answer to query ``key`` if its name is known to be missing.

        Both are without id. Cost: a few copies of the query, whatever the size of the
        zone.
        """
        if len(key) < _KEY_MIN_OCTETS:
            return None
        length = key[_LABEL_AT]
        end = _LABEL_AT + 1 + length
        below = self._below.get(key[:_LABEL_AT] + key[end:])
        if below is None:
            return None
        template = below.templates.get(length)
        name = key[_LABEL_AT:end].lower() + below.parent
        if template is None or name in below.names or name in below.apexes:
            return None
        question = key[_LABEL_AT : end + len(below.parent) + 4]
        return template[0] + question + template[1]

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
        cut = key[:_LABEL_AT] + key[_LABEL_AT + 1 + length :]
        below = self._below.get(cut)
        if below is None:
            if len(self._below) >= PARENTS_MAX:
                self._below.clear()
            below = self._below[cut] = _Below(parent, zone.nodes.packed, apexes)
        below.templates[length] = (answer[2 : codes.HEADER_OCTETS], tail)
