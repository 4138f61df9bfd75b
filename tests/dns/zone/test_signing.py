import subprocess
from dataclasses import replace
from pathlib import Path

import dns.name
import pytest

from pabal.base.clock import SystemClock
from pabal.dns.dnssec.keys import SigningKey, generate
from pabal.dns.dnssec.setsigner import Signer, facts_of
from pabal.dns.wire import codes
from pabal.dns.wire.rrset import rdata_octets
from pabal.dns.zone.signing import Last, Plan, Signed, sign_served
from pabal.dns.zone.tree import Zone
from pabal.dns.zone.write import master_text
from tests.interop.peer import path_of
from tests.support.zones import HEAD, octets, zone

NOW = 1_800_000_000
DAY_S = 86_400
KSK, ZSK = generate(), generate(sep=False)
ED = generate(15)
OCTETS = octets("example.com.")
TEXT = HEAD + (
    "@ MX 10 mail\nMAIL A 192.0.2.2\nmail A 192.0.2.1\nwww CNAME mail\n"
    "*.w A 192.0.2.3\na.b.ent A 192.0.2.4\nold DNAME new\nx.old A 192.0.2.7\n"
    "child NS ns.child\nns.child A 192.0.2.5\nchild DS 1 13 2 " + "ab" * 32 + "\n"
    "plain NS ns.plain\nns.plain A 192.0.2.6\n"
)


def plan(*keys: SigningKey, nsec3: bool = False, opt_out: bool = False) -> Plan:
    sep = [Signer.of(key) for key in keys if key.is_sep]
    rest = [Signer.of(key) for key in keys if not key.is_sep]
    return Plan(
        tuple(rdata_octets(key.dnskey) for key in keys), (), (), 3600,
        tuple(rest or sep), tuple(sep), nsec3, opt_out, 14 * DAY_S, 5 * DAY_S,
    )  # fmt: skip


PLAN = plan(KSK)


def again(
    own: Zone, before: Signed, at: int, how: Plan = PLAN, *, due: int | None = None
) -> Signed:
    last = Last(before.zone.serial, before.due if due is None else due)
    return sign_served(own, before.zone, how, at, last)


@pytest.mark.skipif(not path_of("dnssec-verify"), reason="BIND's tools are missing")
@pytest.mark.parametrize("split", [False, True])
@pytest.mark.parametrize(
    ("nsec3", "opt_out"), [(False, False), (True, False), (True, True)]
)
def test_dnssec_verify_accepts_the_zone(
    tmp_path: Path, *, nsec3: bool, opt_out: bool, split: bool
) -> None:
    keys = (KSK, ZSK) if split else (ED,)
    how = plan(*keys, nsec3=nsec3, opt_out=opt_out)
    now = int(SystemClock().now())
    made = sign_served(zone(TEXT), None, how, now, Last()).zone
    file = tmp_path / "zone"
    file.write_text("".join(master_text(made.origin, made.nodes.packed)))
    words = [str(path_of("dnssec-verify")), "-o", "example.com."]
    words += [] if split else ["-z"]
    done = subprocess.run(
        [*words, str(file)], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr


def test_nothing_new_leaves_the_version_as_it_is() -> None:
    own = zone(TEXT)
    first = sign_served(own, None, PLAN, NOW, Last())
    second = again(own, first, NOW + DAY_S)
    assert second.zone is first.zone
    assert second.made == 0
    assert second.due == first.due
    assert again(zone(TEXT), first, NOW + DAY_S).zone is first.zone
    # A new process does not know when something is due, and finds the same.
    assert again(own, first, NOW + DAY_S, due=0).zone is first.zone


def test_the_serial_number_grows_and_follows_the_owners() -> None:
    own = zone(TEXT)
    first = sign_served(own, None, PLAN, NOW, Last())
    assert first.zone.serial == own.serial == 1
    second = again(zone(TEXT + "new A 192.0.2.9\n"), first, NOW)
    assert second.zone.serial == 2
    behind = TEXT.replace("hostmaster 1 ", "hostmaster 2 ")
    assert again(zone(behind), second, NOW).zone.serial == 3
    ahead = TEXT.replace("hostmaster 1 ", "hostmaster 2026112401 ")
    third = again(zone(ahead), second, NOW)
    assert third.zone.serial == 2026112401
    highest = replace(Last(), serial=(1 << 32) - 1)
    assert sign_served(own, third.zone, PLAN, NOW, highest).zone.serial == 1


def test_a_changed_soa_is_a_new_version() -> None:
    first = sign_served(zone(TEXT), None, PLAN, NOW, Last())
    slower = TEXT.replace("7200", "7300")
    assert again(zone(slower), first, NOW).zone.serial == 2
    assert again(zone(slower), first, NOW).made == 1


def test_a_serial_number_that_we_made_ourselves_makes_no_new_version() -> None:
    def hosted(serial: int) -> Zone:
        text = HEAD.replace("hostmaster 1 ", f"hostmaster {serial} ")
        soa = frozenset({(OCTETS, codes.SOA)})
        return replace(zone(text), derived=soa)

    first = sign_served(hosted(1000), None, PLAN, NOW, Last())
    assert again(hosted(2000), first, NOW).zone is first.zone
    slower = replace(zone(HEAD.replace("7200", "7300")), derived=hosted(1).derived)
    assert again(slower, first, NOW).zone.serial == 1001


def test_what_is_due_is_made_anew_before_it_ends_and_the_rest_stays() -> None:
    own = zone(TEXT)
    first = sign_served(own, None, PLAN, NOW, Last())
    assert NOW + 7 * DAY_S <= first.due <= NOW + 9 * DAY_S
    assert again(own, first, first.due - 1).zone is first.zone
    second = again(own, first, first.due)
    assert 0 < second.made < first.made
    assert second.due > first.due
    expirations = [
        facts_of(rdata).expiration
        for rrsets in second.zone.nodes.values()
        for rdata in (rrsets[codes.RRSIG].rdatas if codes.RRSIG in rrsets else ())
    ]
    assert min(expirations) >= first.due + 5 * DAY_S


def test_another_key_replaces_every_signature_of_the_one_before() -> None:
    own = zone(TEXT)
    first = sign_served(own, None, PLAN, NOW, Last())
    second = again(own, first, NOW, plan(KSK, ZSK))
    tags = {
        facts_of(rdata).maker[1]
        for name, rrsets in second.zone.nodes.items()
        for rdata in (rrsets[codes.RRSIG].rdatas if codes.RRSIG in rrsets else ())
        if facts_of(rdata).covered != codes.DNSKEY
    }
    assert tags == {ZSK.tag}
    third = again(own, second, NOW, plan(KSK, ZSK))
    assert third.zone is second.zone


def test_a_zone_changes_from_nsec_to_nsec3_and_back() -> None:
    own = zone(TEXT)
    first = sign_served(own, None, PLAN, NOW, Last())
    second = again(own, first, NOW, plan(KSK, nsec3=True))
    assert codes.NSEC3PARAM in second.zone.apex
    assert not any(codes.NSEC in rrsets for rrsets in second.zone.nodes.values())
    third = again(own, second, NOW)
    assert third.zone.nodes.packed.keys() == first.zone.nodes.packed.keys()


def test_keys_the_owner_put_there_stay() -> None:
    other = generate()
    own = zone(TEXT + f"@ DNSKEY {other.dnskey}\n")
    made = sign_served(own, None, PLAN, NOW, Last()).zone
    assert set(made.apex[codes.DNSKEY].rdatas) == {
        rdata_octets(KSK.dnskey),
        rdata_octets(other.dnskey),
    }


def test_the_longest_ttl_is_found_and_letters_stay() -> None:
    made = sign_served(zone(TEXT + "far 86400 A 1.2.3.4\n"), None, PLAN, NOW, Last())
    assert made.ttl_max_s == 86_400
    mail = dns.name.from_text("mail.example.com.").to_wire() or b""
    assert made.zone.nodes.letters(mail).startswith(b"\x04MAIL")
