"""Counters of one process, for the metrics page and the log.

A registry is built by the composition root and handed down: no module-level state.
"""

from dataclasses import dataclass, field


@dataclass(slots=True)
class Metrics:
    """Named counters and gauges with labels already folded into the name."""

    values: dict[str, float] = field(default_factory=dict)

    def add(self, name: str, amount: float = 1.0) -> None:
        """Add ``amount`` to counter ``name``."""
        self.values[name] = self.values.get(name, 0.0) + amount

    def set(self, name: str, value: float) -> None:
        """Set gauge ``name``."""
        self.values[name] = value
