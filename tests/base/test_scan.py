import pytest
from hypothesis import given
from hypothesis import strategies as st

from pabal.base.scan import DIGITS, ScanError, Scanner


def test_takes_or_stays() -> None:
    scanner = Scanner(b"MAIL from:<x>")
    assert not scanner.take(b"mail")
    assert scanner.take_word(b"MAIL")
    assert scanner.take(b" ")
    assert scanner.take_word(b"FROM:")
    assert scanner.rest == b"<x>"
    assert scanner.peek() == ord("<")


def test_numbers_are_ascii_and_bounded() -> None:
    assert Scanner(b"0123x").take_number() == 123
    assert Scanner("²".encode()).take_number() is None
    scanner = Scanner(b"123456")
    assert scanner.take_number(digits_max=5) is None
    assert scanner.position == 0


def test_expectations_name_what_and_where() -> None:
    scanner = Scanner(b"ab")
    scanner.expect(b"a")
    with pytest.raises(ScanError) as caught:
        scanner.expect_number()
    assert (caught.value.expected, caught.value.position) == ("a number", 1)
    with pytest.raises(ScanError):
        scanner.expect_end()
    with pytest.raises(ScanError):
        scanner.expect_while(DIGITS, "digits")
    scanner.expect(b"b")
    scanner.expect_end()
    assert scanner.peek() == -1


@given(st.binary(max_size=50))
def test_a_run_is_what_is_allowed(data: bytes) -> None:
    scanner = Scanner(data)
    run = scanner.take_while(DIGITS)
    assert all(octet in DIGITS for octet in run)
    assert run + scanner.rest == data
    assert scanner.at_end or scanner.peek() not in DIGITS
