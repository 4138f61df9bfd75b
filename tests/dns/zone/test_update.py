import pytest

from pabal.dns.wire import codes
from pabal.dns.wire.rrset import RRset
from pabal.dns.wire.update import UpdateError, UpdateRecord, UpdateRequest
from pabal.dns.zone.tree import Zone
from pabal.dns.zone.update import Draft
from tests.support.updates import request
from tests.support.zones import HEAD, octets, zone

TEXT = HEAD + (
    "www A 192.0.2.2\nwww A 192.0.2.3\nwww TXT x\nalias CNAME www\na.b.c A 192.0.2.4\n"
)


def after(*updates: tuple[str, ...]) -> Zone:
    draft = Draft(zone(TEXT), {})
    for lines in updates:
        draft.take(request(*lines))
    return draft.result()


def rdatas(made: Zone, name: str, rdtype: int = codes.A) -> tuple[bytes, ...]:
    rrset = made.nodes.get(octets(name + ".example.com"), {}).get(rdtype)
    return () if rrset is None else rrset.rdatas


def rcode(*lines: str) -> int:
    draft = Draft(zone(TEXT), {})
    try:
        draft.take(request(*lines))
    except UpdateError as error:
        assert draft.result().nodes.packed == zone(TEXT).nodes.packed
        return error.rcode
    return codes.NOERROR


def test_records_are_added_and_the_serial_grows() -> None:
    made = after(("add new 60 A 192.0.2.9",), ("add new 60 A 192.0.2.8",))
    assert len(rdatas(made, "new")) == 2
    assert made.serial == 3
    assert made.updated == {(octets("new.example.com"), codes.A)}


def test_nothing_changed_is_no_version() -> None:
    draft = Draft(zone(TEXT), {})
    assert draft.take(request("add www 3600 A 192.0.2.2", "delete none A")) is None
    assert draft.result().serial == 1


def test_a_set_a_name_and_one_record_are_deleted() -> None:
    assert rdatas(after(("delete www A",)), "www") == ()
    assert rdatas(after(("delete www A",)), "www", codes.TXT) == (b"\x01x",)
    assert rdatas(after(("delete www",)), "www", codes.TXT) == ()
    assert len(rdatas(after(("delete www A 192.0.2.2",)), "www")) == 1


def test_names_without_records_vanish_with_what_is_empty_above() -> None:
    made = after(("delete a.b.c",))
    assert octets("c.example.com") not in made.nodes
    assert octets("b.c.example.com") not in made.nodes
    kept = after(("add x.c 60 A 192.0.2.9", "delete a.b.c"))
    assert octets("c.example.com") in kept.nodes
    assert octets("b.c.example.com") not in kept.nodes


def test_names_between_come_with_a_new_name() -> None:
    made = after(("add p.q.r 60 A 192.0.2.9",))
    assert made.nodes[octets("q.r.example.com")] == {}


def test_the_apex_keeps_soa_and_name_servers() -> None:
    made = after(("delete @", "delete @ NS", "delete @ NS ns", "delete @ SOA"))
    assert made.serial == 1
    assert codes.NS in made.apex


def test_alias_and_data_do_not_meet() -> None:
    assert rdatas(after(("add alias 60 A 192.0.2.9",)), "alias") == ()
    assert rdatas(after(("add www 60 CNAME ns",)), "www", codes.CNAME) == ()
    made = after(("add alias 60 CNAME ns",))
    assert rdatas(made, "alias", codes.CNAME) == (octets("ns.example.com"),)
    made = after(("delete www", "add www 60 CNAME ns"))
    assert rdatas(made, "www", codes.CNAME) == (octets("ns.example.com"),)


def test_one_ttl_a_set() -> None:
    made = after(("add www 60 A 192.0.2.9",))
    assert made.nodes[octets("www.example.com")][codes.A].ttl_s == 60


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("present www", codes.NOERROR),
        ("present none", codes.NXDOMAIN),
        ("present b.c", codes.NXDOMAIN),
        ("absent www", codes.YXDOMAIN),
        ("absent none", codes.NOERROR),
        ("present www A", codes.NOERROR),
        ("present www MX", codes.NXRRSET),
        ("absent www A", codes.YXRRSET),
        ("absent www MX", codes.NOERROR),
        ("present www TXT x", codes.NOERROR),
        ("present www A 192.0.2.2", codes.NXRRSET),
        ("present www.other.test. A", codes.NOTZONE),
        ("add www.other.test. 60 A 192.0.2.9", codes.NOTZONE),
        ("add www 60 NSEC www A", codes.REFUSED),
    ],
)
def test_prerequisites(line: str, expected: int) -> None:
    assert rcode(line, "add new 60 A 192.0.2.9") == expected


def test_values_are_compared_as_sets() -> None:
    both = ("present www A 192.0.2.3", "present www A 192.0.2.2")
    assert rcode(*both, "delete www A") == codes.NOERROR


@pytest.mark.parametrize(
    "record",
    [
        UpdateRecord(octets("a.example.com"), codes.AXFR, codes.IN, 0, b""),
        UpdateRecord(octets("a.example.com"), codes.ANY, codes.IN, 0, b""),
        UpdateRecord(octets("a.example.com"), codes.A, codes.CLASS_ANY, 5, b""),
        UpdateRecord(octets("a.example.com"), codes.A, codes.CLASS_ANY, 0, b"1234"),
        UpdateRecord(octets("a.example.com"), codes.IXFR, codes.CLASS_ANY, 0, b""),
        UpdateRecord(octets("a.example.com"), codes.ANY, codes.CLASS_NONE, 0, b""),
        UpdateRecord(octets("a.example.com"), codes.A, codes.CLASS_NONE, 5, b"1234"),
        UpdateRecord(octets("a.example.com"), codes.A, 3, 0, b"1234"),
    ],
)
def test_changes_that_cannot_be(record: UpdateRecord) -> None:
    with pytest.raises(UpdateError) as caught:
        Draft(zone(TEXT), {}).take(UpdateRequest(octets("example.com"), (), (record,)))
    assert caught.value.rcode == codes.FORMERR


def test_prerequisites_that_cannot_be() -> None:
    for rdclass, ttl_s, rdata in (
        (codes.IN, 5, b"1234"),
        (codes.CLASS_ANY, 0, b"1234"),
    ):
        record = UpdateRecord(octets("example.com"), codes.A, rdclass, ttl_s, rdata)
        with pytest.raises(UpdateError):
            Draft(zone(TEXT), {}).take(
                UpdateRequest(octets("example.com"), (record,), ())
            )


def test_what_is_not_allowed_undoes_all() -> None:
    made = request("add new 60 A 192.0.2.9", "delete www")
    guarded = UpdateRequest(
        made.zone, (), made.changes, lambda _, rdtype: rdtype != codes.TXT
    )
    draft = Draft(zone(TEXT), {})
    with pytest.raises(UpdateError) as caught:
        draft.take(guarded)
    assert caught.value.rcode == codes.REFUSED
    assert draft.result().nodes.packed == zone(TEXT).nodes.packed


def test_a_serial_of_ones_own_must_be_newer() -> None:
    soa = "add @ 60 SOA ns hostmaster {} 1 2 3 4"
    made = after((soa.format(9),))
    assert made.serial == 9
    assert made.soa.rdatas[0].endswith(
        bytes((0, 0, 0, 1, 0, 0, 0, 2, 0, 0, 0, 3, 0, 0, 0, 4))
    )
    assert after((soa.format(1),)).serial == 1


def test_a_step_holds_what_changed() -> None:
    draft = Draft(zone(TEXT), {})
    step = draft.take(request("delete www A 192.0.2.2", "add www 3600 A 192.0.2.9"))
    assert step is not None
    www = octets("www.example.com")
    assert step.change.removed == (RRset(www, codes.A, 3600, (bytes((192, 0, 2, 2)),)),)
    assert step.change.added == (RRset(www, codes.A, 3600, (bytes((192, 0, 2, 9)),)),)
    patch = step.patches[www, codes.A]
    assert patch.removed == {bytes((192, 0, 2, 2))}
    assert patch.added == (bytes((192, 0, 2, 9)),)


def test_a_replayed_step_gives_the_same_zone() -> None:
    draft = Draft(zone(TEXT), {})
    steps = [
        draft.take(request("delete a.b.c", "add www 60 A 192.0.2.9", "delete www TXT")),
        draft.take(request("add New 60 A 192.0.2.9", "delete www A 192.0.2.2")),
    ]
    other = Draft(zone(TEXT), {})
    for step in steps:
        assert step is not None
        other.replay(step)
    assert other.result().nodes == draft.result().nodes
    assert other.result().serial == 3
    assert other.result().updated == draft.result().updated
