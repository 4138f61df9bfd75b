import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, x25519

import dns.dnssec
from pabal.dns.dnssec.algorithm import ECDSAP256SHA256, ED25519
from pabal.dns.dnssec.keys import KeyKindError, generate, read_pem, signing_key
from tests.dns.dnssec.parts import verifying


@pytest.mark.parametrize("algorithm", [ECDSAP256SHA256, ED25519])
def test_keys_sign_and_survive_a_file(algorithm: int) -> None:
    key = generate(algorithm, sep=False)
    again = read_pem(key.pem(), sep=False)
    assert again.dnskey == key.dnskey
    assert key.algorithm == algorithm
    assert verifying(key).verify(again.sign(b"data"), b"data")
    assert key.sign(b"data") == again.sign(b"data")  # deterministic
    assert not key.is_sep
    assert generate(algorithm).is_sep
    assert generate(algorithm).dnskey.flags == 257


def test_the_record_is_that_of_another_implementation() -> None:
    private = ec.generate_private_key(ec.SECP256R1())
    made = signing_key(private, sep=True)
    other = dns.dnssec.make_dnskey(private.public_key(), 13, flags=257)
    assert made.dnskey == other
    assert made.tag == other.key_id()


def test_private_keys_show_in_no_repr() -> None:
    key = generate()
    assert "private" not in repr(key).lower()


def test_other_kinds_are_refused() -> None:
    with pytest.raises(KeyKindError):
        generate(8)
    with pytest.raises(KeyKindError):
        signing_key(ec.generate_private_key(ec.SECP384R1()), sep=True)
    with pytest.raises(KeyKindError):
        read_pem(b"nothing", sep=True)
    other = x25519.X25519PrivateKey.generate().private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )
    with pytest.raises(KeyKindError):
        read_pem(other, sep=True)
