"""DKIM keys: made once a domain, kept as PEM files, published by the name server.

``<directory>/<domain>/<selector>.pem``; every file there signs. Rotating is adding a
file of the next number and removing the old one when its signatures are old.
Security: files are readable by their owner only; a key never appears in a repr.
"""

import base64
import binascii
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ed25519, padding, rsa
from cryptography.hazmat.primitives.asymmetric.utils import Prehashed
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
    load_der_public_key,
    load_pem_private_key,
)

from pabal.base.atomic import write_file
from pabal.base.errors import OperatorError
from pabal.message.address import domain_to_ascii

RSA_BITS: Final = 2048
"""Signers must use at least 1024, should use 2048 (RFC 8301 §3.2)."""

RSA_BITS_MIN: Final = 1024
"""Shorter ones are no proof of anything (RFC 8301 §3.2)."""

RSA_SELECTOR: Final = "rsa1"
ED25519_SELECTOR: Final = "ed1"

_STRING_MAX: Final = 255
"""Octets of one string of a TXT record (RFC 1035 §3.3.14)."""

PrivateKey = rsa.RSAPrivateKey | ed25519.Ed25519PrivateKey
PublicKey = rsa.RSAPublicKey | ed25519.Ed25519PublicKey


@dataclass(frozen=True, slots=True)
class DkimKey:
    """A key that signs for a domain.

    Attributes:
        domain: In A-labels.
        selector: Its name under ``_domainkey``.
        private: The key itself.
    """

    domain: str
    selector: str
    private: PrivateKey = field(repr=False)

    @property
    def algorithm(self) -> str:
        """The ``a=`` of its signatures (RFC 6376 §3.3, RFC 8463 §3)."""
        kind = "rsa" if isinstance(self.private, rsa.RSAPrivateKey) else "ed25519"
        return f"{kind}-sha256"

    @property
    def owner(self) -> str:
        """The name its public half is published under (RFC 6376 §3.6.2.1)."""
        return f"{self.selector}._domainkey.{self.domain}"

    def public_text(self) -> str:
        """Return the public half as a key record (RFC 6376 §3.6.1, RFC 8463 §4)."""
        public = self.private.public_key()
        if isinstance(public, rsa.RSAPublicKey):
            kind = "rsa"
            octets = public.public_bytes(
                Encoding.DER, PublicFormat.SubjectPublicKeyInfo
            )
        else:
            kind = "ed25519"
            octets = public.public_bytes(Encoding.Raw, PublicFormat.Raw)
        return f"v=DKIM1; k={kind}; p={base64.b64encode(octets).decode()}"

    def public_record(self) -> str:
        """Return the key record as TXT rdata in presentation form, in quotes."""
        text = self.public_text()
        pieces = range(0, len(text), _STRING_MAX)
        return " ".join(f'"{text[at : at + _STRING_MAX]}"' for at in pieces)

    def sign(self, digest: bytes) -> bytes:
        """Return the signature of a SHA-256 ``digest``."""
        if isinstance(self.private, rsa.RSAPrivateKey):
            return self.private.sign(
                digest, padding.PKCS1v15(), Prehashed(hashes.SHA256())
            )
        # RFC 8463 §3: PureEdDSA over the digest.
        return self.private.sign(digest)


def generate(directory: Path, domain: str) -> Sequence[DkimKey]:
    """Make the keys of ``domain`` that are not there yet; return all of them.

    Raises:
        OperatorError: They cannot be written or read.
    """
    folder = directory / domain_to_ascii(domain)
    made: dict[str, PrivateKey] = {}
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        if not (folder / f"{ED25519_SELECTOR}.pem").exists():
            made[ED25519_SELECTOR] = ed25519.Ed25519PrivateKey.generate()
        if not (folder / f"{RSA_SELECTOR}.pem").exists():
            made[RSA_SELECTOR] = rsa.generate_private_key(65537, RSA_BITS)
        for selector, key in made.items():
            pem = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
            write_file(folder / f"{selector}.pem", pem, 0o600)
    except OSError as error:
        raise OperatorError(
            f"cannot write DKIM keys in {folder}: {error.strerror}.",
            "Make the data directory writable.",
        ) from error
    return load(directory, domain)


def load(directory: Path, domain: str) -> Sequence[DkimKey]:
    """Return the keys of ``domain`` by selector; none: it does not sign.

    Raises:
        OperatorError: One is there and cannot be used; says which and why.
    """
    ascii_domain = domain_to_ascii(domain)
    keys: list[DkimKey] = []
    for path in sorted((directory / ascii_domain).glob("*.pem")):
        try:
            # Checking our own key's primes would take a tenth of a second each time.
            key = load_pem_private_key(
                path.read_bytes(), None, unsafe_skip_rsa_key_validation=True
            )
        except OSError as error:
            raise OperatorError(
                f"cannot read the DKIM key {path}: {error.strerror}.",
                "Make it readable for the user pabal runs as.",
            ) from error
        except (ValueError, TypeError, UnsupportedAlgorithm) as error:
            raise OperatorError(
                f"{path} is not a private key ({error}).",
                "Put an unencrypted PEM key there, or remove it and make a new one.",
            ) from error
        if not isinstance(key, rsa.RSAPrivateKey | ed25519.Ed25519PrivateKey):
            raise OperatorError(f"{path} is neither an RSA nor an Ed25519 key.")
        keys.append(DkimKey(ascii_domain, path.stem, key))
    return keys


def state_of(directory: Path, domain: str) -> Sequence[tuple[str, int]]:
    """Return what changes when the keys of ``domain`` do: cheaper than loading them."""
    try:
        paths = sorted((directory / domain_to_ascii(domain)).glob("*.pem"))
        return tuple((path.name, path.stat().st_mtime_ns) for path in paths)
    except OSError:
        return ()


def public_key(kind: str, text: str) -> PublicKey | None:
    """Return the key of a record's ``p=``; ``None`` if it is none we accept.

    Args:
        kind: ``rsa`` or ``ed25519``.
        text: Base64, white space in it allowed.
    """
    try:
        octets = base64.b64decode("".join(text.split()), validate=True)
        if kind == "ed25519":
            return ed25519.Ed25519PublicKey.from_public_bytes(octets)
        key = load_der_public_key(octets)
    except (binascii.Error, ValueError, UnsupportedAlgorithm):
        return None
    if isinstance(key, rsa.RSAPublicKey) and key.key_size >= RSA_BITS_MIN:
        return key
    return None


def is_signed(key: PublicKey, signature: bytes, digest: bytes) -> bool:
    """Whether ``signature`` is the key's for a SHA-256 ``digest``."""
    try:
        if isinstance(key, rsa.RSAPublicKey):
            key.verify(
                signature, digest, padding.PKCS1v15(), Prehashed(hashes.SHA256())
            )
        else:
            key.verify(signature, digest)
    except InvalidSignature:
        return False
    return True
