"""What the files of one configuration share while they are read.

Sans-IO: the files come through a port.
"""

import difflib
import posixpath
import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final

from pabal.config.named.lexer import Kind, Source, Token
from pabal.config.named.ports import Files
from pabal.config.problem import Problem

PROBLEMS_MAX: Final = 1000
"""Most mistakes reported: more is not a configuration but another kind of file."""

DEPTH_MAX: Final = 32
"""Files that include one another, at most so deep."""

FILES_MAX: Final = 10_000
"""Most files of one configuration."""

MISSING_MAX: Final = 20
"""Missing files whose neighbours are looked at: where more miss, a directory does."""

NEIGHBOURS_MAX: Final = 1000
"""Files beside a missing one that are looked at."""

NEAR: Final = 0.8
"""How like a name must be to be meant."""

_WILD: Final = re.compile(r"[*?\[]")


@dataclass(frozen=True, slots=True, eq=False)
class Reference:
    """A word that names something defined elsewhere.

    Attributes:
        kind: ``acl``, ``key``, ``tls``, ``http``, ``view``, ``list``, ``channel``,
            ``dnssec-policy``.
        block: The block it stands in: ``options``, ``server``.
    """

    kind: str
    token: Token
    block: str


@dataclass(slots=True)
class Reading:
    """The state of reading a configuration.

    Attributes:
        directory: What ``directory`` said so far; empty: nothing.
        stack: The files that include each other right now, outermost first.
        count: Files read.
        missing: Files that were not there.
    """

    files: Files
    problems: list[Problem] = field(default_factory=list)
    references: list[Reference] = field(default_factory=list)
    directory: str = ""
    stack: list[str] = field(default_factory=list)
    count: int = 0
    missing: int = 0

    @property
    def is_full(self) -> bool:
        """Whether there are so many mistakes that reading on is pointless."""
        return len(self.problems) >= PROBLEMS_MAX

    def report(self, problem: Problem) -> None:
        """Note a mistake."""
        if not self.is_full:
            self.problems.append(problem)

    @property
    def base(self) -> str:
        """What relative paths start from."""
        home = posixpath.dirname(self.stack[0]) if self.stack else ""
        return posixpath.join(home, self.directory)

    def locate(self, path: str) -> str:
        """Return where a path of the configuration leads."""
        found = posixpath.join(self.base, path)
        if not self.files.exists(found) and self.stack:
            # Debian's files include their neighbours by absolute names; copies of
            # them elsewhere lie beside the file that includes them.
            beside = posixpath.join(posixpath.dirname(self.stack[-1]), path)
            return beside if self.files.exists(beside) else found
        return found

    def near(self, path: str, written: str) -> str:
        """Return which file may be meant by one that is missing; empty: none.

        Args:
            path: Where it would be.
            written: What the configuration says.
        """
        self.missing += 1
        if self.missing > MISSING_MAX:
            return ""
        directory, name = posixpath.split(path)
        beside = self.files.match(posixpath.join(directory, "*"))
        names = [posixpath.basename(each) for each in beside[:NEIGHBOURS_MAX]]
        near = difflib.get_close_matches(name, names, 1, NEAR)
        said = posixpath.join(posixpath.dirname(written), near[0]) if near else ""
        return f"did you mean `{said}`?" if said else ""

    def sources(self, token: Token) -> Sequence[Source]:
        """Return the files an ``include`` names; what is missing is reported."""
        path = token.text
        paths: Sequence[str] = [self.locate(path)]
        if _WILD.search(path) and not self.files.exists(paths[0]):
            paths = self.files.match(paths[0])
            if not paths:
                hint = "make one, or remove this line"
                self.report(token.problem(f"no file fits `{path}`", hint))
        return [s for each in paths if (s := self._source(each, token)) is not None]

    def _source(self, path: str, token: Token) -> Source | None:
        if path in self.stack:
            self.report(token.problem(f"`{token.text}` includes itself", "remove it"))
            return None
        if len(self.stack) >= DEPTH_MAX or self.count >= FILES_MAX:
            self.report(token.problem("too many files include one another"))
            return None
        try:
            text = self.files.read(path)
        except FileNotFoundError:
            if token.kind is not Kind.TEXT:
                return None  # it lacks quotes: reported
            hint = self.near(path, token.text) or "make it, or remove this line"
            self.report(token.problem(f"the file `{path}` does not exist", hint))
        except (OSError, ValueError) as error:
            self.report(token.problem(f"`{path}` cannot be read: {_why(error)}"))
        else:
            self.count += 1
            return Source(path, text)
        return None


def _why(error: OSError | ValueError) -> str:
    if isinstance(error, UnicodeDecodeError):
        return "it is not UTF-8 text"
    return (isinstance(error, OSError) and error.strerror) or str(error)
