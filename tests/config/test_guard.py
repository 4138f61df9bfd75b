"""What of [dns] keeps one client from taking everything."""

from pathlib import Path

import pytest

from pabal.config.load import parse
from pabal.dns.settings import TcpSettings
from tests.config.test_names import section


def test_connections() -> None:
    found = section(
        "tcp_connections_max = 150\ntcp_per_client_max = 5\n"
        "tcp_idle = 3\ntcp_keepalive = 60\n"
    )
    assert found.tcp == TcpSettings(150, 5, 3, 60)


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("tcp_connections_max = 0", "from 1 to 100000"),
        ("tcp_per_client_max = 0", "from 1 to 100000"),
        ("tcp_idle = 0", "from 1 to 3600"),
        ("tcp_keepalive = -1", "from 0 to 3600"),
        ("tcp_idel = 3", "did you mean `tcp_idle`?"),
        ("rate_slip = 11", "from 0 to 10"),
    ],
)
def test_what_cannot_be(line: str, said: str) -> None:
    (problem,) = parse(
        f'hostname = "a.test"\n[dns]\n{line}\n', Path("/somewhere/pabal.toml")
    ).problems
    assert said in problem.render()
