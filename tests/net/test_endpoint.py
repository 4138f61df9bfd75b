import pytest

from pabal.net.endpoint import Endpoint, EndpointError, client_key, plain_address


def test_both_families() -> None:
    assert Endpoint.parse("0.0.0.0:25") == Endpoint("0.0.0.0", 25)
    assert Endpoint.parse("[::]:25") == Endpoint("::", 25)
    assert str(Endpoint("::1", 25)) == "[::1]:25"
    assert str(Endpoint("127.0.0.1", 25)) == "127.0.0.1:25"
    assert Endpoint("::1", 1).is_ipv6
    assert Endpoint("127.0.0.9", 1).is_loopback
    assert not Endpoint("192.0.2.1", 1).is_loopback


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("127.0.0.1", "has no port"),
        ("127.0.0.1:x", "not a port"),
        ("127.0.0.1:70000", "not a port"),
        ("127.0.0.1:²", "not a port"),
        ("::1:25", "brackets"),
        ("mail.test:25", "not an IP address"),
    ],
)
def test_mistakes_are_explained(text: str, says: str) -> None:
    with pytest.raises(EndpointError, match=says):
        Endpoint.parse(text)


def test_one_client_is_an_address_or_a_64() -> None:
    assert client_key("192.0.2.7") == "192.0.2.7"
    assert client_key("::ffff:192.0.2.7") == "192.0.2.7"
    assert client_key("2001:db8:1:2:3::1") == client_key("2001:db8:1:2:ffff::9")
    assert client_key("2001:db8:1:2::1") != client_key("2001:db8:1:3::1")
    assert client_key("nonsense") == "nonsense"
    assert str(plain_address("fe80::1%eth0")) == "fe80::1"
