import asyncio

import dns.edns
import dns.flags
import dns.message
import dns.rcode
import dns.tsigkeyring
import pytest

from pabal.dns.ports import Resolved, Security
from pabal.dns.server.answering import Asked, Recursion
from pabal.dns.settings import DnsSettings
from tests.dns.server.parts import FRIEND, STRANGER, bench, positive, withhold
from tests.support.zones import question, recursive


def read(octets: bytes) -> dns.message.Message:
    return dns.message.from_wire(octets)


def test_authoritative_answer() -> None:
    message = read(bench().now(question("www.example.com")))
    assert message.rcode() == dns.rcode.NOERROR
    assert message.flags & dns.flags.AA
    assert not message.flags & dns.flags.RA
    assert len(message.answer[0]) == 2


def test_a_zone_that_is_not_ready_is_asked_for_again() -> None:
    parts = bench()
    withhold(parts.zones)
    data = question("www.example.com", edns=0)
    message = read(parts.now(data))
    assert message.rcode() == dns.rcode.SERVFAIL
    (error,) = message.options
    assert isinstance(error, dns.edns.EDEOption)
    assert error.code == dns.edns.EDECode.NOT_READY
    assert parts.hot(data, STRANGER) is None


def test_the_second_time_the_driver_finds_it() -> None:
    parts = bench()
    data = question("www.example.com")
    assert parts.hot(data, STRANGER) is None
    parts.now(data)
    first, second, third = (parts.hot(data, STRANGER) for _ in range(3))
    assert first != second
    assert first == third
    assert first is not None
    assert first[:2] == b"\x12\x34"


def test_letters_are_echoed_also_from_the_cache() -> None:
    parts = bench()
    parts.now(question("www.example.com"))
    for _ in range(2):
        data = question("wWW.eXample.com")
        answer = parts.now(data)
        assert answer[12:] == data[12:] + answer[len(data) :]
        assert read(answer).answer[0].name.to_text() == "wWW.eXample.com."
        # Odd letters are no key of their own: a flood of them fills nothing.
        assert parts.hot(data, STRANGER) is None


def test_other_sizes_become_keys() -> None:
    parts = bench()
    data = question("www.example.com", edns=0, size=4096)
    parts.now(data)
    parts.now(data)
    assert parts.hot(data, STRANGER) is not None


def test_turns_also_without_a_cache() -> None:
    parts = bench()
    data = question("www.example.com")
    assert parts.now(data, udp=False) != parts.now(data, udp=False)


def test_round_robin_can_be_off() -> None:
    parts = bench(settings=DnsSettings("ns.test", round_robin="fixed"))
    data = question("www.example.com")
    parts.now(data)
    assert parts.hot(data, STRANGER) == parts.hot(data, STRANGER)


def test_truncation_over_udp_not_over_tcp() -> None:
    parts = bench()
    data = question("big.example.com")
    assert read(parts.now(data)).flags & dns.flags.TC
    assert len(read(parts.now(data, udp=False)).answer[0]) == 60
    wide = read(parts.now(question("big.example.com", edns=0)))
    assert len(wide.answer[0]) == 60


@pytest.mark.parametrize(
    ("data", "rcode"),
    [
        (question("www.example.org"), dns.rcode.REFUSED),
        (recursive("www.example.org"), dns.rcode.REFUSED),
        (question("example.com", "AXFR"), dns.rcode.REFUSED),
        (question("example.com", "MAILB"), dns.rcode.NOTIMP),
        (question("example.com", "OPT"), dns.rcode.FORMERR),
        (question("www.example.com")[:-1] + b"\x03", dns.rcode.REFUSED),
        (question("www.example.com", edns=1), dns.rcode.BADVERS),
        (question("none.example.com"), dns.rcode.NXDOMAIN),
    ],
)
def test_what_a_stranger_gets(data: bytes, rcode: int) -> None:
    assert read(bench().now(data)).rcode() == rcode


def test_unknown_signatures_are_said_to_be_so() -> None:
    message = dns.message.make_query("www.example.com", "A")
    message.use_tsig(dns.tsigkeyring.from_text({"key.": "c2VjcmV0"}))
    assert read(bench().now(message.to_wire())).rcode() == dns.rcode.NOTAUTH


def test_malformed_and_silence() -> None:
    parts = bench()
    assert parts.now(question("example.com") + b"x") == (b"\x12\x34\x80\x01" + bytes(8))
    assert parts.answering.now(b"short", STRANGER, udp=True) is None
    answer = bytearray(question("example.com"))
    answer[2] |= 0x80
    assert parts.answering.now(bytes(answer), STRANGER, udp=True) is None


def test_who_may_not_query_is_refused_and_never_cached() -> None:
    parts = bench(query=("192.0.2.0/24",))
    data = question("www.example.com")
    assert read(parts.now(data)).rcode() == dns.rcode.REFUSED
    assert parts.hot(data, STRANGER) is None
    parts.now(data, "192.0.2.5")
    assert parts.hot(data, "192.0.2.5") is not None
    assert parts.hot(data, STRANGER) is None


async def test_recursion_for_friends_only() -> None:
    parts = bench()
    parts.resolver.answers["www.other.test. A"] = positive(
        "www.other.test.", "192.0.2.9"
    )
    data = recursive("www.other.test")
    message = read(await parts.whole(data))
    assert message.flags & dns.flags.RA
    assert not message.flags & dns.flags.AA
    assert message.answer[0][0].to_text() == "192.0.2.9"
    # It lies in the friends' cache now, and only there.
    assert parts.hot(data, FRIEND) is not None
    assert read(parts.now(data)).rcode() == dns.rcode.REFUSED
    # Without RD nobody recurses.
    assert (
        read(parts.now(question("x.other.test"), FRIEND)).rcode() == dns.rcode.REFUSED
    )


async def test_cached_recursion_ages_and_ends() -> None:
    parts = bench()
    parts.resolver.answers["www.other.test. A"] = positive(
        "www.other.test.", "192.0.2.9"
    )
    data = recursive("www.other.test")
    await parts.whole(data)
    parts.clock.at += 20
    aged = parts.hot(data, FRIEND)
    assert aged is not None
    assert read(aged).answer[0].ttl == 40
    parts.clock.at += 41
    assert parts.hot(data, FRIEND) is None
    await parts.whole(data)
    assert len(parts.resolver.asked) == 2


async def test_alias_out_of_our_zones_goes_on() -> None:
    parts = bench()
    parts.resolver.answers["www.other.test. A"] = positive(
        "www.other.test.", "192.0.2.9"
    )
    message = read(await parts.whole(recursive("out.example.com")))
    assert [rrset.rdtype.name for rrset in message.answer] == ["CNAME", "A"]
    assert message.flags & dns.flags.AA
    stranger = read(parts.now(recursive("out.example.com")))
    assert [rrset.rdtype.name for rrset in stranger.answer] == ["CNAME"]


async def test_below_a_cut_friends_are_served_strangers_referred() -> None:
    parts = bench()
    parts.resolver.answers["x.child.example.com. A"] = positive(
        "x.child.example.com.", "192.0.2.9"
    )
    data = recursive("x.child.example.com")
    assert read(await parts.whole(data)).answer
    assert read(parts.now(data)).authority


async def test_failure_is_servfail_and_not_kept() -> None:
    parts = bench()
    data = recursive("www.other.test")
    assert read(await parts.whole(data)).rcode() == dns.rcode.SERVFAIL
    assert parts.hot(data, FRIEND) is None


async def test_secure_answers_carry_ad() -> None:
    parts = bench()
    found = positive("www.other.test.", "192.0.2.9")
    parts.resolver.answers["www.other.test. A"] = Resolved(
        0, found.answer, security=Security.SECURE
    )
    message = dns.message.make_query("www.other.test", "A", want_dnssec=True)
    assert read(await parts.whole(message.to_wire())).flags & dns.flags.AD
    assert not read(await parts.whole(recursive("www.other.test"))).flags & dns.flags.AD


async def test_recursions_are_bounded() -> None:
    parts = bench(settings=DnsSettings("ns.test", recursion_max=1))
    parts.resolver.gate = asyncio.Event()
    parts.resolver.answers["a.test. A"] = positive("a.test.", "192.0.2.9")
    first = parts.answering.now(recursive("a.test"), FRIEND, udp=True)
    assert isinstance(first, Recursion)
    running = asyncio.get_running_loop().create_task(parts.answering.later(first))
    await asyncio.sleep(0)
    busy = read(await parts.whole(recursive("b.test")))
    assert busy.rcode() == dns.rcode.SERVFAIL
    parts.resolver.gate.set()
    assert read(await running).answer
    assert isinstance(
        parts.answering.now(recursive("b.test"), FRIEND, udp=True), Recursion
    )


def test_forgetting() -> None:
    parts = bench()
    data = question("www.example.com")
    parts.now(data)
    parts.answering.forget()
    assert parts.hot(data, STRANGER) is None


async def test_answers_begun_before_a_zone_change_are_not_kept() -> None:
    parts = bench()
    parts.resolver.answers["www.other.test. A"] = positive(
        "www.other.test.", "192.0.2.9"
    )
    data = recursive("out.example.com")
    begun = parts.answering.now(data, FRIEND, udp=True)
    assert isinstance(begun, Recursion)
    parts.zones.version += 1
    await parts.answering.later(begun)
    assert parts.hot(data, FRIEND) is None


def test_watching() -> None:
    parts = bench()
    seen: list[Asked] = []
    parts.answering.on_query = seen.append
    parts.now(question("WWW.example.com"))
    parts.now(question("www.example.com"))
    parts.now(question("example.org", "MX"))
    assert seen == [
        Asked("www.example.com.", "A", STRANGER, 0, cached=False),
        Asked("www.example.com.", "A", STRANGER, 0, cached=True),
        Asked("example.org.", "MX", STRANGER, 5, cached=False),
    ]
