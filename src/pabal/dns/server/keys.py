"""Keys shared with other servers, and the signatures made with them (TSIG).

No I/O. Source: RFC 8945 §4.3 (what is signed), §5.2 (checks), §5.3 (errors), §5.3.1
(many messages). The control plane: dnspython parses and computes.
"""

import hmac
from collections.abc import Sequence
from dataclasses import dataclass
from struct import Struct
from typing import Final

import dns.exception
import dns.message
import dns.name
import dns.tsig

from pabal.base.clock import Clock
from pabal.base.errors import OperatorError, ProtocolError
from pabal.dns.wire import codes
from pabal.dns.wire.rrset import name_octets

FUDGE_S: Final = 300
"""How far clocks may be apart (RFC 8945 §10)."""

_ALGORITHMS: Final = {
    "hmac-sha256": dns.tsig.HMAC_SHA256,
    "hmac-sha384": dns.tsig.HMAC_SHA384,
    "hmac-sha512": dns.tsig.HMAC_SHA512,
}
"""RFC 8945 §6 knows weaker ones too; nobody needs them any more."""

_DIGESTS: Final = {
    dns.tsig.HMAC_SHA256: "sha256",
    dns.tsig.HMAC_SHA384: "sha384",
    dns.tsig.HMAC_SHA512: "sha512",
}

_SHORT: Final = Struct("!H")
_TIMERS: Final = Struct("!HIH")
"""Seconds since 1970 in 48 bits, fudge."""

_ANY_FOREVER: Final = b"\x00\xff\x00\x00\x00\x00"
"""Class ANY, TTL 0 (RFC 8945 §4.2)."""

BAD_SIGNATURE: Final = 16
BAD_KEY: Final = 17
BAD_TIME: Final = 18
"""Errors of RFC 8945 §3."""


class SignatureError(ProtocolError):
    """A message is not signed as it should be.

    Attributes:
        code: The error of RFC 8945 §3.
    """

    def __init__(self, code: int) -> None:
        super().__init__(f"TSIG error {code}")
        self.code = code


@dataclass(frozen=True, slots=True)
class Verified:
    """A message whose signature, if it has one, is good.

    Attributes:
        message: Without its TSIG record counted among the records.
        key: The key it was signed with; ``None`` if it was not signed.
        mac: Its signature: the answer's covers it.
    """

    message: dns.message.Message
    key: dns.tsig.Key | None
    mac: bytes


class KeyRing:
    """The keys of the configuration.

    Args (of the constructor):
        texts: ``algorithm:name:secret``, the secret in base 64, as dig's ``-y`` takes.
        authorities: A PEM file of those whose certificates are believed; empty: whom
            the system trusts.

    Attributes:
        authorities: The same.

    Raises:
        OperatorError: From the constructor: a text is no key.
    """

    def __init__(
        self, texts: Sequence[str], clock: Clock, authorities: str = ""
    ) -> None:
        self._clock = clock
        self.authorities = authorities
        self._keys: dict[dns.name.Name, dns.tsig.Key] = {}
        for text in texts:
            key = _key(text)
            self._keys[key.name] = key

    def get(self, name: str) -> dns.tsig.Key:
        """Return the key called ``name``.

        Raises:
            OperatorError: There is none.
        """
        key = self._keys.get(dns.name.from_text(name))
        if key is None:
            raise OperatorError(
                f"there is no key {name}.",
                "Write it among keys under [dns]: hmac-sha256:NAME:SECRET.",
            )
        return key

    def verify(self, data: bytes) -> Verified:
        """Return the message in ``data``.

        Raises:
            SignatureError: It is signed, but not well.
            dns.exception.DNSException: It is no message.
        """
        try:
            message = dns.message.from_wire(data, keyring=self._keys)
        except dns.message.UnknownTSIGKey as error:
            raise SignatureError(BAD_KEY) from error
        except dns.tsig.BadTime as error:
            raise SignatureError(BAD_TIME) from error
        except (dns.tsig.BadSignature, dns.tsig.BadKey) as error:
            raise SignatureError(BAD_SIGNATURE) from error
        except dns.tsig.BadAlgorithm as error:
            raise SignatureError(BAD_KEY) from error
        if not message.had_tsig:
            return Verified(message, None, b"")
        key = self._keys[message.keyname or dns.name.root]
        return Verified(message, key, message.mac or b"")

    def now(self) -> int:
        """Return the time that signatures say, seconds since 1970."""
        return int(self._clock.now())

    def signer(self, key: dns.tsig.Key, request_mac: bytes) -> "Signer":
        """Return what signs the messages of one answer."""
        return Signer(key, request_mac, self._clock)


class Signer:
    """Signs the messages of one answer, in their order."""

    def __init__(self, key: dns.tsig.Key, request_mac: bytes, clock: Clock) -> None:
        self._key = key
        self._mac = request_mac
        self._clock = clock
        self._is_first = True

    def sign(self, message: bytes) -> bytes:
        """Return ``message`` with its TSIG record."""
        key = self._key
        timers = _TIMERS.pack(*divmod(int(self._clock.now()), 1 << 32), FUDGE_S)
        # RFC 8945 §5.3.1: from the second message on only the timers are covered.
        covered = timers
        if self._is_first:
            covered = _octets(key.name) + _ANY_FOREVER + _octets(key.algorithm)
            covered += timers + bytes(4)
        before = _SHORT.pack(len(self._mac)) + self._mac if self._mac else b""
        digest = _DIGESTS[key.algorithm]
        self._mac = hmac.digest(key.secret, before + message + covered, digest)
        self._is_first = False
        return _appended(message, key.name, key.algorithm, timers, self._mac)


def unsigned_error(
    message: bytes, name: dns.name.Name, code: int, now: int = 0
) -> bytes:
    """Return ``message`` with a TSIG record that only says what was wrong.

    Args:
        now: Seconds since 1970: clients that look at it first complain of clocks.
    """
    timers = _TIMERS.pack(*divmod(now, 1 << 32), FUDGE_S)
    return _appended(message, name, dns.tsig.HMAC_SHA256, timers, b"", code)


def _appended(
    message: bytes,
    name: dns.name.Name,
    algorithm: dns.name.Name,
    timers: bytes,
    mac: bytes,
    error: int = 0,
) -> bytes:
    rdata = _octets(algorithm) + timers + _SHORT.pack(len(mac)) + mac + message[:2]
    rdata += _SHORT.pack(error) + bytes(2)
    count = int.from_bytes(message[10:12], "big") + 1
    head = message[:10] + _SHORT.pack(count) + message[12:]
    record = _octets(name) + _SHORT.pack(codes.TSIG) + _ANY_FOREVER
    return head + record + _SHORT.pack(len(rdata)) + rdata


def _octets(name: dns.name.Name) -> bytes:
    return name_octets(name.canonicalize())


def _key(text: str) -> dns.tsig.Key:
    algorithm, _, rest = text.partition(":")
    name, _, secret = rest.partition(":")
    if algorithm.lower() not in _ALGORITHMS or not name or not secret:
        raise OperatorError(
            f"dns.keys: a key of algorithm `{algorithm}` cannot be used.",
            f"Write ALGORITHM:NAME:SECRET, ALGORITHM one of {', '.join(_ALGORITHMS)}.",
        )
    try:
        wanted = dns.name.from_text(name).canonicalize()
        return dns.tsig.Key(wanted, secret, _ALGORITHMS[algorithm.lower()])
    except (dns.exception.DNSException, ValueError) as error:
        raise OperatorError(
            f"dns.keys: the key `{name}` cannot be read: {error}.",
            "The secret is base 64, as `tsig-keygen` prints it.",
        ) from error
