"""Checks that every citation in the source leads somewhere.

``rfc/check.py`` compares the RFC numbers cited in ``src`` with ``rfc/index.txt``.
``rfc/check.py DIR`` looks each cited section up in ``DIR/rfcNNNN.txt`` as well; texts
that are not there are counted, not complained about. Exit code 1: a dead citation.
"""

import re
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

ROOT: Final = Path(__file__).parents[1]
INDEX: Final = ROOT / "rfc" / "index.txt"
STATUSES: Final = frozenset({"yes", "part", "no"})

_TOKEN: Final = re.compile(
    r"RFC (?P<rfc>[0-9]{3,5})"
    r"|§(?P<section>[A-Z0-9]+(?:\.[0-9]+)*)"
    r"|(?P<end>\.\s|\n\s*\n)"
)
"""A § belongs to the RFC named before it in the same sentence."""

_HEADING: Final = re.compile(
    r"^ {0,4}(?:Appendix )?([A-Z]|[A-Z]?[0-9]+(?:\.[0-9]+)*|[A-Z](?:\.[0-9]+)+)"
    r"[.:]?[ \t]+\S",
    re.MULTILINE,
)


@dataclass(frozen=True, slots=True)
class Entry:
    """One line of the index."""

    number: int
    status: str
    title: str


@dataclass(frozen=True, slots=True)
class Citation:
    """Where the source names an RFC; ``section`` may be empty."""

    place: str
    number: int
    section: str


def read_index(text: str) -> list[Entry]:
    """Return the entries of an index.

    Raises:
        ValueError: A line is not ``number status title``; names the line.
    """
    entries = []
    for line in text.splitlines():
        if not line or line.startswith("#"):
            continue
        number, status, title = line.split("\t", 2)
        if status not in STATUSES or not title.strip():
            raise ValueError(f"not an entry: {line!r}")
        entries.append(Entry(int(number), status, title))
    return entries


def citations(text: str, place: str) -> Iterator[Citation]:
    """Yield what ``text`` cites."""
    number = 0
    for token in _TOKEN.finditer(text):
        line = text.count("\n", 0, token.start()) + 1
        if token["rfc"]:
            number = int(token["rfc"])
            yield Citation(f"{place}:{line}", number, "")
        elif token["section"] and number:
            yield Citation(f"{place}:{line}", number, token["section"])
        elif token["end"]:
            number = 0


def sections(text: str) -> frozenset[str]:
    """Return the numbers of the headings in the text of an RFC."""
    return frozenset(_HEADING.findall(text))


def all_citations(source: Path) -> list[Citation]:
    """Return what every module below ``source`` cites."""
    return [
        citation
        for path in sorted(source.rglob("*.py"))
        for citation in citations(path.read_text(), str(path.relative_to(source)))
    ]


def dead(found: list[Citation], texts: Path) -> tuple[list[str], set[int]]:
    """Return complaints about sections that do not exist, and RFCs without a text."""
    complaints: list[str] = []
    missing: set[int] = set()
    known: dict[int, frozenset[str]] = {}
    for citation in found:
        file = texts / f"rfc{citation.number}.txt"
        if not file.exists():
            missing.add(citation.number)
            continue
        if citation.number not in known:
            known[citation.number] = sections(file.read_text(errors="replace"))
        if citation.section and citation.section not in known[citation.number]:
            complaints.append(
                f"{citation.place}: RFC {citation.number} has no §{citation.section}"
            )
    return complaints, missing


def main(arguments: list[str]) -> int:
    """Check; return the exit code."""
    found = all_citations(ROOT / "src")
    numbers = {entry.number for entry in read_index(INDEX.read_text())}
    complaints = [
        f"{citation.place}: RFC {citation.number} is not in rfc/index.txt"
        for citation in found
        if citation.number not in numbers
    ]
    unused = numbers - {citation.number for citation in found}
    complaints += [f"rfc/index.txt: nothing cites RFC {n}" for n in sorted(unused)]
    if arguments:
        wrong, missing = dead(found, Path(arguments[0]))
        complaints += wrong
        print(f"no text of {len(missing)} cited RFCs in {arguments[0]}")
    print("\n".join(complaints) or f"{len(found)} citations, all well")
    return 1 if complaints else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
