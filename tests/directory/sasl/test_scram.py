import base64
import hashlib
import hmac

import pytest

from pabal.directory.credential import HashCost, ScramKeys, scram_keys
from pabal.directory.sasl.mechanism import SaslError, UserProven
from pabal.directory.sasl.scram import Scram
from pabal.net.sasl import Challenge
from tests.directory.sasl.client import ScramClient

KEYS = scram_keys(b"pencil", HashCost(scram_iterations=4096))


def keys_of(user: str) -> ScramKeys:
    return KEYS


def challenge_of(machine: Scram, first: bytes) -> bytes:
    step = machine.step(first)
    assert isinstance(step, Challenge)
    return step.octets


def test_the_exchange_of_rfc_7677() -> None:
    salt = base64.b64decode("W22ZaJ0SNY7soEsUEjb6gQ==")
    salted = hashlib.pbkdf2_hmac("sha256", b"pencil", salt, 4096)
    client_key = hmac.digest(salted, b"Client Key", "sha256")
    keys = ScramKeys(
        salt,
        4096,
        hashlib.sha256(client_key).digest(),
        hmac.digest(salted, b"Server Key", "sha256"),
    )
    machine = Scram(lambda user: keys, nonce="%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0")
    assert machine.step(None) == Challenge(b"")
    assert challenge_of(machine, b"n,,n=user,r=rOprNGfwEbeRWgbNEkqO") == (
        b"r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,"
        b"s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096"
    )
    assert machine.step(
        b"c=biws,r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,"
        b"p=dHzbZapWIk4jUhN+Ute9ytag9zjfMHgsqmmiz7AndVQ="
    ) == UserProven("user", b"v=6rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G4=")


@pytest.mark.parametrize("gs2", ["n,,", "y,,", "n,a=a=2Cb=3D@x,"])
def test_proves_both_sides(gs2: str) -> None:
    client = ScramClient("a,b=@x", "pencil", gs2)
    machine = Scram(keys_of)
    assert machine.user == ""
    challenge = challenge_of(machine, client.first())
    assert machine.user == "a,b=@x"
    step = machine.step(client.last(challenge))
    assert step == UserProven("a,b=@x", client.signature)


def test_two_exchanges_have_two_nonces() -> None:
    client = ScramClient("a@b", "pencil")
    assert challenge_of(Scram(keys_of), client.first()) != challenge_of(
        Scram(keys_of), client.first()
    )


def test_wrong_password() -> None:
    client = ScramClient("a@b", "pen")
    machine = Scram(keys_of)
    with pytest.raises(SaslError, match="wrong proof"):
        machine.step(client.last(challenge_of(machine, client.first())))


@pytest.mark.parametrize(
    "bad",
    [
        b"",
        b"n,,",
        b"n,,n=,r=x",
        b"n,,n=a,r=",
        b"x,,n=a,r=b",
        b"n,,n=a=41,r=b",
        b"n,,m=ext,n=a,r=b",
        b"n,a=c,n=a,r=b",
        b"p=tls-unique,,n=a,r=b",
        b"n,,n=a\0b,r=b",
        b"n,,n=\xff,r=b",
        b"n,,n=a,r=b c",
    ],
)
def test_broken_first(bad: bytes) -> None:
    with pytest.raises(SaslError):
        Scram(keys_of).step(bad)


@pytest.mark.parametrize(
    ("old", "new"),
    [
        (b"c=biws", b"c=eSws"),
        (b"c=biws", b"c=!!"),
        (b"c=biws", b"c=b"),
        (b"r=fyko", b"r=fykx"),
        (b",p=", b",p=AAAA"),
        (b",p=", b",q="),
    ],
)
def test_tampered_last(old: bytes, new: bytes) -> None:
    client = ScramClient("a@b", "pencil")
    machine = Scram(keys_of)
    last = client.last(challenge_of(machine, client.first()))
    assert old in last
    with pytest.raises(SaslError):
        machine.step(last.replace(old, new))


PLUS = "p=tls-server-end-point,,"


def bound(gs2: str, binding: bytes, *, plus: bool = True) -> UserProven:
    """Return how an exchange ends on a channel whose binding is ``here``."""
    client = ScramClient("a@b", "pencil", gs2, binding)
    machine = Scram(keys_of, end_point=b"here", plus=plus)
    step = machine.step(client.last(challenge_of(machine, client.first())))
    assert isinstance(step, UserProven)
    assert step.final == client.signature
    return step


def test_a_proof_is_bound_to_the_channel() -> None:
    assert bound(PLUS, b"here").user == "a@b"
    assert bound("p=tls-server-end-point,a=a@b,", b"here").user == "a@b"


@pytest.mark.parametrize(
    ("gs2", "binding", "plus"),
    [
        (PLUS, b"elsewhere", True),
        (PLUS, b"", True),
        ("n,,", b"", True),
        ("y,,", b"", True),
        ("p=tls-unique,,", b"here", True),
        ("p=tls-exporter,,", b"here", True),
        (PLUS, b"here", False),
        ("n,,", b"here", False),
    ],
)
def test_another_binding(gs2: str, binding: bytes, plus: bool) -> None:
    with pytest.raises(SaslError, match="binding"):
        bound(gs2, binding, plus=plus)


def test_a_downgrade_is_noticed() -> None:
    assert bound("n,,", b"", plus=False).user == "a@b"
    with pytest.raises(SaslError, match="somebody hid"):
        bound("y,,", b"", plus=False)
