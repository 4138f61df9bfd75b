"""Collects what there is to set, with its words: for the sample file and the manual.

Sans-IO.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypeVar

from pabal.config.section import Check, size_of
from pabal.net.endpoint import Endpoint

_T = TypeVar("_T")


@dataclass(frozen=True, slots=True)
class Option:
    """What there is to set: for the sample file and the manual."""

    key: str
    default: str
    help: str
    required: bool = False


class Description:
    """Collects the options instead of reading them."""

    def __init__(self) -> None:
        self.options: list[Option] = []

    def text(
        self, key: str, default: str, about: str, check: Check | None = None
    ) -> str:
        """Note a text."""
        del check
        return self._note(key, _quoted(default), about, default)

    def hostname(self, key: str, about: str) -> str:
        """Note the host name."""
        self.options.append(Option(key, '"mail.example.com"', about, required=True))
        return ""

    def choice(self, key: str, default: str, among: Sequence[str], about: str) -> str:
        """Note a choice."""
        return self._note(
            key, _quoted(default), f"{about} ({' | '.join(among)})", default
        )

    def switch(self, key: str, among: Sequence[str], about: str) -> str:
        """Note a choice that may be true or false."""
        return self.choice(key, among[0], among, about)

    def workers(self, key: str, about: str) -> int:
        """Note the number of processes."""
        return self._note(key, '"auto"', about, 0)

    def integer(self, key: str, default: int, low: int, high: int, about: str) -> int:
        """Note a number."""
        return self._note(key, str(default), f"{about} ({low} to {high})", default)

    def boolean(self, key: str, *, default: bool, about: str) -> bool:
        """Note a truth."""
        self.options.append(Option(key, "true" if default else "false", about))
        return default

    def size(self, key: str, default: str, about: str) -> int:
        """Note a size."""
        return self._note(key, _quoted(default), about, size_of(default))

    def endpoints(
        self, key: str, default: Sequence[str], about: str
    ) -> tuple[Endpoint, ...]:
        """Note addresses with ports."""
        found = tuple(Endpoint.parse(text) for text in default)
        return self._note(key, _list(default), about, found)

    def networks(
        self,
        key: str,
        default: Sequence[str],
        about: str,
        check: Check | None = None,
    ) -> tuple[str, ...]:
        """Note networks."""
        del check
        return self._note(key, _list(default), about, tuple(default))

    def access(
        self, key: str, default: Sequence[str], check: Check, about: str
    ) -> tuple[str, ...]:
        """Note who may do something."""
        return self.texts(key, default, check, about)

    def addresses(
        self, key: str, default: Sequence[str], about: str
    ) -> tuple[str, ...]:
        """Note addresses."""
        return self._note(key, _list(default), about, tuple(default))

    def texts(
        self, key: str, default: Sequence[str], check: Check, about: str
    ) -> tuple[str, ...]:
        """Note texts."""
        del check
        return self._note(key, _list(default), about, tuple(default))

    def secrets(self, key: str, check: Check, about: str) -> tuple[str, ...]:
        """Note the path of a file of secrets."""
        del check
        return self._note(key, _quoted(""), about, ())

    def path(self, key: str, default: str, about: str) -> str:
        """Note a path."""
        return self._note(key, _quoted(default), about, default)

    def _note(self, key: str, default: str, about: str, value: _T) -> _T:
        self.options.append(Option(key, default, about))
        return value


def _quoted(text: str) -> str:
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'


def _list(texts: Sequence[str]) -> str:
    return "[" + ", ".join(_quoted(text) for text in texts) + "]"
