import pytest

from pabal.directory.sasl.login import Login
from pabal.directory.sasl.mechanism import PasswordGiven, SaslError
from pabal.net.sasl import Challenge


def test_asks_for_both() -> None:
    machine = Login()
    assert machine.step(None) == Challenge(b"Username:")
    assert machine.step(b"alice@example.com") == Challenge(b"Password:")
    assert machine.step(b"pw") == PasswordGiven("alice@example.com", "pw")


def test_user_as_initial_response() -> None:
    machine = Login()
    assert machine.step(b"alice@example.com") == Challenge(b"Password:")
    assert machine.step(b"pw") == PasswordGiven("alice@example.com", "pw")


@pytest.mark.parametrize("bad", [b"", b"\xff", b"a\0b", b"x" * 5000])
def test_broken(bad: bytes) -> None:
    with pytest.raises(SaslError):
        Login().step(bad)
    machine = Login()
    machine.step(b"a@b")
    with pytest.raises(SaslError):
        machine.step(bad)
