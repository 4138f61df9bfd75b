import pytest

from pabal.directory.token.claims import Bearer, TokenError, TokenRules, bearer

NOW = 1_700_000_000.0
RULES = TokenRules("https://id.example.com", "mail", "email", "imap")
GOOD: dict[str, object] = {
    "iss": "https://id.example.com",
    "aud": ["other", "mail"],
    "email": "a@example.com",
    "exp": NOW + 60,
    "nbf": NOW,
    "scope": "openid imap",
}


def test_good_claims() -> None:
    assert bearer(GOOD, RULES, NOW) == Bearer("a@example.com", NOW + 60)
    assert bearer({**GOOD, "aud": "mail"}, RULES, NOW).user == "a@example.com"


def test_only_what_is_set_is_asked_for() -> None:
    claims: dict[str, object] = {"sub": "a@example.com", "exp": NOW + 1}
    assert bearer(claims, TokenRules(claim="sub"), NOW).user == "a@example.com"


@pytest.mark.parametrize(
    ("change", "why"),
    [
        ({"iss": "https://evil.example.com"}, "another issuer"),
        ({"iss": None}, "another issuer"),
        ({"aud": "other"}, "another audience"),
        ({"aud": None}, "another audience"),
        ({"aud": [1, {"mail": 1}]}, "another audience"),
        ({"exp": NOW - 61}, "expired"),
        ({"exp": None}, "how long"),
        ({"exp": True}, "not a time"),
        ({"exp": "soon"}, "not a time"),
        ({"exp": float("nan")}, "not a time"),
        ({"exp": 10**400}, "not a time"),
        ({"nbf": NOW + 61}, "not good yet"),
        ({"scope": "openid"}, "does not allow"),
        ({"scope": None}, "does not allow"),
        ({"email": ""}, "no email"),
        ({"email": ["a@example.com"]}, "no email"),
        ({"email_verified": False}, "nobody verified"),
    ],
)
def test_bad_claims(change: dict[str, object], why: str) -> None:
    with pytest.raises(TokenError, match=why):
        bearer({**GOOD, **change}, RULES, NOW)
