import pytest

from pabal.dns.server.cookies import Cookies
from tests.support.zones import FixedClock

SECRET = bytes.fromhex("e5e973e5a6b2a43f48e7dc849e37bfcf")
CLIENT = bytes.fromhex("2464c4abcf10c957")
HOST = "198.51.100.100"


def test_made_as_rfc_9018_shows() -> None:
    cookies = Cookies(SECRET, FixedClock(1559731985))
    check = cookies.check(CLIENT, HOST)
    assert check is not None
    assert not check.valid
    assert check.answer == CLIENT + bytes.fromhex("010000005cf79f111f8130c3eee29480")


def test_valid_for_an_hour_renewed_after_half_of_one() -> None:
    clock = FixedClock(1_000_000)
    cookies = Cookies(SECRET, clock)
    first = cookies.check(CLIENT, HOST)
    assert first is not None
    again = cookies.check(first.answer, HOST)
    assert again is not None
    assert (again.valid, again.answer) == (True, first.answer)
    clock.at += 1801
    renewed = cookies.check(first.answer, HOST)
    assert renewed is not None
    assert renewed.valid
    assert renewed.answer != first.answer
    clock.at += 1801
    expired = cookies.check(first.answer, HOST)
    assert expired is not None
    assert not expired.valid


def test_of_somebody_else_it_is_worth_nothing() -> None:
    clock = FixedClock(1_000_000)
    made = Cookies(SECRET, clock).check(CLIENT, HOST)
    assert made is not None
    for cookies, host in (
        (Cookies(SECRET, clock), "198.51.100.101"),
        (Cookies(bytes(16), clock), HOST),
    ):
        check = cookies.check(made.answer, host)
        assert check is not None
        assert not check.valid


@pytest.mark.parametrize("size", [0, 7, 9, 15, 41])
def test_malformed(size: int) -> None:
    assert Cookies(SECRET, FixedClock()).check(bytes(size), HOST) is None


def test_foreign_cookies_get_a_new_one() -> None:
    check = Cookies(SECRET, FixedClock()).check(bytes(8 + 32), "2001:db8::1")
    assert check is not None
    assert not check.valid
    assert len(check.answer) == 24
