"""Time to destroy things by: never ahead of what it ought to be.

The machine's clock may be wrong for a minute or for a day: an NTP server lies, a
machine starts with the date of its mainboard, somebody mistypes a year. What is thrown
away then does not come back when the clock does. So here time goes on as evenly as the
monotonic clock does; a wall clock that jumped ahead is believed once it has stayed
where it jumped to for a day, one that jumped back at once.
A machine that slept, or a server that was off for days, looks as if its clock had
jumped: it keeps for a day what it could throw away.
"""

from pathlib import Path
from typing import Final

from pabal.base.atomic import write_file
from pabal.base.clock import Clock

JUMP_S: Final = 600.0
"""What wall and monotonic clock may differ by between two looks, seconds."""

HOLD_S: Final = 86_400.0
"""How long a clock that jumped ahead must stay there before it is believed, seconds."""

AWAY_S: Final = 86_400.0
"""How long a server is off before it is asked whether its clock is right, seconds."""


class TrustedTime:
    """A ``Clock`` for what cannot be undone; for one process, on any thread.

    Args (of the constructor):
        clock: The machine's.
        noted: What the time was when somebody last was sure of it (``read``), seconds
            since 1970; ``None``: nobody ever was, the clock is believed.
    """

    __slots__ = ("_clock", "_state")

    def __init__(self, clock: Clock, noted: float | None = None) -> None:
        self._clock = clock
        now, monotonic = clock.now(), clock.monotonic()
        believed = now
        if noted is not None and now - noted > AWAY_S:
            believed = noted
        # What is believed and what may be soon, as differences of both clocks; and
        # since when. One tuple: threads see all of it or the one before.
        self._state = believed - monotonic, now - monotonic, monotonic

    def now(self) -> float:
        """Return seconds since 1970, no more than what is known to be right."""
        now, monotonic = self._clock.now(), self._clock.monotonic()
        believed, other, since = self._state
        offset = now - monotonic
        if offset - believed <= JUMP_S:
            # Slow drift is followed, and a step back taken: it destroys nothing.
            self._state = offset, offset, monotonic
            return now
        if abs(offset - other) > JUMP_S:
            self._state = believed, offset, monotonic
        elif monotonic - since >= HOLD_S:
            self._state = offset, offset, monotonic
            return now
        return monotonic + believed

    def monotonic(self) -> float:
        """Return seconds since an arbitrary start; never goes back."""
        return self._clock.monotonic()


def read(path: Path) -> float | None:
    """Return the time noted in a file, ``None`` without one that can be read."""
    try:
        text = path.read_bytes()[:20]
    except OSError:
        return None
    return float(text) if text.strip().isdigit() else None


def note(path: Path, now: float) -> None:
    """Note a time somebody is sure of, seconds since 1970.

    Raises:
        OSError: It was not noted.
    """
    write_file(path, b"%d\n" % now, 0o600)
