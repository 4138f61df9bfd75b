"""Cipher text: cut anywhere it means the same; changed anywhere it ends the session."""

from collections.abc import Iterable
from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pabal.net.secure import TlsSession, TlsSetup
from pabal.net.tls import opportunistic_client_context, server_context
from tests.support.certificate import write_certificate

CUTS = st.lists(st.integers(0, 6000), max_size=12)
TEXTS = st.lists(st.binary(min_size=1, max_size=700), min_size=1, max_size=4)


@pytest.fixture(scope="module")
def setups(tmp_path_factory: pytest.TempPathFactory) -> tuple[TlsSetup, TlsSetup]:
    directory: Path = tmp_path_factory.mktemp("tls")
    context = server_context(*write_certificate(directory))
    client = TlsSetup(opportunistic_client_context(), server_side=False)
    return TlsSetup(context), client


def pieces(octets: bytes, cuts: Iterable[int]) -> list[bytes]:
    places = sorted({0, len(octets), *(cut % (len(octets) + 1) for cut in cuts)})
    return [octets[a:b] for a, b in pairwise(places)]


def feed(
    session: TlsSession, octets: bytes, cuts: Iterable[int]
) -> tuple[bytes, bytes]:
    plain, answers = b"", b""
    for piece in pieces(octets, cuts):
        meant, answer = session.feed(piece)
        plain += meant
        answers += answer
    return plain, answers


def connected(
    setups: tuple[TlsSetup, TlsSetup], cuts: Iterable[int] = ()
) -> tuple[TlsSession, TlsSession]:
    server, client = TlsSession(setups[0]), TlsSession(setups[1])
    _, octets = client.feed(b"")
    while client.info is None or server.info is None:
        _, octets = feed(server, octets, cuts)
        _, octets = feed(client, octets, cuts)
    return server, client


@settings(max_examples=60, deadline=None)
@given(TEXTS, CUTS)
def test_cut_anywhere(
    setups: tuple[TlsSetup, TlsSetup], texts: list[bytes], cuts: list[int]
) -> None:
    server, client = connected(setups, cuts)
    cipher = [piece for text in texts for piece in client.encrypt(text)]
    octets = b"".join(cipher) + client.end()
    assert feed(server, octets, cuts) == (b"".join(texts), b"")
    assert server.ended
    assert not server.failure


@settings(max_examples=60, deadline=None)
@given(TEXTS, CUTS, st.integers(0, 10_000), st.integers(1, 255))
def test_changed_anywhere(
    setups: tuple[TlsSetup, TlsSetup],
    texts: list[bytes],
    cuts: list[int],
    place: int,
    change: int,
) -> None:
    server, client = connected(setups)
    cipher = [piece for text in texts for piece in client.encrypt(text)]
    octets = bytearray(b"".join(cipher) + client.end())
    octets[place % len(octets)] ^= change
    plain, _ = feed(server, bytes(octets), cuts)
    assert b"".join(texts).startswith(plain)
    assert not server.ended or server.failure
    if server.failure:
        assert not server.encrypt(b"x")


@settings(max_examples=60, deadline=None)
@given(
    st.sampled_from([b"", b"\x16\x03\x01", b"\x15\x03\x03\0\2", b"\x80\x2e\1\3\1"]),
    st.binary(max_size=400),
    CUTS,
)
def test_anything_instead_of_a_handshake(
    setups: tuple[TlsSetup, TlsSetup], begin: bytes, octets: bytes, cuts: list[int]
) -> None:
    for setup in setups:
        session = TlsSession(setup)
        plain, _ = feed(session, begin + octets, cuts)
        assert plain == b""
        assert session.info is None
        assert not session.encrypt(b"secret")
    assert not setups[0].bios.incoming.pending
