import dns.name
import pytest

from pabal.base.errors import OperatorError
from pabal.dns.resolver.hints import Server
from pabal.dns.resolver.routes import Route, closest_route, read_route

CORP = dns.name.from_text("corp.test.")


def test_zone_and_addresses() -> None:
    route = read_route("Corp.Test 192.0.2.1 192.0.2.2:5353 2001:db8::1", recursive=True)
    servers = (
        Server("", "192.0.2.1"),
        Server("", "192.0.2.2", 5353),
        Server("", "2001:db8::1"),
    )
    assert route == Route(CORP, servers, recursive=True)
    assert read_route("corp.test", recursive=True).servers == ()


def test_who_is_only_asked_first() -> None:
    servers = (Server("", "192.0.2.1"),)
    route = read_route("corp.test first 192.0.2.1", recursive=True)
    assert route == Route(CORP, servers, recursive=True, first=True)
    assert not read_route("corp.test 192.0.2.1", recursive=True).first
    with pytest.raises(OperatorError):
        read_route("corp.test first", recursive=True)
    with pytest.raises(OperatorError):
        read_route("corp.test first 192.0.2.1", recursive=False)


@pytest.mark.parametrize(
    "text",
    ["", "corp.test", "a..b 192.0.2.1", "corp.test nowhere", "corp.test 224.0.0.1",
     "corp.test 192.0.2.1:0x5"],
)  # fmt: skip
def test_what_is_no_stub_zone(text: str) -> None:
    with pytest.raises(OperatorError):
        read_route(text, recursive=False)


def test_the_deepest_zone_wins() -> None:
    routes = [
        read_route(text, recursive=False)
        for text in ("corp.test 192.0.2.1", "lab.corp.test 192.0.2.2", ". 192.0.2.3")
    ]

    def address(text: str) -> str:
        route = closest_route(routes, dns.name.from_text(text))
        assert route is not None
        return route.servers[0].address

    assert address("www.LAB.corp.test.") == "192.0.2.2"
    assert address("corp.test.") == "192.0.2.1"
    assert address("corp.example.") == "192.0.2.3"
    assert closest_route(routes[:2], dns.name.from_text("test.")) is None
