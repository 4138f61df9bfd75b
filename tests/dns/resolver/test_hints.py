import ipaddress

import pytest

from pabal.base.errors import OperatorError
from pabal.dns.resolver.hints import (
    ROOT_SERVERS,
    Server,
    is_loopback,
    is_unicast,
    may_be_named,
    read_hints,
)

HINTS = """
.                 3600000 NS   ROOT.lab.
root.lab.         3600000 A    127.0.0.53
root.lab.         3600000 AAAA ::1
other.lab.        3600000 A    127.0.0.54
"""


def test_built_in() -> None:
    assert len(ROOT_SERVERS) == 26
    assert len({ipaddress.ip_address(server.address) for server in ROOT_SERVERS}) == 26
    assert all(server.port == 53 for server in ROOT_SERVERS)


def test_read() -> None:
    assert read_hints(HINTS, 20053) == (
        Server("root.lab.", "127.0.0.53", 20053),
        Server("root.lab.", "::1", 20053),
    )


@pytest.mark.parametrize(
    "text", ["", ". NS", ". NS root.", "{", ". NS a.\na. A 224.0.0.1"]
)
def test_unusable(text: str) -> None:
    with pytest.raises(OperatorError, match="root hints"):
        read_hints(text)


def test_unicast() -> None:
    assert is_unicast("192.0.2.1")
    assert is_unicast("::1")
    for address in ("0.0.0.0", "224.0.0.1", "255.255.255.255", "::", "ff02::1", "x"):
        assert not is_unicast(address)


@pytest.mark.parametrize(
    "address", ["127.0.0.1", "127.255.255.254", "::1", "0:0:0:0:0:0:0:1"]
)
def test_loopback(address: str) -> None:
    assert is_loopback(address)
    assert not may_be_named(address)


@pytest.mark.parametrize(
    "address",
    [
        "0.1.2.3",
        "169.254.169.254",
        "239.255.255.255",
        "240.0.0.1",
        "255.255.255.255",
        "::",
        "::127.0.0.1",
        "::ffff:127.0.0.1",
        "::ffff:192.0.2.1",
        "fe80::1",
        "febf::1",
        "ff02::1",
    ],
)
def test_nobodys_server(address: str) -> None:
    assert not may_be_named(address)
    assert not is_loopback(address)


@pytest.mark.parametrize(
    "address", ["1.0.0.1", "10.0.0.1", "128.0.0.1", "192.168.0.1", "fd00::1", "64::1"]
)
def test_somebodys_server(address: str) -> None:
    assert may_be_named(address)
    assert not is_loopback(address)


def test_text() -> None:
    assert str(Server("ns.test.", "192.0.2.1", 5353)) == "ns.test.@192.0.2.1#5353"
