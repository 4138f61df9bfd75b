"""Rows, samples, rounds; processor time and memory of a tree of processes."""

import contextlib
import os
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median
from typing import Final

from tests.support.server import worker_pids

TICK_SECONDS: Final = 1 / os.sysconf("SC_CLK_TCK")


@dataclass(frozen=True)
class Options:
    """What was asked for on the command line.

    Attributes:
        only: Words; a row whose name has none of them is left out.
        rounds: How often each side is measured.
        quick: A tenth of the work.
        directory: For everything written; removed at the end.
    """

    only: Sequence[str]
    rounds: int
    quick: bool
    directory: Path

    def wants(self, name: str) -> bool:
        return not self.only or any(word in name for word in self.only)

    def wants_any(self, names: Sequence[str]) -> bool:
        return any(self.wants(name) for name in names)

    def amount(self, whole: int) -> int:
        """Return how much to do of ``whole``."""
        return max(whole // 10, 20) if self.quick else whole


@dataclass
class Row:
    """One line of the result.

    Attributes:
        unit: Of the numbers; ``/s`` rates are better high, all others low.
        target: Ratio to the peer (section 11 of the design), or the most allowed
            where there is no peer.
        samples: By side, a number a round.
        cpu: By side, microseconds of server processor time a piece, a number a round.
    """

    name: str
    unit: str
    peer: str
    target: float
    samples: dict[str, list[float]] = field(default_factory=dict)
    cpu: dict[str, list[float]] = field(default_factory=dict)

    def add(self, side: str, number: float, cpu_us: float | None = None) -> None:
        self.samples.setdefault(side, []).append(number)
        if cpu_us is not None:
            self.cpu.setdefault(side, []).append(cpu_us)

    def value(self, side: str) -> float | None:
        found = self.samples.get(side)
        return median(found) if found else None

    def cpu_value(self, side: str) -> float | None:
        found = self.cpu.get(side)
        return median(found) if found else None

    @property
    def ratio(self) -> float | None:
        """How many times better than the peer pabal is."""
        ours, theirs = self.value("pabal"), self.value(self.peer)
        if not ours or not theirs:
            return None
        return ours / theirs if self.unit.endswith("/s") else theirs / ours

    @property
    def cpu_ratio(self) -> float | None:
        ours, theirs = self.cpu_value("pabal"), self.cpu_value(self.peer)
        return theirs / ours if ours and theirs else None


def tree(pid: int) -> list[int]:
    """Return a process and everything below it."""
    found = [pid]
    for parent in found:
        try:
            found += worker_pids(parent)
        except OSError:
            continue  # it ended meanwhile
    return found


def cpu_seconds(roots: Sequence[int]) -> float:
    """Return processor time of trees, with that of children that have ended."""
    return sum(_process_seconds(pid) for root in roots for pid in tree(root))


def _process_seconds(pid: int) -> float:
    """Return the time of the living threads, in nanoseconds' grain, and dead children.

    ``/proc/PID/stat`` counts in ticks of 10 ms: too coarse for one command.
    """
    total = 0.0
    with contextlib.suppress(OSError):  # it ended meanwhile
        stat = Path(f"/proc/{pid}/stat").read_text("ascii").rpartition(")")[2].split()
        total += sum(map(int, stat[13:15])) * TICK_SECONDS
        for thread in Path(f"/proc/{pid}/task").iterdir():
            with contextlib.suppress(OSError):
                total += int((thread / "schedstat").read_text().split()[0]) / 1e9
    return total


def memory_octets(roots: Sequence[int]) -> int:
    """Return the memory of trees; what processes share counts once (PSS)."""
    total = 0
    for root in roots:
        for pid in tree(root):
            try:
                text = Path(f"/proc/{pid}/smaps_rollup").read_text("ascii")
            except OSError:
                continue
            (line,) = (x for x in text.splitlines() if x.startswith("Pss:"))
            total += int(line.split()[1]) * 1024
    return total


def in_parallel(jobs: Sequence[Callable[[], None]]) -> float:
    """Run each job in a process of its own; return the seconds all took."""
    gate, release = os.pipe()
    children = []
    for job in jobs:
        pid = os.fork()
        if pid == 0:
            code = 1
            try:
                os.close(release)
                os.read(gate, 1)
                job()
                code = 0
            except BaseException as error:  # noqa: BLE001  the child's last word
                os.write(2, f"bench: {type(error).__name__}: {error}\n".encode())
            finally:
                os._exit(code)
        children.append(pid)
    os.close(gate)
    time.sleep(0.05)  # let every child come to the gate
    begun = time.monotonic()
    os.close(release)
    codes = [os.waitpid(pid, 0)[1] for pid in children]
    elapsed = time.monotonic() - begun
    if any(codes):
        raise RuntimeError("a client of the measurement failed")
    return elapsed
