"""Configurations in memory."""

import fnmatch
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from pabal.config.named.check import Checked, check
from pabal.config.problem import Problem


@dataclass(frozen=True)
class MemoryFiles:
    """Files by path."""

    texts: Mapping[str, str] = field(default_factory=dict)

    def read(self, path: str) -> str:
        if path not in self.texts:
            raise FileNotFoundError(path)
        return self.texts[path]

    def exists(self, path: str) -> bool:
        return path in self.texts

    def match(self, pattern: str) -> Sequence[str]:
        return sorted(fnmatch.filter(self.texts, pattern))


def checked(text: str, files: Mapping[str, str] | None = None) -> Checked:
    return check("named.conf", text, MemoryFiles(files or {}))


def problems(text: str, files: Mapping[str, str] | None = None) -> list[Problem]:
    return checked(text, files).problems


def said(text: str, files: Mapping[str, str] | None = None) -> list[str]:
    """Return each problem as ``line:column: reason; suggestion``, files aside."""
    lines = []
    for problem in problems(text, files):
        place = f"{problem.span.line}:{problem.span.column}"
        if problem.file != "named.conf":
            place = f"{problem.file}:{place}"
        kind = "warning: " if problem.warning else ""
        tail = f"; {problem.suggestion}" if problem.suggestion else ""
        lines.append(f"{place}: {kind}{problem.reason}{tail}")
    return lines
