"""How the store tells other processes of what it wrote."""

from typing import Protocol


class Doorbell(Protocol):
    """Tells other processes that something changed: a hint, never the truth."""

    def ring(self, subject: str) -> None:
        """Send ``subject`` (``account 17``) to every other process."""
        ...
