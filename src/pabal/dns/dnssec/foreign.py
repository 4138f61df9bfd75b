"""Keys as BIND keeps them: ``K<zone>+<algorithm>+<tag>.private`` and ``.key``.

Sans-IO, pure. A zone that was signed by BIND goes on with its keys: no moment insecure.
Security: what is read is private; no error shows any of it.
Source: RFC 4034 §2.2 (the record of ``.key``), RFC 6605 §6 and RFC 8080 §6 (examples
of the format ``Private-key-format: v1.2``).
"""

import base64
import binascii
from dataclasses import dataclass
from typing import Final

import dns.exception
import dns.name
import dns.rdata
import dns.rdataclass
import dns.rdatatype
from cryptography.hazmat.primitives.asymmetric import ec, ed25519
from dns.rdtypes.ANY.DNSKEY import DNSKEY

from pabal.dns.dnssec.algorithm import ECDSAP256SHA256, ED25519, SEP_FLAG
from pabal.dns.dnssec.keys import KeyKindError, PrivateKey, SigningKey, signing_key
from pabal.dns.wire.rrset import rdata_octets

_PRIVATE_OCTETS: Final = 32
"""Of both algorithms."""


@dataclass(frozen=True, slots=True)
class ForeignKey:
    """A key that signed a zone elsewhere.

    Attributes:
        ttl_s: TTL of its DNSKEY record; 0: not said.
    """

    zone: dns.name.Name
    key: SigningKey
    ttl_s: int


def read_foreign(private: str, public: str) -> ForeignKey:
    """Return the key of the two files' texts.

    Raises:
        KeyKindError: They are no such files, do not belong together, or hold a key of
            an algorithm that nothing is signed with here.
    """
    zone, ttl_s, dnskey = _public(public)
    fields: dict[str, str] = {}
    for line in private.splitlines():
        word, _, value = line.partition(":")
        fields[word.strip()] = value.strip()
    words = fields.get("Algorithm", "").split()
    if not words or not words[0].isdigit():
        raise KeyKindError("not a private key of BIND: it names no algorithm")
    loaded = _private(int(words[0]), fields.get("PrivateKey", ""))
    key = signing_key(loaded, sep=bool(dnskey.flags & SEP_FLAG))
    if rdata_octets(key.dnskey) != rdata_octets(dnskey):
        raise KeyKindError("the two files are not of one key, or it is revoked")
    return ForeignKey(zone, key, ttl_s)


def _private(algorithm: int, text: str) -> PrivateKey:
    if algorithm not in (ECDSAP256SHA256, ED25519):
        raise KeyKindError(
            f"keys of algorithm {algorithm} are not used here: change it to 13 or 15"
            " where the zone is signed now"
        )
    try:
        octets = base64.b64decode(text, validate=True)
        if len(octets) != _PRIVATE_OCTETS:
            raise KeyKindError("the private key has the wrong length")
        if algorithm == ED25519:
            return ed25519.Ed25519PrivateKey.from_private_bytes(octets)
        number = int.from_bytes(octets, "big")
        return ec.derive_private_key(number, ec.SECP256R1())
    except (binascii.Error, ValueError):
        # Not from it: it may show what it could not read.
        raise KeyKindError("the private key cannot be read") from None


def _public(text: str) -> tuple[dns.name.Name, int, DNSKEY]:
    for line in text.splitlines():
        words = line.split(";", 1)[0].split()
        if "DNSKEY" not in words:
            continue
        place = words.index("DNSKEY")
        times = [word for word in words[1:place] if word.isdigit()]
        try:
            name = dns.name.from_text(words[0])
            rdata = dns.rdata.from_text(
                dns.rdataclass.IN,
                dns.rdatatype.DNSKEY,
                " ".join(words[place + 1 :]),
            )
        except (dns.exception.DNSException, ValueError) as error:
            raise KeyKindError(f"the .key file cannot be read: {error}") from error
        if isinstance(rdata, DNSKEY):
            return name, int(times[0]) if times else 0, rdata
    raise KeyKindError("the .key file holds no DNSKEY record")
