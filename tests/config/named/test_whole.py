import tomllib

import pytest

from pabal.config.load import options
from pabal.config.named.takeover import take_over
from tests.config.named.test_takeover import FILES, taken
from tests.support.configuration import checked


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        ("recursion no; allow-recursion { any; };", ["none"]),
        ("allow-query { 10/8; };", ["10.0.0.0/8"]),
        ("allow-query { any; }; allow-query-cache { 10/8; };", ["10.0.0.0/8"]),
        (
            "allow-query-cache { any; }; allow-recursion { 192.0.2.1; };",
            ["192.0.2.1"],
        ),
    ],
)
def test_who_may_recurse_follows_three_lists(body: str, expected: list[str]) -> None:
    toml = tomllib.loads(taken(f"options {{ {body} }};").toml())
    assert toml["dns"]["allow_recursion"] == expected


def test_bind_lets_local_networks_recurse_by_default() -> None:
    known = frozenset({"allow_recursion"})
    found = take_over(checked("options { };"), known)
    assert found.toml() == '[dns]\nallow_recursion = ["localnets", "localhost"]'
    assert found.notes[0].what == "allow-recursion, which is not set"


def test_who_may_not_see_the_cache_may_not_recurse() -> None:
    text = (
        "options { allow-recursion { 10/8; }; allow-query-cache { !10.1/16; any; }; };"
    )
    found = tomllib.loads(taken(text).toml())["dns"]
    assert found["allow_recursion"] == ["!outside", "10.0.0.0/8"]
    assert found["acl"]["outside"]["networks"] == ["10.1.0.0/16", "none", "any"]


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        ("port 5353;", ["0.0.0.0:5353", "[::]:5353"]),
        ("listen-on { any; };", ["[::]:53", "0.0.0.0:53"]),
        ("listen-on-v6 port 54 { localhost; };", ["0.0.0.0:53", "[::1]:54"]),
        ("listen-on { none; }; listen-on-v6 { none; };", []),
        ("listen-on { 10.0.0.0/8; }; listen-on-v6 { none; };", []),
        ("listen-on tls ephemeral { any; }; listen-on-v6 { ::1; };", ["[::1]:53"]),
    ],
)
def test_where_it_listens(body: str, expected: list[str]) -> None:
    toml = tomllib.loads(taken(f"options {{ {body} }};").toml())
    assert toml["listen"]["dns"] == expected


def test_what_is_taken_of_names_and_of_who_is_listened_to() -> None:
    text = """
    key k { algorithm hmac-sha256; secret "c2VjcmV0"; };
    acl far { 192.0.2.9; key k; };
    options { server-id "ns1"; allow-notify { far; };
        allow-update-forwarding { far; }; };
    """
    known = frozenset(option.key for option in options()["dns"])
    found = take_over(checked(text, FILES), known)
    assert tomllib.loads(found.toml())["dns"] == {
        "keys_file": "tsig.keys",
        "nsid": "ns1",
        "acl": {
            "far": {"networks": ["192.0.2.9", "key k"]},
            "far-addresses": {"networks": ["192.0.2.9"]},
        },
        "allow_recursion": ["localnets", "localhost"],
        "allow_notify": ["far"],
        "forward_updates": ["far-addresses"],
    }
    for nameless in ("none", "hostname"):
        found = take_over(checked(f"options {{ server-id {nameless}; }};"), known)
        assert "nsid" not in found.toml()
