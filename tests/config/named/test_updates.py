import tomllib

from pabal.config.named.outcome import Takeover
from pabal.config.named.takeover import take_over
from pabal.dns.server.policy import read_rule
from tests.support.configuration import checked

KNOWN = frozenset({"allow_update", "keys_file", "allow_transfer"})

KEYS = """
key dhcp { algorithm hmac-sha256; secret "c2VjcmV0"; };
key "acme." { algorithm hmac-sha512; secret "c2VjcmV0"; };
key host1.lan.test { algorithm hmac-sha256; secret "c2VjcmV0"; };
key old { algorithm hmac-md5; secret "c2VjcmV0"; };
"""

FILES = {"/z/lan.test.zone": "", "/z/b.test.zone": "", "/z/b.test.zone.jnl": ""}


def taken(text: str) -> Takeover:
    options = "" if "options" in text else 'options { directory "/z"; };'
    return take_over(checked(KEYS + options + text, FILES), KNOWN)


def rules(text: str) -> list[str]:
    found = tomllib.loads(taken(text).toml())["dns"].get("allow_update", [])
    for rule in found:
        read_rule(rule)
    return list(found)


def zone(body: str, name: str = "lan.test") -> str:
    return f'zone "{name}" {{ type primary; file "{name}.zone"; {body} }};'


def untaken(text: str) -> list[str]:
    return [
        f"{n.what}: {n.why}"
        for n in taken(text).notes
        if not n.taken and n.what.startswith("zone")
    ]


def test_keys_of_allow_update_may_change_everything() -> None:
    text = zone("allow-update { key dhcp; key acme.; };")
    assert rules(text) == [
        "lan.test key dhcp zonesub ANY",
        "lan.test key acme. zonesub ANY",
    ]
    assert untaken(text) == []
    said = [n.why for n in taken(text).notes if n.what.endswith("who may change it")]
    assert said == ["allow_update in [dns]"]


def test_nobody_is_nobody() -> None:
    assert rules(zone("allow-update { none; };")) == []
    assert untaken(zone("allow-update { none; };")) == []


def test_addresses_give_no_rights() -> None:
    text = "acl lan { 10/8; key dhcp; };" + zone("allow-update { lan; any; !key x; };")
    assert rules(text) == ["lan.test key dhcp zonesub ANY"]
    first, second = untaken(text)
    assert first.startswith("zone lan.test: allow-update: 10/8: an address proves")
    assert second.startswith("zone lan.test: allow-update: any: an address proves")


def test_who_is_kept_out_stays_out() -> None:
    text = zone("allow-update { !key dhcp; key dhcp; key acme; };")
    assert rules(text) == ["lan.test key acme zonesub ANY"]
    text = zone("allow-update { !{ !10/8; any; }; key dhcp; };")
    assert rules(text) == []
    assert "cannot be told from who has a key" in untaken(text)[0]


def test_the_scopes_around_count_for_zones_that_say_nothing() -> None:
    options = 'options { directory "/z"; allow-update { key dhcp; }; };'
    own = zone("update-policy { grant acme name _x.b.test TXT; };", "b.test")
    assert rules(options + zone("") + own) == [
        "lan.test key dhcp zonesub ANY",
        "b.test key acme name _x.b.test TXT",
    ]
    view = f"view v {{ allow-update {{ key acme; }}; {zone('')} }};"
    assert rules(options + view) == ["lan.test key acme zonesub ANY"]


def test_a_policy_is_taken_rule_by_rule() -> None:
    text = zone(
        """update-policy {
            deny dhcp name ns.lan.test. A AAAA;
            grant dhcp subdomain lan.test A AAAA DHCID;
            grant acme wildcard *.lan.test TXT;
            grant acme zonesub ANY;
            grant * self * A AAAA;
            grant *.lan.test selfsub . TXT;
            grant host1.lan.test selfwild host1.lan.test SRV;
        };"""
    )
    assert rules(text) == [
        "lan.test deny key dhcp name ns.lan.test. A AAAA",
        "lan.test key dhcp subdomain lan.test A AAAA DHCID",
        "lan.test key acme wildcard *.lan.test TXT",
        "lan.test key acme zonesub ANY",
        "lan.test key host1.lan.test self A AAAA",
        "lan.test key host1.lan.test selfsub TXT",
        "lan.test key host1.lan.test wildcard *.host1.lan.test SRV",
    ]
    assert untaken(text) == []


def test_what_is_no_rule_of_ours_is_told() -> None:
    text = zone(
        """update-policy {
            grant EXAMPLE.COM krb5-self . A;
            grant * tcp-self . PTR(1);
            grant old zonesub ANY;
            grant dhcp name www.other.test A;
            grant dhcp zonesub NONSENSE;
        };"""
    )
    assert rules(text) == []
    said = untaken(text)
    assert len(said) == 5
    assert "only zonesub, name" in said[0]
    assert "only zonesub, name" in said[1]
    assert "its key was not taken over" in said[2]
    assert "outside its zone" in said[3]
    assert "no type" in said[4]
    assert "nsupdate -l" in untaken(zone("update-policy local;"))[0]


def test_nothing_is_wider_for_a_rule_that_is_lost() -> None:
    text = zone(
        """update-policy {
            grant acme name a.lan.test TXT;
            deny dhcp tcp-self . PTR;
            grant dhcp zonesub ANY;
        };"""
    )
    assert rules(text) == ["lan.test key acme name a.lan.test TXT"]
    assert "would allow more" in untaken(text)[1]


def test_a_journal_is_told_of() -> None:
    said = untaken(zone("allow-update { key dhcp; };", "b.test"))
    assert len(said) == 1
    assert "rndc sync -clean" in said[0]


def test_nothing_without_the_setting() -> None:
    text = KEYS + 'options { directory "/z"; };' + zone("allow-update { key dhcp; };")
    found = take_over(checked(text, FILES))
    assert "allow_update" not in found.toml()
    assert any("allow-update" in n.what for n in found.notes)
