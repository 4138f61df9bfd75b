"""Views of a named.conf as pabal has them."""

import tomllib
from typing import Any

import pytest

from pabal.config.named.outcome import Takeover
from pabal.config.named.takeover import take_over
from tests.support.configuration import checked

KNOWN = frozenset({"policy_zones", "dns64", "secondary", "forward_zones"}) | {
    *("stub_zones", "keys_file", "notify", "allow_transfer", "allow_update"),
}
FILES = {f"/etc/bind/{name}": "" for name in ("in", "out", "same", "rpz")}

CONF = """\
acl office { !10.9.0.0/16; 10.0.0.0/8; };
options { directory "/etc/bind"; allow-query { any; }; };
view "inside" {
    match-clients { office; 192.0.2.0/24; };
    recursion yes;
    allow-recursion { any; };
    forwarders { 192.0.2.53; };
    zone "a.test" { type primary; file "in"; };
    zone "s.test" { type primary; file "same"; };
    zone "i.test" { type primary; file "in"; allow-update { none; }; };
};
view "all of them" {
    recursion no;
    zone "a.test" { type primary; file "out"; };
    zone "s.test" { in-view inside; };
    zone "o.test" { type primary; file "out"; };
};
"""


def taken(text: str) -> Takeover:
    return take_over(checked(text, FILES), KNOWN)


def toml(text: str) -> dict[str, Any]:
    return tomllib.loads(taken(text).toml())


def files(text: str) -> list[str]:
    return sorted(f"{z.directory}/{z.target} {z.path}" for z in taken(text).zones)


def notes(text: str, *, took: bool = False) -> list[str]:
    return [f"{n.what}: {n.why}" for n in taken(text).notes if n.taken is took]


def test_the_view_for_all_is_what_everybody_sees() -> None:
    assert toml(CONF) == {
        "dns": {
            "allow_query": ["any"],
            "allow_recursion": ["none"],
            "forwarders": ["192.0.2.53"],
            "acl": {"office": {"networks": ["!10.9.0.0/16", "10.0.0.0/8"]}},
            "view": {
                "inside": {
                    "clients": ["office", "192.0.2.0/24"],
                    "zones": "views/inside",
                    "without": ["o.test"],
                    "allow_recursion": ["any"],
                }
            },
        }
    }


def test_files_are_where_their_clients_look() -> None:
    """Nothing of the inner view is shown to everybody."""
    assert files(CONF) == [
        "views/inside/a.test.zone /etc/bind/in",
        "views/inside/i.test.zone /etc/bind/in",
        "zones/a.test.zone /etc/bind/out",
        "zones/o.test.zone /etc/bind/out",
        "zones/s.test.zone /etc/bind/same",
    ]


def test_what_is_not_as_it_was_is_said() -> None:
    said = notes(CONF)
    assert not any("match-clients" in line for line in said)
    taken_over = notes(CONF, took=True)
    assert "view inside: [dns.view.inside]" in taken_over
    assert "view all of them: what everybody sees: [dns], zones/" in taken_over


def test_what_a_view_borrows_it_has_itself() -> None:
    text = """
    view one { match-clients { 10/8; };
        zone "a.test" { type primary; file "/etc/bind/in"; }; };
    view two { match-clients { 172.16/12; }; zone "a.test" { in-view one; }; };
    """
    assert files(text) == [
        "views/one/a.test.zone /etc/bind/in",
        "views/two/a.test.zone /etc/bind/in",
    ]


def test_what_everybody_sees_may_be_borrowed_from_a_view() -> None:
    text = """
    view one { match-clients { 10/8; };
        zone "a.test" { type primary; file "/etc/bind/same"; };
        zone "b.test" { in-view one; }; };
    view two { zone "a.test" { in-view one; }; };
    """
    assert files(text) == ["zones/a.test.zone /etc/bind/same"]


def test_the_same_file_for_all_is_there_once() -> None:
    text = """
    view one { match-clients { 10/8; };
        zone "a.test" { type primary; file "/etc/bind/same"; }; };
    view two { zone "a.test" { type primary; file "/etc/bind/same"; }; };
    """
    assert files(text) == ["zones/a.test.zone /etc/bind/same"]
    assert "zones" not in toml(text)["dns"]["view"]["one"]
    assert any("so this view does too" in line for line in notes(text, took=True))


NOBODY_ELSE = """
options { allow-query { any; }; };
view one { match-clients { !10.1/16; 10/8; };
    zone "a.test" { type primary; file "/etc/bind/in"; }; };
view two { match-clients { 10.1/16; };
    zone "a.test" { type primary; file "/etc/bind/out"; }; };
"""


def test_without_a_view_for_all_nobody_else_may_ask() -> None:
    assert toml(NOBODY_ELSE)["dns"] == {
        "allow_query": ["none"],
        "view": {
            "one": {
                "clients": ["!10.1.0.0/16", "10.0.0.0/8"],
                "zones": "views/one",
                "allow_query": ["any"],
                "allow_recursion": ["any"],
            },
            "two": {
                "clients": ["10.1.0.0/16"],
                "zones": "views/two",
                "allow_query": ["any"],
                "allow_recursion": ["any"],
            },
        },
    }


@pytest.mark.parametrize(
    ("body", "why"),
    [
        ("match-clients { key k; };", "nobody would see it"),
        ("match-clients { none; };", "nobody would see it"),
        ("match-clients { geoip country KR; };", "nobody would see it"),
    ],
)
def test_views_that_cannot_be_told_apart_stay(body: str, why: str) -> None:
    zone = 'zone "a.test" { type primary; file "/etc/bind/in"; };'
    key = 'key k { algorithm hmac-md5; secret "c2VjcmV0"; };'
    text = f"{key}\nview x {{ {body} {zone} }};"
    assert taken(text).zones == ()
    assert any(line.startswith("view x: ") and why in line for line in notes(text))
    assert "zone a.test in view x (primary): its view is not taken over" in notes(text)
    assert all(n.place == "named.conf:2" for n in taken(text).notes if "view" in n.what)


def test_what_no_client_reaches_and_other_classes_stay() -> None:
    text = """
    view one { };
    view two { match-clients { 10/8; }; };
    view three ch { };
    """
    said = notes(text)
    assert "view two: no client gets there: all are in view one" in said
    assert "view three: pabal answers in class IN only" in said


def test_names_that_no_directory_may_have() -> None:
    text = """
    view "../../etc" { match-clients { 10/8; }; };
    view "..//..//etc" { match-clients { 11/8; }; };
    view "//" { match-clients { 12/8; }; };
    """
    assert list(toml(text)["dns"]["view"]) == ["etc", "etc-2", "view"]


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        ("recursion no;", ["none"]),
        ("allow-recursion { 10.1/16; };", ["10.1.0.0/16"]),
        ("allow-query-cache { 10.2/16; };", ["10.2.0.0/16"]),
        ("", ["localnets", "localhost"]),
    ],
)
def test_who_may_recurse(body: str, expected: list[str]) -> None:
    text = f"view x {{ match-clients {{ 10/8; }}; {body} }};"
    assert toml(text)["dns"]["view"]["x"]["allow_recursion"] == expected


def test_an_open_resolver_has_to_be_said_twice() -> None:
    text = "view x { match-clients { !10/8; any; }; allow-recursion { any; }; };"
    assert "allow_recursion" not in toml(text)["dns"]["view"]["x"]
    assert any("said twice" in line for line in notes(text))


def test_each_view_asks_whom_it_did() -> None:
    """The first that asks at all has what [dns] says: the server itself asks them."""
    text = """
    options { forwarders { 192.0.2.9; }; };
    view one { match-clients { 10/8; }; forwarders { 192.0.2.1; }; forward only; };
    view two { match-clients { 11/8; }; forwarders { 192.0.2.2 port 54; }; };
    view three { match-clients { 12/8; }; forwarders { }; };
    view four { match-clients { 13/8; }; forwarders { 192.0.2.1; }; };
    view five { recursion no; forwarders { 192.0.2.3; }; };
    """
    found = toml(text)["dns"]
    assert found["forwarders"] == ["192.0.2.1"]
    views = found["view"]
    assert "forwarders" not in views["one"]
    assert views["two"]["forwarders"] == ["192.0.2.2:54"]
    assert views["three"]["forwarders"] == ["none"]
    assert "forwarders" not in views["four"]
    everybody = text.replace("recursion no; ", "")
    found = toml(everybody)["dns"]
    assert found["forwarders"] == ["192.0.2.3"]
    assert found["view"]["one"]["forwarders"] == ["192.0.2.1"]


def test_each_view_goes_on_as_it_did() -> None:
    def read(text: str) -> dict[str, Any]:
        taken = take_over(checked(text, FILES), KNOWN | {"forward"})
        made: dict[str, Any] = tomllib.loads(taken.toml())["dns"]
        return made

    text = """
    options { forwarders { 192.0.2.9; }; forward only; };
    view one { match-clients { 10/8; }; forward first; };
    view two { match-clients { 11/8; }; };
    view three { match-clients { 12/8; }; forwarders { }; };
    view four { forwarders { 192.0.2.9; }; };
    """
    found = read(text)
    assert "forward" not in found
    views = found["view"]
    assert views["one"]["forward"] == "first"
    assert "forward" not in views["two"]
    assert "forward" not in views["three"]
    found = read(text.replace("view four {", "view four { forward first;"))
    assert found["forward"] == "first"
    assert "forward" not in found["view"]["one"]
    assert found["view"]["two"]["forward"] == "only"


def test_zones_asked_elsewhere_are_so_for_their_view() -> None:
    zone = 'zone "f.test" { type forward; forwarders { 192.0.2.1; }; };'
    stub = 'zone "s.test" { type stub; primaries { 192.0.2.2; }; };'
    inside = f"view one {{ match-clients {{ 10/8; }}; {zone} {stub} }};"
    quiet = inside + f"view two {{ recursion no; {zone} }};"
    assert toml(quiet)["dns"]["forward_zones"] == ["f.test 192.0.2.1"]
    loud = inside + "view two { recursion yes; };"
    found = toml(loud)["dns"]
    assert "forward_zones" not in found
    assert found["view"]["one"]["forward_zones"] == ["f.test 192.0.2.1"]
    assert found["view"]["one"]["stub_zones"] == ["s.test 192.0.2.2"]
    other = inside.replace("one", "zero").replace("10/8", "9/8")
    found = toml(other + loud.replace(zone, ""))["dns"]["view"]
    assert "forward_zones" not in found["one"]
    third = f"view three {{ match-clients {{ 12/8; }}; recursion no; {zone} }};"
    assert any("may ask for names elsewhere" in line for line in notes(third + loud))


def test_what_everybody_has_and_a_view_has_not_is_hidden_from_it() -> None:
    """Above all what it asks other servers about."""
    text = """
    view one { match-clients { 10/8; };
        zone "a.test" { type forward; forwarders { 192.0.2.1; }; };
        zone "s.test" { type primary; file "/etc/bind/same"; }; };
    view two { recursion no;
        zone "a.test" { type primary; file "/etc/bind/out"; };
        zone "s.test" { type primary; file "/etc/bind/same"; };
        zone "c.test" { type secondary; primaries { 192.0.2.1; }; }; };
    """
    assert toml(text)["dns"]["view"]["one"]["without"] == ["a.test", "c.test"]


KEYS = """
key in { algorithm hmac-sha256; secret "c2VjcmV0"; };
key out { algorithm hmac-sha256; secret "b3RoZXI="; };
acl inner { !key out; key in; 10/8; };
"""


def test_copies_of_a_view_are_its_own() -> None:
    text = f"""{KEYS}
    view one {{ match-clients {{ inner; }};
        server 192.0.2.1 {{ keys in; }};
        also-notify {{ 192.0.2.1; 192.0.2.5 key out; }};
        allow-transfer {{ key in; !key out; }};
        zone "c.test" {{ type secondary; primaries {{ 192.0.2.1; }}; }};
        zone "d.test" {{ type secondary; primaries {{ 192.0.2.2 key out; }}; }};
        zone "u.test" {{ type primary; file "/etc/bind/in";
            allow-update {{ key in; }}; }}; }};
    view two {{ match-clients {{ key out; any; }};
        zone "d.test" {{ type secondary; primaries {{ 192.0.2.2 key out; }}; }}; }};
    """
    found = toml(text)["dns"]
    assert found["secondary"] == ["d.test 192.0.2.2 key out"]
    view = found["view"]["one"]
    assert view["clients"] == ["inner"]
    inner = found["acl"]["inner"]["networks"]
    assert inner == ["!key out", "key in", "10.0.0.0/8"]
    assert view["secondary"] == ["c.test 192.0.2.1 key in"]
    assert view["notify"] == ["192.0.2.1 key in", "192.0.2.5 key out"]
    assert view["allow_transfer"] == ["key in", "!key out"]
    assert view["allow_update"] == ["u.test key in zonesub ANY"]
    assert list(found["view"]) == ["one"]
    said = notes(text, took=True)
    assert any("zone c.test in view one (secondary)" in line for line in said)
    assert any("server 192.0.2.1: " in line for line in said)


def test_whoever_is_in_a_view_by_key_or_by_the_address_asked() -> None:
    text = f"""{KEYS}
    view one {{ match-clients {{ key in; }}; }};
    view two {{ match-destinations {{ 192.0.2.7; }}; }};
    view three {{ match-clients {{ 10/8; }}; match-recursive-only yes; }};
    view four {{ match-clients {{ !key in; any; }}; match-recursive-only no; }};
    """
    views = toml(text)["dns"]["view"]
    assert views["one"]["clients"] == ["key in"]
    assert views["two"]["clients"] == ["any"]
    assert views["two"]["destinations"] == ["192.0.2.7"]
    assert views["three"]["recursive_only"] is True
    assert list(views) == ["one", "two", "three"]
    # Who has the other key is in no view: four is not for everybody.
    other = text.replace("!key in; any", "!key out; any")
    assert toml(other)["dns"]["view"]["four"]["clients"] == ["!key out", "any"]
    assert toml(other)["dns"]["allow_query"] == ["none"]


def test_who_of_a_view_may_ask() -> None:
    text = """
    options { allow-query { 10/8; }; };
    view one { match-clients { 10/8; }; allow-query { 10.1/16; }; };
    view two { };
    """
    found = toml(text)["dns"]
    assert found["allow_query"] == ["10.0.0.0/8"]
    assert found["view"]["one"]["allow_query"] == ["10.1.0.0/16"]


def test_filters_of_views() -> None:
    text = """
    options { directory "/etc/bind"; response-policy { zone "rpz.test"; }; };
    view one { match-clients { 10/8; };
        response-policy { zone "rpz.in"; }; dns64 64:ff9b::/96 { };
        zone "rpz.in" { type primary; file "rpz"; }; };
    view two { match-clients { 11/8; }; };
    view three { response-policy { }; };
    """
    found = toml(text)["dns"]
    assert found["policy_zones"] == []
    views = found["view"]
    assert views["one"]["policy_zones"] == ["rpz.in"]
    assert views["one"]["dns64"] == "64:ff9b::/96"
    assert views["two"]["policy_zones"] == ["rpz.test"]
    assert files(text) == ["zones/rpz.in.zone /etc/bind/rpz"]
    assert any("who may ask at all can read it" in line for line in notes(text))
    bare = text.replace("view three { response-policy { }; };", "view three { };")
    bare = bare.replace('response-policy { zone "rpz.in"; };', "response-policy { };")
    assert toml(bare)["dns"]["view"]["one"]["policy_zones"] == ["none"]


def test_the_rest_of_a_view_is_told() -> None:
    text = (
        "view one { match-clients { 10/8; geoip country KR; }; allow-query { 10/8; };"
    )
    text = f'key k {{ algorithm hmac-sha256; secret "c2VjcmV0"; }}; {text}'
    text += " max-cache-size 1m; };"
    said = notes(text)
    assert any(line.startswith("view one: max-cache-size: ") for line in said)
    assert any(line.startswith("view one: match-clients: without") for line in said)
