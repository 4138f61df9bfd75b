"""Unbound beside us: what every test says to it once, what one wants comes with it."""

import contextlib
import subprocess
from collections.abc import Iterator
from pathlib import Path

from tests.interop.peer import path_of
from tests.support.ports import free_port


@contextlib.contextmanager
def unbound(
    directory: Path,
    server: str,
    zones: str = "",
    *,
    address: str = "127.0.0.1",
    port: int = 0,
) -> Iterator[tuple[str, int]]:
    """Run an Unbound of our own; yield where it listens.

    Args:
        directory: Its own; what it says is in ``log`` there.
        server: Lines of its ``server:`` clause beside those every test needs.
        zones: Further clauses.
        port: 0: a free one.
    """
    directory.mkdir(exist_ok=True)
    port = port or free_port()
    file = directory / "unbound.conf"
    lines = "".join(f"  {line.strip()}\n" for line in server.splitlines())
    file.write_text(f"""server:
  directory: "{directory}"
  chroot: ""
  username: ""
  pidfile: ""
  use-syslog: no
  interface: {address}@{port}
  access-control: 127.0.0.0/8 allow
  do-not-query-localhost: no
{lines}{zones}
remote-control:
  control-enable: no
""")
    words = [path_of("unbound"), "-d", "-c", str(file)]
    with (directory / "log").open("wb") as log:
        process = subprocess.Popen(words, stdout=log, stderr=log)
    try:
        yield address, port
    finally:
        process.terminate()
        process.wait(20)


def stub_zone(origin: str, address: str, port: int) -> str:
    """Return the clause that has ``origin`` asked of one server."""
    return f'stub-zone:\n  name: "{origin}"\n  stub-addr: {address}@{port}\n'
