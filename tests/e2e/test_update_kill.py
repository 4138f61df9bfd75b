"""``kill -9`` while updates are written: what was answered is there, whole."""

import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import dns.name

from tests.support.updates import request, shown, updatable
from tests.support.zones import HEAD, MemorySource

ROUNDS = 3

SOURCE = MemorySource({"example.com.zone": HEAD})


def write(directory: Path, start: int) -> None:
    """Update for ever; say each number once its update was answered."""
    zones = updatable(directory, SOURCE)
    for number in range(start, start + 100_000):
        lines = (f"add n{number} 60 A 192.0.2.1", f"add n{number} 60 TXT {number}")
        assert zones.update([request(*lines)]) == [0]
        print(number, flush=True)  # noqa: T201


def test_what_was_answered_is_there(tmp_path: Path) -> None:
    chance = random.Random(4)
    told: list[int] = []
    for attempt in range(ROUNDS):
        with subprocess.Popen(
            [sys.executable, "-m", __name__, str(tmp_path), str(attempt * 100_000)],
            stdout=subprocess.PIPE,
            env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
        ) as process:
            assert process.stdout is not None
            first = process.stdout.readline()
            time.sleep(chance.random() * 0.1)
            process.send_signal(signal.SIGKILL)
            said = (first + process.stdout.read()).splitlines(keepends=True)
        told += [int(line) for line in said if line.endswith(b"\n")]
    zones = updatable(tmp_path, SOURCE)
    assert len(told) > ROUNDS
    for number in told:
        assert shown(zones, f"n{number}.example.com") == {
            "A": ["192.0.2.1"],
            "TXT": [f'"{number}"'],
        }
    zone = zones.get(dns.name.from_text("example.com"))
    assert zone is not None
    # Whole or not at all, also what nobody was told of.
    made = [rrsets for name, rrsets in zone.nodes.items() if name[2:3].isdigit()]
    assert {len(rrsets) for rrsets in made} == {2}
    assert zone.serial >= 1 + len(told)


if __name__ == "__main__":
    write(Path(sys.argv[1]), int(sys.argv[2]))
