from pathlib import Path

from pabal.dns.wire import codes
from pabal.dns.zone.alias import Addresses
from pabal.dns.zone.outlet import Outlet
from pabal.dns.zone.signedfile import SignedZones
from tests.support.zones import HEAD, octets, zone

APEX = octets("example.com")
TARGET = octets("there.test")


def outlet(directory: Path, text: str, *, numbered: bool = True) -> Outlet:
    made = Outlet(SignedZones(directory), bool, "inside")
    made.owners = {APEX: zone(HEAD + text)}
    made.numbered = (APEX,) if numbered else ()
    return made


def test_a_first_version_comes_after_everybodys(tmp_path: Path) -> None:
    made = outlet(tmp_path, "a A 192.0.2.1\n")
    assert made.settle(APEX, {}, 41)
    current = made.files.current(APEX)
    assert current is not None
    assert current.serial == 42
    # Nothing changed, and then what everybody has changed, which is another line.
    assert not made.settle(APEX, {}, 41)
    made.owners = {APEX: zone(HEAD + "a A 192.0.2.1\n")}
    assert not made.settle(APEX, {}, 50)
    made.owners = {APEX: zone(HEAD + "a A 192.0.2.2\n")}
    assert made.settle(APEX, {}, 50)
    current = made.files.current(APEX)
    assert current is not None
    assert current.serial == 43


def test_without_somebody_who_copies_it_nothing_is_written(tmp_path: Path) -> None:
    made = outlet(tmp_path, "a A 192.0.2.1\n", numbered=False)
    assert not made.settle(APEX, {}, None)
    assert made.files.current(APEX) is None


def test_nobody_sees_an_alias_before_its_addresses(tmp_path: Path) -> None:
    made = outlet(tmp_path, "@ ALIAS there.test.\n")
    assert made.look() == {TARGET}
    assert made.draft(APEX, {}) is None
    assert not made.settle(APEX, {}, None)
    book = {TARGET: Addresses((bytes((192, 0, 2, 9)),))}
    assert made.addresses(APEX, book) == [book[TARGET]]
    assert made.settle(APEX, book, None)
    current = made.files.current(APEX)
    assert current is not None
    assert current.apex[codes.A].rdatas == (bytes((192, 0, 2, 9)),)
    made.forget(APEX)
    assert not made.settle(APEX, book, None), "it is looked at, and is the same"
