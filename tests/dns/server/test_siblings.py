import random

import dns.edns
import dns.message
import dns.name
import dns.rcode
import dns.rrset
import pytest

import dns.zone
from pabal.dns.dnssec.keys import generate
from pabal.dns.server.access import Access, parse_access_list
from pabal.dns.server.answering import Answering
from pabal.dns.settings import FIXED, DnsSettings, PoolSettings
from pabal.dns.zone.zones import Zones
from tests.dns.dnssec.parts import VALID
from tests.dns.server.parts import STRANGER, bench
from tests.support.signing import Nsec3Parameters, SigningPolicy, sign_zone
from tests.support.zones import HEAD, FixedClock, MemorySource, question, zones


def read(octets: bytes | None) -> dns.message.Message:
    assert octets is not None
    return dns.message.from_wire(octets)


def test_one_missing_name_answers_for_all_of_its_length() -> None:
    parts = bench()
    slow = parts.now(question("aaaa.example.com"))
    hot = parts.hot(question("bBbb.example.com"), STRANGER)
    message = read(hot)
    assert message.rcode() == dns.rcode.NXDOMAIN
    assert message.question[0].name.to_text() == "bBbb.example.com."
    assert message.authority == read(slow).authority
    assert message.flags == read(slow).flags
    # The same as the slow way would have said.
    assert hot == bench().now(question("bBbb.example.com"))
    # Another length is learnt from its own first answer.
    assert parts.hot(question("bbbbb.example.com"), STRANGER) is None


def test_names_that_exist_are_not_missing() -> None:
    parts = bench()
    parts.now(question("xxx.example.com"))
    assert parts.hot(question("www.example.com"), STRANGER) is None
    assert parts.hot(question("WWW.example.com"), STRANGER) is None
    assert parts.hot(question("out.example.com"), STRANGER) is None


def test_other_forms_of_the_question_are_others() -> None:
    parts = bench()
    parts.now(question("xxx.example.com"))
    assert parts.hot(question("yyy.example.com", "MX"), STRANGER) is None
    assert parts.hot(question("yyy.example.com", edns=0), STRANGER) is None
    parts.now(question("xxx.example.com", edns=0))
    assert read(parts.hot(question("yyy.example.com", edns=0), STRANGER)).edns == 0


def server(settings: DnsSettings | None = None, **texts: str) -> Answering:
    source = MemorySource({k.replace("_", ".") + ".zone": v for k, v in texts.items()})
    zones = Zones(source, None, "ns.test", FixedClock())
    assert zones.reload().ok
    everybody = parse_access_list(["any"], "q")
    access = Access(everybody, parse_access_list([], "r"))
    return Answering(
        zones, None, access, settings or DnsSettings("ns.test"), FixedClock()
    )


def hot(answering: Answering, data: bytes) -> bytes | None:
    cache = answering.cache_of(STRANGER)
    assert cache is not None
    return cache.hit(data)


def test_deeper_names_and_wildcards_are_no_templates() -> None:
    answering = server(a_test=HEAD + "*.w A 192.0.2.1\nx.y.w A 192.0.2.1\n")
    answering.now(question("no.no.a.test"), STRANGER, udp=True)
    assert hot(answering, question("ab.no.a.test")) is None
    answering.now(question("ab.y.w.a.test"), STRANGER, udp=True)
    assert hot(answering, question("cd.y.w.a.test")) is not None
    assert hot(answering, question("cd.w.a.test")) is None


def test_a_zone_of_ours_right_below_is_not_missing() -> None:
    answering = server(a_test=HEAD, sub_a_test=HEAD)
    answering.now(question("xyz.a.test"), STRANGER, udp=True)
    assert hot(answering, question("abc.a.test")) is not None
    assert hot(answering, question("sub.a.test")) is None


def test_an_answer_that_repeats_the_name_is_no_template() -> None:
    text = "@ 60 SOA gone hostmaster 1 2 3 4 5\n@ 60 NS ns.b.test.\n"
    answering = server(a_test=text)
    answering.now(question("gone.a.test"), STRANGER, udp=True)
    assert hot(answering, question("went.a.test")) is None
    answering.now(question("went.a.test"), STRANGER, udp=True)
    message = read(hot(answering, question("gout.a.test")))
    assert str(message.authority[0][0]).startswith("gone.a.test. ")


def test_what_an_answer_carries_for_one_client_is_not_for_others() -> None:
    parts = bench()
    query = dns.message.make_query("xxx.example.com", "A", flags=0)
    query.use_edns(0, 0, 1232, options=[dns.edns.CookieOption(b"12345678", b"")])
    assert read(parts.now(query.to_wire())).options
    assert parts.hot(question("yyy.example.com", edns=0), STRANGER) is None
    parts.now(question("zzz.example.com", edns=0))
    assert not read(parts.hot(question("yyy.example.com", edns=0), STRANGER)).options


def test_names_of_pools_are_no_siblings() -> None:
    pool = PoolSettings("p", names=("two.a.test.",))
    for pools, known in (((), True), ((pool,), False)):
        settings = DnsSettings("ns.test", pools=pools)
        answering = server(settings, a_test=HEAD + "one A 192.0.2.1\ntwo A 192.0.2.2\n")
        answering.now(question("one.a.test"), STRANGER, udp=True)
        assert (hot(answering, question("two.a.test")) is not None) is known


def test_forgetting_forgets_templates() -> None:
    parts = bench()
    parts.now(question("xxx.example.com"))
    parts.answering.forget()
    assert parts.hot(question("yyy.example.com"), STRANGER) is None


def test_templates_are_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("pabal.dns.server.siblings.ENDS_MAX", 3)
    parts = bench()
    for length in range(1, 20):
        parts.now(question("x" * length + ".example.com"))
    cache = parts.answering.cache_of(STRANGER)
    assert cache is not None
    assert 0 < len(cache.siblings) <= 3


def test_junk_is_left_to_the_parser() -> None:
    parts = bench()
    parts.now(question("xxx.example.com"))
    cache = parts.answering.cache_of(STRANGER)
    assert cache is not None
    data = question("yyy.example.com")[2:]
    for end in range(len(data)):
        assert cache.siblings.answer(data[:end]) is None


def test_the_same_again_lies_ready_and_a_flood_is_not_kept(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("pabal.dns.server.cache.REPEATED_MAX", 3)
    parts = bench()
    parts.now(question("aaaa.example.com"))
    held = parts.answering.cache_of(STRANGER)
    assert held is not None
    first = question("0000.example.com")
    for number in range(5):
        data = question(f"000{number}.example.com")
        answer = parts.hot(data, STRANGER)
        assert answer == parts.hot(data, STRANGER) == bench().now(data)
    assert len(held.ready) == 3
    assert first[2:] in held.ready
    # The next second begins with room for others.
    parts.clock.at += 1
    parts.answering.tick()
    assert not held.ready
    parts.hot(question("0004.example.com"), STRANGER)
    assert len(held.ready) == 1
    # As long as there is room they stay.
    parts.clock.at += 1
    parts.answering.tick()
    assert len(held.ready) == 1
    parts.answering.forget()
    assert not held.ready


MIXED = (
    HEAD
    + "".join(f"h{i} A 192.0.2.{i}\n" for i in range(20))
    + "\n".join(
        (
            "two A 192.0.2.1",
            "two A 192.0.2.2",
            "six AAAA 2001:db8::1",
            "all A 192.0.2.3",
            "all AAAA 2001:db8::3",
            "all TXT hello",
            "all MX 10 h1",
            "BIG A 192.0.2.4",
            "txt TXT " + "x" * 250,
            "lon TXT " + " ".join("y" * 250 for _ in range(4)),
            "mxa MX 10 mail.other.",
            "mxb MX 10 h1",
            "www CNAME h1",
            "cut NS ns.cut",
            "ns.cut A 192.0.2.5",
            "safe NS ns.cut",
            "safe DS 1 13 2 " + "ab" * 32,
            "deep.ent A 192.0.2.6",
            "*.wild A 192.0.2.7",
            "here.wild TXT here",
            "ren DNAME h1",
            "sub A 192.0.2.8",
        )
    )
    + "\n"
)

LABELS = (
    "two six all big txt lon mxa mxb www cut ns.cut safe deep.ent ent x.wild here.wild"
    " ren x.ren sub h0 h1 h11 h99 aa bb zz nope nopf x.h1 *.wild ns"
)


def mixed(denial: str) -> Zones:
    """Return the zone, signed so that it denies as it is said, and one below it."""
    text = MIXED
    if denial:
        origin = dns.name.from_text("a.test.")
        plain = dns.zone.from_text(MIXED, origin, relativize=False)
        hashing = {
            "hashed": Nsec3Parameters(),
            "opt-out": Nsec3Parameters(opt_out=True),
        }
        policy = SigningPolicy((generate(),), VALID, hashing.get(denial))
        rrsets = [
            dns.rrset.from_rdata_list(name, rdataset.ttl, list(rdataset))
            for name, rdataset in plain.iterate_rdatasets()
        ]
        text = "\n".join(str(rrset) for rrset in sign_zone(origin, rrsets, policy))
    return zones(a_test=text + "\n", sub_a_test=HEAD)


@pytest.mark.parametrize("denial", ["", "named", "hashed", "opt-out"])
def test_what_is_known_of_siblings_is_what_the_long_way_says(denial: str) -> None:
    held = mixed(denial)
    everybody = parse_access_list(["any"], "q")
    access = Access(everybody, parse_access_list([], "r"))
    settings, clock = DnsSettings("ns.test", round_robin=FIXED), FixedClock()
    quick, slow = (Answering(held, None, access, settings, clock) for _ in range(2))
    chance, labels = random.Random(8), LABELS.split()
    known = having = 0
    for _ in range(2000):
        name = chance.choice(labels) + chance.choice((".a.test",) * 5 + (".A.test",))
        rdtype = chance.choice(("A", "A", "AAAA", "TXT", "MX", "MX", "DS", "ANY", "NS"))
        message = dns.message.make_query(name, rdtype, flags=0, id=7)
        if way := chance.choice((0, 0, 512, 1232, 4096)):
            message.use_edns(0, chance.choice((0, 0x8000)), way)
        data = message.to_wire()
        slow.forget()
        told = slow.now(data, STRANGER, udp=True)
        assert isinstance(told, bytes)
        cache = quick.cache_of(STRANGER)
        assert cache is not None
        short = cache.siblings.answer(data[2:])
        if short is not None:
            known += 1
            having += short[5]
            # Names in it may be written out that could be pointers.
            assert str(read(data[:2] + short)) == str(read(told))
            assert len(short) + 2 <= max(way, 512)
        assert quick.now(data, STRANGER, udp=True) == told
    assert known > 400
    assert having > 60
