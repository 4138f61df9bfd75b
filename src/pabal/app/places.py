"""Where in pabal.toml something is said: for what is found out only later."""

import contextlib
from pathlib import Path

from pabal.config import toml
from pabal.config.problem import Problem, Span


class Places:
    """Finds where in pabal.toml something is said.

    Args (of the constructor):
        file: pabal.toml; ``None``: places are not looked for.
    """

    def __init__(self, file: Path | None) -> None:
        self._name = "pabal.toml" if file is None else str(file)
        text = ""
        if file is not None:
            with contextlib.suppress(OSError, UnicodeDecodeError):
                text = file.read_text(encoding="utf-8")
        self._lines = text.replace("\r\n", "\n").split("\n")
        self._document = toml.parse(text, self._name)

    def problem(
        self, table: str, key: str, reason: str, fix: str, text: str | None = None
    ) -> Problem:
        """Return what is wrong with the value of ``key``.

        Args:
            table: The table it is in.
            key: What the value is of.
            reason: What is wrong.
            fix: What to write, or do, instead.
            text: The value, or the one in its list, that is meant; ``None``: all.
        """
        content = self._document.tables.get(table)
        _, value = (content.keys if content else {}).get(key, (None, None))
        span = Span(0, 0)
        if value is not None and text is None:
            span = value.span
        elif value is not None:
            values = value.data if isinstance(value.data, tuple) else (value,)
            span = next((v.span for v in values if v.data == text), span)
        source = self._lines[span.line - 1] if span.line else ""
        return Problem(self._name, span, reason, fix, source)
