import json

import pytest

from pabal.directory.sasl.mechanism import SaslError, TokenGiven
from pabal.directory.sasl.oauth import (
    TOKEN_MESSAGE_MAX_OCTETS,
    Hints,
    OAuthBearer,
    XOAuth2,
)
from pabal.net.sasl import Challenge

BEARER = (
    b"n,a=user@example.com,\1host=server.example.com\1port=143\1"
    b"auth=Bearer vF9dft4qmTc2Nvb3RlckBhbHRhdmlzdGEuY29tCg==\1\1"
)
TOKEN = "vF9dft4qmTc2Nvb3RlckBhbHRhdmlzdGEuY29tCg=="


def test_the_message_of_rfc_7628() -> None:
    assert OAuthBearer().step(None) == Challenge(b"")
    assert OAuthBearer().step(BEARER) == TokenGiven("user@example.com", TOKEN)


@pytest.mark.parametrize(
    ("message", "given"),
    [
        (b"n,,\1auth=bearer abc\1\1", TokenGiven("", "abc")),
        (b"y,a=a=2Cb=3Dc@d,\1auth=Bearer  a.b.c\1\1", TokenGiven("a,b=c@d", "a.b.c")),
        (b"n,,\1auth=\1\1", TokenGiven("", "")),
        (b"n,,\1\1", TokenGiven("", "")),
    ],
)
def test_bearer_messages(message: bytes, given: TokenGiven) -> None:
    assert OAuthBearer().step(message) == given


@pytest.mark.parametrize(
    "message",
    [
        b"",
        b"\1",
        b"n,,\1auth=Basic abc\1\1",
        b"n,,\1auth=Bearer a b\1\1",
        b"n,,\1auth=Bearer abc\1",
        b"n,,\1junk\1auth=Bearer abc\1\1",
        b"p=tls-unique,,\1auth=Bearer abc\1\1",
        b"n,a=\xff,\1auth=Bearer abc\1\1",
        b"n,,\1auth=Bearer " + b"a" * TOKEN_MESSAGE_MAX_OCTETS + b"\1\1",
    ],
)
def test_broken_bearer_messages(message: bytes) -> None:
    with pytest.raises(SaslError):
        OAuthBearer().step(message)


def test_a_refusal_helps_the_client() -> None:
    hints = Hints("mail", "https://id.example.com/.well-known/openid-configuration")
    assert json.loads(OAuthBearer().refusal()) == {"status": "invalid_token"}
    assert json.loads(OAuthBearer(hints).refusal()) == {
        "status": "invalid_token",
        "scope": "mail",
        "openid-configuration": hints.discovery,
    }
    told = json.loads(XOAuth2(hints).refusal())
    assert told == {"status": "401", "schemes": "bearer", "scope": "mail"}


def test_xoauth2() -> None:
    assert XOAuth2().step(None) == Challenge(b"")
    message = b"user=someuser@example.com\1auth=Bearer ya29.vF9dft4qmTc2Nvb3\1\1"
    assert XOAuth2().step(message) == TokenGiven(
        "someuser@example.com", "ya29.vF9dft4qmTc2Nvb3"
    )
    for broken in (b"", message[:-1], b"user=\1auth=Bearer a\1\1", b"\xff" + message):
        with pytest.raises(SaslError):
            XOAuth2().step(broken)


def test_no_repr_shows_the_token() -> None:
    assert "abc" not in repr(TokenGiven("a@b", "abc"))
