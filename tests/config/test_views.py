from pathlib import Path

from pabal.config.load import options, parse, sample
from pabal.config.views import EXAMPLE, ViewSection, views_in

FILE = Path("/somewhere/pabal.toml")


def test_views_in_their_order() -> None:
    loaded = parse(
        'hostname = "a.test"\n[dns.view.inside]\nclients = "10.0.0.0/8"\n'
        'zones = "inside"\naddresses = "10.0.0.25"\nallow_recursion = "any"\n'
        'policy_zones = ["none"]\ndns64 = "none"\n'
        '[dns.view.guests]\nclients = ["192.168.0.0/16", "!192.168.1.1"]\n',
        FILE,
    )
    assert loaded.settings is not None, loaded.problems
    assert loaded.settings.dns.views == (
        ViewSection(
            "inside",
            ("10.0.0.0/8",),
            "/somewhere/inside",
            ("10.0.0.25",),
            ("any",),
            ("none",),
            "none",
        ),
        ViewSection("guests", ("192.168.0.0/16", "!192.168.1.1"), "", (), ()),
    )


def test_mistakes_stand_at_their_place() -> None:
    loaded = parse(
        'hostname = "a.test"\n[dns.view.x]\nclient = "any"\naddresses = "10.0.0.1:5"\n'
        "[dns.views.y]\n",
        FILE,
    )
    reasons = [(p.span.line, p.reason) for p in loaded.problems]
    assert reasons == [
        (3, "unknown key `client` in [dns.view.x]"),
        (4, "'10.0.0.1:5' is not an address"),
        (5, "unknown table [dns.views.y]"),
    ]


def test_the_manual_knows_the_table_and_the_sample_has_no_view() -> None:
    assert [option.key for option in options()[EXAMPLE]] == [
        "clients",
        "zones",
        "addresses",
        "allow_recursion",
        "policy_zones",
        "dns64",
    ]
    loaded = parse(sample(), FILE)
    assert loaded.settings is not None
    assert loaded.settings.dns.views == ()
    assert views_in(["dns", "dns.view.a"]) == ["dns.view.a"]


def test_a_view_for_everybody_makes_no_open_resolver() -> None:
    text = (
        'hostname = "a.test"\n[dns.view.all]\nclients = "any"\nallow_recursion = "{}"\n'
    )
    (problem,) = parse(text.format("any"), Path("/x/pabal.toml")).problems
    assert "anybody could use this resolver" in problem.render()
    assert not parse(text.format("10.0.0.0/8"), Path("/x/pabal.toml")).problems
