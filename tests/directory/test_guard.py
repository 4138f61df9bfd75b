from pabal.directory.guard import Guard
from pabal.directory.settings import AuthSettings

SETTINGS = AuthSettings(failures_a_pair_max=3, failures_a_client_max=5)
HERE, THERE = "192.0.2.1", "198.51.100.1"


def test_a_pair_is_locked_and_recovers() -> None:
    guard = Guard(SETTINGS)
    assert [guard.admit(HERE, "a@b", 0) for _ in range(4)] == [True] * 3 + [False]
    assert not guard.admit(HERE, "a@b", 59)
    assert guard.admit(HERE, "a@b", 61)


def test_a_stranger_locks_nobody_out() -> None:
    guard = Guard(SETTINGS)
    for _ in range(100):
        guard.admit(HERE, "a@b", 0)
    assert guard.admit(THERE, "a@b", 0)
    assert guard.admit(HERE, "c@d", 0)


def test_one_client_at_many_accounts() -> None:
    guard = Guard(SETTINGS)
    assert [guard.admit(HERE, f"{n}@b", 0) for n in range(6)] == [True] * 5 + [False]
    assert guard.admit(THERE, "0@b", 0)


def test_one_ipv6_customer_is_one_client() -> None:
    guard = Guard(SETTINGS)
    for number in range(5):
        guard.admit(f"2001:db8::{number}", f"{number}@b", 0)
    assert not guard.admit("2001:db8::ffff", "z@b", 0)


def test_success_costs_nothing() -> None:
    guard = Guard(SETTINGS)
    for _ in range(100):
        assert guard.admit(HERE, "a@b", 0)
        guard.forgive(HERE, "a@b", 0)
    assert [guard.admit(HERE, "a@b", 0) for _ in range(4)] == [True] * 3 + [False]
