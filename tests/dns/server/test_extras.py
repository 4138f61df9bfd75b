import asyncio
from dataclasses import replace

import dns.edns
import dns.message
import dns.opcode
import dns.rcode
import pytest

from pabal.dns.ports import ResolutionError, Resolved, Security
from pabal.dns.settings import DnsSettings
from tests.dns.server.parts import FRIEND, STRANGER, Bench, bench, positive

SETTINGS = DnsSettings("ns.test", nsid="ns1", cookie_secret=bytes(16))


def ask(
    server: Bench,
    *options: dns.edns.Option,
    name: str = "www.example.com",
    payload: int = 1232,
    host: str = STRANGER,
    udp: bool = True,
    encrypted: bool = False,
) -> dns.message.Message:
    query = dns.message.make_query(name, "A", use_edns=0, payload=payload)
    query.use_edns(0, 0, payload, options=list(options))
    data = server.answering.now(query.to_wire(), host, udp=udp, encrypted=encrypted)
    assert isinstance(data, bytes)
    answer = dns.message.from_wire(data)
    assert answer.id == query.id
    return answer


def test_cookie_and_name_on_cold_and_warm_answers() -> None:
    server = bench(settings=SETTINGS)
    for _ in range(3):
        answer = ask(
            server, dns.edns.CookieOption(b"12345678", b""), dns.edns.NSIDOption(b"")
        )
        assert len(answer.answer[0]) == 2
        cookie, nsid = answer.options
        assert isinstance(cookie, dns.edns.CookieOption)
        assert (cookie.client, len(cookie.server)) == (b"12345678", 16)
        assert isinstance(nsid, dns.edns.NSIDOption)
        assert nsid.nsid == b"ns1"


def test_nothing_is_said_unasked() -> None:
    server = bench(settings=SETTINGS)
    assert not ask(server).options
    assert not ask(server, dns.edns.GenericOption("PADDING", b"")).options
    quiet = bench(settings=replace(SETTINGS, nsid=""))
    assert not ask(quiet, dns.edns.NSIDOption(b"")).options


def test_malformed_cookie() -> None:
    server = bench(settings=SETTINGS)
    query = dns.message.make_query("www.example.com", "A", use_edns=0)
    query.use_edns(options=[dns.edns.GenericOption("COOKIE", b"123")])
    answer = dns.message.from_wire(server.now(query.to_wire()))
    assert answer.rcode() == dns.rcode.FORMERR
    assert (answer.edns, answer.payload, answer.options) == (0, 1232, ())
    assert answer.question == query.question
    assert not answer.answer


def test_who_sends_an_opt_record_gets_one() -> None:
    """RFC 6891 §6.1.1; BIND answers all of these so, NSD with twelve octets."""
    server = bench(settings=SETTINGS)
    status = dns.message.make_query("www.example.com", "A", use_edns=0)
    status.set_opcode(dns.opcode.STATUS)
    nothing = dns.message.QueryMessage()
    nothing.use_edns(0, 0, 1232)
    for query, rcode in (
        (status, dns.rcode.NOTIMP),
        (nothing, dns.rcode.FORMERR),
    ):
        data = query.to_wire()
        answer = dns.message.from_wire(server.now(data))
        assert (answer.rcode(), answer.edns) == (rcode, 0)
        assert answer.opcode() == query.opcode()
        assert len(answer.to_wire()) <= len(data), "no more than a forger spent"
        query.use_edns(-1)
        assert len(server.now(query.to_wire())) == 12
    # What cannot be told apart from rubbish gets the header.
    twice = bytearray(dns.message.make_query("a.test", "A", use_edns=0).to_wire())
    twice[11] = 2
    assert len(server.now(bytes(twice + twice[-11:]))) == 12


def test_an_answer_is_the_same_whatever_network_is_named() -> None:
    """RFC 7871 §7.2.1: who does not use Client Subnet answers without it."""
    server = bench(settings=SETTINGS)
    plain = ask(server).answer
    subnets = [
        dns.edns.ECSOption("198.51.100.0", 24, 0),
        dns.edns.ECSOption("2001:db8::", 56, 0),
        dns.edns.ECSOption("0.0.0.0", 0, 0),
        dns.edns.GenericOption(dns.edns.OptionType.ECS, b"\0"),
    ]
    kept = len(server.answering.cache_of(STRANGER) or ())
    for subnet in subnets * 2:
        answer = ask(server, subnet)
        assert answer.rcode() == dns.rcode.NOERROR
        assert answer.answer == plain
        assert list(answer.options) == []
    # Nor is there an answer kept for each network somebody makes up.
    assert len(server.answering.cache_of(STRANGER) or ()) == kept


def test_padding_hides_only_what_is_encrypted() -> None:
    server = bench(settings=SETTINGS)
    padding = dns.edns.GenericOption("PADDING", b"")
    query = dns.message.make_query("www.example.com", "A", use_edns=0)
    query.use_edns(options=[padding])
    data = server.answering.now(query.to_wire(), STRANGER, udp=False, encrypted=True)
    assert isinstance(data, bytes)
    assert len(data) == 468


def test_options_never_make_an_answer_too_large() -> None:
    server = bench(settings=SETTINGS)
    query = dns.message.make_query("big.example.com", "A", use_edns=0)
    sizes = []
    for payload in range(512, 1232, 30):
        query.use_edns(0, 0, payload, options=[dns.edns.CookieOption(b"12345678", b"")])
        sizes.append((payload, len(server.now(query.to_wire()))))
    assert all(size <= payload for payload, size in sizes)


def test_refusals_say_why() -> None:
    server = bench(query=("127.0.0.0/8",))
    prohibited = ask(server).options[0]
    elsewhere = ask(bench(), name="www.elsewhere.test").options[0]
    assert isinstance(prohibited, dns.edns.EDEOption)
    assert isinstance(elsewhere, dns.edns.EDEOption)
    assert (prohibited.code, elsewhere.code) == (18, 20)


async def test_a_bogus_answer_says_why() -> None:
    class Bogus:
        async def resolve(self, *_: object, **__: object) -> Resolved:
            raise ResolutionError("the signature has expired", 6)

    server = bench()
    server.answering._resolver = Bogus()
    query = dns.message.make_query("www.far.test", "A", use_edns=0)
    answer = dns.message.from_wire(await server.whole(query.to_wire()))
    (error,) = answer.options
    assert answer.rcode() == dns.rcode.SERVFAIL
    assert isinstance(error, dns.edns.EDEOption)
    assert (error.code, error.text) == (6, "the signature has expired")


async def test_signatures_only_for_those_who_ask() -> None:
    server = bench()
    found = replace(
        positive("www.far.test.", "192.0.2.9"),
        security=Security.SECURE,
        signatures=positive("sig.far.test.", "192.0.2.10").answer,
    )
    server.resolver.answers["www.far.test. A"] = found
    for wanted in (False, True, False, True):
        query = dns.message.make_query("www.far.test", "A", want_dnssec=wanted)
        answer = dns.message.from_wire(await server.whole(query.to_wire()))
        assert len(answer.answer) == 1 + wanted
        assert bool(answer.flags & dns.flags.AD) == wanted


def test_a_flood_gets_few_answers_and_slips() -> None:
    server = bench(settings=replace(SETTINGS, rate_max=10))
    query = dns.message.make_query("big.example.com", "A", use_edns=0)
    data = query.to_wire()
    assert server.hot(data, STRANGER) is None
    server.now(data)
    assert server.hot(data, STRANGER)
    server.answering.limiter.note(bytes((203, 0, 113, 1)), 64)
    assert server.hot(data, STRANGER) is None
    answers = [server.answering.now(data, STRANGER, udp=True) for _ in range(30)]
    assert answers.count(None) == 10
    slips = [a for a in answers if isinstance(a, bytes) and a[2] & 2]
    assert len(slips) == 10
    assert all(len(slip) <= len(data) for slip in slips)
    assert server.answering.now(data, STRANGER, udp=False)
    assert all(server.answering.now(data, FRIEND, udp=True) for _ in range(30))


def test_a_valid_cookie_lifts_the_limit() -> None:
    server = bench(settings=replace(SETTINGS, rate_max=10))
    cookie = ask(server, dns.edns.CookieOption(b"12345678", b"")).options[0]
    server.answering.limiter.note(bytes((203, 0, 113, 1)), 64)
    for _ in range(30):
        assert not ask(server, cookie).flags & dns.flags.TC


async def begun(server: Bench, host: str, count: int) -> int:
    """Ask for ``count`` names at once; return how many are being resolved."""
    before = len(server.resolver.asked)
    loop = asyncio.get_running_loop()
    tasks = []
    for number in range(count):
        query = dns.message.make_query(f"h{number}.{before}.far.test", "A")
        tasks.append(loop.create_task(server.whole(query.to_wire(), host)))
    await asyncio.sleep(0)
    assert server.resolver.gate is not None
    resolving = len(server.resolver.asked) - before
    server.resolver.gate.set()
    answers = [dns.message.from_wire(octets) for octets in await asyncio.gather(*tasks)]
    server.resolver.gate.clear()
    assert all(answer.rcode() == dns.rcode.SERVFAIL for answer in answers)
    return resolving


@pytest.mark.parametrize("other", ["192.0.2.7", "2001:db8::7"])
async def test_no_client_takes_all_recursion(other: str) -> None:
    server = bench(
        recursion=("any",), settings=replace(SETTINGS, recursion_per_client_max=2)
    )
    server.resolver.gate = asyncio.Event()
    assert await begun(server, other, 5) == 2
    assert await begun(server, other, 5) == 2, "what is over counts no more"


async def test_an_ipv6_network_is_one_client() -> None:
    server = bench(
        recursion=("any",), settings=replace(SETTINGS, recursion_per_client_max=2)
    )
    server.resolver.gate = asyncio.Event()
    queries = [dns.message.make_query(f"h{n}.far.test", "A") for n in range(4)]
    loop = asyncio.get_running_loop()
    tasks = [
        loop.create_task(server.whole(query.to_wire(), f"2001:db8::{n + 1}"))
        for n, query in enumerate(queries)
    ]
    await asyncio.sleep(0)
    assert len(server.resolver.asked) == 2
    server.resolver.gate.set()
    await asyncio.gather(*tasks)


@pytest.mark.parametrize("ours", ["127.0.0.1", "127.0.53.1", "::1"])
async def test_this_machine_has_the_total_only(ours: str) -> None:
    """A busy mail server, or dnsperf, asks for hundreds of names at once."""
    server = bench(
        recursion=("any",),
        settings=replace(SETTINGS, recursion_per_client_max=2, recursion_max=4),
    )
    server.resolver.gate = asyncio.Event()
    assert await begun(server, ours, 6) == 4


def test_a_cookie_is_given_without_a_question() -> None:
    """RFC 7873 §5.4."""
    server = bench(settings=SETTINGS)

    def alone(*options: dns.edns.Option) -> dns.message.Message:
        query = dns.message.QueryMessage()
        query.use_edns(0, 0, 1232, options=list(options))
        data = server.answering.now(query.to_wire(), STRANGER, udp=True)
        assert isinstance(data, bytes)
        return dns.message.from_wire(data)

    given = alone(dns.edns.CookieOption(b"12345678", b""))
    assert (given.rcode(), given.question) == (dns.rcode.NOERROR, [])
    (cookie,) = given.options
    assert isinstance(cookie, dns.edns.CookieOption)
    assert cookie.client == b"12345678"
    again = ask(server, cookie)
    assert again.options == (cookie,), "the same that answers carry"
    assert alone().rcode() == dns.rcode.FORMERR
    assert alone(dns.edns.GenericOption("COOKIE", b"123")).rcode() == dns.rcode.FORMERR
    assert alone(dns.edns.NSIDOption(b"")).rcode() == dns.rcode.FORMERR


async def test_every_client_is_told_that_an_answer_was_changed() -> None:
    """Also the second, whose answer lies ready, and who asked for more than that."""
    server = bench()
    changed = replace(positive("www.far.test.", "192.0.2.9"), errors=(4,))
    server.resolver.answers["www.far.test. A"] = changed
    query = dns.message.make_query("www.far.test", "A", use_edns=0)
    for _ in range(3):
        answer = dns.message.from_wire(await server.whole(query.to_wire()))
        (error,) = answer.options
        assert isinstance(error, dns.edns.EDEOption)
        assert error.code == 4
    assert len(server.resolver.asked) == 1
    hot = server.hot(query.to_wire(), FRIEND)
    assert hot == await server.whole(query.to_wire())
    query.use_edns(0, options=[dns.edns.CookieOption(b"12345678", b"")])
    answer = dns.message.from_wire(await server.whole(query.to_wire()))
    assert [int(option.otype) for option in answer.options] == [10, 15]
    server.clock.at += 20
    query.use_edns(0)
    hot = server.hot(query.to_wire(), FRIEND)
    assert hot is not None
    aged = dns.message.from_wire(hot)
    assert (aged.answer[0].ttl, len(aged.options)) == (40, 1)
    asked = len(server.resolver.asked)
    query.use_edns(-1)
    for _ in range(3):
        assert len(dns.message.from_wire(await server.whole(query.to_wire())).answer)
    assert len(server.resolver.asked) == asked + 1, "who cannot be told shares"


async def test_an_answer_that_was_changed_is_kept_if_there_is_room_to_say_so() -> None:
    server = bench()
    many = [f"192.0.2.{number}" for number in range(29)]
    server.resolver.answers["abcdefghij.test. A"] = replace(
        positive("abcdefghij.test.", *many), errors=(4,)
    )
    # 508 octets with 29 addresses: six more do not fit.
    query = dns.message.make_query("abcdefghij.test", "A", use_edns=0, payload=512)
    for _ in range(2):
        answer = dns.message.from_wire(await server.whole(query.to_wire()))
        assert answer.flags & dns.flags.TC
    assert len(server.resolver.asked) == 2
    assert server.hot(query.to_wire(), FRIEND) is None
