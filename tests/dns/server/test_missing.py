import dns.message
import dns.rcode
import pytest

from pabal.dns.server.access import Access, parse_access_list
from pabal.dns.server.answering import Answering
from pabal.dns.settings import DnsSettings
from pabal.dns.zone.zones import Zones
from tests.dns.server.parts import STRANGER, bench
from tests.support.zones import HEAD, FixedClock, MemorySource, question


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


def server(**texts: str) -> Answering:
    source = MemorySource({k.replace("_", ".") + ".zone": v for k, v in texts.items()})
    zones = Zones(source, None, "ns.test", FixedClock())
    assert zones.reload().ok
    everybody = parse_access_list(["any"], "q")
    access = Access(everybody, parse_access_list([], "r"))
    return Answering(zones, None, access, DnsSettings("ns.test"), FixedClock())


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


def test_forgetting_forgets_templates() -> None:
    parts = bench()
    parts.now(question("xxx.example.com"))
    parts.answering.forget()
    assert parts.hot(question("yyy.example.com"), STRANGER) is None


def test_templates_are_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("pabal.dns.server.missing.TEMPLATES_MAX", 3)
    parts = bench()
    for length in range(1, 20):
        parts.now(question("x" * length + ".example.com"))
    cache = parts.answering.cache_of(STRANGER)
    assert cache is not None
    assert 0 < len(cache.missing) <= 3


def test_junk_is_left_to_the_parser() -> None:
    parts = bench()
    parts.now(question("xxx.example.com"))
    cache = parts.answering.cache_of(STRANGER)
    assert cache is not None
    data = question("yyy.example.com")[2:]
    for end in range(len(data)):
        assert cache.missing.answer(data[:end]) is None


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
