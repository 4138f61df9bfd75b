import json

import pytest

from pabal.base.errors import UnavailableError
from pabal.directory.token.claims import Bearer, TokenError, TokenRules
from pabal.directory.token.introspection import (
    UNTOLD_LIFE_S,
    Endpoint,
    IntrospectedTokens,
)
from pabal.directory.token.ports import HttpRequest
from tests.directory.clock import FakeClock

URL = "https://id.example.com/introspect"


class Http:
    def __init__(self, reply: bytes) -> None:
        self.reply = reply
        self.requests: list[HttpRequest] = []

    async def __call__(self, request: HttpRequest, /) -> bytes:
        self.requests.append(request)
        return self.reply


def check(http: Http, rules: TokenRules | None = None) -> IntrospectedTokens:
    rules = rules or TokenRules(claim="username")
    return IntrospectedTokens(
        http, Endpoint(URL, "pabal", "s&cret"), rules, FakeClock()
    )


async def test_an_active_token() -> None:
    http = Http(b'{"active": true, "username": "a@example.com", "exp": 1700000009}')
    assert await check(http)("a+b/c=") == Bearer("a@example.com", 1_700_000_009.0)
    assert http.requests == [
        HttpRequest(
            URL,
            b"token=a%2Bb%2Fc%3D&token_type_hint=access_token",
            "pabal",
            "s&cret",
        )
    ]
    assert "cret" not in repr(http.requests)


async def test_a_token_without_an_end_is_asked_about_again() -> None:
    found = await check(Http(b'{"active": true, "username": "a@example.com"}'))("x")
    assert found.until == FakeClock().now() + UNTOLD_LIFE_S


@pytest.mark.parametrize(
    "reply",
    [
        {"active": False},
        {"active": "true", "username": "a@example.com"},
        {},
        {"active": True},
        {"active": True, "username": "a@example.com", "exp": 1},
        {"active": True, "username": "a@example.com", "aud": "other"},
    ],
)
async def test_tokens_that_are_not_good(reply: dict[str, object]) -> None:
    rules = TokenRules(audience="mail", claim="username")
    with pytest.raises(TokenError):
        await check(Http(json.dumps(reply).encode()), rules)("x")


async def test_no_token_is_not_asked_about() -> None:
    http = Http(b"")
    with pytest.raises(TokenError):
        await check(http)("")
    assert http.requests == []


@pytest.mark.parametrize("reply", [b"", b"<html>", b"[]", b"[" * 9000])
async def test_an_endpoint_that_speaks_no_json(reply: bytes) -> None:
    with pytest.raises(UnavailableError):
        await check(Http(reply))("x")
