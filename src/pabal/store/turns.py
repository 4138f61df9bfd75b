"""What the sessions of an account agree on, in whatever process they are: the port.

Sans-IO.
"""

from typing import Protocol


class Turns(Protocol):
    """Not too often, all processes taken together."""

    def take(self, purpose: str, now: float, apart_s: float) -> bool:
        """Take the next turn, unless the last one is less than ``apart_s`` s ago.

        It counts whichever process took it, and lasts longer than processes do.

        Args:
            purpose: What for: each has turns of its own.
            now: Seconds since 1970. A turn taken later than now does not count: the
                clock was put back.
            apart_s: Least time between two turns, seconds.

        Returns:
            Whether it was taken.
        """
        ...
