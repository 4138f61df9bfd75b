"""A hundred thousand small zones: every process is ready soon, and asks for little."""

import time
from pathlib import Path

import dns.message
import dns.query
import dns.rcode
import pytest

from tests.support.server import PORT_OFFSET, Server

pytestmark = [pytest.mark.slow, pytest.mark.timeout(300)]

ZONES = 100_000

READY_MAX_S = 15.0
"""By the clock on the wall, on a machine of two processors that does nothing else."""

IDLE_SHARE_MAX = 0.06
"""Of one processor, each process, while nothing changes."""

TEXT = """\
$TTL 3600
@ IN SOA ns hostmaster 2024010101 7200 3600 1209600 300
@ IN NS ns
@ IN MX 10 mail
@ IN A 192.0.2.1
ns IN A 192.0.2.1
mail IN A 192.0.2.2
www IN CNAME @
@ IN TXT "v=spf1 mx -all"
"""


def cpu_s(pid: int) -> float:
    """Return the processor time a process has had, seconds."""
    words = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
    return (int(words[11]) + int(words[12])) / 100


def test_many_zones_are_there_soon(tmp_path: Path) -> None:
    server = Server(tmp_path / "pabal").init(workers="2", accounts=())
    zones = server.directory / "zones"
    for number in range(ZONES):
        (zones / f"zone{number}.test.zone").write_text(TEXT)
    began = time.monotonic()
    with server.start():
        took_s = time.monotonic() - began
        print(f"{ZONES} zones: ready after {took_s:.1f} s")  # noqa: T201
        for number in (0, ZONES - 1):
            query = dns.message.make_query(f"www.zone{number}.test.", "A")
            answer = dns.query.udp(query, server.address, 5, 53 + PORT_OFFSET)
            assert answer.rcode() == dns.rcode.NOERROR
            assert len(answer.answer) == 2
        assert took_s < READY_MAX_S
        time.sleep(25)  # the signer looks at all once, and tells the others
        before = {pid: cpu_s(pid) for pid in server.worker_pids()}
        time.sleep(20)
        for pid, was in before.items():
            assert cpu_s(pid) - was < 20 * IDLE_SHARE_MAX
