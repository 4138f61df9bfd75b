import tomllib

import pytest

from pabal.config.load import options
from pabal.config.named.takeover import take_over
from tests.config.named.test_takeover import FILES, notes, taken
from tests.support.configuration import checked

KNOWN = frozenset(option.key for option in options()["dns"])


@pytest.mark.parametrize(
    ("zone", "why"),
    [
        ('type primary; file "/nope";', "its file /nope does not exist"),
        ('type primary; database "x";', "its records are not in a file"),
        (
            'type primary; file "/etc/bind/r.raw"; masterfile-format raw;',
            "named-compilezone",
        ),
        ("type forward;", "no forwarders are named"),
        ('type static-stub; server-names { "ns.b"; };', "no address of a server"),
        ("type stub; primaries { };", "no server is named"),
    ],
)
def test_zones_that_stay(zone: str, why: str) -> None:
    text = f'zone "a" {{ {zone} }};'
    assert taken(text).zones == ()
    assert any(why in line for line in notes(text))


def test_a_zone_is_there_once() -> None:
    one = 'zone "a" { type primary; file "/etc/bind/a"; };'
    text = f"view x {{ {one} }};"
    assert [zone.place for zone in taken(text).zones] == ["named.conf:1"]
    found = [line for line in notes(one + one) if line.startswith("zone a")]
    assert found == ["zone a (primary): there is one of that name already"]


TLS = """
key in { algorithm hmac-sha256; secret "c2VjcmV0"; };
tls named { ca-file "/etc/ssl/own.pem"; remote-hostname "ns.a.test"; };
tls address { ca-file "/etc/ssl/own.pem"; };
tls anybody { };
tls mine { cert-file "/c"; key-file "/k"; };
options { allow-transfer port 853 transport tls { key in; };
  also-notify { 192.0.2.9 port 853 tls named; }; };
primaries far { 192.0.2.1 port 853 key in tls named; 192.0.2.2 tls address; };
zone "a.test" { type secondary; primaries { far; 192.0.2.3 port 854 tls anybody;
  192.0.2.4 tls ephemeral; 192.0.2.5 tls none; }; };
"""


def test_what_is_fetched_over_tls_still_is() -> None:
    found = tomllib.loads(take_over(checked(TLS, FILES), KNOWN).toml())["dns"]
    assert found["secondary"] == [
        "a.test 192.0.2.1 key in tls ns.a.test",
        "a.test 192.0.2.2 tls 192.0.2.2",
        "a.test 192.0.2.3:854 tls ephemeral",
        "a.test 192.0.2.4 tls ephemeral",
        "a.test 192.0.2.5",
    ]
    assert found["transfer_ca"] == "/etc/ssl/own.pem"
    assert found["transfer_tls_only"] is True
    assert found["notify"] == ["192.0.2.9:853"]
    said = [n.what for n in take_over(checked(TLS, FILES), KNOWN).notes if not n.taken]
    assert "tls mine" in said
    assert not {"tls named", "tls address"} & {*said}


def test_a_zone_that_nobody_may_ask_about_stays_private() -> None:
    rpz = 'zone "rpz.test" { type primary; file "/etc/bind/a"; allow-query { %s; }; };'
    hidden = take_over(checked(rpz % "none", FILES), KNOWN)
    assert tomllib.loads(hidden.toml())["dns"]["private_zones"] == ["rpz.test"]
    text = (
        f"view a {{ match-clients {{ 10/8; }}; {rpz % 'any'} }};"
        f" view b {{ {rpz % 'none'} }};"
    )
    dns = tomllib.loads(take_over(checked(text, FILES), KNOWN).toml())["dns"]
    assert "private_zones" not in dns
    assert dns["zone"]["rpz.test"]["allow_query"] == ["none"]
    assert dns["view"]["a"]["zone"]["rpz.test"]["allow_query"] == ["any"]
