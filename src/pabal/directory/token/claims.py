"""What a token says, and whether it counts here.

Sans-IO.
Source: RFC 7519 §4.1 (iss, aud, exp, nbf), RFC 7662 §2.2 (the same of introspection),
RFC 6749 §3.3 (scope); ``email_verified`` is OpenID Connect's.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from pabal.directory.sasl.mechanism import SaslError

LEEWAY_S: Final = 60.0
"""How far the issuer's clock and ours may differ, seconds (RFC 7519 §4.1.4: a few
minutes at most)."""

TIME_MAX: Final = 1 << 53
"""Largest time, seconds: what JSON numbers hold exactly."""

Claims = Mapping[str, object]


class TokenError(SaslError):
    """The token is not good here; says why, for the log."""


@dataclass(frozen=True, slots=True)
class TokenRules:
    """Which tokens count.

    Attributes:
        issuer: Who must have made it; empty: whoever the endpoint vouches for.
        audience: Whom it must be for; empty: anybody.
        claim: Which claim names the account's address.
        scope: What it must allow; empty: nothing in particular.
    """

    issuer: str = ""
    audience: str = ""
    claim: str = "email"
    scope: str = ""


@dataclass(frozen=True, slots=True)
class Bearer:
    """Whom a good token names.

    Attributes:
        user: The address in the claim.
        until: When the token stops being good, seconds since 1970.
    """

    user: str
    until: float


def bearer(claims: Claims, rules: TokenRules, now: float) -> Bearer:
    """Return whom ``claims`` name.

    Raises:
        TokenError: They do not count at ``now``, or name nobody.
    """
    if rules.issuer and claims.get("iss") != rules.issuer:
        raise TokenError("the token is of another issuer")
    if rules.audience and rules.audience not in _texts(claims.get("aud")):
        raise TokenError("the token is for another audience")
    until = _time(claims, "exp")
    if until is None:
        raise TokenError("the token does not say how long it is good")
    if now >= until + LEEWAY_S:
        raise TokenError("the token has expired")
    if now < (_time(claims, "nbf") or 0.0) - LEEWAY_S:
        raise TokenError("the token is not good yet")
    if rules.scope and rules.scope not in str(claims.get("scope", "")).split():
        raise TokenError("the token does not allow mail")
    user = claims.get(rules.claim)
    if not isinstance(user, str) or not user:
        raise TokenError(f"the token has no {rules.claim}")
    if rules.claim == "email" and claims.get("email_verified") is False:
        raise TokenError("nobody verified the address in the token")
    return Bearer(user, until)


def _texts(value: object) -> list[str]:
    """Return a claim that is a text or a list of them (RFC 7519 §4.1.3)."""
    values = value if isinstance(value, list) else [value]
    return [one for one in values if isinstance(one, str)]


def _time(claims: Claims, name: str) -> float | None:
    value = claims.get(name)
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise TokenError(f"{name} is not a time")
    if not abs(value) < TIME_MAX:  # neither a number that is none
        raise TokenError(f"{name} is not a time")
    return float(value)
