from dataclasses import replace
from pathlib import Path

import dns.name
import pytest

from pabal.app.dnssec import DnssecOffice, dnssec_office
from pabal.base.errors import OperatorError
from pabal.config.settings import Settings
from pabal.dns.dnssec.keys import SigningKey, generate
from pabal.dns.dnssec.keystate import Place, Role
from pabal.dns.zone.signedfile import FILE
from tests.dns.dnssec.test_foreign import texts

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


def written(directory: Path, *keys: SigningKey) -> list[Path]:
    files = []
    for key in keys:
        file = directory / f"Ka.test.+{key.algorithm:03}+{key.tag:05}.private"
        private, public = texts(key, "a.test. 86400 IN")
        file.write_text(private)
        file.with_suffix(".key").write_text(public)
        files.append(file)
    return files


def test_the_keys_of_bind_go_on_signing(settings: Settings, tmp_path: Path) -> None:
    ksk, zsk = generate(15), generate(15, sep=False)
    with dnssec_office(settings, ZONE) as office:
        after = office.take_over(written(tmp_path, ksk, zsk))
        assert after.standing.state == "secure"
        assert not after.standing.waits
        # Signed before any server runs: no answer without signatures.
        assert after.ring.serial is not None
        assert (office.keys.path / FILE).exists()
        found = {key.role: key.tag for key in after.ring.keys}
        assert found == {Role.KSK: ksk.tag, Role.ZSK: zsk.tag}
        # Caches may have the old DNSKEY set for a day.
        assert after.ring.policy.dnskey_ttl_s == 86_400
        assert {office.keys.private(key).tag for key in after.ring.keys} == {
            ksk.tag,
            zsk.tag,
        }
        (delegation,) = after.delegations
        assert delegation.key.tag == ksk.tag
        with pytest.raises(OperatorError, match="keys already"):
            office.take_over(written(tmp_path, ksk, zsk))


def test_keys_of_a_roll_over_under_way_are_not_taken(
    settings: Settings, tmp_path: Path
) -> None:
    one, two, zsk = generate(), generate(), generate(sep=False)
    with dnssec_office(settings, ZONE) as office:
        for keys in ((one, two), (zsk,), (one, generate(15, sep=False))):
            with pytest.raises(OperatorError, match="one algorithm"):
                office.take_over(written(tmp_path, *keys))
        with pytest.raises(OperatorError, match="more than one ZSK"):
            office.take_over(written(tmp_path, one, zsk, generate(sep=False)))
        (file,) = written(tmp_path, one)
        file.with_suffix(".key").unlink()
        with pytest.raises(OperatorError, match=r"its \.key"):
            office.take_over([file])
    with dnssec_office(settings, ZONE) as office:
        (file,) = written(tmp_path, one)
        public = file.with_suffix(".key")
        public.write_text(public.read_text().replace("a.test.", "b.test."))
        with pytest.raises(OperatorError, match=r"key of b\.test"):
            office.take_over([file])
