"""SCRAM-SHA-256: the password never travels, and the server proves itself too.

With -PLUS the proof holds for this TLS connection only: who sits in the middle with a
certificate of their own cannot pass it on.

Sans-IO.
Source: RFC 5802 §5 (exchange), §6 (channel binding), §7 (grammar); RFC 7677 (SHA-256);
RFC 5929 §4 (``tls-server-end-point``, the one binding there is here).
Security: a client that could bind and was not offered it, though it is on offer, has
somebody in the middle: its attempt fails (RFC 5802 §6).
"""

import base64
import binascii
import hashlib
import hmac
import re
import secrets
from typing import Final

from pabal.directory.credential import ScramKeys
from pabal.directory.sasl.mechanism import KeysOf, SaslError, UserProven, text_of
from pabal.net.sasl import Challenge

NONCE_OCTETS: Final = 18
"""Randomness of our half of the nonce: 24 characters of base64."""

END_POINT: Final = "p=tls-server-end-point"
"""How a client says that it binds to our certificate."""

# RFC 5802 §7. A saslname has "," and "=" only as "=2C" and "=3D".
_NAME: Final = r"(?:[^,=\0]|=2C|=3D)+"
_FIRST: Final = re.compile(
    rf"(?P<gs2>(?P<binding>n|y|p=[A-Za-z0-9.-]+),(?:a=(?P<acting>{_NAME}))?,)"
    rf"(?P<bare>n=(?P<user>{_NAME}),r=(?P<nonce>[!-+\--~]+)(?:,[A-Za-z]=[^,\0]+)*)"
)
_FINAL: Final = re.compile(
    r"(?P<without>c=(?P<binding>[A-Za-z0-9+/=]+),r=(?P<nonce>[!-+\--~]+)"
    r"(?:,[A-Za-z]=[^,\0]+)*),p=(?P<proof>[A-Za-z0-9+/=]+)"
)


class Scram:
    """Implements ``Mechanism``.

    Args (of the constructor):
        keys_of: Asked once, with the client's name.
        nonce: Our half, printable without comma; tests give one.
        end_point: The channel's binding; empty: -PLUS is not on offer.
        plus: Whether the client chose -PLUS.
    """

    __slots__ = (
        "_end_point",
        "_gs2",
        "_keys",
        "_keys_of",
        "_nonce",
        "_plus",
        "_said",
        "_user",
    )

    def __init__(
        self,
        keys_of: KeysOf,
        nonce: str = "",
        *,
        end_point: bytes = b"",
        plus: bool = False,
    ) -> None:
        self._keys_of = keys_of
        self._end_point = end_point
        self._plus = plus
        self._nonce = nonce or secrets.token_urlsafe(NONCE_OCTETS)
        self._keys: ScramKeys | None = None
        self._user = ""
        self._gs2 = ""
        self._said = ""

    @property
    def user(self) -> str:
        """Who the client says it is; empty before its first message."""
        return self._user

    def step(self, response: bytes | None) -> Challenge | UserProven:
        """Answer the client's first message, then check its proof.

        Raises:
            SaslError: A message breaks the grammar, or the proof is wrong.
        """
        if response is None:
            return Challenge(b"")
        text = text_of(response)
        if self._keys is None:
            return self._first(text)
        return self._last(text, self._keys)

    def _first(self, text: str) -> Challenge:
        match = _FIRST.fullmatch(text)
        if match is None:
            raise SaslError("not a SCRAM client-first-message")
        self._check_binding(match["binding"])
        if match["acting"] and match["acting"] != match["user"]:
            raise SaslError("nobody may act for somebody else")
        self._gs2 = match["gs2"]
        self._user = match["user"].replace("=2C", ",").replace("=3D", "=")
        self._nonce = match["nonce"] + self._nonce
        self._keys = keys = self._keys_of(self._user)
        salt = base64.b64encode(keys.salt).decode("ascii")
        challenge = f"r={self._nonce},s={salt},i={keys.iterations}"
        self._said = f"{match['bare']},{challenge}"
        return Challenge(challenge.encode("utf-8"))

    def _check_binding(self, flag: str) -> None:
        """Check the gs2-cbind-flag (RFC 5802 §6)."""
        if self._plus:
            if flag != END_POINT:
                raise SaslError("no channel binding we know")
        elif flag.startswith("p"):
            raise SaslError("channel binding was not on offer")
        elif flag == "y" and self._end_point:
            raise SaslError("somebody hid from the client that binding is on offer")

    def _last(self, text: str, keys: ScramKeys) -> UserProven:
        match = _FINAL.fullmatch(text)
        if match is None:
            raise SaslError("not a SCRAM client-final-message")
        bound = self._gs2.encode("utf-8") + (self._end_point if self._plus else b"")
        if not hmac.compare_digest(_decoded(match["binding"]), bound):
            raise SaslError("the channel binding is another one")
        if not hmac.compare_digest(match["nonce"], self._nonce):
            raise SaslError("not our nonce")
        said = f"{self._said},{match['without']}".encode()
        signature = hmac.digest(keys.stored_key, said, "sha256")
        proof = _decoded(match["proof"])
        if len(proof) != len(signature):
            raise SaslError("proof of a wrong length")
        client_key = bytes(a ^ b for a, b in zip(proof, signature, strict=True))
        digest = hashlib.sha256(client_key).digest()
        if not hmac.compare_digest(digest, keys.stored_key):
            raise SaslError("wrong proof")
        ours = hmac.digest(keys.server_key, said, "sha256")
        return UserProven(self._user, b"v=" + base64.b64encode(ours))


def _decoded(text: str) -> bytes:
    try:
        return base64.b64decode(text, validate=True)
    except binascii.Error as error:
        raise SaslError("not base64") from error
