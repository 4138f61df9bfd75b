"""NSD on loopback, for tests that compare with it."""

import contextlib
import subprocess
from collections.abc import Iterator
from pathlib import Path

from tests.interop.peer import path_of

LOOPBACK = "127.0.0.1"


@contextlib.contextmanager
def nsd(
    directory: Path, port: int, zones: str, options: str = ""
) -> Iterator[subprocess.Popen[bytes]]:
    """Run NSD with ``zones``, statements of nsd.conf, until the block ends."""
    directory.mkdir(exist_ok=True)
    (directory / "nsd.conf").write_text(
        f"""server:
    ip-address: {LOOPBACK}
    port: {port}
    server-count: 1
    username: ""
    chroot: ""
    zonesdir: "{directory}"
    database: ""
    pidfile: "{directory}/pid"
    xfrdfile: "{directory}/xfrd.state"
    zonelistfile: "{directory}/zone.list"
    xfrdir: "{directory}"
    logfile: "{directory}/log"
    zonefiles-write: 1
    xfrd-reload-timeout: 0
    verbosity: 2
    ipv4-edns-size: 4096
    rrl-ratelimit: 0
    {options}
remote-control:
    control-enable: no
{zones}"""
    )
    command = [path_of("nsd"), "-d", "-c", str(directory / "nsd.conf")]
    process = subprocess.Popen(
        command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    try:
        yield process
    finally:
        process.terminate()
        process.wait(20)
