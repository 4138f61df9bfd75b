"""Questions asked by dnsperf: how many answers a second, and how soon."""

import re
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from bench.peers import Side

CLIENTS: Final = 8
IN_FLIGHT: Final = 200

PACED_RATE: Final = 10_000
"""Questions a second where it is measured how soon they are answered. A third of a
core is enough for any side: it is the server that is measured, not a full queue."""

PART: Final = 0.99
"""The part of the answers that came within what is reported."""

_COMPLETED: Final = re.compile(r"Queries completed:\s+(\d+)")
_CODES: Final = re.compile(r"Response codes:\s+(.*)")
_ANSWER: Final = re.compile(r"^> [A-Z]+ \S+ \S+ (\d+\.\d+)$", re.MULTILINE)


@dataclass(frozen=True)
class Questions:
    """What is asked, one after the other and again.

    Attributes:
        file: ``NAME TYPE`` a line.
        secure: Whether signatures are asked for (DO).
        rcode: What all answers must say.
    """

    file: Path
    secure: bool = False
    rcode: str = "NOERROR"


def questions(
    file: Path, names: Sequence[str], *, secure: bool = False, rcode: str = "NOERROR"
) -> Questions:
    """Write ``names`` into ``file``, asked for their addresses."""
    file.write_text("".join(f"{name} A\n" for name in names))
    return Questions(file, secure, rcode)


def rate(side: Side, asked: Questions, seconds: int) -> tuple[int, float]:
    """Return how many answers came, and how many a second.

    dnsperf waits for what was lost; its own run time would count the waiting.
    """
    text = _run(side, asked, seconds, "-q", str(IN_FLIGHT))
    completed = _COMPLETED.search(text)
    if not completed:
        raise RuntimeError(f"{side.name}: {text}")
    return int(completed[1]), int(completed[1]) / seconds


def latency_us(side: Side, asked: Questions, seconds: int) -> float:
    """Return within how many microseconds 99 % of the answers came, at a fixed rate."""
    text = _run(side, asked, seconds, "-v", "-Q", str(PACED_RATE))
    times = sorted(map(float, _ANSWER.findall(text)))
    if len(times) < PACED_RATE * seconds // 2:
        raise RuntimeError(f"{side.name}: {len(times)} answers in {seconds} s")
    return times[int(len(times) * PART)] * 1e6


def _run(side: Side, asked: Questions, seconds: int, *words: str) -> str:
    done = subprocess.run(
        ["dnsperf", "-s", side.address, "-p", str(side.ports["dns"]),
         "-d", str(asked.file), "-l", str(seconds), "-c", str(CLIENTS), "-t", "1",
         *(["-D"] if asked.secure else []), *words],
        capture_output=True, text=True, check=True,
    )  # fmt: skip
    codes = _CODES.search(done.stdout)
    if not codes or not re.match(rf"{asked.rcode} \d+ \(100\.00%\)", codes[1]):
        raise RuntimeError(f"{side.name}: {done.stdout[-2000:]}")
    return done.stdout
