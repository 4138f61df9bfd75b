"""How the console behaves: ``[ssh]`` of ``pabal.toml``."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class ConsoleSettings:
    """Who may come in, and how.

    Attributes:
        administrators: Canonical addresses of those who may log in.
        passwords: Whether a password lets in, or keys only.
    """

    administrators: frozenset[str] = frozenset()
    passwords: bool = False
