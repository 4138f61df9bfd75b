"""SASL messages: an answer or ``SaslError``, never anything else."""

import string

from hypothesis import given, settings
from hypothesis import strategies as st

from pabal.directory.credential import HashCost, ScramKeys, scram_keys
from pabal.directory.sasl.login import Login
from pabal.directory.sasl.mechanism import Mechanism, PasswordGiven, SaslError
from pabal.directory.sasl.plain import Plain
from pabal.directory.sasl.scram import Scram
from pabal.directory.saslprep import SaslPrepError, prepare

KEYS = scram_keys(b"x", HashCost(scram_iterations=1))

TOKENS = [
    b"n,,", b"y,,", b"p=x,,", b"n=", b"a=", b"r=", b"c=biws", b"p=", b",", b"=2C",
    b"=3D", b"=", b"\0", b"user", b"AAAA", "한".encode(), b"\xff", b"m=1",
]  # fmt: skip

MESSAGES = st.one_of(
    st.binary(max_size=80),
    st.lists(st.sampled_from(TOKENS), max_size=10).map(b"".join),
)


def keys_of(user: str) -> ScramKeys:
    assert user
    return KEYS


@settings(max_examples=300, deadline=None)
@given(st.sampled_from([Plain, Login, lambda: Scram(keys_of)]), st.lists(MESSAGES))
def test_any_messages(make: type[Plain], messages: list[bytes]) -> None:
    machine: Mechanism = make()
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
