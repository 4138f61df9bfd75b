import json

import pytest

from pabal.directory.token import jwt
from pabal.directory.token.claims import TokenError
from tests.directory.token.issuer import Issuer, encoded, jwk


@pytest.fixture(scope="module")
def issuer() -> Issuer:
    one = Issuer()
    one.add_ec("e1")
    one.add_ec("e2")
    one.add_rsa("r1")
    return one


@pytest.mark.parametrize("kid", ["e1", "r1"])
def test_what_was_signed_is_believed(issuer: Issuer, kid: str) -> None:
    keys = jwt.read_keys(issuer.jwks())
    assert [key.kid for key in keys] == ["e1", "e2", "r1"]
    parsed = jwt.parse(issuer.token({"sub": "회의"}, kid))
    assert parsed.kid == kid
    assert jwt.claims(parsed, keys) == {"sub": "회의"}
    others = [key for key in keys if key.kid != kid]
    with pytest.raises(TokenError, match="signature is wrong"):
        jwt.claims(parsed, others)


def test_what_was_changed_is_not(issuer: Issuer) -> None:
    keys = jwt.read_keys(issuer.jwks())
    head, _, signature = issuer.token({"sub": "a"}, "r1").split(".")
    other = encoded(json.dumps({"sub": "b"}).encode())
    with pytest.raises(TokenError, match="signature is wrong"):
        jwt.claims(jwt.parse(f"{head}.{other}.{signature}"), keys)
    with pytest.raises(TokenError, match="signature is wrong"):
        jwt.claims(jwt.parse(f"{head}.{other}.AAAA"), keys)


def test_the_algorithm_must_fit_the_key(issuer: Issuer) -> None:
    keys = jwt.read_keys(issuer.jwks())
    forged = issuer.token({"sub": "a"}, "e1", alg="RS256")
    with pytest.raises(TokenError, match="signature is wrong"):
        jwt.claims(jwt.parse(forged), keys)


@pytest.mark.parametrize("algorithm", ["none", "HS256", "PS256", "RS512", ""])
def test_other_algorithms(issuer: Issuer, algorithm: str) -> None:
    with pytest.raises(TokenError, match="another algorithm"):
        jwt.parse(issuer.token({}, "e1", alg=algorithm))


def test_critical_extensions(issuer: Issuer) -> None:
    with pytest.raises(TokenError, match="critical"):
        jwt.parse(issuer.token({}, "e1", crit=["b64"]))


@pytest.mark.parametrize(
    "token",
    [
        "",
        "a.b",
        "a.b.c.d",
        "e30.e30.e30",
        f"{encoded(b'[' * 9000)}.e30.e30",
        f"{encoded(b'{')}.e30.e30",
        "a.b.c",
        "é.b.c",
        "e30=.e30.e30",
    ],
)
def test_no_tokens(token: str) -> None:
    with pytest.raises(TokenError):
        jwt.parse(token)


def test_claims_that_are_none(issuer: Issuer) -> None:
    keys = jwt.read_keys(issuer.jwks())
    deep: object = 1
    for _ in range(500):
        deep = [deep]
    assert jwt.claims(jwt.parse(issuer.token({"a": deep}, "e1")), keys)["a"]


def test_keys_that_are_not_for_this() -> None:
    issuer = Issuer()
    issuer.add_ec("e")
    issuer.add_rsa("short", 1024)
    good = jwk("e", issuer.keys["e"])
    keys = [
        jwk("short", issuer.keys["short"]),
        {**good, "use": "enc"},
        {**good, "crv": "P-384"},
        {**good, "alg": "ES384"},
        {**good, "x": good["y"]},
        {**good, "x": "!"},
        {"kty": "oct", "k": "AAAA"},
        {},
        good,
    ]
    found = jwt.read_keys(json.dumps({"keys": keys, "more": 1}).encode())
    assert [key.kid for key in found] == ["e"]


@pytest.mark.parametrize("octets", [b"", b"[]", b'{"keys": 1}', b"[" * 9000, b"\xff"])
def test_no_key_sets(octets: bytes) -> None:
    with pytest.raises(jwt.KeySetError):
        jwt.read_keys(octets)
