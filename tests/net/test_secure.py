"""TLS in memory: two ends, and every way their octets can be cut."""

import random
import ssl
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from pabal.net.ports import TlsFailedError
from pabal.net.secure import (
    PIECE_OCTETS,
    RECORDS_AT_ONCE,
    Bios,
    TlsSession,
    TlsSetup,
)
from pabal.net.tls import opportunistic_client_context, server_context
from tests.support.authority import Authority
from tests.support.certificate import write_certificate
from tests.support.issuer import Issuer
from tests.support.records import Records

VERSIONS = (ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3)


@pytest.fixture
def setup(tmp_path: Path) -> TlsSetup:
    context = server_context(*write_certificate(tmp_path), protocols=("h2", "imap"))
    return TlsSetup(context)


@pytest.fixture(params=VERSIONS, ids=["1.2", "1.3"])
def version(request: pytest.FixtureRequest) -> ssl.TLSVersion:
    assert isinstance(request.param, ssl.TLSVersion)
    return request.param


def client_setup(version: ssl.TLSVersion | None = None) -> TlsSetup:
    context = opportunistic_client_context()
    if version:
        context.maximum_version = version
    return TlsSetup(context, server_side=False)


def shake_hands(server: TlsSession, client: TlsSession) -> bytes:
    """Let them come to terms; return the last octets of the server's, not yet fed."""
    _, hello = client.feed(b"")
    while True:
        _, answer = server.feed(hello)
        if client.info is not None or server.failure:
            return answer
        _, hello = client.feed(answer)


def ends(
    setup: TlsSetup, version: ssl.TLSVersion | None = None
) -> tuple[TlsSession, TlsSession]:
    server, client = TlsSession(setup), TlsSession(client_setup(version), "a.test")
    client.feed(shake_hands(server, client))
    return server, client


def test_octets_go_both_ways(setup: TlsSetup, version: ssl.TLSVersion) -> None:
    server, client = ends(setup, version)
    assert server.info is not None
    assert server.info.version == version.name.replace("_", ".")
    assert server.info.bits >= 128
    assert client.info is not None
    assert client.info.cipher == server.info.cipher
    for plain in (b"x", b"y" * 100, random.randbytes(3 * PIECE_OCTETS + 7)):
        cipher = client.encrypt(plain)
        assert max(map(len, cipher)) < PIECE_OCTETS * 1.01
        assert server.feed(b"".join(cipher)) == (plain, b"")
        assert client.feed(b"".join(server.encrypt(plain))) == (plain, b"")
    assert server.encrypt(b"") == []
    assert not server.ended


def test_what_is_known_of_the_other_end(setup: TlsSetup, tmp_path: Path) -> None:
    authority = Authority()
    trusting = server_context(*write_certificate(tmp_path), authority.write(tmp_path))
    known = client_setup()
    known.context.load_cert_chain(authority.issue(tmp_path, "a@example.com"))
    server = TlsSession(TlsSetup(trusting.for_users))
    client = TlsSession(known)
    client.feed(shake_hands(server, client))
    assert server.info is not None
    assert server.info.client_addresses == ("a@example.com",)
    assert server.info.end_point == trusting.end_point != b""
    assert client.info is not None
    assert client.info.end_point == b""
    nobody, _ = ends(setup)
    assert nobody.info is not None
    assert nobody.info.client_addresses == ()


def test_a_protocol_both_know(setup: TlsSetup) -> None:
    asking = client_setup()
    asking.context.set_alpn_protocols(["ftp", "imap"])
    server, client = TlsSession(setup), TlsSession(asking)
    client.feed(shake_hands(server, client))
    assert server.info is not None
    assert server.info.protocol == "imap"
    assert client.info is not None
    assert client.info.protocol == "imap"


def test_a_client_that_checks_names(tmp_path: Path) -> None:
    certificate, key = tmp_path / "own.pem", tmp_path / "own.key"
    Issuer().issue(certificate, key, "right.test")
    setup = TlsSetup(server_context(certificate, key))
    checking = TlsSetup(ssl.create_default_context(), server_side=False)
    checking.context.load_verify_locations(certificate)
    checking.context.verify_flags |= ssl.VerifyFlags.VERIFY_X509_PARTIAL_CHAIN
    right = TlsSession(checking, "right.test")
    shake_hands(TlsSession(setup), right)
    assert not right.failure
    wrong = TlsSession(checking, "wrong.test")
    server = TlsSession(setup)
    _, hello = wrong.feed(b"")
    plain, alert = wrong.feed(server.feed(hello)[1])
    assert "mismatch" in wrong.failure
    assert wrong.ended
    assert wrong.info is None
    assert (plain, wrong.encrypt(b"secret"), wrong.end()) == (b"", [], b"")
    server.feed(alert)
    assert server.failure
    for name in ("", "a..test"):
        with pytest.raises(TlsFailedError):
            TlsSession(checking, name)


def test_the_end_in_one_direction(setup: TlsSetup, version: ssl.TLSVersion) -> None:
    server, client = ends(setup, version)
    last = b"".join([*client.encrypt(b"QUIT"), client.end(), b"anything"])
    assert server.feed(last) == (b"QUIT", b"")
    assert server.ended
    assert not server.failure
    assert server.half_closed == (version is ssl.TLSVersion.TLSv1_3)
    if server.half_closed:
        assert client.feed(b"".join(server.encrypt(b"bye")))[0] == b"bye"
    assert server.feed(b"more") == (b"", b"")
    client.feed(server.end())
    assert client.ended
    assert not client.failure
    assert not client.half_closed or version is ssl.TLSVersion.TLSv1_3


@pytest.mark.parametrize(
    "octets",
    [
        b"EHLO a.test\r\n" * 3,
        b"GET / HTTP/1.1\r\n\r\n",
        bytes(100),
        b"\x16\x03\x01\xff\xff" + bytes(100),
        b"\x80\x2e\x01\x00\x02" + bytes(50),  # SSL 2
        random.Random(1).randbytes(1000),
    ],
)
def test_garbage_instead_of_a_handshake(setup: TlsSetup, octets: bytes) -> None:
    server = TlsSession(setup)
    plain, _alert = server.feed(octets)
    assert plain == b""
    assert server.failure
    assert server.ended
    assert server.encrypt(b"secret") == []
    assert server.end() == b""
    # What they left behind is not the next one's.
    again, client = ends(setup)
    assert again.feed(b"".join(client.encrypt(b"x"))) == (b"x", b"")


def test_forged_octets_end_it(setup: TlsSetup, version: ssl.TLSVersion) -> None:
    server, client = ends(setup, version)
    good, forged = client.encrypt(b"good"), bytearray(client.encrypt(b"evil")[0])
    forged[-1] ^= 1
    plain, alert = server.feed(good[0] + bytes(forged) + client.encrypt(b"late")[0])
    assert plain == b"good"
    assert server.failure
    client.feed(alert)
    assert "alert" in client.failure
    assert server.encrypt(b"x") == []


def cuts(octets: bytes, seed: int) -> Iterator[bytes]:
    chance = random.Random(seed)
    at = 0
    while at < len(octets):
        size = chance.choice((1, 2, 5, 21, 100, 16_000, 40_000))
        yield octets[at : at + size]
        at += size


@pytest.mark.parametrize("seed", range(20))
def test_wherever_it_is_cut(
    setup: TlsSetup, version: ssl.TLSVersion, seed: int
) -> None:
    """Sessions that share their memory take turns, in the middle of records."""
    chance = random.Random(seed)
    clients = [TlsSession(client_setup(version)) for _ in range(4)]
    servers = [TlsSession(setup) for _ in range(4)]
    texts = [chance.randbytes(chance.randrange(1, 60_000)) for _ in clients]
    for client, server in zip(clients, servers, strict=True):
        _, hello = client.feed(b"")
        while client.info is None:
            answers = [server.feed(piece)[1] for piece in cuts(hello, seed)]
            replies = [client.feed(piece)[1] for piece in answers]
            hello = b"".join(replies)
        for piece in cuts(hello, seed):
            client.feed(server.feed(piece)[1])
    streams = [
        cuts(b"".join(client.encrypt(text)) + client.end(), seed + number)
        for number, (client, text) in enumerate(zip(clients, texts, strict=True))
    ]
    got = [b""] * len(clients)
    left = set(range(len(clients)))
    while left:
        one = chance.choice(sorted(left))
        try:
            plain, answer = servers[one].feed(next(streams[one]))
        except StopIteration:
            left.discard(one)
            continue
        got[one] += plain
        assert not answer
    assert got == texts
    assert all(server.ended and not server.failure for server in servers)


def test_every_place_to_cut(setup: TlsSetup, version: ssl.TLSVersion) -> None:
    server, client = ends(setup, version)
    for at in range(60):
        cipher = b"".join(client.encrypt(b"a NOOP\r\n") + client.encrypt(b"b IDLE\r\n"))
        plain = server.feed(cipher[:at])[0] + server.feed(cipher[at:])[0]
        assert plain == b"a NOOP\r\nb IDLE\r\n"


def test_the_shared_memory_is_empty_between_two_calls(setup: TlsSetup) -> None:
    def empty(bios: Bios) -> bool:
        return not bios.incoming.pending and not bios.outgoing.pending

    server, client = ends(setup)
    assert empty(setup.bios)
    cipher = client.encrypt(b"x" * 10_000)[0]
    server.feed(cipher[:5000])
    assert empty(setup.bios)
    server.feed(cipher[5000:] + client.end() + b"behind the end")
    assert empty(setup.bios)
    server.end()
    assert empty(setup.bios)


READ_OCTETS = 256 * 1024
"""What an event loop reads at once."""

STEP_MAX_S = 0.005
"""Others wait for their turn meanwhile."""


@pytest.mark.parametrize("kind", ["one octet", "other keys"])
def test_many_short_records_take_many_short_steps(
    setup: TlsSetup, tmp_path: Path, kind: str
) -> None:
    server = TlsSession(setup)
    client = Records.of(server, tmp_path)
    update = kind == "other keys"
    sent, count = bytearray(), 0
    while len(sent) < READ_OCTETS:
        sent += client.key_update() if update else client.record(b"x")
        count += 1
    steps: list[float] = []
    got, fed = b"", bytes(sent)
    while not steps or server.backlog:
        begun = time.thread_time()
        plain, _ = server.feed(fed)
        steps.append(time.thread_time() - begun)
        got, fed = got + plain, b""
    assert not server.failure
    assert len(steps) == -(-count // RECORDS_AT_ONCE)
    assert got == (b"" if update else b"x" * count)
    assert sorted(steps)[-2] < STEP_MAX_S  # but for once that the machine was elsewhere


def test_long_records_take_one_step(setup: TlsSetup) -> None:
    server, client = ends(setup)
    plain = random.randbytes(READ_OCTETS)
    assert server.feed(b"".join(client.encrypt(plain))) == (plain, b"")
    assert not server.backlog


def test_records_wait_wherever_they_are_cut(setup: TlsSetup, tmp_path: Path) -> None:
    server = TlsSession(setup)
    client = Records.of(server, tmp_path)
    sizes = [random.choice((1, 2, 50, 3_000)) for _ in range(4 * RECORDS_AT_ONCE)]
    plain = [random.randbytes(size) for size in sizes]
    sent = b"".join(map(client.record, plain))
    got = []
    while sent or server.backlog:
        size = random.choice((0, 1, 3, 5, 6, 700, 40_000))
        octets, sent = sent[:size], sent[size:]
        got.append(server.feed(octets)[0])
    assert not server.failure
    assert b"".join(got) == b"".join(plain)


def test_nothing_waits_behind_the_end(setup: TlsSetup, tmp_path: Path) -> None:
    server = TlsSession(setup)
    client = Records.of(server, tmp_path)
    many = b"".join(client.record(b"x") for _ in range(2 * RECORDS_AT_ONCE))
    plain, alert = server.feed(b"nonsense" + many)
    assert (plain, bool(alert), server.ended) == (b"", True, True)
    assert not server.backlog
