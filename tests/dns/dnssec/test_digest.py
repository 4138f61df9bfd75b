import dns.name
import dns.rdatatype
import pytest
from dns.rdtypes.ANY.DNSKEY import DNSKEY
from dns.rdtypes.ANY.DS import DS

import dns.dnssec
from pabal.dns.dnssec import digest
from pabal.dns.dnssec.digest import (
    SHA256,
    SHA384,
    is_supported,
    make_ds,
    matches,
    usable,
    vouched,
)
from pabal.dns.dnssec.keys import generate
from pabal.dns.dnssec.record import record
from tests.dns.dnssec.parts import ORIGIN

KEY = generate()


@pytest.mark.parametrize(("number", "text"), [(SHA256, "SHA256"), (SHA384, "SHA384")])
def test_digests_are_those_of_another_implementation(number: int, text: str) -> None:
    ds = make_ds(ORIGIN, KEY.dnskey, number)
    assert ds == dns.dnssec.make_ds(ORIGIN, KEY.dnskey, text)
    assert matches(ds, ORIGIN, KEY.dnskey)
    assert not matches(ds, ORIGIN.parent(), KEY.dnskey)
    assert not matches(ds, ORIGIN, generate().dnskey)


def ds(tag: int, algorithm: int, kind: int) -> DS:
    octets = (
        tag.to_bytes(2, "big")
        + bytes((algorithm, kind))
        + bytes(48 if kind == 4 else 32 if kind == 2 else 20)
    )
    return record(DS, dns.rdatatype.DS, octets)


def test_unknown_ones_are_not_followed() -> None:
    assert not is_supported(ds(1, 13, 1))
    assert not is_supported(ds(1, 5, 2))
    assert usable([ds(1, 13, 1), ds(2, 253, 2)]) == ()
    with pytest.raises(ValueError, match="no digest 1"):
        make_ds(ORIGIN, KEY.dnskey, 1)


def test_the_best_digest_of_each_algorithm_counts() -> None:
    records = [ds(1, 13, 2), ds(1, 13, 4), ds(2, 15, 2)]
    assert usable(records) == (records[1], records[2])


def test_a_record_is_about_one_algorithm() -> None:
    """RFC 4034 §5.2: tag and algorithm must fit, too."""
    true = make_ds(ORIGIN, KEY.dnskey)
    for changed in (
        true.replace(algorithm=15),
        true.replace(key_tag=true.key_tag ^ 1),
        true.replace(digest=bytes(32)),
    ):
        assert isinstance(changed, DS)
        assert not matches(changed, ORIGIN, KEY.dnskey)
        assert vouched([changed], ORIGIN, [KEY.dnskey]) == []


@pytest.mark.parametrize("kind", [SHA256, SHA384])
def test_keys_that_records_stand_for(kind: int) -> None:
    others = [generate().dnskey for _ in range(3)]
    keys = [others[0], KEY.dnskey, *others[1:]]
    records = [ds(1, 13, 2), make_ds(ORIGIN, KEY.dnskey, kind), ds(2, 13, 1)]
    assert vouched(records, ORIGIN, keys) == [KEY.dnskey]
    assert vouched(records[::2], ORIGIN, keys) == []
    assert vouched(records, ORIGIN.parent(), keys) == []


def test_each_key_is_digested_once(monkeypatch: pytest.MonkeyPatch) -> None:
    made: list[int] = []

    def counted(zone: dns.name.Name, dnskey: DNSKEY, kind: int) -> DS:
        made.append(kind)
        return make_ds(zone, dnskey, kind)

    monkeypatch.setattr(digest, "make_ds", counted)
    records = [ds(tag, 13, SHA256) for tag in range(200)]
    assert vouched(records, ORIGIN, [KEY.dnskey] * 24) == []
    assert len(made) == 24
