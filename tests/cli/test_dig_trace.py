"""What a learner reads, over the signed hierarchy of the scenarios."""

import inspect
from pathlib import Path

import dns.name
import dns.rdatatype
import pytest

from pabal.cli import dig_trace
from pabal.dns.ports import Security, Step
from pabal.dns.resolver.explanation import Explanation, Kept, explain
from tests.scenario.dns.player import Player, read

WORLD = Path(__file__).parents[1] / "scenario" / "dns" / "signed.inc"


async def explained(name: str) -> Explanation:
    player = Player()
    for line in read(WORLD):
        done = getattr(player, "_" + line.words[0].lower())(line.words[1:], line.block)
        if inspect.isawaitable(done):
            await done
    await player._query(["other.invalid.", "A"], [])
    resolver = player.resolver
    assert resolver is not None
    resolver.cache.flush(dns.name.root)
    resolver._trust.flush()
    wanted = dns.name.from_text(name)
    return await explain(
        resolver, wanted, dns.rdatatype.A, player.clock, resolver.cache
    )


async def test_a_secure_answer() -> None:
    found = await explained("www.safe.test")
    lines = list(dig_trace.questions(found.steps))
    assert lines[:4] == [
        "  To find it:",
        "  1  test. A",
        "     asked root.@192.0.2.1#53, a server of the root",
        (
            "     → referral to test.: it does not know, but names the servers of the"
            " zone below  (10.0 ms)"
        ),
    ]
    assert (
        "     not asked: it is in the cache, where the referral of question 1 put it"
        in lines
    )
    assert lines.index(f"  {dig_trace.CHECK}") == lines.index("  4  . DNSKEY") - 1
    assert f"  {dig_trace.AGAIN}" not in lines
    assert dig_trace.is_minimised(found)
    assert dig_trace.asked(found.steps) == (6, 2)
    links = list(dig_trace.chain_of_trust(found.steps))
    assert [line.split("  ")[0].strip() for line in links] == [
        ". DNSKEY",
        "test. DS",
        "test. DNSKEY",
        "safe.test. DS",
        "safe.test. DNSKEY",
        "www.safe.test. A",
    ]
    assert all("✓ secure" in line for line in links)
    assert "secure: signed by key " in links[-1]
    assert links[-1].endswith(" of safe.test.")
    assert dig_trace.verdict(found).startswith("secure: every link holds")
    cached = {(name, kind): rest for name, kind, *rest in dig_trace.cache(found.kept)}
    assert cached["www.safe.test.", "A"] == ["59 s", "secure", "192.0.2.80"]
    assert cached["ns.safe.test.", "A"][1:] == ["glue", "192.0.2.3"]
    assert all(len(row[2]) <= dig_trace.WHAT_MAX for row in cached.values())


async def test_an_unsigned_zone_and_a_bogus_one() -> None:
    plain = await explained("www.plain.test")
    assert dig_trace.verdict(plain).startswith("insecure: ")
    assert "– insecure: test. proves" in list(dig_trace.chain_of_trust(plain.steps))[-1]
    bogus = await explained("www.expired.test")
    assert bogus.rcode == "SERVFAIL"
    assert dig_trace.verdict(bogus).startswith("bogus: something that should be signed")
    assert f"  {dig_trace.AGAIN}" in list(dig_trace.questions(bogus.steps))
    links = list(dig_trace.chain_of_trust(bogus.steps))
    assert len(links) == len(set(links)), "what was checked twice is told once"
    words = [line.partition(":")[0] for line in dig_trace.legend(bogus.kept)]
    assert words == ["secure", "bogus", "referral", "glue"]
    assert any("✗ bogus" in line for line in dig_trace.chain_of_trust(bogus.steps))


async def test_a_name_that_is_not_there() -> None:
    found = await explained("nope.safe.test")
    assert any("nothing below it" in line for line in dig_trace.questions(found.steps))
    links = list(dig_trace.chain_of_trust(found.steps))
    assert links[-1].endswith("NSEC records of safe.test. prove that it is not there")
    wild = await explained("y.wild.safe.test")
    links = list(dig_trace.chain_of_trust(wild.steps))
    assert links[-1].endswith(" of safe.test., made of a wildcard")
    cached = list(dig_trace.cache(found.kept))
    assert ("nope.safe.test.", "any type", "59 s", "secure", "no such name") in cached


def test_a_server_that_is_silent_is_no_reason_to_doubt() -> None:
    steps = [
        Step("a.test.", "A", f"ns@192.0.2.{i}#53", "test.", outcome, 1.0)
        for i, outcome in enumerate(("timeout", "answer"))
    ]
    told = list(dig_trace.questions(steps))
    assert [line for line in told if line[2] not in " 12"] == [f"  {dig_trace.FIND}"]


@pytest.mark.parametrize(
    ("server", "words"),
    [
        ("local zone", "a zone of this server has it"),
        ("older proofs", "RFC 8198"),
        ("cache", "it is in the cache"),
    ],
)
def test_what_needs_no_question(server: str, words: str) -> None:
    step = Step("a.test.", "A", server, "", "answer", 0.0)
    assert words in "\n".join(dig_trace.questions([step]))


def test_our_own_zones_are_not_checked() -> None:
    found = Explanation(
        *("a.test.", "A", "NOERROR", (), ()), Security.INDETERMINATE, True, (), "", 0.0
    )
    assert "a zone of this server" in dig_trace.verdict(found)
    assert not dig_trace.is_minimised(found)


def test_long_records_are_cut() -> None:
    kept = Kept("a.test.", "TXT", 1, "x" * 100, "answer", "")
    ((*_, believed, what),) = dig_trace.cache([kept])
    assert believed == "answer"
    assert what == "x" * (dig_trace.WHAT_MAX - 1) + "…"


async def test_the_link_that_broke_is_the_one_that_is_marked() -> None:
    found = await explained("www.rogue.test")
    links = [line.split()[:3] for line in dig_trace.chain_of_trust(found.steps)]
    assert links[-3:] == [
        ["rogue.test.", "DS", "✓"],
        ["rogue.test.", "DNSKEY", "✗"],
        ["www.rogue.test.", "A", "✗"],
    ]
    assert [line.split(":")[0] for line in dig_trace.links_legend(found.steps)] == [
        "DS",
        "DNSKEY",
    ]
    assert not list(dig_trace.links_legend([]))


def test_the_address_of_a_server_is_looked_for_aside() -> None:
    def step(name: str, outcome: str, rdtype: str = "A") -> Step:
        return Step(name, rdtype, "ns@192.0.2.1#53", ".", outcome, 1.0)

    steps = [
        step("test.", "referral to test."),
        step("www.test.", "alias of www.other.example."),
        step("example.", "referral to example."),
        step("far.", "referral to far."),
        step("ns.far.", "answer", "AAAA"),
        step("www.other.example.", "answer"),
        step("test.", "answer", "DNSKEY"),
        step("ns.far.", "answer"),
    ]
    told = dig_trace.questions(steps, "A", "www.test.")
    parts = [line.strip() for line in told if line.startswith("  T")]
    assert parts == [
        dig_trace.FIND,
        dig_trace.SERVERS,
        dig_trace.FIND,
        dig_trace.CHECK,
    ]


@pytest.mark.parametrize(
    ("name", "likely"),
    [
        ("www.expired.test", "the owner did not sign anew in time"),
        ("www.future.test", "a clock is wrong"),
        ("www.rogue.test", "the DS records in the zone above"),
        ("www.unsigned.test", "the DS records in the zone above"),
    ],
)
async def test_what_is_likely_wrong_is_said(name: str, likely: str) -> None:
    first, second = dig_trace.remedies(await explained(name))
    assert likely in first
    assert "only the owner can mend it" in second


async def test_nothing_to_mend() -> None:
    for name in ("www.safe.test", "www.plain.test", "nobody.safe.test"):
        assert list(dig_trace.remedies(await explained(name))) == []


def test_every_kind_of_trouble_that_is_bogus_has_a_remedy() -> None:
    found = {code for code in dig_trace.REMEDIES if code <= 12}
    assert found == {6, 7, 8, 9, 10, 12}


@pytest.mark.parametrize(
    ("text", "written"),
    [
        ("xn--3e0b707e.example. 60 IN A 192.0.2.1", "한국.example."),
        ("a. 60 IN MX 10 mail.XN--3E0B707E.example.", "mail.한국.example."),
        ("www.example. 60 IN A 192.0.2.1", ""),
        ('a. 60 IN TXT "xn--3e0b707e"', ""),
        # A right-to-left override, and what decodes to nothing.
        ("xn--ab-t7t.example. 60 IN A 192.0.2.1", ""),
        ("xn--.example. 60 IN A 192.0.2.1", ""),
        ("include:xn--3e0b707e.example.", ""),
    ],
)
def test_names_of_other_scripts(text: str, written: str) -> None:
    assert dig_trace.spelt(text) == written
