"""How a process is: processor time, memory, files, age; under Prometheus's names."""

import os
import resource
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from pabal.base.metrics import Extent, Family, Sample, counter, gauge

_STAT: Final = Path("/proc/self/stat")
_DESCRIPTORS: Final = Path("/proc/self/fd")
_MACHINE: Final = Path("/proc/stat")

_VSIZE: Final = 20
_RSS: Final = 21
_STARTED: Final = 19
"""Fields of /proc/self/stat behind the name of the program (proc(5): 23, 24, 22)."""


async def vitals(version: str, _extent: Extent) -> Sequence[Family]:
    """Return the families that ``process_`` and ``pabal_build_info`` stand for."""
    usage = resource.getrusage(resource.RUSAGE_SELF)
    soft, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    fields = _STAT.read_text(encoding="ascii", errors="replace").rpartition(")")[2]
    values = fields.split()
    started = int(values[_STARTED]) / os.sysconf("SC_CLK_TCK")
    return (
        gauge(
            "pabal_build_info",
            "One, with the version of the program.",
            [Sample(1, (("version", version),))],
        ),
        counter(
            "process_cpu_seconds_total",
            "Processor time, of the program and of the kernel for it.",
            [Sample(usage.ru_utime + usage.ru_stime)],
        ),
        gauge(
            "process_resident_memory_bytes",
            "Memory in use; what processes share counts in each.",
            [Sample(int(values[_RSS]) * os.sysconf("SC_PAGE_SIZE"))],
        ),
        gauge(
            "process_virtual_memory_bytes",
            "Addresses in use.",
            [Sample(int(values[_VSIZE]))],
        ),
        gauge(
            "process_open_fds",
            "Open files and connections.",
            [Sample(sum(1 for _ in _DESCRIPTORS.iterdir()) - 1)],
        ),
        gauge(
            "process_max_fds",
            "How many there may be.",
            [Sample(soft)],
        ),
        gauge(
            "process_start_time_seconds",
            "When it began, since 1970.",
            [Sample(_booted() + started)],
        ),
    )


def _booted() -> int:
    """Return when the machine began, seconds since 1970."""
    lines = _MACHINE.read_text(encoding="ascii", errors="replace").splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("btime "))
