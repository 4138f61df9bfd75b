"""Time as a dependency.

Everything that needs the time takes a ``Clock``; tests pass a fake one.
Waiting is a driver's business (``pabal.base.tasks``), never a decision's.
"""

import time
from typing import Protocol


class Clock(Protocol):
    """Where the time comes from."""

    def now(self) -> float:
        """Return seconds since 1970-01-01T00:00:00Z; may jump."""
        ...

    def monotonic(self) -> float:
        """Return seconds since an arbitrary start; never goes back."""
        ...


class SystemClock:
    """The machine's clock."""

    def now(self) -> float:
        """Return seconds since 1970-01-01T00:00:00Z; may jump."""
        return time.time()

    def monotonic(self) -> float:
        """Return seconds since an arbitrary start; never goes back."""
        return time.monotonic()
