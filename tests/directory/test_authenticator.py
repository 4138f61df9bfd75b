import asyncio
import logging
import secrets
import time
from collections.abc import Iterator

import pytest

from pabal.directory import authenticator as module
from pabal.directory.authenticator import DirectoryAuthenticator
from pabal.directory.book import Book
from pabal.directory.memory import MemoryTables
from pabal.directory.settings import AuthSettings, Cleartext
from pabal.message.address import Mailbox
from pabal.net.sasl import Authenticator, Challenge, Denied, Granted, Identity, SaslStep
from tests.directory.clock import FakeClock
from tests.directory.contract import CHEAP
from tests.directory.sasl.client import ScramClient

PEER = "192.0.2.1"
ALICE = "alice@example.com"


class Site:
    """A directory with one account and its authenticator."""

    def __init__(self, settings: AuthSettings) -> None:
        self.clock = FakeClock()
        self.pauses: list[float] = []
        self.book = Book(MemoryTables(), self.clock, CHEAP)
        self.book.add_domain("example.com")
        self.account = self.book.add_account(Mailbox.parse(ALICE), "sesame")
        self.auth = DirectoryAuthenticator(self.book, settings, self.clock, self.pause)

    async def pause(self, seconds: float) -> None:
        self.pauses.append(seconds)

    async def login(self, user: str, password: str, peer: str = PEER) -> bool:
        result = await self.auth.login(user, password, peer_address=peer)
        return isinstance(result, Granted)

    async def scram(self, user: str, password: str) -> SaslStep:
        exchange = self.auth.start("scram-sha-256", peer_address=PEER, encrypted=False)
        assert exchange
        client = ScramClient(user, password)
        assert await exchange.step(None) == Challenge(b"")
        challenge = await exchange.step(client.first())
        assert isinstance(challenge, Challenge)
        step = await exchange.step(client.last(challenge.octets))
        if isinstance(step, Granted):
            assert step.final == client.signature
        return step


@pytest.fixture
def site() -> Iterator[Site]:
    site = Site(AuthSettings(failures_a_pair_max=3))
    yield site
    site.auth.close()


async def test_login(site: Site) -> None:
    port: Authenticator = site.auth
    result = await port.login("Alice@Example.com", "sesame", peer_address=PEER)
    assert result == Granted(Identity(site.account.id, ALICE))
    assert site.pauses == []


@pytest.mark.parametrize(
    ("user", "password"),
    [
        (ALICE, "Sesame"),
        (ALICE, ""),
        (ALICE, "a\x07"),
        (ALICE, "sesame" + "x" * 2000),
        ("bob@example.com", "sesame"),
        ("alice", "sesame"),
        ("", ""),
    ],
)
async def test_failures_look_alike(site: Site, user: str, password: str) -> None:
    result = await site.auth.login(user, password, peer_address=PEER)
    assert result == Denied("wrong password")
    assert site.pauses == [1.0]


async def test_an_unknown_user_is_hashed_for_too(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    hashed: list[str] = []

    def matches(argon2: str, password: str) -> bool:
        hashed.append(argon2)
        return False

    monkeypatch.setattr(module, "matches", matches)
    await site.login("bob@example.com", "x")
    await site.login(ALICE, "x")
    assert len(hashed) == 2
    assert hashed[0].rsplit("$", 2)[0] == hashed[1].rsplit("$", 2)[0]


async def test_verified_once_is_recognised_until_the_password_changes(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert await site.login(ALICE, "sesame")
    with monkeypatch.context() as patch:
        patch.setattr(module, "matches", lambda *_: pytest.fail("hashed again"))
        started = time.perf_counter()
        for _ in range(100):
            assert await site.login(ALICE, "sesame")
        assert time.perf_counter() - started < 0.1
    assert not await site.login(ALICE, "other")
    site.book.set_password(ALICE, "other")
    assert not await site.login(ALICE, "sesame")
    assert await site.login(ALICE, "other")


async def test_lock_out_and_recovery(site: Site) -> None:
    for _ in range(3):
        assert not await site.login(ALICE, "wrong")
    assert not await site.login(ALICE, "sesame")
    assert await site.login(ALICE, "sesame", peer="198.51.100.7")
    site.clock.time += 61
    assert await site.login(ALICE, "sesame")


async def test_scram_failures_count_too(site: Site) -> None:
    for _ in range(3):
        assert await site.scram(ALICE, "wrong") == Denied("wrong proof")
    assert await site.scram(ALICE, "sesame") == Denied("too many failures")
    assert site.pauses == [1.0] * 4


async def test_right_log_ins_are_never_too_many(site: Site) -> None:
    for _ in range(20):
        assert await site.login(ALICE, "sesame")
        assert isinstance(await site.scram(ALICE, "sesame"), Granted)


async def test_scram_tells_nothing_about_unknown_users(site: Site) -> None:
    first = site.auth.keys_of("bob@example.com")
    again = site.auth.keys_of("BOB@example.com")
    known = site.auth.keys_of(ALICE)
    assert first.salt == again.salt != site.auth.keys_of("carol@example.com").salt
    assert first.iterations == known.iterations
    assert len(first.salt) == len(known.salt)
    assert first.stored_key != again.stored_key
    assert await site.scram("bob@example.com", "x") == Denied("wrong proof")


async def test_disabled_account(site: Site) -> None:
    site.book.change_account(ALICE, enabled=False)
    assert not await site.login(ALICE, "sesame")
    assert await site.scram(ALICE, "sesame") == Denied("disabled")


async def test_plain_and_login(site: Site) -> None:
    plain = site.auth.start("PLAIN", peer_address=PEER, encrypted=True)
    assert plain
    granted = await plain.step(b"\0alice@example.com\0sesame")
    assert granted == Granted(Identity(site.account.id, ALICE))
    login = site.auth.start("login", peer_address=PEER, encrypted=True)
    assert login
    assert await login.step(None) == Challenge(b"Username:")
    assert await login.step(ALICE.encode()) == Challenge(b"Password:")
    assert isinstance(await login.step(b"sesame"), Granted)


async def test_broken_messages_are_denied(site: Site) -> None:
    for mechanism in ("PLAIN", "LOGIN", "SCRAM-SHA-256"):
        exchange = site.auth.start(mechanism, peer_address=PEER, encrypted=True)
        assert exchange
        assert isinstance(await exchange.step(b"\xff"), Denied)
    assert len(site.pauses) == 3


@pytest.mark.parametrize(
    ("rule", "peer", "allowed"),
    [
        (Cleartext.NEVER, "127.0.0.1", False),
        (Cleartext.LOOPBACK, "127.1.2.3", True),
        (Cleartext.LOOPBACK, "::ffff:127.0.0.1", True),
        (Cleartext.LOOPBACK, "::1", True),
        (Cleartext.LOOPBACK, PEER, False),
        (Cleartext.LOOPBACK, "nonsense", False),
        (Cleartext.ALWAYS, PEER, True),
    ],
)
def test_where_passwords_may_travel(rule: Cleartext, peer: str, allowed: bool) -> None:
    site = Site(AuthSettings(cleartext=rule))
    auth = site.auth
    assert auth.cleartext_allowed(peer_address=peer, encrypted=False) is allowed
    assert auth.cleartext_allowed(peer_address=peer, encrypted=True)
    for name in ("PLAIN", "LOGIN"):
        started = auth.start(name, peer_address=peer, encrypted=False)
        assert (started is not None) is allowed
    assert auth.start("SCRAM-SHA-256", peer_address=peer, encrypted=False)
    assert auth.start("CRAM-MD5", peer_address=peer, encrypted=True) is None
    assert auth.mechanisms(encrypted=True) == ("SCRAM-SHA-256", "PLAIN", "LOGIN")
    hidden = auth.mechanisms(encrypted=False)
    assert ("PLAIN" in hidden) is (rule is Cleartext.ALWAYS)
    auth.close()


async def test_too_many_at_once_are_told_to_come_back(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "HASHES_WAITING_MAX", 2)
    results = await asyncio.gather(
        *(
            site.auth.login(ALICE, password, peer_address=f"192.0.2.{n}")
            for n, password in enumerate(("sesame", "a", "b", "c", "d"))
        )
    )
    busy = Denied("too many log-ins at once", temporary=True)
    assert results.count(busy) == 3
    assert isinstance(results[0], Granted)
    assert results[1] == Denied("wrong password")


async def test_the_cache_is_bounded(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "VERIFIED_MAX", 1)
    site.book.add_account(Mailbox.parse("bob@example.com"), "open")
    assert await site.login(ALICE, "sesame")
    assert await site.login("bob@example.com", "open")
    assert len(site.auth._passwords._verified) == 1


async def test_no_password_in_the_log(
    site: Site, caplog: pytest.LogCaptureFixture
) -> None:
    word = secrets.token_hex()
    with caplog.at_level(logging.DEBUG, "pabal"):
        await site.login(ALICE, word)
        await site.scram(ALICE, word)
    assert len(caplog.records) == 2
    assert not any(word in str(vars(record)) for record in caplog.records)


async def test_one_program_with_many_connections_makes_one_guess(site: Site) -> None:
    right = await asyncio.gather(*(site.login(ALICE, "sesame") for _ in range(20)))
    assert right == [True] * 20
    wrong = await asyncio.gather(*(site.login(ALICE, "Sesame") for _ in range(20)))
    assert wrong == [False] * 20
    assert await site.login(ALICE, "sesame"), "twenty times the same guess is one"


async def test_different_guesses_at_once_are_counted(site: Site) -> None:
    guesses = [f"guess {number}" for number in range(10)]
    await asyncio.gather(*(site.login(ALICE, guess) for guess in guesses))
    assert not await site.login(ALICE, "sesame")
