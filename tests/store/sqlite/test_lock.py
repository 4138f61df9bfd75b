import subprocess
import sys
from pathlib import Path

import pytest

from pabal.base.errors import UnavailableError
from pabal.store.sqlite.lock import FileTurns, try_lock

HOLD = """
import fcntl, os, sys
descriptor = os.open(sys.argv[1], os.O_RDWR | os.O_CREAT)
fcntl.flock(descriptor, fcntl.LOCK_EX)
print("held", flush=True)
sys.stdin.read()
"""


def test_one_holder_across_processes(tmp_path: Path) -> None:
    path = tmp_path / "pop3.lock"
    with subprocess.Popen(
        [sys.executable, "-c", HOLD, str(path)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    ) as holder:
        assert holder.stdout is not None
        assert holder.stdout.readline() == b"held\n"
        assert try_lock(path) is None
        holder.kill()
    release = try_lock(path)
    assert release is not None
    assert try_lock(path) is None
    release()
    release()
    again = try_lock(path)
    assert again is not None
    again()


def test_no_directory(tmp_path: Path) -> None:
    with pytest.raises(UnavailableError):
        try_lock(tmp_path / "nowhere" / "pop3.lock")


TAKE = """
import sys
from pathlib import Path
from pabal.store.sqlite.lock import FileTurns
print(FileTurns(Path(sys.argv[1])).take("pop3", float(sys.argv[2]), 10.0))
"""


def test_turns_count_across_processes(tmp_path: Path) -> None:
    turns = FileTurns(tmp_path)
    assert turns.take("pop3", 100.0, 10.0)
    for now, taken in (("109.9", "False"), ("110", "True")):
        done = subprocess.run(
            [sys.executable, "-c", TAKE, str(tmp_path), now],
            capture_output=True,
            text=True,
            check=True,
        )
        assert done.stdout.strip() == taken
    assert not turns.take("pop3", 119.0, 10.0)


def test_no_place_for_a_turn(tmp_path: Path) -> None:
    with pytest.raises(UnavailableError):
        FileTurns(tmp_path / "nowhere").take("pop3", 0.0, 1.0)
