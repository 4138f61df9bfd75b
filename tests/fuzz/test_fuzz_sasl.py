"""SASL messages: an answer or ``SaslError``, never anything else."""

import base64
import string
from collections.abc import Callable

from hypothesis import given, settings
from hypothesis import strategies as st

from pabal.directory.credential import HashCost, ScramKeys, scram_keys
from pabal.directory.sasl.external import External
from pabal.directory.sasl.login import Login
from pabal.directory.sasl.mechanism import Mechanism, PasswordGiven, SaslError
from pabal.directory.sasl.oauth import OAuthBearer, XOAuth2
from pabal.directory.sasl.plain import Plain
from pabal.directory.sasl.scram import Scram
from pabal.directory.saslprep import SaslPrepError, prepare
from pabal.directory.token import jwt
from pabal.directory.token.claims import TokenError, TokenRules, bearer

KEYS = scram_keys(b"x", HashCost(scram_iterations=1))

TOKENS = [
    b"n,,", b"y,,", b"p=x,,", b"n=", b"a=", b"r=", b"c=biws", b"p=", b",", b"=2C",
    b"=3D", b"=", b"\0", b"user", b"AAAA", "한".encode(), b"\xff", b"m=1", b"\1",
    b"auth=Bearer x", b"user=", b"p=tls-server-end-point,,", b"c=", b"a=user,",
]  # fmt: skip

MESSAGES = st.one_of(
    st.binary(max_size=80),
    st.lists(st.sampled_from(TOKENS), max_size=10).map(b"".join),
)


def keys_of(user: str) -> ScramKeys:
    assert user
    return KEYS


MACHINES: list[Callable[[], Mechanism]] = [
    Plain,
    Login,
    lambda: Scram(keys_of),
    lambda: Scram(keys_of, end_point=b"x", plus=True),
    OAuthBearer,
    XOAuth2,
    lambda: External(["a@example.com"]),
]


@settings(max_examples=400, deadline=None)
@given(st.sampled_from(MACHINES), st.lists(MESSAGES))
def test_any_messages(make: Callable[[], Mechanism], messages: list[bytes]) -> None:
    machine = make()
    try:
        for message in messages:
            machine.step(message)
    except SaslError as error:
        assert str(error)  # noqa: PT017 (the invariant: this error and no other)


@given(
    st.text(
        st.characters(exclude_characters="\0", exclude_categories=["Cs"]), min_size=1
    ),
    st.text(string.printable, min_size=1),
)
def test_plain_is_what_was_sent(user: str, password: str) -> None:
    message = f"\0{user}\0{password}".encode()
    assert Plain().step(message) == PasswordGiven(user, password)


@given(st.text())
def test_prepared_text_stays_as_it_is(text: str) -> None:
    try:
        prepared = prepare(text)
    except SaslPrepError:
        return
    assert prepare(prepared) == prepared


JSON = [b"{", b"}", b"[", b"]", b'"alg"', b":", b'"RS256"', b",", b"1e999", b"\xff"]
JSON_TEXTS = st.lists(st.sampled_from(JSON), max_size=12).map(b"".join)


@given(st.one_of(st.text(), st.tuples(JSON_TEXTS, JSON_TEXTS).map(lambda p: spell(*p))))
def test_any_token(token: str) -> None:
    try:
        jwt.claims(jwt.parse(token), ())
    except TokenError as error:
        assert str(error)  # noqa: PT017 (the invariant: this error and no other)


def spell(head: bytes, claims: bytes) -> str:
    parts = (base64.urlsafe_b64encode(part).decode() for part in (head, claims))
    return ".".join((*(part.rstrip("=") for part in parts), "AAAA"))


@given(st.one_of(st.binary(), JSON_TEXTS))
def test_any_key_set(octets: bytes) -> None:
    try:
        assert jwt.read_keys(octets) == ()
    except jwt.KeySetError as error:
        assert str(error)  # noqa: PT017 (the invariant: this error and no other)


@given(
    st.dictionaries(
        st.sampled_from(["exp", "nbf", "aud", "email"]),
        st.one_of(
            st.none(),
            st.booleans(),
            st.integers(),
            st.floats(),
            st.text(),
            st.lists(st.text()),
        ),
    )
)
def test_any_claims(claims: dict[str, object]) -> None:
    try:
        assert bearer(claims, TokenRules(audience="a"), 1e9).user
    except TokenError as error:
        assert str(error)  # noqa: PT017 (the invariant: this error and no other)
