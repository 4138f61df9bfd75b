import tomllib

from pabal.config.named.outcome import Takeover
from pabal.config.named.takeover import take_over
from tests.support.configuration import checked

KNOWN = frozenset({"forward", "forward_zones", "stub_zones", "policy_zones", "dns64"})
CONF = """
options {
    response-policy { zone "rpz.test"; zone "more.test" policy nxdomain; };
    dns64 64:ff9b::/96 { clients { any; }; };
    prefetch 2 9;
};
primaries ps { 192.0.2.3; 192.0.2.4 key k; };
zone "corp.test" { type forward; forward only; forwarders port 54 { 192.0.2.1; }; };
zone "first.test" { type forward; forwarders { 2001:db8::1 port 55; }; };
zone "not.test" { type forward; forwarders { }; };
zone "stub.test" { type stub; primaries { ps; }; };
zone "static.test" { type static-stub; server-addresses { 192.0.2.5; }; };
zone "named.test" { type static-stub; server-names { "ns.named.test"; }; };
"""


def found() -> Takeover:
    return take_over(checked(CONF, {}), KNOWN)


def test_what_is_taken() -> None:
    dns = tomllib.loads(found().toml())["dns"]
    assert dns == {
        "forward_zones": [
            "corp.test 192.0.2.1:54",
            "first.test first [2001:db8::1]:55",
            "not.test",
        ],
        "stub_zones": ["stub.test 192.0.2.3", "static.test 192.0.2.5"],
        "policy_zones": ["rpz.test", "more.test"],
        "dns64": "64:ff9b::/96",
    }


def test_what_is_said() -> None:
    told = {(n.taken, n.what): n.why for n in found().notes}
    assert told[True, "zone corp.test (forward)"] == "forward_zones in [dns]"
    assert told[True, "zone static.test (static-stub)"] == "stub_zones in [dns]"
    assert told[True, "response-policy"] == "policy_zones in [dns]"
    assert "records say" in told[False, "response-policy: more of zone more.test"]
    assert "treated alike" in told[False, "dns64: clients"]
    assert "no address" in told[False, "zone named.test (static-stub)"]
    assert told[False, "prefetch 2"] == "pabal always does"


def test_policies_keep_how_they_are_applied() -> None:
    text = """options { response-policy {
        zone "a.test" ede censored; zone "b.test" break-dnssec yes;
        zone "c.test" break-dnssec no; zone "d.test" ede none log no; }
        break-dnssec %s; };"""
    for word, more in (("no", ""), ("yes", " break-dnssec yes")):
        given = checked(text % word, {})
        assert not given.problems, "an option on a line of its own"
        taken = take_over(given, KNOWN)
        (setting,) = taken.settings
        assert setting[2] == (
            f"a.test ede censored{more}",
            "b.test break-dnssec yes",
            "c.test",
            f"d.test ede none{more}",
        )
        said = [n.what for n in taken.notes if not n.taken]
        assert "response-policy: more of zone d.test" in said
        assert "response-policy: more of zone a.test" not in said


def test_pabal_of_another_age_takes_none() -> None:
    assert take_over(checked(CONF, {})).toml() == ""


def validated(options: str) -> tuple[str, list[str]]:
    known = frozenset({"trust_anchors", "negative_trust_anchors"})
    taken = take_over(checked(f"options {{ {options} }};", {}), known)
    return taken.toml(), [n.why for n in taken.notes if "valid" in n.what]


def test_whether_answers_are_validated() -> None:
    toml, _ = validated("dnssec-validation no;")
    assert 'trust_anchors = ["none"]' in toml
    toml, why = validated("dnssec-validation auto;")
    assert "trust_anchors" not in toml
    assert "built in" in why[0]
    assert "set trust_anchors" in validated("dnssec-validation yes;")[1][0]
    toml, _ = validated('validate-except { "corp"; "home.arpa"; };')
    assert 'negative_trust_anchors = ["corp", "home.arpa"]' in toml
