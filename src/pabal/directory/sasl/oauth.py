"""OAUTHBEARER and XOAUTH2: a token somebody we trust gave the client.

Sans-IO: the token is checked by whoever drives the mechanism.
Source: RFC 7628 §3; XOAUTH2 as Google's "OAuth 2.0 Mechanism" describes it.
"""

import re
from dataclasses import dataclass, field
from typing import Final

import msgspec

from pabal.directory.sasl.mechanism import SaslError, TokenGiven
from pabal.net.sasl import Challenge

TOKEN_MESSAGE_MAX_OCTETS: Final = 12 * 1024
"""Longest message of a client: tokens that list groups have some thousand octets;
RFC 4954 §4 lets no longer line come in SMTP."""

# RFC 7628 §3.1. A saslname has "," and "=" only as "=2C" and "=3D".
_BEARER_MESSAGE: Final = re.compile(
    r"[ny],(?:a=(?P<user>(?:[^,=\0\x01]|=2C|=3D)+))?,\x01(?P<pairs>.*)\x01", re.DOTALL
)
_PAIR: Final = re.compile(r"([A-Za-z]+)=([ -~\t\r\n]*)\x01")
_XOAUTH2: Final = re.compile(r"user=([^\0\x01]+)\x01auth=([^\0\x01]+)\x01\x01")
# RFC 6750 §2.1: b64token.
_CREDENTIALS: Final = re.compile(r"[Bb][Ee][Aa][Rr][Ee][Rr] +([A-Za-z0-9._~+/-]+=*)")


@dataclass(frozen=True, slots=True)
class Hints:
    """What a client whose token is not good is told, to get a better one.

    Attributes:
        scope: What the token must allow; empty: nothing in particular.
        discovery: Where the issuer describes itself, a URL; empty: not told.
    """

    scope: str = ""
    discovery: str = ""


@dataclass(slots=True)
class OAuthBearer:
    """Implements ``Mechanism``; ``refusal`` is what a failure is told with."""

    hints: Hints = field(default_factory=Hints)

    def step(self, response: bytes | None) -> Challenge | TokenGiven:
        """Return the token of the client's one message.

        Raises:
            SaslError: It breaks the grammar.
        """
        if response is None:
            return Challenge(b"")
        match = _BEARER_MESSAGE.fullmatch(_text(response))
        if match is None:
            raise SaslError("not an OAUTHBEARER message")
        pairs = match["pairs"]
        found = _PAIR.findall(pairs)
        if sum(len(key) + len(value) + 2 for key, value in found) != len(pairs):
            raise SaslError("not key=value pairs")
        user = (match["user"] or "").replace("=2C", ",").replace("=3D", "=")
        credentials = dict(found).get("auth", "")
        # RFC 7628 §4.3: a client without a token wants to be told where to get one.
        return TokenGiven(user, _token(credentials) if credentials else "")

    def refusal(self) -> bytes:
        """Return why the token was refused, as RFC 7628 §3.2.2 has it."""
        told = {"status": "invalid_token"}
        if self.hints.scope:
            told["scope"] = self.hints.scope
        if self.hints.discovery:
            told["openid-configuration"] = self.hints.discovery
        return msgspec.json.encode(told)


@dataclass(slots=True)
class XOAuth2:
    """Implements ``Mechanism``; ``refusal`` is what a failure is told with."""

    hints: Hints = field(default_factory=Hints)

    def step(self, response: bytes | None) -> Challenge | TokenGiven:
        """Return the token of the client's one message.

        Raises:
            SaslError: It breaks the grammar.
        """
        if response is None:
            return Challenge(b"")
        match = _XOAUTH2.fullmatch(_text(response))
        if match is None:
            raise SaslError("not an XOAUTH2 message")
        return TokenGiven(match[1], _token(match[2]))

    def refusal(self) -> bytes:
        """Return why the token was refused, as clients know it."""
        told = {"status": "401", "schemes": "bearer", "scope": self.hints.scope}
        return msgspec.json.encode(told)


def _text(octets: bytes) -> str:
    if len(octets) > TOKEN_MESSAGE_MAX_OCTETS:
        raise SaslError("message too long")
    try:
        return octets.decode("utf-8")
    except UnicodeDecodeError as error:
        raise SaslError("message is not UTF-8") from error


def _token(credentials: str) -> str:
    match = _CREDENTIALS.fullmatch(credentials)
    if match is None:
        raise SaslError("no bearer token")
    return match[1]
