import tomllib

import pytest

from pabal.config.named.takeover import take_over
from tests.config.named.test_takeover import notes
from tests.support.configuration import checked

KNOWN = frozenset({"tcp_idle"})


def figures(body: str) -> object:
    found = take_over(checked(f"options {{ {body} }};"), KNOWN)
    return tomllib.loads(found.toml()).get("dns", {})


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        ("tcp-clients 150;", {"tcp_connections_max": 150}),
        ("tcp-clients 0;", {"tcp_connections_max": 1}),
        ("tcp-idle-timeout 300;", {"tcp_idle": 30}),
        ("tcp-idle-timeout 1;", {"tcp_idle": 1}),
        ("tcp-keepalive-timeout 301;", {"tcp_keepalive": 31}),
        ("tcp-keepalive-timeout 65535;", {"tcp_keepalive": 3600}),
        (
            "rate-limit { responses-per-second 10; slip 3; window 5; };",
            {"rate_max": 10, "rate_slip": 3},
        ),
    ],
)
def test_numbers_are_taken_over(body: str, expected: object) -> None:
    assert figures(body) == expected


def test_what_pabal_has_not_is_said() -> None:
    text = "options { rate-limit { window 5; exempt-clients { 10/8; }; }; };"
    said = [f"{n.what}: {n.why}" for n in take_over(checked(text), KNOWN).notes]
    assert "rate-limit: window: pabal has no such setting" in said
    assert any("exempt-clients: who may recurse is exempt" in line for line in said)
    said = notes("options { tcp-advertised-timeout 10; tcp-initial-timeout 10; };")
    assert any("tcp_keepalive in [dns]" in line for line in said)
    assert any(line.startswith("tcp-initial-timeout 10: ") for line in said)
