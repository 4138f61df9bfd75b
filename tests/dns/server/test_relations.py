from dataclasses import replace
from pathlib import Path

import dns.name
import pytest

from pabal.base.clock import SystemClock
from pabal.base.errors import OperatorError
from pabal.base.tasks import Tasks
from pabal.dns.server.keys import KeyRing
from pabal.dns.server.relations import Means, common_relations, view_relations
from pabal.dns.settings import (
    DnsSettings,
    ViewExchange,
    ViewSettings,
    ZoneSettings,
)
from pabal.dns.zone.tree import Zone
from pabal.dns.zone.views import views_of
from tests.support.zones import HEAD, FixedClock, octets, zones

KEY = "hmac-sha256:k.test:cGFiYWwgc2hhcmVzIHRoaXM="


async def reload() -> None:
    raise AssertionError


def means() -> Means:
    return Means(KeyRing((KEY,), SystemClock()), Tasks(), reload, SystemClock())


def settings(directory: Path, exchange: ViewExchange) -> DnsSettings:
    view = ViewSettings(
        "inside",
        ("any",),
        str(directory),
        exchange=exchange,
        secondary_directory=str(directory / "copies"),
    )
    return DnsSettings(
        "ns.test",
        keys=(KEY,),
        allow_transfer=("192.0.2.1",),
        forward_updates=("any",),
        views=(view,),
    )


def test_a_view_has_primaries_and_rights_of_its_own(tmp_path: Path) -> None:
    exchange = ViewExchange(
        secondary=("s.test 192.0.2.9 key k.test",),
        allow_transfer=("key k.test",),
        allow_update=("u.test key k.test zonesub",),
    )
    chosen = settings(tmp_path, exchange)
    (view,) = views_of(chosen.views, "ns.test", FixedClock())
    common = common_relations(chosen, zones(), means())
    inside = view_relations(chosen, 1, view, means())
    key = means().keys.get("k.test").name
    for made, by_address, by_key in ((common, True, False), (inside, False, True)):
        assert made.realm.transfers.allows("192.0.2.1", None) is by_address
        assert made.realm.transfers.allows("192.0.2.2", key) is by_key
        assert made.realm.policy.concerns(octets("u.test"), key) is by_key
        assert made.realm.forwarder is not None
        assert made.realm.on_notify is not None
        primaries = made.secondaries.primaries(dns.name.from_text("s.test"))
        assert bool(primaries) is by_key
    plain = view_relations(settings(tmp_path, ViewExchange()), 1, view, means())
    assert plain.realm.transfers.allows("192.0.2.1", None)


def test_what_is_wrong_is_said_with_its_place(tmp_path: Path) -> None:
    wrong = ViewExchange(notify=("192.0.2.1 key none.test",))
    chosen = settings(tmp_path, wrong)
    (view,) = views_of(chosen.views, "ns.test", FixedClock())
    with pytest.raises(OperatorError, match="no key"):
        view_relations(chosen, 1, view, means())


def test_those_who_see_a_view_are_told_of_what_they_see(tmp_path: Path) -> None:
    (tmp_path / "b.test.zone").write_text(HEAD.replace(" 1 7200", " 7 7200"))
    (tmp_path / "c.test.zone").write_text(HEAD)
    held = zones(a_test=HEAD, b_test=HEAD)
    chosen = settings(tmp_path, ViewExchange(notify=("192.0.2.5",)))
    (view,) = views_of(chosen.views, "ns.test", FixedClock())
    view.rebuild(held.owners, held.by_apex)
    made = view_relations(chosen, 1, view, means())
    told: list[tuple[bytes, int]] = []

    def note(changed: list[Zone]) -> None:
        told.extend(sorted((zone.origin, zone.serial) for zone in changed))

    made.notifier.changed = note  # type: ignore[assignment, method-assign]  # nobody is told
    made.changed([held.by_apex[octets("a.test")], held.by_apex[octets("b.test")], None])
    assert told == [(octets("a.test"), 1), (octets("b.test"), 7), (octets("c.test"), 1)]
    told.clear()
    waiting = replace(view.by_apex[octets("c.test")], withheld=True)
    view.by_apex = {**view.by_apex, octets("c.test"): waiting}
    made.changed([])
    assert told == [(octets("b.test"), 7)]


def test_a_single_zone_has_lists_and_secondaries_of_its_own(tmp_path: Path) -> None:
    held = zones(a_test=HEAD)
    chosen = replace(
        settings(tmp_path, ViewExchange()),
        zones=(
            ZoneSettings("a.test", allow_transfer=("any",), notify=("none",)),
            ZoneSettings("B.test", "inside", notify=("192.0.2.5 key k.test", "none")),
        ),
    )
    common = common_relations(chosen, held, means())
    assert common.realm.single[octets("a.test")].allows("192.0.2.9", None)
    assert not common.realm.transfers.allows("192.0.2.9", None)
    assert not common.notifier.has_peers
    (view,) = views_of(chosen.views, "ns.test", FixedClock())
    inside = view_relations(chosen, 1, view, means())
    assert not inside.realm.single
    assert inside.notifier.has_peers
    wrong = (ZoneSettings("a.test", notify=("192.0.2.1 key none.test",)),)
    with pytest.raises(OperatorError, match="no key"):
        common_relations(replace(chosen, zones=wrong), held, means())
