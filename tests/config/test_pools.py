from pathlib import Path

import pytest

from pabal.config.load import options, parse
from pabal.config.pools import EXAMPLE, pools_in
from pabal.dns.settings import PoolSettings

FILE = Path("/somewhere/pabal.toml")


def test_pools_in_their_order() -> None:
    loaded = parse(
        'hostname = "a.test"\n[dns.pool.web]\nnames = "www.a.test"\n'
        'weights = ["192.0.2.1 3", "2001:db8::1 0"]\nprobe = "https:443/health"\n'
        "interval = 5\nfall = 2\n[dns.pool.mail]\n",
        FILE,
    )
    assert loaded.settings is not None, loaded.problems
    assert loaded.settings.dns.pools == (
        PoolSettings(
            "web",
            ("www.a.test",),
            ("192.0.2.1 3", "2001:db8::1 0"),
            "https:443/health",
            interval_s=5,
            fall=2,
        ),
        PoolSettings("mail", ()),
    )


@pytest.mark.parametrize(
    "line",
    [
        'weights = "192.0.2.1"',
        'weights = "192.0.2.1 x"',
        'weights = "192.0.2.1 1001"',
        'weights = "www 1"',
        'probe = "ping"',
        "interval = 0",
        'names = "a..b"',
    ],
)
def test_mistakes(line: str) -> None:
    loaded = parse(f'hostname = "a.test"\n[dns.pool.x]\n{line}\n', FILE)
    assert [p.span.line for p in loaded.problems] == [3]


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("true", "rotate"),
        ("false", "fixed"),
        ('"random"', "random"),
        ('"rotate"', "rotate"),
    ],
)
def test_the_order_of_all_sets(value: str, expected: str) -> None:
    loaded = parse(f'hostname = "a.test"\n[dns]\nround_robin = {value}\n', FILE)
    assert loaded.settings is not None
    assert loaded.settings.dns.round_robin == expected


def test_the_manual_knows_them() -> None:
    assert options()[EXAMPLE][0].key == "names"
    assert pools_in(["dns", "dns.pool.a", "dns.view.b"]) == ["dns.pool.a"]
