"""What is kept of a password, and how one is checked against it.

Two derivations of the same password: an argon2id hash for mechanisms that send it, and
SCRAM-SHA-256 keys for the one that does not. Hashing takes tens of milliseconds: call
from a thread.

Security: nothing here can be turned back into the password; no repr shows any of it.
"""

import hashlib
import hmac
import secrets
from dataclasses import dataclass, field
from typing import Final

from argon2 import PasswordHasher, Type
from argon2.exceptions import InvalidHashError, VerificationError

from pabal.base.errors import PabalError
from pabal.directory.saslprep import SaslPrepError, prepare

ARGON2_MEMORY_KIB: Final = 19 * 1024
"""Memory of one hash, KiB: OWASP's password storage advice for argon2id (19 MiB)."""

ARGON2_PASSES: Final = 2
"""Passes over that memory (the same advice)."""

ARGON2_LANES: Final = 1
"""Threads of one hash; log-ins run beside each other already."""

SCRAM_ITERATIONS: Final = 65_536
"""PBKDF2 rounds: RFC 7677 §4 wants at least 4,096; Cyrus SASL, which mbsync and many
others use, refuses to do more than these."""

SALT_OCTETS: Final = 16
"""Length of every salt (RFC 9106 §3.1 recommends it)."""

PASSWORD_MAX_OCTETS: Final = 1024
"""Longest password looked at: what a stranger sends must not cost more to hash."""


class PasswordError(PabalError):
    """Not a password one can have; says why."""


@dataclass(frozen=True, slots=True)
class HashCost:
    """How dear one guess is."""

    memory_kib: int = ARGON2_MEMORY_KIB
    passes: int = ARGON2_PASSES
    scram_iterations: int = SCRAM_ITERATIONS

    def hasher(self) -> PasswordHasher:
        """Return argon2id with this cost."""
        return PasswordHasher(
            time_cost=self.passes,
            memory_cost=self.memory_kib,
            parallelism=ARGON2_LANES,
            salt_len=SALT_OCTETS,
            type=Type.ID,
        )


@dataclass(frozen=True, slots=True)
class ScramKeys:
    """What a server needs for SCRAM-SHA-256 (RFC 5802 §3)."""

    salt: bytes = field(repr=False)
    iterations: int
    stored_key: bytes = field(repr=False)
    server_key: bytes = field(repr=False)


@dataclass(frozen=True, slots=True)
class Credential:
    """What is kept of one password.

    Attributes:
        argon2: Encoded hash with its parameters and a salt of its own: no two are
            equal, so it also tells one state of an account's password from the next.
        scram: The keys.
    """

    argon2: str = field(repr=False)
    scram: ScramKeys


def make_credential(password: str, cost: HashCost) -> Credential:
    """Return what to keep of ``password``. Slow by intention.

    Raises:
        PasswordError: ``prepare_new`` says when.
    """
    octets = prepare_new(password)
    return Credential(cost.hasher().hash(octets), scram_keys(octets, cost))


def prepare_new(password: str) -> bytes:
    """Return the octets that are hashed for ``password``.

    Raises:
        PasswordError: It is empty, too long, or has a prohibited character.
    """
    try:
        prepared = prepare(password)
    except SaslPrepError as error:
        raise PasswordError(f"the password has {error}") from error
    octets = prepared.encode("utf-8", "surrogatepass")
    if not octets:
        raise PasswordError("the password is empty")
    if len(octets) > PASSWORD_MAX_OCTETS:
        raise PasswordError(f"the password is longer than {PASSWORD_MAX_OCTETS} octets")
    return octets


def scram_keys(password: bytes, cost: HashCost) -> ScramKeys:
    """Return keys with a new salt (RFC 5802 §3) for a prepared password."""
    salt = secrets.token_bytes(SALT_OCTETS)
    rounds = cost.scram_iterations
    salted = hashlib.pbkdf2_hmac("sha256", password, salt, rounds)
    client_key = hmac.digest(salted, b"Client Key", "sha256")
    return ScramKeys(
        salt=salt,
        iterations=rounds,
        stored_key=hashlib.sha256(client_key).digest(),
        server_key=hmac.digest(salted, b"Server Key", "sha256"),
    )


def matches(argon2: str, password: str) -> bool:
    """Whether ``password``, prepared, is the one ``argon2`` was made of. Slow."""
    octets = password.encode("utf-8", "surrogatepass")
    try:
        # The parameters are read from the hash; those given here are not used.
        return HashCost().hasher().verify(argon2, octets)
    except (VerificationError, InvalidHashError):
        return False
