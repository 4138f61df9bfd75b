from collections.abc import AsyncIterator
from functools import partial

import dns.message
import dns.name
import dns.opcode
import dns.rcode
import dns.rdatatype
import dns.rrset
import dns.tsig
import dns.update
import pytest

from pabal.base.clock import SystemClock
from pabal.base.errors import OperatorError
from pabal.dns.server.access import Access, ViewAccess, parse_access_list
from pabal.dns.server.answering import Answering, ControlQuery
from pabal.dns.server.control import Control, Realm, parse_transfer_access
from pabal.dns.server.keys import KeyRing
from pabal.dns.server.policy import parse_policy
from pabal.dns.settings import DnsSettings
from pabal.dns.wire import codes
from pabal.dns.wire.update import UpdateRequest
from pabal.dns.zone.history import History
from tests.dns.server.parts import FRIEND, STRANGER, TEXT, Bench, bench, withhold
from tests.support import updates
from tests.support.zones import HEAD, octets, zones

SECRET = "cGFiYWwgc2hhcmVzIHRoaXMgd2l0aCBubyBvbmUgZWxzZQ=="
KEY = dns.tsig.Key("k.test", SECRET)


def control(*allowed: str) -> tuple[Control, Bench]:
    parts = bench()
    keys = KeyRing((f"hmac-sha256:k.test:{SECRET}",), SystemClock())
    access = parse_transfer_access(allowed or ("127.0.0.0/8", "key k.test"))
    parts.answering.controlled = True
    return Control(parts.answering, keys, [Realm(parts.zones, access)]), parts


async def ask(
    made: Control, query: dns.message.Message, host: str = FRIEND, *, udp: bool = False
) -> list[dns.message.Message]:
    asked = ControlQuery(query.to_wire(), host)
    messages: AsyncIterator[bytes] = made.messages(asked, udp=udp)
    context = None
    found = []
    async for data in messages:
        message = dns.message.from_wire(
            data,
            keyring=query.keyring,
            request_mac=query.mac or b"",
            tsig_ctx=context,
            multi=True,
            xfr=True,
            one_rr_per_rrset=True,
        )
        context = message.tsig_ctx
        found.append(message)
    return found


def ixfr(serial: int) -> dns.message.QueryMessage:
    query = dns.message.make_query("example.com", "IXFR")
    soa = f"ns.example.com. h.example.com. {serial} 1 1 1 1"
    query.authority.append(dns.rrset.from_text("example.com.", 0, "IN", "SOA", soa))
    return query


def types(messages: list[dns.message.Message]) -> list[str]:
    return [r.rdtype.name for m in messages for r in m.answer]


async def test_a_zone_that_is_not_ready_is_not_sent() -> None:
    made, parts = control()
    withhold(parts.zones)
    (found,) = await ask(made, dns.message.make_query("example.com", "AXFR"))
    assert found.rcode() == dns.rcode.SERVFAIL
    assert not found.answer


async def test_the_whole_zone_between_two_soas() -> None:
    made, _ = control()
    found = types(await ask(made, dns.message.make_query("example.com", "AXFR")))
    assert found[0] == found[-1] == "SOA"
    assert found.count("SOA") == 2
    assert found.count("A") == 63


async def test_who_may() -> None:
    made, _ = control()
    query = dns.message.make_query("example.com", "AXFR")
    (refused,) = await ask(made, query, STRANGER)
    assert refused.rcode() == dns.rcode.REFUSED
    query.use_tsig(KEY)
    assert len(types(await ask(made, query, STRANGER))) > 60
    with pytest.raises(OperatorError):
        parse_transfer_access(("nonsense",))
    assert not parse_transfer_access(("none",)).allows(FRIEND, None)
    assert not parse_transfer_access(("any",)).allows("no address", None)
    # The first element that fits decides, as in BIND.
    ordered = parse_transfer_access(("!192.0.2.7", "key k.test"))
    assert not ordered.allows("192.0.2.7", KEY.name)
    assert ordered.allows("192.0.2.8", KEY.name)


async def test_who_may_have_a_single_zone() -> None:
    made, _ = control("none")
    query = dns.message.make_query("Example.com", "AXFR")
    assert (await ask(made, query))[0].rcode() == dns.rcode.REFUSED
    (realm,) = made.realms
    realm.single = {octets("example.com"): parse_transfer_access(("127.0.0.0/8",))}
    assert len(types(await ask(made, query))) > 60
    assert (await ask(made, query, STRANGER))[0].rcode() == dns.rcode.REFUSED
    realm.transfers = parse_transfer_access(("any",))
    assert (await ask(made, query, STRANGER))[0].rcode() == dns.rcode.REFUSED


async def test_others_than_primaries_may_say_that_a_zone_changed() -> None:
    made, _ = control()
    heard: list[str] = []

    def on_notify(name: dns.name.Name, host: str) -> bool:
        heard.append(f"{name} {host}")
        return not host

    made.realms[0].on_notify = on_notify
    made.realms[0].heralds = parse_access_list([STRANGER, "key k.test"], "x")
    query = dns.message.make_query("example.com", "SOA")
    query.set_opcode(dns.opcode.NOTIFY)
    (taken,) = await ask(made, query, STRANGER)
    (refused,) = await ask(made, query, "192.0.2.200")
    query.use_tsig(KEY)
    (signed,) = await ask(made, query, "192.0.2.200")
    rcodes = [each.rcode() for each in (taken, refused, signed)]
    assert rcodes == [dns.rcode.NOERROR, dns.rcode.REFUSED, dns.rcode.NOERROR]
    assert heard == ["example.com. ", "example.com. 192.0.2.200", "example.com. "]


async def test_a_zone_may_be_for_encrypted_connections_only() -> None:
    made, _ = control("any")
    made.realms[0].tls_only = True
    query = dns.message.make_query("example.com", "AXFR").to_wire()
    for encrypted, rcode in ((False, dns.rcode.REFUSED), (True, dns.rcode.NOERROR)):
        asked = ControlQuery(query, FRIEND, encrypted=encrypted)
        first = await anext(made.messages(asked, udp=False))
        assert dns.message.from_wire(first).rcode() == rcode


async def test_what_is_not_ours_or_not_for_udp() -> None:
    made, _ = control()
    (other,) = await ask(made, dns.message.make_query("example.org", "AXFR"))
    assert other.rcode() == dns.rcode.NOTAUTH
    (udp,) = await ask(made, dns.message.make_query("example.com", "AXFR"), udp=True)
    assert udp.rcode() == dns.rcode.FORMERR


async def test_who_sends_an_opt_record_gets_one() -> None:
    """RFC 6891 §6.1.1; RFC 5936 §2.2.5: once in a transfer, in its first message."""
    made, _ = control()
    query = dns.message.make_query("example.com", "AXFR", use_edns=0)
    answers = await ask(made, query)
    assert [answer.edns for answer in answers] == [0, *[-1] * (len(answers) - 1)]
    query.use_tsig(KEY)
    first = (await ask(made, query))[0]
    assert (first.edns, first.had_tsig) == (0, True)
    for name, host in (("example.com", STRANGER), ("example.org", FRIEND)):
        query = dns.message.make_query(name, "AXFR", use_edns=0)
        assert [answer.edns for answer in await ask(made, query, host)] == [0]
        query.use_edns(-1)
        assert [answer.edns for answer in await ask(made, query, host)] == [-1]
    update = updates.message("add x 60 A 192.0.2.1")
    update.use_edns(0)
    assert [answer.edns for answer in await ask(made, update)] == [0]


async def test_only_what_changed() -> None:
    made, parts = control()
    assert types(await ask(made, ixfr(1))) == ["SOA"]
    assert len(types(await ask(made, ixfr(0)))) > 60
    assert types(await ask(made, ixfr(0), udp=True)) == ["SOA"]
    parts.zones.history = History()
    changed = TEXT.replace(" 1 7200", " 2 7200") + "new A 192.0.2.99\n"
    parts.zones._source.texts["example.com.zone"] = changed  # type: ignore[attr-defined]
    parts.zones.reload()
    assert types(await ask(made, ixfr(1))) == ["SOA", "SOA", "SOA", "A", "SOA"]


async def test_signed_questions_get_signed_answers() -> None:
    made, _ = control()
    query = dns.message.make_query("www.example.com", "A", use_edns=0)
    query.use_tsig(KEY)
    (answer,) = await ask(made, query, udp=True)
    assert answer.had_tsig
    assert len(answer.answer) == 2


async def test_bad_signatures_are_refused_with_the_reason() -> None:
    made, _ = control()
    query = dns.message.make_query("www.example.com", "A")
    query.use_tsig(dns.tsig.Key("k.test", SECRET[4:]))
    with pytest.raises(dns.tsig.PeerBadSignature):
        await ask(made, query)
    query.use_tsig(dns.tsig.Key("other.test", SECRET))
    with pytest.raises(dns.tsig.PeerBadKey):
        await ask(made, query)


async def test_notify_is_for_secondaries() -> None:
    made, _ = control()
    query = dns.message.make_query("a.test", "SOA")
    query.set_opcode(dns.opcode.NOTIFY)
    (refused,) = await ask(made, query)
    assert refused.rcode() == dns.rcode.REFUSED
    heard = []

    def on_notify(name: dns.name.Name, host: str) -> bool:
        heard.append((str(name), host))
        return host == FRIEND

    made.realms[0].on_notify = on_notify
    (taken,) = await ask(made, query)
    assert (taken.rcode(), taken.opcode()) == (dns.rcode.NOERROR, dns.opcode.NOTIFY)
    (refused,) = await ask(made, query, STRANGER)
    assert refused.rcode() == dns.rcode.REFUSED
    assert heard == [("a.test.", FRIEND), ("a.test.", STRANGER)]


async def test_what_cannot_be_read() -> None:
    made, parts = control()
    query = bytearray(dns.message.make_query("example.com", "AXFR").to_wire())
    query[11] = 5
    asked = parts.answering.now(bytes(query), FRIEND, udp=False)
    assert isinstance(asked, ControlQuery)
    (answer,) = [each async for each in made.messages(asked, udp=False)]
    assert answer[3] & 15 == dns.rcode.FORMERR


def update_of(*lines: str, key: dns.tsig.Key | None = KEY) -> dns.update.UpdateMessage:
    made = updates.message(*lines)
    if key is not None:
        made.use_tsig(key)
    return made


async def test_an_update_needs_a_key_that_may() -> None:
    made, _ = control()
    seen: list[UpdateRequest] = []

    async def take(request: UpdateRequest) -> int:
        seen.append(request)
        return codes.YXDOMAIN

    add = update_of("add new 60 A 192.0.2.9")
    assert (await ask(made, add))[0].rcode() == dns.rcode.REFUSED
    made.realms[0].on_update = take
    assert (await ask(made, add))[0].rcode() == dns.rcode.REFUSED
    keys = KeyRing((f"hmac-sha256:k.test:{SECRET}",), SystemClock())
    rule = "example.com key k.test name new.example.com A"
    made.realms[0].policy = parse_policy((rule,), keys)
    unsigned = update_of("add new 60 A 192.0.2.9", key=None)
    assert (await ask(made, unsigned))[0].rcode() == dns.rcode.REFUSED
    assert not seen
    answer = (await ask(made, add))[0]
    assert (answer.rcode(), answer.opcode()) == (
        dns.rcode.YXDOMAIN,
        dns.opcode.UPDATE,
    )
    assert answer.had_tsig
    assert seen[0].may(octets("new.example.com"), codes.A)
    assert not seen[0].may(octets("new.example.com"), codes.TXT)


async def test_an_update_of_a_zone_that_is_not_here() -> None:
    made, _ = control()
    query = updates.message("add new 60 A 192.0.2.9", zone="other.test.")
    assert (await ask(made, query))[0].rcode() == dns.rcode.NOTAUTH


async def test_a_malformed_update() -> None:
    made, _ = control()
    data = bytearray(update_of("add new 60 A 192.0.2.9", key=None).to_wire())
    data[5] = 2
    answers = [
        message
        async for message in made.messages(ControlQuery(bytes(data), FRIEND), udp=True)
    ]
    assert [answer[3] & 15 for answer in answers] == [dns.rcode.FORMERR]


async def test_who_was_sent_a_zone_gives_it_back() -> None:
    """The last of its messages may be what kept a version that was replaced."""
    made, _ = control()
    sent: list[bytes] = []
    made.on_sent = lambda zone: sent.append(zone.origin)
    query = dns.message.make_query("example.com", "AXFR")
    await ask(made, query)
    assert sent == [octets("example.com.")]
    asked = ControlQuery(query.to_wire(), FRIEND)
    transfer = made._transfer(asked, made._keys.verify(asked.data), udp=False)
    next(transfer)
    del transfer
    assert len(sent) == 2, "it hung up"
    await ask(made, dns.message.make_query("example.org", "AXFR"))
    await ask(made, query, STRANGER)
    assert len(sent) == 2


OTHER_KEY = dns.tsig.Key("inner.test", SECRET)
INSIDE = HEAD.replace(" 1 7200", " 9 7200") + "www A 10.0.0.1\n"


def with_view() -> tuple[Control, Bench]:
    """A server whose view is for what is signed with another key."""
    everybody = parse_access_list(["any"], "x")
    inner = ViewAccess(parse_access_list(["!key k.test", "key inner.test"], "x"))
    access = Access(everybody, parse_access_list(["none"], "x"), [inner])
    common, view = zones(example_com=TEXT), zones(example_com=INSIDE, in_test=HEAD)
    parts = bench()
    answering = Answering(
        common, None, access, DnsSettings("ns.test"), parts.clock, [view]
    )
    texts = [f"hmac-sha256:{name}:{SECRET}" for name in ("k.test", "inner.test")]
    realms = [
        Realm(common, parse_transfer_access(["key k.test"])),
        Realm(view, parse_transfer_access(["key inner.test"])),
    ]
    made = Control(answering, KeyRing(texts, SystemClock()), realms)
    return made, Bench(answering, parts.resolver, parts.clock, common)


def signed(name: str, rdtype: str, key: dns.tsig.Key) -> dns.message.QueryMessage:
    query = dns.message.make_query(name, rdtype)
    query.use_tsig(key)
    return query


async def test_the_key_decides_which_zone_goes_out() -> None:
    made, _ = with_view()
    for key, serial in ((KEY, 1), (OTHER_KEY, 9)):
        found = await ask(made, signed("example.com", "AXFR", key))
        assert found[0].answer[0][0].serial == serial
    # What a view alone has is not there for others.
    (nothing,) = await ask(made, signed("in.test", "AXFR", KEY))
    assert nothing.rcode() == dns.rcode.NOTAUTH
    (refused,) = await ask(made, dns.message.make_query("example.com", "AXFR"))
    assert refused.rcode() == dns.rcode.REFUSED


async def test_the_key_decides_what_a_question_is_told() -> None:
    made, _ = with_view()
    for key, address in ((KEY, "192.0.2.2"), (OTHER_KEY, "10.0.0.1")):
        (found,) = await ask(made, signed("www.example.com", "A", key), udp=True)
        assert address in [str(each) for rrset in found.answer for each in rrset]


async def test_the_key_decides_which_zone_is_updated() -> None:
    made, _ = with_view()
    done: list[int] = []

    async def take(number: int, request: UpdateRequest) -> int:
        done.append(number)
        return codes.NOERROR

    keys = KeyRing((f"hmac-sha256:inner.test:{SECRET}",), SystemClock())
    for number, realm in enumerate(made.realms):
        realm.on_update = partial(take, number)
    rule = "example.com key inner.test zonesub"
    made.realms[1].policy = parse_policy((rule,), keys)
    update = update_of("add new 60 A 192.0.2.9", key=OTHER_KEY)
    assert (await ask(made, update))[0].rcode() == dns.rcode.NOERROR
    assert done == [1]
    outer = update_of("add new 60 A 192.0.2.9")
    assert (await ask(made, outer))[0].rcode() == dns.rcode.REFUSED


async def test_a_notify_reaches_the_copies_of_its_view_first() -> None:
    made, _ = with_view()
    heard: list[int] = []

    def hear(number: int, zone: dns.name.Name, host: str) -> bool:
        heard.append(number)
        return True

    for number, realm in enumerate(made.realms):
        realm.on_notify = partial(hear, number)
    for key in (KEY, OTHER_KEY):
        query = signed("example.com", "SOA", key)
        query.set_opcode(dns.opcode.NOTIFY)
        await ask(made, query)
    assert heard == [0, 1]
