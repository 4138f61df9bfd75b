"""[dns.zone.ZONE]: what holds for single zones."""

from pathlib import Path

from pabal.config.load import Loaded, options, parse
from pabal.config.zone_lists import EXAMPLE, zone_lists_in
from pabal.dns.settings import ZoneSettings

TEXT = """
[dns.acl.office]
networks = ["192.0.2.0/24"]
[dns.view.inside]
clients = ["office"]
[dns.zone."Example.com."]
allow_query = ["!office", "any"]
allow_transfer = "none"
[dns.zone.example.net]
notify = ["192.0.2.1:5353", "none"]
[dns.view.inside.zone."example.com"]
allow_query = ["office"]
"""


def loaded(text: str) -> Loaded:
    return parse(f'hostname = "a.test"\n{text}', Path("/somewhere/pabal.toml"))


def test_what_is_said_of_zones() -> None:
    found = loaded(TEXT)
    assert not found.problems
    assert found.settings is not None
    assert found.settings.dns.zone_lists == (
        ZoneSettings(
            "example.com",
            allow_query=("!{192.0.2.0/24}", "any"),
            allow_transfer=("none",),
        ),
        ZoneSettings("example.net", notify=("192.0.2.1:5353", "none")),
        ZoneSettings("example.com", "inside", allow_query=("{192.0.2.0/24}",)),
    )
    assert [view.name for view in found.settings.dns.views] == ["inside"]


def test_what_is_wrong_is_shown_at_its_place() -> None:
    text = """
[dns.zone.example.com]
allow_query = ["ofice"]
allow_transfer = ["key none-such"]
notify = ["ns2.example.com"]
allow_qurey = []
[dns.view.outside.zone.example.com]
[dns.zone."a..b"]
"""
    problems = loaded(text).problems
    assert [problem.span.line for problem in problems] == [4, 5, 6, 7, 8, 9]


def test_which_tables_are_about_zones() -> None:
    tables = ["dns.zone.a", "dns.zone.", "dns.view.v", "dns.view.v.zone.b.test"]
    assert zone_lists_in(tables) == ["dns.zone.a", "dns.view.v.zone.b.test"]
    assert zone_lists_in(tables[3:]) == []


def test_it_is_in_the_manual() -> None:
    keys = [option.key for option in options()[EXAMPLE]]
    assert keys == ["allow_query", "allow_transfer", "notify"]
