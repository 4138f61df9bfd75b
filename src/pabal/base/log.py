"""Logs: one line an event, for people on a terminal, as JSON otherwise.

A session passes its id and facts as keyword fields: ``log.info("accepted",
session=..., from_=...)``. Secrets never become fields: see ``docs/architecture.md``.
"""

import json
import logging
import sys
import time
from typing import Final, TextIO

from typing_extensions import override

Fact = str | int | float | bool | None
"""What a log field may be."""

RESERVED: Final = frozenset({"at", "level", "name", "event", "traceback"})
"""Fields of every line; a fact of that name gets an underscore."""

_FACTS: Final = "pabal_facts"
_LEVEL_COLOURS: Final = {"WARNING": "33", "ERROR": "31", "CRITICAL": "31"}


class Log:
    """A named logger whose events carry facts."""

    def __init__(self, name: str) -> None:
        self._logger = logging.getLogger(f"pabal.{name}")

    def debug(self, event: str, **facts: Fact) -> None:
        """Log what only a developer asks for."""
        self._write(logging.DEBUG, event, facts)

    def info(self, event: str, **facts: Fact) -> None:
        """Log what happened."""
        self._write(logging.INFO, event, facts)

    def warning(self, event: str, **facts: Fact) -> None:
        """Log what an operator may want to look at."""
        self._write(logging.WARNING, event, facts)

    def error(self, event: str, **facts: Fact) -> None:
        """Log what an operator must look at."""
        self._write(logging.ERROR, event, facts)

    def exception(self, event: str, **facts: Fact) -> None:
        """Log a bug of ours with its traceback; only drivers call this."""
        self._logger.error(event, extra={_FACTS: facts}, exc_info=sys.exc_info())

    def _write(self, level: int, event: str, facts: dict[str, Fact]) -> None:
        if self._logger.isEnabledFor(level):
            self._logger.log(level, event, extra={_FACTS: facts})


def _facts_of(record: logging.LogRecord) -> dict[str, Fact]:
    facts: dict[str, Fact] = getattr(record, _FACTS, {})
    return facts


class HumanFormatter(logging.Formatter):
    """``12:00:00 smtp accepted session=… from=…``, the level in colour."""

    @override
    def format(self, record: logging.LogRecord) -> str:
        clock = time.strftime("%H:%M:%S", time.localtime(record.created))
        facts = " ".join(
            f"{key.rstrip('_')}={_plain(value)}"
            for key, value in _facts_of(record).items()
        )
        name = record.name.removeprefix("pabal.")
        line = f"{clock} {name:<10} {record.getMessage()} {facts}".rstrip()
        colour = _LEVEL_COLOURS.get(record.levelname)
        if colour:
            line = f"\x1b[{colour}m{line}\x1b[0m"
        if record.exc_info:
            line += "\n" + self.formatException(record.exc_info)
        return line


def _plain(value: Fact) -> str:
    """Return ``value`` on one line: control characters cannot forge a second one."""
    text = str(value)
    if not text or not text.isprintable() or " " in text:
        return json.dumps(text, ensure_ascii=False)
    return text


class JsonFormatter(logging.Formatter):
    """One JSON object a line: at, level, name, event, and the facts."""

    @override
    def format(self, record: logging.LogRecord) -> str:
        entry: dict[str, Fact] = {
            "at": round(record.created, 3),
            "level": record.levelname.lower(),
            "name": record.name.removeprefix("pabal."),
            "event": record.getMessage(),
        }
        for key, value in _facts_of(record).items():
            name = key.rstrip("_")
            # The event's own fields cannot be overwritten by what it is about.
            entry[f"{name}_" if name in RESERVED else name] = value
        if record.exc_info:
            entry["traceback"] = self.formatException(record.exc_info)
        return json.dumps(entry, ensure_ascii=False)


def set_up(level: str = "info", stream: TextIO | None = None) -> None:
    """Send every log line to ``stream`` (default: standard error).

    Args:
        level: debug, info, warning or error.
    """
    target = stream or sys.stderr
    handler = logging.StreamHandler(target)
    handler.setFormatter(HumanFormatter() if target.isatty() else JsonFormatter())
    root = logging.getLogger("pabal")
    root.handlers[:] = [handler]
    root.propagate = False
    root.setLevel(level.upper())
