"""Real processes: what a host that cannot start says."""

from pathlib import Path

import pytest

from pabal.base.errors import OperatorError
from pabal.lab.processes import Servers, leash, log_file
from pabal.lab.world import build


async def test_a_host_that_does_not_start_is_told_with_its_log(tmp_path: Path) -> None:
    world = build(tmp_path)
    for host in world.hosts:
        host.directory.mkdir()
        (host.directory / "pabal.toml").write_text("hostnam = 'x.test'\n")
    servers = Servers()
    with pytest.raises(OperatorError, match="did not start") as caught:
        await servers.start(world)
    await servers.stop()
    assert "did you mean `hostname`?" in str(caught.value)
    assert any("hostnam" in log_file(host).read_text() for host in world.hosts)


def test_a_killed_lab_takes_its_hosts_along_where_it_can() -> None:
    command = leash()
    assert not command or command[1:] == ["--pdeathsig", "TERM"]
