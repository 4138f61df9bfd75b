import pytest

from pabal.base.ids import SecureChance
from pabal.mta.routing import (
    HOSTS_MAX,
    Exchangers,
    ExchangersKind,
    Hosts,
    endpoints_of,
    hosts_of,
    literal_address,
    smarthost_of,
)
from pabal.net.endpoint import Endpoint
from pabal.smtp.outcome import Outcome
from tests.mta.stage import Order


def hosts(kind: ExchangersKind, *records: tuple[int, str]) -> Hosts | Outcome:
    return hosts_of("d.test", Exchangers(kind, records), "mail.here.test", Order())


def records(*found: tuple[int, str]) -> Hosts | Outcome:
    return hosts(ExchangersKind.RECORDS, *found)


def test_preference_orders() -> None:
    assert records((20, "b"), (10, "a"), (30, "c")) == Hosts(("a", "b", "c"), 1)


def test_equal_preference_is_shuffled() -> None:
    answer = Exchangers(
        ExchangersKind.RECORDS, [(10, "a"), (10, "b"), (10, "c"), (5, "first")]
    )
    seen = set()
    for _ in range(200):
        found = hosts_of("d.test", answer, "mail.here.test", SecureChance())
        assert isinstance(found, Hosts)
        assert found.names[0] == "first"
        seen.add(found.names)
    assert len(seen) == 6


def test_how_many_are_best() -> None:
    assert records((10, "a"), (10, "b"), (20, "c")) == Hosts(("a", "b", "c"), 2)


def test_implicit_mx() -> None:
    assert hosts(ExchangersKind.IMPLICIT) == Hosts(("d.test",), 1)


def test_null_mx() -> None:
    outcome = hosts(ExchangersKind.NULL)
    assert str(outcome).startswith("556 5.1.10")


def test_no_such_domain() -> None:
    assert str(hosts(ExchangersKind.NXDOMAIN)).startswith("550 5.1.2")


def test_we_are_cut_with_those_behind_us() -> None:
    found = records((10, "a"), (20, "mail.here.test"), (20, "b"), (30, "c"))
    assert found == Hosts(("a",), 1)


def test_we_alone_are_a_loop() -> None:
    assert str(records((10, "mail.here.test"), (20, "b"))).startswith("554 5.4.6")
    own = hosts_of(
        "mail.here.test",
        Exchangers(ExchangersKind.IMPLICIT),
        "mail.here.test",
        Order(),
    )
    assert str(own).startswith("554 5.4.6")


def test_a_hostile_zone_is_bounded() -> None:
    found = records(*((n, f"h{n}") for n in range(1000)))
    assert isinstance(found, Hosts)
    assert len(found.names) == HOSTS_MAX


def test_no_records_at_all_waits() -> None:
    assert str(records()).startswith("451 4.4.4")


@pytest.mark.parametrize("host", ["192.0.2.1", "[ipv6:::1]", "a\\.b", "a b", ""])
def test_what_is_no_name_is_no_exchanger(host: str) -> None:
    assert str(records((5, host))).startswith("451 4.4.4")
    found = records((5, host), (10, "mx_1.test"))
    assert isinstance(found, Hosts)
    assert found.names == ("mx_1.test",)


@pytest.mark.parametrize(
    ("domain", "address"),
    [
        ("[192.0.2.1]", "192.0.2.1"),
        ("[ipv6:2001:db8::1]", "2001:db8::1"),
        ("d.test", ""),
    ],
)
def test_literals(domain: str, address: str) -> None:
    assert literal_address(domain) == address


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("relay.test", ("relay.test", 25)),
        ("relay.test:587", ("relay.test", 587)),
        ("192.0.2.1:2525", ("192.0.2.1", 2525)),
        ("[2001:db8::1]:26", ("2001:db8::1", 26)),
        ("192.0.2.1", ("192.0.2.1", 25)),
    ],
)
def test_smarthosts(text: str, found: tuple[str, int]) -> None:
    assert smarthost_of(text, 25) == found


def test_families_take_turns() -> None:
    addresses = ("2001:db8::1", "2001:db8::2", "192.0.2.1")
    assert endpoints_of(addresses, 25) == [
        Endpoint("2001:db8::1", 25),
        Endpoint("192.0.2.1", 25),
        Endpoint("2001:db8::2", 25),
    ]
    assert endpoints_of(addresses, 25, "127.0.0.2") == [Endpoint("192.0.2.1", 25)]
    assert len(endpoints_of(addresses, 25, "::1")) == 2
