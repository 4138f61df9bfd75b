"""Identifiers and chance.

Security: ids are no secrets, so their randomness only has to differ between
processes (Python seeds it anew after a fork); what must not be guessed comes from
``SecureChance``.
"""

import random
from collections.abc import Sequence
from typing import Final, Protocol, TypeVar

T = TypeVar("T")

_ALPHABET: Final = "0123456789abcdefghjkmnpqrstvwxyz"
"""Crockford's base 32: no i, l, o, u, so an id can be read out over the phone."""

ID_LENGTH: Final = 16
"""Characters of an id: 9 of time (milliseconds, sorts), 7 random (35 bits)."""

_PAIRS: Final = tuple(high + low for high in _ALPHABET for low in _ALPHABET)
"""Two characters for ten bits: half the steps."""

_SHIFTS: Final = range(ID_LENGTH * 5 - 10, -1, -10)


def new_id(now: float) -> str:
    """Return a short id that sorts by ``now`` (seconds since 1970) and never repeats.

    Good for queue items, traces and sessions; not a secret.
    """
    number = (int(now * 1000) << 35) | random.getrandbits(35)
    return "".join([_PAIRS[number >> shift & 1023] for shift in _SHIFTS])


class Chance(Protocol):
    """A source of random choices: jitter, shuffles, DNS ids."""

    def uniform(self, low: float, high: float) -> float:
        """Return a float in [low, high]."""
        ...

    def bits(self, count: int) -> int:
        """Return an integer of ``count`` random bits."""
        ...

    def shuffled(self, items: Sequence[T]) -> list[T]:
        """Return a new list, the items in random order."""
        ...


class SecureChance:
    """Chance nobody outside can predict (the kernel's generator)."""

    def __init__(self) -> None:
        self._source = random.SystemRandom()

    def uniform(self, low: float, high: float) -> float:
        """Return a float in [low, high]."""
        return self._source.uniform(low, high)

    def bits(self, count: int) -> int:
        """Return an integer of ``count`` random bits."""
        return self._source.getrandbits(count)

    def shuffled(self, items: Sequence[T]) -> list[T]:
        """Return a new list, the items in random order."""
        return self._source.sample(items, len(items))
