import tomllib

import pytest

from pabal.config.load import options
from pabal.config.named.takeover import take_over
from tests.config.named.test_takeover import FILES, notes, taken
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
    assert any(
        "allow-recursion, which is not set" in line for line in notes("options { };")
    )


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
        "allow_notify": ["192.0.2.9", "key k"],
        "forward_updates": ["192.0.2.9"],
    }
    for nameless in ("none", "hostname"):
        found = take_over(checked(f"options {{ server-id {nameless}; }};"), known)
        assert "nsid" not in found.toml()
