from pathlib import Path

from pabal.config.load import options, parse, sample
from pabal.config.views import EXAMPLE, ViewClients, ViewResolver, ViewSection, views_in
from pabal.dns.settings import ViewExchange

FILE = Path("/somewhere/pabal.toml")


def test_views_in_their_order() -> None:
    loaded = parse(
        'hostname = "a.test"\n[dns]\nkeys = "hmac-sha256:k:c2VjcmV0"\n'
        '[dns.view.inside]\nclients = ["10.0.0.0/8", "key k"]\n'
        'destinations = "127.0.0.2"\nrecursive_only = true\nallow_query = "any"\n'
        'zones = "inside"\nwithout = "w.test"\n'
        'addresses = "10.0.0.25"\nallow_recursion = "any"\n'
        'forwarders = "none"\nforward_zones = "f.test 192.0.2.1"\nstub_zones = "none"\n'
        'policy_zones = ["none"]\ndns64 = "none"\n'
        'secondary = "s.test 192.0.2.1 key k"\n'
        'notify = "192.0.2.2"\nallow_transfer = "key k"\n'
        'allow_update = "u.test key k zonesub"\n'
        '[dns.view.guests]\nclients = ["192.168.0.0/16", "!192.168.1.1"]\n',
        FILE,
    )
    assert loaded.settings is not None, loaded.problems
    assert loaded.settings.dns.views == (
        ViewSection(
            "inside",
            ViewClients(("10.0.0.0/8", "key k"), ("127.0.0.2",), recursive_only=True),
            "/somewhere/inside",
            ("w.test",),
            ("10.0.0.25",),
            ("any",),
            ("any",),
            ViewResolver(
                ("none",), ("f.test 192.0.2.1",), ("none",), ("none",), "none"
            ),
            ViewExchange(
                ("s.test 192.0.2.1 key k",),
                ("192.0.2.2",),
                ("key k",),
                ("u.test key k zonesub",),
            ),
        ),
        ViewSection("guests", ViewClients(("192.168.0.0/16", "!192.168.1.1"))),
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
        "destinations",
        "recursive_only",
        "zones",
        "without",
        "addresses",
        "allow_query",
        "allow_recursion",
        "forwarders",
        "forward_zones",
        "stub_zones",
        "policy_zones",
        "dns64",
        "forward",
        "secondary",
        "notify",
        "allow_transfer",
        "allow_update",
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


def test_keys_and_servers_are_looked_at() -> None:
    text = (
        'hostname = "a.test"\n[dns]\nkeys = "hmac-sha256:inner:c2VjcmV0"\n'
        '[dns.view.x]\nclients = ["!key iner", "10.0.0.1"]\n'
        'destinations = "key inner"\nforwarders = "everybody"\n'
        'notify = "192.0.2.1 key nobody"\nallow_transfer = "key nobody"\n'
    )
    problems = parse(text, FILE).problems
    assert [p.span.line for p in problems] == [5, 6, 7, 8, 9]
    assert "did you mean `inner`" in problems[0].render()
