import dns.rdata
import pytest

from pabal.cli.zone_dnssec import ALGORITHMS
from pabal.dns.dnssec.keystate import Place
from tests.cli.desk import Desk, Json


def keys(found: dict[str, Json]) -> list[dict[str, Json]]:
    value = found["keys"]
    assert isinstance(value, list)
    return [each for each in value if isinstance(each, dict)]


def test_a_zone_is_signed_by_one_word(desk: Desk) -> None:
    assert "is not signed" in desk.ok("zone", "dnssec", "a.test")
    said = desk.ok("zone", "dnssec", "a.test", "enable")
    assert "as soon as the server runs" in said
    assert "not yet" in said
    (line,) = [text for text in said.splitlines() if " IN DS " in text]
    dns.rdata.from_text("IN", "DS", line.split(" IN DS ")[1])
    found = desk.json("zone", "dnssec", "a.test")
    assert found["state"] == "starting"
    (key,) = keys(found)
    assert (key["role"], key["algorithm"]) == ("csk", "ECDSAP256SHA256")
    assert key["dnskey"] == {"state": Place.HIDDEN.value, "since": None}
    assert desk.json("zone", "dnssec", "a.test", "status") == found


def test_the_policy_is_what_was_asked_for(desk: Desk) -> None:
    found = desk.json(
        "zone", "dnssec", "a.test", "enable", "--split", "--nsec3", "--opt-out",
        "--algorithm", "ED25519", "--zsk-lifetime", "7", "--ksk-lifetime", "365",
    )  # fmt: skip
    assert found["policy"] == {
        "enabled": True, "algorithm": "ED25519", "keys": ["ksk", "zsk"],
        "nsec3": True, "opt_out": True, "zsk_lifetime": 7 * 86_400,
        "ksk_lifetime": 365 * 86_400, "signature_validity": 14 * 86_400,
        "signature_refresh": 5 * 86_400,
    }  # fmt: skip
    assert [key["role"] for key in keys(found)] == ["ksk", "zsk"]
    table = desk.ok("zone", "dnssec", "a.test")
    assert "ED25519" in table
    found = desk.json("zone", "dnssec", "a.test", "enable", "--nsec", "--single")
    policy = found["policy"]
    assert isinstance(policy, dict)
    assert (policy["nsec3"], policy["opt_out"]) == (False, False)
    assert policy["keys"] == ["csk"]


def test_nothing_is_for_the_parent_before_its_time(desk: Desk) -> None:
    desk.ok("zone", "dnssec", "a.test", "enable")
    assert desk.ok("zone", "dnssec", "a.test", "ds") == ""
    assert desk.json("zone", "dnssec", "a.test", "ds")["ds"] == []


def test_before_it_was_served_it_can_be_left_at_once(desk: Desk) -> None:
    desk.ok("zone", "dnssec", "a.test", "enable")
    found = desk.json("zone", "dnssec", "a.test", "disable")
    assert found["state"] == "unsigned"
    assert all(key["wanted"] is False for key in keys(found))


@pytest.mark.parametrize("name", list(ALGORITHMS))
def test_another_algorithm_is_asked_for(desk: Desk, name: str) -> None:
    assert "not signed" in desk.fails(2, "zone", "dnssec", "a.test", "algorithm", name)
    desk.ok("zone", "dnssec", "a.test", "enable")
    found = desk.json("zone", "dnssec", "a.test", "algorithm", name)
    wanted = [key["algorithm"] for key in keys(found) if key["wanted"]]
    assert wanted == [name.upper()]


def test_the_parent_is_as_the_operator_says(desk: Desk) -> None:
    desk.ok("zone", "dnssec", "a.test", "enable")
    found = desk.json("zone", "dnssec", "a.test", "checkds", "--published")
    parent = found["parent"]
    assert isinstance(parent, dict)
    assert isinstance(parent["checked"], int)
    desk.ok("zone", "dnssec", "a.test", "checkds", "--withdrawn")


def test_mistakes(desk: Desk) -> None:
    assert "no zone c.test" in desk.fails(1, "zone", "dnssec", "c.test", "enable")
    assert "is not a name" in desk.fails(2, "zone", "dnssec", "a..b")
    assert "not signed" in desk.fails(2, "zone", "dnssec", "a.test", "rollover")
    desk.fails(2, "zone", "dnssec", "a.test", "enable", "--opt-out")
    desk.fails(2, "zone", "dnssec", "a.test", "nothing")
    desk.ok("zone", "dnssec", "a.test", "enable")
    assert "no ZSK" in desk.fails(2, "zone", "dnssec", "a.test", "rollover", "zsk")
