"""Whatever servers send: an answer, a next question or a failure, nothing else."""

import dns.message
import dns.name
import dns.rcode
import dns.rdatatype
import dns.rrset
from hypothesis import given, settings
from hypothesis import strategies as st

from pabal.dns.resolver.cache import Cache, Failures
from pabal.dns.resolver.hints import Server
from pabal.dns.resolver.iterator import Done, Failed, Iterator
from pabal.dns.resolver.knowledge import Knowledge
from pabal.dns.resolver.policy import (
    Address,
    Finding,
    decide,
    decide_early,
    policy_zone,
)
from pabal.dns.resolver.query import (
    MalformedReplyError,
    Query,
    Verdict,
    encode,
    read,
)
from pabal.dns.resolver.scrub import Kind, scrub
from pabal.dns.resolver.servers import ServerMemory
from pabal.dns.resolver.settings import ResolverSettings
from pabal.dns.wire import codes
from pabal.dns.wire.rrset import RRset
from tests.scenario.dns.network import FakeChance, FakeServer, Zone

UNHURRIED = settings(max_examples=150, deadline=None)
"""No deadline: the machine may be busy with other tests."""

WWW = dns.name.from_text("www.example.test.")
EXAMPLE = dns.name.from_text("example.test.")
NAMES = st.sampled_from(
    ["www.example.test.", "example.test.", "x.example.test.", "test.", ".", "evil.",
     "a.www.example.test.", "ns.evil.", "ns.example.test."]
)  # fmt: skip
DATA = st.one_of(
    st.tuples(st.just("A"), st.just("192.0.2.66")),
    st.tuples(st.just("AAAA"), st.just("2001:db8::66")),
    st.tuples(st.sampled_from(["NS", "CNAME", "DNAME"]), NAMES),
    st.tuples(st.just("SOA"), st.just("ns.evil. you. 1 1 1 1 60")),
    st.tuples(st.just("TXT"), st.just("x")),
)
RECORDS = st.lists(
    st.tuples(NAMES, DATA).map(
        lambda pair: dns.rrset.from_text(pair[0], 60, "IN", pair[1][0], pair[1][1])
    ),
    max_size=4,
)


def knowledge() -> Knowledge:
    setting = ResolverSettings(root_hints=(Server("r.", "192.0.2.1"),))
    return Knowledge(setting, Cache(setting), Failures(), ServerMemory(), FakeChance())


def query_for(zone: dns.name.Name = EXAMPLE) -> Query:
    wire = encode(
        WWW, dns.rdatatype.A, FakeChance(), edns=True, recursive=False, mixed_case=True
    )
    return Query(
        Server("ns.", "192.0.2.1"), zone, WWW, dns.rdatatype.A,
        tcp=False, edns=True, recursive=False, timeout_s=1.0, wire=wire,
    )  # fmt: skip


def framed(query: Query, rest: bytes, flags: bytes, counts: bytes) -> bytes:
    """Return ``rest`` behind a header and a question that pass for an answer."""
    end = 12 + len(query.name.to_wire() or b"") + 4
    head = query.wire[:2] + bytes((flags[0] & 0x07 | 0x80, flags[1]))
    return head + b"\0\1" + counts + query.wire[12:end] + rest


@given(st.binary(max_size=120))
@UNHURRIED
def test_any_octets_are_judged(octets: bytes) -> None:
    assert query_for().judge(octets) in Verdict


@given(
    st.binary(max_size=200),
    st.binary(min_size=2, max_size=2),
    st.lists(st.integers(0, 3), min_size=3, max_size=3),
)
@UNHURRIED
def test_any_answer_is_read_or_malformed(
    rest: bytes, flags: bytes, counts: list[int]
) -> None:
    query = query_for()
    packed = b"".join(count.to_bytes(2, "big") for count in counts)
    octets = framed(query, rest, flags, packed)
    assert query.judge(octets) is Verdict.MATCH
    try:
        message = read(octets, query)
    except MalformedReplyError:
        return
    assert scrub(message, query).kind in Kind


@given(
    st.lists(
        st.tuples(st.integers(12, 300), st.integers(0, 255)), min_size=1, max_size=6
    )
)
@UNHURRIED
def test_broken_answers_end(changes: list[tuple[int, int]]) -> None:
    zone = Zone.read(
        ".",
        ["@ SOA . . 1 1 1 1 60", "example.test. NS ns.example.test.",
         "ns.example.test. A 192.0.2.3"],
    )  # fmt: skip
    server = FakeServer(zones=[zone])
    known = knowledge()
    machine = Iterator(WWW, dns.rdatatype.A, known)
    step = machine.next(0.0)
    while isinstance(step, Query):
        octets = bytearray(server.reply(step).to_wire())
        for place, octet in changes:
            octets[12 + (place % (len(octets) - 12))] = octet
        machine.feed(bytes(octets), 0.01, 0.0)
        step = machine.next(0.0)
    assert isinstance(step, Done | Failed)


@given(RECORDS, RECORDS, RECORDS, st.sampled_from([0x8400, 0x8000, 0x8403, 0x8003]))
@UNHURRIED
def test_nothing_out_of_the_zone_is_believed(
    answer: list[dns.rrset.RRset],
    authority: list[dns.rrset.RRset],
    additional: list[dns.rrset.RRset],
    flags: int,
) -> None:
    query = query_for()
    message = dns.message.make_response(dns.message.from_wire(query.wire))
    message.flags, message.answer = flags & 0xFFF0, answer
    message.set_rcode(dns.rcode.Rcode(flags & 0xF))
    message.authority, message.additional = authority, additional
    known = knowledge()
    reading = scrub(read(message.to_wire(), query), query)
    known.keep(query, reading, 0.0)
    known.keep_referral(reading, EXAMPLE, 0.0)
    for name, _ in known.cache._entries:
        assert name.is_subdomain(EXAMPLE)
    if reading.kind is Kind.REFERRAL:
        assert reading.ns is not None
        assert reading.ns.name != EXAMPLE
        assert WWW.is_subdomain(reading.ns.name)


@given(
    st.lists(st.binary(min_size=1, max_size=63), max_size=3), st.integers(0, 2**32 - 1)
)
@UNHURRIED
def test_questions_are_what_was_meant(labels: list[bytes], seed: int) -> None:
    name = dns.name.Name([*labels, b""])
    wire = encode(
        name, dns.rdatatype.MX, FakeChance(seed), edns=True, recursive=False,
        mixed_case=True,
    )  # fmt: skip
    question = dns.message.from_wire(wire).question[0]
    assert (question.name, question.rdtype) == (name, dns.rdatatype.MX)


TRIGGER_LABELS = st.sampled_from(
    [b"rpz-client-ip", b"rpz-ip", b"rpz-nsip", b"rpz-nsdname", b"zz", b"*", b"32", b"0"]
) | st.binary(min_size=1, max_size=20)
TARGETS = st.sampled_from(
    [b"\0", b"\x01*\0", b"\x0crpz-passthru\0", b"\x0crpz-tcp-only\0", b"\x01x\0"]
)
POLICY_APEX = b"\x03rpz\0"


@st.composite
def triggers(draw: st.DrawFn) -> bytes:
    labels = draw(st.lists(TRIGGER_LABELS, max_size=8))
    return b"".join(bytes((len(label),)) + label for label in labels) + POLICY_APEX


@UNHURRIED
@given(
    st.dictionaries(triggers(), TARGETS, max_size=6),
    st.ip_addresses(),
    triggers(),
)
def test_a_policy_from_somebody_else_is_applied_or_has_no_effect(
    rules: dict[bytes, bytes], address: Address, name: bytes
) -> None:
    nodes = {
        owner.lower(): {codes.CNAME: RRset(owner, codes.CNAME, 60, (target,))}
        for owner, target in rules.items()
    }
    zone = policy_zone(POLICY_APEX, nodes)
    asked = name.lower()
    decide_early([zone], asked, address)
    decision = decide([zone], Finding([asked], [address], [asked], [address], address))
    assert decision is None or decision.rule.trigger in nodes
