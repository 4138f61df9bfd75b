"""What log-ins need from ``[auth]`` and ``[tls]``: certificates, tokens."""

import ipaddress
from pathlib import Path
from urllib.parse import urlsplit

from pabal.base.clock import Clock
from pabal.base.errors import OperatorError
from pabal.config.settings import AuthSection, Settings
from pabal.directory.sasl.oauth import Hints
from pabal.directory.token.claims import TokenRules
from pabal.directory.token.desk import TokenDesk
from pabal.directory.token.introspection import Endpoint, IntrospectedTokens
from pabal.directory.token.ports import Http, HttpRequest, TokenCheck
from pabal.directory.token.signed import SignedTokens
from pabal.net.tls import ServerContext, server_context


def tls_context(settings: Settings) -> ServerContext:
    """Return what listeners show.

    Raises:
        OperatorError: A file cannot be used; says which.
    """
    issuers = settings.auth.client_ca
    return server_context(
        settings.tls.certificate,
        settings.tls.key,
        Path(issuers) if issuers else None,
    )


def token_desk(settings: Settings, http: Http, clock: Clock) -> TokenDesk | None:
    """Return what checks bearer tokens, ``None`` if nothing is set.

    Raises:
        OperatorError: What is set does not make a safe whole.
    """
    auth = settings.auth
    if not auth.oauth_jwks and not auth.oauth_introspection:
        return None
    rules = TokenRules(
        auth.oauth_issuer, auth.oauth_audience, auth.oauth_claim, auth.oauth_scope
    )
    return TokenDesk(
        _check(auth, rules, http, clock),
        Hints(auth.oauth_scope, auth.oauth_discovery),
        clock,
    )


def _check(
    auth: AuthSection, rules: TokenRules, http: Http, clock: Clock
) -> TokenCheck:
    if auth.oauth_jwks and auth.oauth_introspection:
        raise OperatorError(
            "oauth_jwks and oauth_introspection are both set.",
            "Tokens are checked in one way: leave one out under [auth] in pabal.toml.",
        )
    if auth.oauth_introspection:
        _check_url("oauth_introspection", auth.oauth_introspection)
        secret = _secret(auth.oauth_secret) if auth.oauth_secret else ""
        endpoint = Endpoint(auth.oauth_introspection, auth.oauth_client, secret)
        return IntrospectedTokens(http, endpoint, rules, clock)
    url = auth.oauth_jwks
    _check_url("oauth_jwks", url)
    if not auth.oauth_issuer or not auth.oauth_audience:
        # RFC 8725 §3.8, §3.9: the same keys sign tokens for other services.
        raise OperatorError(
            "oauth_jwks needs oauth_issuer and oauth_audience.",
            "Set both under [auth] in pabal.toml: whose tokens, and made for whom.",
        )
    return SignedTokens(lambda: http(HttpRequest(url)), rules, clock)


def _check_url(key: str, url: str) -> None:
    """Refuse an URL that would show tokens, or take keys from anybody."""
    try:
        parts = urlsplit(url)
        host, port = parts.hostname or "", parts.port
    except ValueError:
        parts, host, port = urlsplit(""), "", None
    del port
    if host and (parts.scheme == "https" or (parts.scheme == "http" and _here(host))):
        return
    raise OperatorError(
        f"{key} is {url!r}, which is no https URL.",
        "Write https://HOST/PATH under [auth] in pabal.toml (http for 127.0.0.1 only).",
    )


def _here(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def _secret(path: str) -> str:
    try:
        return Path(path).read_text("utf-8").strip()
    except (OSError, UnicodeDecodeError) as error:
        raise OperatorError(
            f"cannot read {path}: {error}.",
            "oauth_secret under [auth] in pabal.toml is a file the server may read.",
        ) from error
