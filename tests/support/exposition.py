"""A strict reader of Prometheus's text format, version 0.0.4.

Refuses what ``promtool check metrics`` refuses: a sample without its HELP and TYPE,
families in pieces, samples twice, histograms that do not add up, bad names, counters
without ``_total``.
"""

import math
import re
from dataclasses import dataclass, field

NAME = r"[a-zA-Z_:][a-zA-Z0-9_:]*"
SAMPLE = re.compile(rf"({NAME})(?:\{{(.*)\}})? (\S+)")
LABEL = re.compile(r'([a-zA-Z_][a-zA-Z0-9_]*)="((?:[^"\\\n]|\\["\\n])*)"(?:,|$)')
SUFFIXES = {"histogram": ("_bucket", "_sum", "_count")}

Labels = tuple[tuple[str, str], ...]


@dataclass
class Shown:
    """One family as it was shown."""

    kind: str
    about: str
    samples: dict[tuple[str, Labels], float] = field(default_factory=dict)

    def sum(self, suffix: str = "", **labels: str) -> float:
        """Return the sum of all samples that have ``labels`` among theirs."""
        return sum(
            value
            for (end, has), value in self.samples.items()
            if end == suffix and labels.items() <= dict(has).items()
        )

    def values(self, label: str) -> set[str]:
        return {dict(has)[label] for _, has in self.samples}


def read(text: str) -> dict[str, Shown]:
    """Return the families of a page.

    Raises:
        ValueError: It is not as the format wants it.
    """
    assert not text or text.endswith("\n")
    found: dict[str, Shown] = {}
    about: tuple[str, str] | None = None
    name = ""
    for line in text.splitlines():
        if line.startswith("# HELP "):
            _, _, named, words = line.split(" ", 3)
            about = named, words
        elif line.startswith("# TYPE "):
            _, _, name, kind = line.split(" ")
            if about is None or about[0] != name or name in found:
                raise ValueError(f"TYPE without HELP, or twice: {line}")
            _check_name(name, kind)
            found[name] = Shown(kind, about[1])
            about = None
        else:
            _read_sample(line, name, found)
    for name, shown in found.items():
        if shown.kind == "histogram":
            _check_histogram(name, shown)
    return found


def _check_name(name: str, kind: str) -> None:
    good = re.fullmatch(NAME, name) and kind in {"counter", "gauge", "histogram"}
    if not good or (kind == "counter") != name.endswith("_total"):
        raise ValueError(f"bad name or type: {name} {kind}")


def _read_sample(line: str, name: str, found: dict[str, Shown]) -> None:
    match = SAMPLE.fullmatch(line)
    if match is None or name not in found:
        raise ValueError(f"no sample: {line!r}")
    shown = found[name]
    suffix = match[1].removeprefix(name)
    if suffix not in SUFFIXES.get(shown.kind, ("",)) or not match[1].startswith(name):
        raise ValueError(f"{line!r} is not of {name}")
    labels = _labels(match[2] or "")
    if (suffix, labels) in shown.samples:
        raise ValueError(f"twice: {line}")
    value = float(match[3])
    if shown.kind == "counter" and (value < 0 or not math.isfinite(value)):
        raise ValueError(f"not a count: {line}")
    shown.samples[suffix, labels] = value


def _labels(text: str) -> Labels:
    found = []
    at = 0
    while at < len(text):
        match = LABEL.match(text, at)
        if match is None:
            raise ValueError(f"bad labels: {text}")
        found.append((match[1], match[2]))
        at = match.end()
    if len(dict(found)) != len(found):
        raise ValueError(f"a label twice: {text}")
    return tuple(sorted(found))


def _check_histogram(name: str, shown: Shown) -> None:
    rows: dict[Labels, list[tuple[float, float]]] = {}
    for (suffix, labels), value in shown.samples.items():
        if suffix == "_bucket":
            rest = tuple(one for one in labels if one[0] != "le")
            rows.setdefault(rest, []).append((float(dict(labels)["le"]), value))
    for labels, buckets in rows.items():
        ends = [end for end, _ in buckets]
        counts = [count for _, count in buckets]
        whole = shown.samples["_count", labels]
        if ends != sorted(ends) or counts != sorted(counts) or ends[-1] != math.inf:
            raise ValueError(f"buckets of {name} are not in order")
        if counts[-1] != whole or ("_sum", labels) not in shown.samples:
            raise ValueError(f"{name} does not add up")
