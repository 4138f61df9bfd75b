import base64
import struct

import dns.name
import dns.rdatatype
import dns.rrset
import pytest
from cryptography.hazmat.primitives.asymmetric import ec, ed448, ed25519, rsa
from dns.dnssectypes import Algorithm
from dns.rdtypes.ANY.DNSKEY import DNSKEY

import dns.dnssec
from pabal.dns.dnssec.algorithm import load
from pabal.dns.dnssec.canonical import signed_data
from pabal.dns.dnssec.record import record

ZONE = dns.name.from_text("example.test.")
RRSET = dns.rrset.from_text(ZONE, 60, "IN", "A", "192.0.2.1", "192.0.2.2")
Private = (
    rsa.RSAPrivateKey
    | ec.EllipticCurvePrivateKey
    | ed25519.Ed25519PrivateKey
    | ed448.Ed448PrivateKey
)
RSA = rsa.generate_private_key(65537, 2048)
PRIVATE: dict[Algorithm, Private] = {
    Algorithm.RSASHA256: RSA,
    Algorithm.RSASHA512: RSA,
    Algorithm.ECDSAP256SHA256: ec.generate_private_key(ec.SECP256R1()),
    Algorithm.ECDSAP384SHA384: ec.generate_private_key(ec.SECP384R1()),
    Algorithm.ED25519: ed25519.Ed25519PrivateKey.generate(),
    Algorithm.ED448: ed448.Ed448PrivateKey.generate(),
}


@pytest.mark.parametrize("algorithm", PRIVATE, ids=lambda a: a.name)
def test_signatures_of_another_implementation_verify(algorithm: Algorithm) -> None:
    private = PRIVATE[algorithm]
    dnskey = dns.dnssec.make_dnskey(private.public_key(), algorithm)
    rrsig = dns.dnssec.sign(RRSET, private, ZONE, dnskey, 0, 1000)
    key = load(dnskey)
    assert key is not None
    assert key.tag == rrsig.key_tag
    data = signed_data(RRSET, rrsig)
    assert key.verify(rrsig.signature, data)
    assert not key.verify(rrsig.signature, data + b"x")
    assert not key.verify(rrsig.signature[:-1], data)
    assert not key.verify(b"", data)
    assert not key.verify(bytes(len(rrsig.signature)), data)


def dnskey(flags: int, protocol: int, algorithm: int, key: bytes) -> DNSKEY:
    octets = struct.pack("!HBB", flags, protocol, algorithm) + key
    return record(DNSKEY, dns.rdatatype.DNSKEY, octets)


# From fixed octets: two test processes must collect the same tests.
GOOD = (
    ed25519.Ed25519PrivateKey.from_private_bytes(bytes(range(32)))
    .public_key()
    .public_bytes_raw()
)
BIG = (1 << 8192 | 1).to_bytes(1025, "big")


@pytest.mark.parametrize(
    ("flags", "protocol", "algorithm", "key"),
    [
        (0, 3, 15, GOOD),  # no zone key
        (0x180, 3, 15, GOOD),  # revoked
        (256, 2, 15, GOOD),
        (256, 3, 5, b"\x03\x01\x00\x01" + bytes(128)),  # SHA-1
        (256, 3, 253, GOOD),
        (256, 3, 15, GOOD[:-1]),
        (256, 3, 13, bytes(64)),  # not on the curve
        (256, 3, 8, b""),
        (256, 3, 8, b"\x00"),
        (256, 3, 8, b"\x03\x01\x00\x01" + BIG),
        (256, 3, 8, b"\x20" + b"\xff" * 32 + b"\xff" * 256),  # exponent
        (256, 3, 8, b"\x03\x01\x00\x01" + b"\xff" * 64),
    ],
)
def test_unfit_keys_are_none(
    flags: int, protocol: int, algorithm: int, key: bytes
) -> None:
    assert load(dnskey(flags, protocol, algorithm, key)) is None


def test_the_example_of_rfc_8080_verifies() -> None:
    # RFC 8080 §6.1
    public = base64.b64decode("l02Woi0iS8Aa25FQkUd9RMzZHJpBoRQwAQEX1SxZJA4=")
    key = load(dnskey(257, 3, 15, public))
    assert key is not None
    assert key.tag == 3613
    zone = dns.name.from_text("example.com.")
    mx = dns.rrset.from_text(zone, 3600, "IN", "MX", "10 mail.example.com.")
    rrsig = dns.rrset.from_text(
        zone, 3600, "IN", "RRSIG",
        "MX 15 2 3600 1440021600 1438207200 3613 example.com. "
        "oL9krJun7xfBOIWcGHi7mag5/hdZrKWw15jPGrHpjQeRAvTdszaPD+QLs3fx8A4M3e23mRZ9VrbpMngwcrqNAg==",
    )[0]  # fmt: skip
    assert key.verify(rrsig.signature, signed_data(mx, rrsig))
