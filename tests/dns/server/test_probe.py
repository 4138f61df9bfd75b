import pytest

from pabal.base.errors import OperatorError
from pabal.dns.server.probe import Probe, parse_probe


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("tcp:25", Probe("tcp", 25, "")),
        ("http:80", Probe("http", 80, "/")),
        ("https:8443/a/b?c", Probe("https", 8443, "/a/b?c")),
    ],
)
def test_probes(text: str, expected: Probe) -> None:
    assert parse_probe(text) == expected


@pytest.mark.parametrize(
    "text", ["", "tcp", "tcp:0", "tcp:70000", "tcp:1/x", "udp:53", "http:80/a b", "x"]
)
def test_what_is_none(text: str) -> None:
    with pytest.raises(OperatorError, match="is no probe"):
        parse_probe(text)


def test_what_is_sent_and_what_is_well() -> None:
    assert Probe("tcp", 25, "").request("a.test") == b""
    request = Probe("http", 80, "/x").request("a.test")
    assert request.startswith(b"GET /x HTTP/1.1\r\nHost: a.test\r\n")
    assert request.endswith(b"\r\n\r\n")
    for line, well in (
        (b"HTTP/1.1 200 OK\r\n", True),
        (b"HTTP/1.0 301\r\n", True),
        (b"HTTP/1.1 500 no\r\n", False),
        (b"HTTP/1.1 404 no\r\n", False),
        (b"SSH-2.0\r\n", False),
    ):
        assert Probe.is_well(line) is well
