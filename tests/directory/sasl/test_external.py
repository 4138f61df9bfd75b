import pytest

from pabal.directory.sasl.external import External
from pabal.directory.sasl.mechanism import SaslError, UserProven
from pabal.net.sasl import Challenge


def test_the_certificate_names_one() -> None:
    one = External(["Alice@Example.COM"])
    assert one.step(None) == Challenge(b"")
    assert one.step(b"") == UserProven("alice@example.com")
    assert one.step(b"ALICE@example.com") == UserProven("alice@example.com")


def test_the_client_chooses_among_several() -> None:
    several = External(["a@example.com", "b@example.com"])
    assert several.step(b"b@example.com") == UserProven("b@example.com")
    with pytest.raises(SaslError, match="one address"):
        several.step(b"")


@pytest.mark.parametrize("wanted", [b"b@example.com", b"\xff", b"x" * 5000])
def test_nobody_else(wanted: bytes) -> None:
    with pytest.raises(SaslError):
        External(["a@example.com"]).step(wanted)


def test_no_address_at_all() -> None:
    with pytest.raises(SaslError):
        External([]).step(b"")
