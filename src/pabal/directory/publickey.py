"""Public keys that log in to the console, as OpenSSH writes them.

One line, ``ssh-ed25519 AAAA… comment``, as in ``~/.ssh/id_ed25519.pub``; the key itself
is the octets between (RFC 4253 §6.6). Each kind is taken apart to its last octet, so
what is kept is a key and nothing else.

Sans-IO. Source: RFC 4253 §6.6, RFC 5656 §3.1, RFC 8709 §4, OpenSSH's PROTOCOL.u2f.
Security: keys that no longer protect anything (DSA, RSA below 2048 bits) are refused.
"""

import base64
import binascii
import hashlib
from collections.abc import Callable, Mapping, Sequence
from types import MappingProxyType
from typing import Final

from cryptography.hazmat.primitives.asymmetric import ec

from pabal.directory.ports import DirectoryError, PublicKey

LINE_MAX_OCTETS: Final = 8_192
"""Longest line looked at: a key of 16,384 bits fits."""

COMMENT_MAX_CHARACTERS: Final = 200
"""Longest comment kept: ``user@host`` is a tenth of it."""

RSA_MIN_BITS: Final = 2_048
"""Shortest RSA key (NIST SP 800-131A)."""

RSA_MAX_BITS: Final = 16_384
"""Longest: OpenSSH makes no longer ones, and checking a signature is to stay cheap."""

KEYS_MAX: Final = 50
"""Keys of one account: more machines than anybody has."""

ED25519_OCTETS: Final = 32

CURVES: Final[Mapping[str, ec.EllipticCurve]] = MappingProxyType(
    {
        "nistp256": ec.SECP256R1(),
        "nistp384": ec.SECP384R1(),
        "nistp521": ec.SECP521R1(),
    }
)

APPLICATION: Final = b"ssh:"
"""What a security key says it is for; what follows is the owner's to choose."""


def parse_public_key(text: str) -> PublicKey:
    """Return the key in ``text``: one line, empty lines and ``#`` lines aside.

    Raises:
        DirectoryError: It is none, more than one, or not strong enough; says which.
    """
    lines = [line.strip() for line in text.splitlines()]
    lines = [line for line in lines if line and not line.startswith("#")]
    if any("PRIVATE KEY" in line for line in lines):
        raise DirectoryError(
            "This is a private key, which nobody else should have:"
            " give the file that ends in .pub."
        )
    if len(lines) != 1:
        raise DirectoryError(
            f"There are {len(lines)} keys here: give one, like the file that"
            " `ssh-keygen -t ed25519` writes as id_ed25519.pub."
        )
    if len(lines[0].encode("utf-8", "replace")) > LINE_MAX_OCTETS:
        raise DirectoryError(f"The key is longer than {LINE_MAX_OCTETS} octets.")
    algorithm, _, rest = lines[0].partition(" ")
    if algorithm not in _CHECKS:
        raise DirectoryError(_unknown(algorithm))
    encoded, _, comment = rest.strip().partition(" ")
    try:
        blob = base64.b64decode(encoded, validate=True)
    except (binascii.Error, ValueError) as error:
        raise DirectoryError(f"The key after {algorithm} is not whole.") from error
    return checked(PublicKey(algorithm, blob, _shown(comment)))


def checked(key: PublicKey) -> PublicKey:
    """Return ``key`` if its octets are one of the kind it says.

    Raises:
        DirectoryError: They are not; says what is wrong.
    """
    fields = _Fields(key.blob)
    if fields.take() != key.algorithm.encode():
        raise DirectoryError(f"The key is not the {key.algorithm} it says.")
    _CHECKS[key.algorithm](fields)
    if fields.rest:
        raise DirectoryError("There is something behind the end of the key.")
    return key


def with_key(keys: Sequence[PublicKey], key: PublicKey) -> Sequence[PublicKey]:
    """Return ``keys`` and ``key``.

    Raises:
        DirectoryError: It is there already, or there are too many.
    """
    if any(known.blob == key.blob for known in keys):
        raise DirectoryError(f"{fingerprint(key.blob)} is there already.")
    if len(keys) >= KEYS_MAX:
        raise DirectoryError(f"There are {KEYS_MAX} keys already: remove one first.")
    return (*keys, key)


def without_key(keys: Sequence[PublicKey], name: str) -> Sequence[PublicKey]:
    """Return ``keys`` without the one whose fingerprint or comment is ``name``.

    Raises:
        DirectoryError: None has it, or several have.
    """
    wanted = name.removeprefix("SHA256:")
    found = [
        key
        for key in keys
        if name == key.comment or fingerprint(key.blob) == f"SHA256:{wanted}"
    ]
    if len(found) != 1:
        how_many = "No key" if not found else "More than one key"
        raise DirectoryError(
            f"{how_many} has the fingerprint or comment {name!r}:"
            " `pabal account key list` shows them."
        )
    return tuple(key for key in keys if key is not found[0])


def fingerprint(blob: bytes) -> str:
    """Return how OpenSSH shows a key: ``SHA256:`` and its digest."""
    digest = base64.b64encode(hashlib.sha256(blob).digest()).decode()
    return "SHA256:" + digest.rstrip("=")


def line(key: PublicKey) -> str:
    """Return the key as OpenSSH writes it."""
    encoded = base64.b64encode(key.blob).decode()
    return f"{key.algorithm} {encoded} {key.comment}".rstrip()


def bits(key: PublicKey) -> int:
    """Return the length of the key as OpenSSH counts it."""
    if key.algorithm == "ssh-rsa":
        fields = _Fields(key.blob)
        fields.take()
        fields.take()
        return int.from_bytes(fields.take()).bit_length()
    for name, curve in CURVES.items():
        if name in key.algorithm:
            return curve.key_size
    return 256


class _Fields:
    """The strings a key is made of (RFC 4251 §5)."""

    __slots__ = ("rest",)

    def __init__(self, blob: bytes) -> None:
        self.rest = blob

    def take(self) -> bytes:
        """Return the next string."""
        length = int.from_bytes(self.rest[:4])
        end = 4 + length
        if len(self.rest) < 4 or len(self.rest) < end:
            raise DirectoryError("The key is cut short.")
        found, self.rest = self.rest[4:end], self.rest[end:]
        return found

    def number(self) -> int:
        """Return the next string as a positive number in its shortest form."""
        octets = self.take()
        value = int.from_bytes(octets)
        shortest = value.to_bytes(value.bit_length() // 8 + 1)
        if not value or octets != shortest:
            raise DirectoryError("The key has a number of a wrong form.")
        return value


def _check_ed25519(fields: _Fields) -> None:
    if len(fields.take()) != ED25519_OCTETS:
        raise DirectoryError(f"An Ed25519 key has {ED25519_OCTETS} octets.")


def _check_rsa(fields: _Fields) -> None:
    exponent, modulus = fields.number(), fields.number()
    length = modulus.bit_length()
    if length < RSA_MIN_BITS:
        raise DirectoryError(
            f"An RSA key of {length} bits protects nothing:"
            f" {RSA_MIN_BITS} at least, or `ssh-keygen -t ed25519`."
        )
    if length > RSA_MAX_BITS or not modulus % 2:
        raise DirectoryError(f"This is no RSA key of up to {RSA_MAX_BITS} bits.")
    # Three is what the oldest programs chose; far more than 65537 only costs time.
    if exponent < 3 or exponent >= 1 << 32 or not exponent % 2:
        raise DirectoryError("The RSA key has an exponent nobody uses.")


def _check_curve(name: str) -> Callable[[_Fields], None]:
    def check(fields: _Fields) -> None:
        if fields.take() != name.encode():
            raise DirectoryError(f"The key is not on the curve {name}.")
        point = fields.take()
        try:
            ec.EllipticCurvePublicKey.from_encoded_point(CURVES[name], point)
        except ValueError as error:
            raise DirectoryError(f"The key is no point of {name}.") from error

    return check


def _on_a_token(check: Callable[[_Fields], None]) -> Callable[[_Fields], None]:
    def whole(fields: _Fields) -> None:
        check(fields)
        if not fields.take().startswith(APPLICATION):
            raise DirectoryError("The security key was not made for ssh.")

    return whole


_CHECKS: Final[Mapping[str, Callable[[_Fields], None]]] = MappingProxyType(
    {
        "ssh-ed25519": _check_ed25519,
        **{f"ecdsa-sha2-{name}": _check_curve(name) for name in CURVES},
        "ssh-rsa": _check_rsa,
        "sk-ssh-ed25519@openssh.com": _on_a_token(_check_ed25519),
        "sk-ecdsa-sha2-nistp256@openssh.com": _on_a_token(_check_curve("nistp256")),
    }
)
"""What each kind of key is made of."""


def _unknown(algorithm: str) -> str:
    if algorithm == "ssh-dss":
        return "DSA keys protect nothing any more: `ssh-keygen -t ed25519` makes one."
    if "-cert-" in algorithm:
        return "This is a certificate: give the key it was made of."
    shown = algorithm[:40]
    return (
        f"{shown!r} is no kind of key known here: give one line of a .pub file,"
        " without options in front of it."
    )


def _shown(comment: str) -> str:
    """Return a comment that can be printed anywhere."""
    printable = "".join(c if c.isprintable() else "?" for c in comment.strip())
    return printable[:COMMENT_MAX_CHARACTERS]
