"""``kill -9`` while a signed zone's versions are written: each is there whole."""

import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

from pabal.dns.wire import codes
from pabal.dns.wire.rrset import RRset
from pabal.dns.zone import signedfile
from pabal.dns.zone.overlay import with_serial
from pabal.dns.zone.signedfile import SignedZones
from pabal.dns.zone.tree import Zone, changed
from tests.support.zones import HEAD, octets, zone

ROUNDS = 6

NAMES = [octets(f"{label}.example.com.") for label in ("a", "b", "c")]

OWN = zone(HEAD + "".join(f"h{number} A 192.0.2.1\n" for number in range(50)))


def version(before: Zone, number: int) -> Zone:
    """Return a zone whose every name in ``NAMES``, and SOA, tell one number."""
    sets = {
        name: {codes.TXT: RRset(name, codes.TXT, 60, (b"\x08%08d" % number,))}
        for name in NAMES
    }
    apex = {**before.apex, codes.SOA: with_serial(before.soa, number)}
    return changed(before, {**sets, before.origin: apex}, frozenset())


def write(directory: Path) -> None:
    """Write versions for ever; say each number once it is in service."""
    # Small zones have no log.
    setattr(signedfile, "LOG_FROM_OCTETS", 0)  # noqa: B010
    setattr(signedfile, "LOG_SHARE", 1)  # noqa: B010
    files = SignedZones(directory)
    own = files.current(OWN.origin) or OWN
    for number in range(own.serial + 1, own.serial + 100_000):
        own = version(own, number)
        files.put(own)
        print(number, flush=True)  # noqa: T201


def test_a_version_is_there_whole_or_not(tmp_path: Path) -> None:
    (tmp_path / "example.com").mkdir()
    chance = random.Random(9)
    reader = SignedZones(tmp_path)
    for _ in range(ROUNDS):
        with subprocess.Popen(
            [sys.executable, "-m", __name__, str(tmp_path)],
            stdout=subprocess.PIPE,
            env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
        ) as process:
            assert process.stdout is not None
            first = process.stdout.readline()
            time.sleep(chance.random() * 0.1)
            process.send_signal(signal.SIGKILL)
            said = (first + process.stdout.read()).splitlines(keepends=True)
        told = max(int(line) for line in said if line.endswith(b"\n"))
        for each in (reader, SignedZones(tmp_path)):
            found = each.current(OWN.origin)
            assert found is not None
            assert found.serial in (told, told + 1)
            texts = {found.nodes[name][codes.TXT].rdatas for name in NAMES}
            assert texts == {(b"\x08%08d" % found.serial,)}
            assert len(found.nodes) == len(OWN.nodes) + len(NAMES)


if __name__ == "__main__":
    write(Path(sys.argv[1]))
