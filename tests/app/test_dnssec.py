from dataclasses import replace

import dns.name
import pytest

from pabal.app.dnssec import DnssecOffice, dnssec_office
from pabal.base.errors import OperatorError
from pabal.config.settings import Settings
from pabal.dns.dnssec.keystate import Place, Role

ZONE = dns.name.from_text("A.test.")


def moved(office: DnssecOffice, place: Place) -> None:
    """Put the DS of every key somewhere."""
    ring = office.look().ring
    keys = tuple(replace(k, ds=replace(k.ds, place=place)) for k in ring.keys)
    with office.keys.locked():
        office.keys.write(replace(ring, keys=keys))


def test_keys_are_made_at_once_and_the_ds_is_known(settings: Settings) -> None:
    with dnssec_office(settings, ZONE) as office:
        assert office.look().standing.state == "unsigned"
        after = office.change(lambda policy: replace(policy, enabled=True))
        assert after.standing.state == "starting"
        (delegation,) = after.delegations
        assert not delegation.ready
        assert not delegation.leaving
        assert delegation.ds.key_tag == after.ring.keys[0].tag
        split = office.change(lambda policy: replace(policy, split=True))
        assert {key.role for key in split.ring.keys if key.wanted} == {
            Role.KSK,
            Role.ZSK,
        }


def test_a_roll_over_begins_only_where_one_can(settings: Settings) -> None:
    with dnssec_office(settings, ZONE) as office:
        with pytest.raises(OperatorError, match="not signed"):
            office.roll([])
        office.change(lambda policy: replace(policy, enabled=True))
        with pytest.raises(OperatorError, match="under way"):
            office.roll([])
        with pytest.raises(OperatorError, match="no ZSK"):
            office.roll([Role.ZSK])


@pytest.mark.parametrize(
    ("before", "published", "after"),
    [
        (Place.ASKED, True, Place.RUMOURED),
        (Place.ASKED, False, Place.ASKED),
        (Place.RECALLED, False, Place.UNRETENTIVE),
        (Place.RECALLED, True, Place.RECALLED),
        (Place.OMNIPRESENT, False, Place.OMNIPRESENT),
    ],
)
def test_the_operator_is_believed(
    settings: Settings, before: Place, after: Place, *, published: bool
) -> None:
    with dnssec_office(settings, ZONE) as office:
        office.change(lambda policy: replace(policy, enabled=True))
        moved(office, before)
        ring = office.believe(published=published).ring
        assert ring.keys[0].ds.place is after


async def test_a_parent_we_serve_ourselves_is_asked(settings: Settings) -> None:
    with dnssec_office(settings, ZONE) as office:
        office.change(lambda policy: replace(policy, enabled=True))
        moved(office, Place.ASKED)
        ds = office.look().delegations[0].ds.to_text()
        (settings.dns.zones / "test.zone").write_text(
            "$TTL 77\n@ SOA ns you 1 7200 900 604800 60\n@ NS ns\nns A 192.0.2.1\n"
            f"a NS ns\na DS {ds}\n"
        )
        ring = (await office.ask_parent()).ring
        assert ring.keys[0].ds.place is Place.RUMOURED
        assert ring.parent.ds_ttl_s == 77


async def test_a_parent_nobody_knows_is_an_error(settings: Settings) -> None:
    nowhere = replace(settings.dns, forwarders=("127.0.0.1:9",))
    with (
        dnssec_office(replace(settings, dns=nowhere), ZONE) as office,
        pytest.raises(OperatorError, match="--published"),
    ):
        await office.ask_parent()


def test_a_zone_that_is_not_here_is_an_error(settings: Settings) -> None:
    with (
        pytest.raises(OperatorError, match="no zone b.test"),
        dnssec_office(settings, dns.name.from_text("b.test.")),
    ):
        pass
