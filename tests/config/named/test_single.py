"""What single zones of a named.conf say of who may ask, have them, and is told."""

import tomllib
from typing import Any

from pabal.config.load import options
from pabal.config.named.takeover import take_over
from tests.support.configuration import checked

KNOWN = frozenset(option.key for option in options()["dns"])
FILES = {"/etc/bind/z": "", "/etc/bind/y": ""}


def toml(text: str) -> dict[str, Any]:
    found = take_over(checked(text, FILES), KNOWN)
    read: dict[str, Any] = tomllib.loads(found.toml()).get("dns", {})
    return read


def zone(name: str, *lines: str, file: str = "z") -> str:
    said = " ".join(lines)
    return f'zone "{name}" {{ type primary; file "/etc/bind/{file}"; {said} }};\n'


LISTS = """
key k { algorithm hmac-sha256; secret "c2VjcmV0"; };
acl lan { !10.0.0.9; 10/8; };
primaries ps { 192.0.2.53; 192.0.2.54 key k; };
options { allow-query { lan; }; allow-transfer { key k; }; also-notify { ps; }; };
"""


def test_a_zone_has_lists_of_its_own() -> None:
    text = LISTS + zone(
        "a.test",
        "allow-query { any; };",
        "allow-transfer { !lan; key k; };",
        "also-notify { 192.0.2.7; };",
    )
    found = toml(text)
    assert found["zone"]["a.test"] == {
        "allow_query": ["any"],
        "allow_transfer": ["!lan", "key k"],
        "notify": ["192.0.2.7"],
    }
    notes = take_over(checked(text, FILES), KNOWN).notes
    said = {note.what: note.why for note in notes if note.taken}
    where = 'allow_query in [dns.zone."a.test"]'
    assert said["zone a.test: allow-query"] == where
    assert said["zone a.test: also-notify"] == 'notify in [dns.zone."a.test"]'


def test_what_is_as_for_all_is_not_said_again() -> None:
    text = LISTS + zone(
        "a.test",
        "allow-query { lan; };",
        "allow-transfer { key k; };",
        "also-notify { ps; };",
        "notify explicit;",
    )
    assert "zone" not in toml(text)


def test_who_is_told() -> None:
    text = LISTS + zone("a.test", "notify no;") + zone("b.test", "notify yes;")
    assert toml(text)["zone"] == {"a.test": {"notify": ["none"]}}
    found = take_over(checked(text, FILES), KNOWN)
    assert any("not every server of the NS" in note.why for note in found.notes)
    silent = LISTS.replace("options {", "options { notify no;")
    text = silent + zone("a.test") + zone("b.test", "notify explicit;")
    dns = toml(text)
    assert "notify" not in dns
    assert dns["zone"] == {"b.test": {"notify": ["192.0.2.53", "192.0.2.54 key k"]}}


def test_a_view_says_otherwise_or_as_its_own_lists_have_it() -> None:
    text = (
        LISTS
        + "view one { match-clients { lan; }; allow-query { 10.1/16; };\n"
        + zone("a.test", "allow-query { none; };")
        + zone("b.test", file="y")
        + zone("c.test", "allow-query { 10.3/16; };")
        + "};\nview two {\n"
        + zone("a.test", "allow-query { any; };")
        + zone("b.test", "allow-query { 10.2/16; };", "allow-transfer { none; };")
        + zone("c.test", "allow-query { 10.3/16; };")
        + "};\n"
    )
    found = toml(text)
    assert found["zone"] == {
        "a.test": {"allow_query": ["any"]},
        "b.test": {"allow_query": ["10.2.0.0/16"], "allow_transfer": ["none"]},
        "c.test": {"allow_query": ["10.3.0.0/16"]},
    }
    assert found["view"]["one"]["zone"] == {
        "a.test": {"allow_query": ["none"]},
        "b.test": {"allow_query": ["10.1.0.0/16"], "allow_transfer": ["key k"]},
    }


def test_copies_have_lists_too() -> None:
    text = LISTS + (
        'zone "s.test" { type secondary; primaries { ps; };'
        " allow-query { any; }; notify no; };"
    )
    expected = {"s.test": {"allow_query": ["any"], "notify": ["none"]}}
    assert toml(text)["zone"] == expected


def test_pabal_of_another_age_takes_none() -> None:
    text = LISTS + zone("a.test", "allow-query { any; };", "notify no;")
    found = take_over(checked(text, FILES), frozenset())
    assert "zone" not in found.toml()
