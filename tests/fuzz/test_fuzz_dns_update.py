"""Whatever comes as an update, or stands in a journal: an answer, nothing else."""

import contextlib

from hypothesis import given, settings
from hypothesis import strategies as st

from pabal.dns.wire import codes
from pabal.dns.wire.update import UpdateError, UpdateRecord, UpdateRequest, parse_update
from pabal.dns.zone.journal import JournalError, decode
from pabal.dns.zone.overlay import laid_over
from pabal.dns.zone.tree import Zone
from pabal.dns.zone.update import Draft
from tests.support.updates import message
from tests.support.zones import HEAD, octets, zone

UNHURRIED = settings(max_examples=200, deadline=None)
"""No deadline: the machine may be busy with other tests."""

WELL_FORMED = message(
    "present www A", "absent x", "add a 60 MX 5 b", "delete c"
).to_wire()
PLAIN = zone(HEAD + "www A 192.0.2.2\na.b TXT x\nalias CNAME www\n")

NAMES = st.sampled_from(["", "www.", "a.b.", "b.", "alias.", "new.", "x.new."]).map(
    lambda text: octets(text + "example.com")
)
DATA = st.sampled_from(
    [
        (codes.A, bytes((192, 0, 2, 1))),
        (codes.A, bytes((192, 0, 2, 2))),
        (codes.TXT, b"\x01x"),
        (codes.CNAME, octets("www.example.com")),
        (codes.NS, octets("ns.example.com")),
        (codes.SOA, octets("a.test") * 2 + bytes(19) + b"\x09" + bytes(4)),
    ]
)
RECORDS = st.builds(
    lambda name, data, rdclass, is_any: UpdateRecord(
        name,
        codes.ANY if is_any and rdclass == codes.CLASS_ANY else data[0],
        rdclass,
        60 if rdclass == codes.IN else 0,
        b"" if rdclass == codes.CLASS_ANY else data[1],
    ),
    NAMES,
    DATA,
    st.sampled_from([codes.IN, codes.CLASS_ANY, codes.CLASS_NONE]),
    st.booleans(),
)


@UNHURRIED
@given(st.binary(max_size=60), st.integers(0, len(WELL_FORMED)), st.integers(0, 255))
def test_octets(noise: bytes, at: int, octet: int) -> None:
    changed = bytearray(WELL_FORMED)
    changed[at : at + 1] = bytes((octet,))
    for data in (noise, bytes(changed), WELL_FORMED[:at] + noise):
        with contextlib.suppress(UpdateError):
            parse_update(data)


@UNHURRIED
@given(st.lists(st.lists(RECORDS, max_size=5), max_size=5))
def test_updates_lead_to_the_same_zone_however_they_are_read(
    batches: list[list[UpdateRecord]],
) -> None:
    draft, other = Draft(PLAIN, {}), Draft(PLAIN, {})
    for batch in batches:
        step = draft.take(UpdateRequest(PLAIN.origin, (), tuple(batch)))
        if step is not None:
            other.replay(step)
    made = draft.result()
    assert codes.NS in made.apex
    assert _content(other.result()) == _content(made)
    patches = {k: p for k, p in draft.patches.items() if not p.is_nothing}
    assert _content(laid_over(PLAIN, patches, draft.soa)) == _content(made)
    for name in made.nodes:
        # Every name above a name is there, and no empty one has nothing below.
        assert name == PLAIN.origin or name[name[0] + 1 :] in made.nodes
        assert made.nodes[name] or any(
            o != name and o.endswith(name) for o in made.nodes
        )


def _content(made: Zone) -> dict[bytes, object]:
    return {
        name: {t: (r.ttl_s, set(r.rdatas)) for t, r in rrsets.items()}
        for name, rrsets in made.nodes.items()
    }


@UNHURRIED
@given(st.binary(max_size=200))
def test_journals(data: bytes) -> None:
    with contextlib.suppress(JournalError):
        decode(data)
