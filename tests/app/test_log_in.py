from dataclasses import replace
from pathlib import Path

import pytest

from pabal.app.log_in import tls_context, token_desk
from pabal.base.errors import OperatorError, UnavailableError
from pabal.config.settings import Settings
from pabal.directory.token.claims import TokenError
from pabal.directory.token.ports import HttpRequest
from tests.directory.clock import FakeClock
from tests.directory.token.issuer import AUDIENCE, ISSUER, Issuer, claims_of
from tests.support.authority import Authority

JWKS = "https://id.example.com/keys"
ASK = "https://id.example.com/introspect"


class Http:
    def __init__(self, *replies: bytes) -> None:
        self.replies = list(replies)
        self.requests: list[HttpRequest] = []

    async def __call__(self, request: HttpRequest, /) -> bytes:
        self.requests.append(request)
        if not self.replies:
            raise UnavailableError("nothing left")
        return self.replies.pop(0)


def having(settings: Settings, **auth: str) -> Settings:
    return replace(settings, auth=replace(settings.auth, **auth))


def test_nothing_set_is_nothing_on_offer(settings: Settings) -> None:
    assert token_desk(settings, Http(), FakeClock()) is None


async def test_signed_tokens(settings: Settings) -> None:
    issuer, clock = Issuer(), FakeClock()
    issuer.add_ec("k")
    http = Http(issuer.jwks())
    given = having(
        settings,
        oauth_jwks=JWKS,
        oauth_issuer=ISSUER,
        oauth_audience=AUDIENCE,
        oauth_scope="",
        oauth_discovery="https://id.example.com/d",
    )
    desk = token_desk(given, http, clock)
    assert desk is not None
    assert desk.hints.discovery == "https://id.example.com/d"
    claims = claims_of("a@example.com", clock.now() + 60)
    assert (await desk.check(issuer.token(claims, "k"))).user == "a@example.com"
    with pytest.raises(TokenError):
        await desk.check(issuer.token({**claims, "aud": "x"}, "k"))
    assert http.requests == [HttpRequest(JWKS)]


async def test_introspection(settings: Settings, tmp_path: Path) -> None:
    secret = tmp_path / "secret"
    secret.write_text("s3cret\n")
    http = Http(b'{"active": true, "sub": "a@example.com"}')
    given = having(
        settings,
        oauth_introspection=ASK,
        oauth_client="pabal",
        oauth_secret=str(secret),
        oauth_claim="sub",
    )
    desk = token_desk(given, http, FakeClock())
    assert desk is not None
    assert (await desk.check("x")).user == "a@example.com"
    (request,) = http.requests
    assert (request.url, request.user, request.password) == (ASK, "pabal", "s3cret")


@pytest.mark.parametrize(
    ("auth", "why"),
    [
        ({"oauth_jwks": JWKS, "oauth_introspection": ASK}, "both set"),
        ({"oauth_jwks": JWKS}, "needs oauth_issuer"),
        ({"oauth_jwks": "http://id.example.com/keys"}, "no https URL"),
        ({"oauth_introspection": "http://id.example.com/"}, "no https URL"),
        ({"oauth_introspection": "id.example.com"}, "no https URL"),
        ({"oauth_introspection": "https://[x"}, "no https URL"),
        ({"oauth_introspection": "https://a:b/"}, "no https URL"),
        ({"oauth_introspection": ASK, "oauth_secret": "/nowhere"}, "cannot read"),
    ],
)
def test_what_is_not_safe_is_refused(
    settings: Settings, auth: dict[str, str], why: str
) -> None:
    with pytest.raises(OperatorError, match=why):
        token_desk(having(settings, **auth), Http(), FakeClock())


def test_http_to_this_machine_is_safe(settings: Settings) -> None:
    for host in ("127.0.0.1:8080", "[::1]", "localhost"):
        given = having(settings, oauth_introspection=f"http://{host}/")
        assert token_desk(given, Http(), FakeClock())


def test_client_certificates(settings: Settings, tmp_path: Path) -> None:
    assert tls_context(settings).for_users.end_point
    authority = Authority().write(tmp_path)
    context = tls_context(having(settings, client_ca=str(authority)))
    assert context.for_users is not context
