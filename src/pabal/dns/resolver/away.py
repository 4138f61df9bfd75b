"""Zones none of whose servers answers: known for a moment, so nobody else waits.

Without this each new name in a zone whose servers are gone costs seconds and a socket
for each server, so that a flood of made-up names below it keeps everybody waiting.
While a zone is away, one question at a time finds out whether it is back.

Sans-IO: takes the time as an argument; memory is bounded by ``AWAY_MAX``.
Source: RFC 9520 §3.2 (how long failures are remembered: 1 to 300 seconds).
"""

from collections import OrderedDict
from dataclasses import dataclass, field
from typing import Final

import dns.name

AWAY_SECONDS: Final = 5.0
"""How long a zone is left alone; the longest anybody waits for it to be back."""

PROBE_SECONDS: Final = 3.0
"""How long the question that finds out may take before another one does."""

AWAY_MAX: Final = 4_096
"""Most zones remembered; the oldest is forgotten first."""


@dataclass(slots=True)
class AwayZones:
    """One a process."""

    _until: OrderedDict[dns.name.Name, tuple[float, str]] = field(
        default_factory=OrderedDict, init=False, repr=False
    )

    def __len__(self) -> int:
        return len(self._until)

    def put(self, zone: dns.name.Name, reason: str, now: float) -> None:
        """Remember that no server of ``zone`` answers."""
        self._until[zone] = now + AWAY_SECONDS, reason
        self._until.move_to_end(zone)
        if len(self._until) > AWAY_MAX:
            self._until.popitem(last=False)

    def reason(self, zone: dns.name.Name, now: float) -> str | None:
        """Return why ``zone`` is not to be asked; ``None``: ask it.

        Who is told to ask a zone that was away is the one that finds out.
        """
        known = self._until.get(zone)
        if known is None:
            return None
        until, reason = known
        if until > now:
            return reason
        self._until[zone] = now + PROBE_SECONDS, reason
        return None

    def back(self, zone: dns.name.Name) -> None:
        """Forget that ``zone`` was away: a server of it answered."""
        self._until.pop(zone, None)

    def flush(self) -> None:
        """Forget all."""
        self._until.clear()
