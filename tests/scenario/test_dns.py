"""Plays every resolver scenario, and knows which of them shows which rule."""

from pathlib import Path

import pytest

from tests.scenario.dns.player import Player

SCENARIOS = sorted((Path(__file__).parent / "dns").glob("*.scn"))

RULES = {
    "iteration (RFC 1034 §5.3.3)": "referral_chain zone_moved ghost_domain"
    " unreachable_family same_question_twice missing_glue case_of_the_client",
    "aliases": "cname_chain cname_to_nowhere dname poison_by_alias",
    "bailiwick": "poison_out_of_bailiwick poison_glue poison_by_alias",
    "delegations end with those above them": "ghost_domain phoenix_domain",
    "glue trust levels (RFC 2181 §5.4.1)": "glue_is_no_answer forbidden_addresses",
    "addresses that are nobody's (RFC 6890 §2.2)": "special_addresses"
    " forbidden_addresses",
    "TCP fallback": "truncated_tcp truncated_twice spoof_flood",
    "EDNS probing": "no_edns",
    "lame servers": "lame_server lame_recursive offers_recursion servfail_refused"
    " malformed",
    "slow servers": "slow_server timeout_next_server all_silent zone_away"
    " network_silent",
    "QNAME minimisation (RFC 9156)": "minimised minimised_relaxed minimised_underscore"
    " minimised_refused minimised_deep",
    "0x20": "case_lost forwarder_case",
    "random ids": "spoofed_id spoofed_question spoof_flood",
    "loops": "cname_loop cname_loop_zones glue_circle referral_endless budget",
    "NXNS": "nxns",
    "many CNAMEs": "cname_many",
    "slots": "slow_flood dnssec_slow_flood",
    "KeyTrap": "dnssec_keytrap dnssec_effort",
    "the cache is flushed": "flush",
    "NSEC3 iterations (RFC 9276)": "dnssec_iterations",
    "priming (RFC 8109)": "priming hints_stay",
    "negative caching (RFC 2308)": "nxdomain_cached nodata_cached negative_ttls",
    "nothing below NXDOMAIN (RFC 8020)": "nxdomain_cached dnssec_unproven",
    "aggressive NSEC, NSEC3 (RFC 8198)": "dnssec_aggressive dnssec_aggressive_nsec3",
    "TTLs": "ttl_caps ttl_expiry dnssec_ttl",
    "prefetch": "prefetch dnssec_prefetch",
    "serve-stale (RFC 8767)": "serve_stale dnssec_stale",
    "zones of this server": "local_zone",
    "local zones (RFC 6303), special-use names (RFC 6761)": "special_names"
    " special_always",
    "forward zones": "forward_zone forwarder forwarder_case forwarder_refers"
    " forward_private forward_first"
    " dnssec_forwarder",
    "stub zones": "stub_zone",
    "negative trust anchors (RFC 7646)": "dnssec_negative_anchor",
    "trust anchor updates (RFC 5011)": "dnssec_rollover",
    "RPZ": "policy",
    "DNS64 (RFC 6147)": "dns64",
    "SECURE, and so AD": "dnssec_chain dnssec_denial dnssec_algorithms"
    " dnssec_aliases dnssec_other_server dnssec_cuts dnssec_ds_ends",
    "INSECURE": "dnssec_insecure dnssec_optout dnssec_cuts",
    "INDETERMINATE": "dnssec_no_anchor dnssec_island dnssec_keys_away",
    "BOGUS": "dnssec_bogus dnssec_tampered dnssec_downgrade dnssec_wrong_root"
    " dnssec_cuts",
    "proofs of absence (RFC 4035 §5.4, RFC 5155 §8, RFC 6840 §4)": "dnssec_denial"
    " dnssec_lies",
    "CD": "dnssec_bogus dnssec_keytrap dns64",
    "extended errors (RFC 8914)": "dnssec_bogus serve_stale",
}
"""Each rule the resolver keeps, and the scenarios that show it."""


@pytest.mark.parametrize("path", SCENARIOS, ids=lambda path: path.stem)
async def test_scenario(path: Path) -> None:
    await Player().play(path)


def test_every_rule_has_a_scenario_and_every_scenario_a_rule() -> None:
    named = {name for names in RULES.values() for name in names.split()}
    assert named == {path.stem for path in SCENARIOS}
