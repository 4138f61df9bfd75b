"""Counting with a bound: how often, how many at once.

Sans-IO: takes the time as an argument. Memory is bounded by ``keys_max``.
"""

from collections import OrderedDict
from dataclasses import dataclass, field
from typing import Final

KEYS_MAX: Final = 65_536
"""Most keys one limiter remembers; the least recently seen is forgotten first."""


@dataclass(slots=True)
class RateLimit:
    """A token bucket a key: ``burst`` at once, ``per_second`` after that.

    Attributes:
        per_second: Tokens that come back a second.
        burst: Most tokens a key can have.
        keys_max: Keys remembered; one forgotten starts full again.
    """

    per_second: float
    burst: float
    keys_max: int = KEYS_MAX
    _buckets: OrderedDict[str, tuple[float, float]] = field(
        default_factory=OrderedDict, init=False, repr=False
    )

    def allow(self, key: str, now: float, cost: float = 1.0) -> bool:
        """Take ``cost`` tokens of ``key`` at ``now`` (seconds) if they are there."""
        tokens, then = self._buckets.get(key, (self.burst, now))
        tokens = min(self.burst, tokens + max(0.0, now - then) * self.per_second)
        allowed = tokens >= cost
        self._buckets[key] = (tokens - cost if allowed else tokens, now)
        self._buckets.move_to_end(key)
        if len(self._buckets) > self.keys_max:
            self._buckets.popitem(last=False)
        return allowed


@dataclass(slots=True)
class Concurrency:
    """How many of something are there at once, a key and in all.

    Attributes:
        per_key: Most a key.
        total: Most in all.
    """

    per_key: int
    total: int
    _counts: dict[str, int] = field(default_factory=dict, init=False, repr=False)
    _sum: int = field(default=0, init=False, repr=False)

    def enter(self, key: str, *, trusted: bool = False) -> bool:
        """Count one more of ``key``; ``False`` (and not counted) when one too many.

        Args:
            trusted: Only the total is a bound for this key.
        """
        count = self._counts.get(key, 0)
        if self._sum >= self.total or (count >= self.per_key and not trusted):
            return False
        self._counts[key] = count + 1
        self._sum += 1
        return True

    def leave(self, key: str) -> None:
        """Count one less of ``key``; every successful ``enter`` owes one."""
        count = self._counts.get(key, 0)
        if count == 0:
            return
        self._sum -= 1
        if count == 1:
            del self._counts[key]
        else:
            self._counts[key] = count - 1
