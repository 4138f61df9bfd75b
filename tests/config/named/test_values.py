import pytest

from pabal.config.named.lexer import Source, Token, tokenize
from pabal.config.named.values import KINDS, network_misfit
from pabal.dns.zone.mistaken import why_no_address


def token(text: str) -> Token:
    return tokenize(Source("f", text)).tokens[0]


@pytest.mark.parametrize(
    ("kind", "right", "wrong"),
    [
        ("boolean", ["yes", "No", "TRUE", "0"], ["on", "y", "2"]),
        ("integer", ["0", "4294967295"], ["4294967296", "-1", "1.5", '"1"', "²"]),
        ("port", ["0", "65535"], ["65536", "http"]),
        ("percent", ["90%"], ["90", "%"]),
        ("fixed", ["0.5", "100", "1.", ".5"], [".", "0.123", "x"]),
        ("size", ["64M", "1g", "0"], ["64MB", "M"]),
        ("duration", ["3600", "1h30m", "P1D", "PT1H", "p1y"], ["1x", "P", "PT", "h"]),
        ("text", ["a", '"a/b"', "a.b-c"], ["a/b"]),
        ("quoted", ['""', '"x"'], ["x"]),
        ("ipv4", ["192.0.2.1"], ["::1", "192.0.2", '"192.0.2.1"']),
        ("ipv6", ["::1", "fe80::1%eth0"], ["192.0.2.1"]),
        ("address", ["::1", "192.0.2.1"], ["192.0.2.1/32", "a"]),
        ("network", ["10/8", "10.0.0.0/8", "::/0", "192.0.2.1"], ["10", "10.1/8"]),
        ("base64", ['"c2VjcmV0"', "AAAA", '"AA\nAA"'], ['"c2VjcmV"', '""', "-"]),
    ],
)
def test_kinds(kind: str, right: list[str], wrong: list[str]) -> None:
    assert [t for t in right if not KINDS[kind].fits(token(t))] == []
    assert [t for t in wrong if KINDS[kind].fits(token(t))] == []
    assert KINDS[kind].fits(token(KINDS[kind].example))
    for text in wrong:
        misfit = KINDS[kind].explain(token(text))
        assert misfit is None or misfit.reason


def test_addresses_are_explained() -> None:
    assert why_no_address("1.2.3.400").endswith("400 is more than 255")
    assert why_no_address("1.2.3.04").endswith("no leading zeros")
    assert why_no_address("1.2.3").endswith("it needs four numbers")
    assert why_no_address("1.2.3." + "9" * 5000).endswith("more than 255")


def test_networks_are_explained() -> None:
    misfit = network_misfit("10.1/8")
    assert misfit is not None
    assert misfit.suggestion == "write 10.0.0.0/8"
    misfit = network_misfit("192.0.2.0/33")
    assert misfit is not None
    assert misfit.suggestion == "0 to 32"
    misfit = network_misfit("192.0.2.0/x")
    assert misfit is not None
    assert "not the length" in misfit.reason
    misfit = network_misfit("fe80::1%lo/64")
    assert misfit is not None
