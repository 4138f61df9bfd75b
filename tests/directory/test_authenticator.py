import asyncio
import logging
import secrets
import time
from collections.abc import Iterator

import pytest

from pabal.base.errors import UnavailableError
from pabal.directory import authenticator as module
from pabal.directory.authenticator import DirectoryAuthenticator
from pabal.directory.book import Book
from pabal.directory.memory import MemoryTables
from pabal.directory.sasl.oauth import Hints
from pabal.directory.settings import AuthSettings, Cleartext
from pabal.directory.token.claims import Bearer, TokenError
from pabal.directory.token.desk import TokenDesk
from pabal.message.address import Mailbox
from pabal.net.ports import TlsInfo
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


class Tokens:
    """Knows one token a user: ``for-USER``."""

    down = False

    async def __call__(self, token: str, /) -> Bearer:
        if self.down:
            raise UnavailableError("down")
        if not token.startswith("for-"):
            raise TokenError("unknown")
        return Bearer(token.removeprefix("for-").replace("_at_", "@"), 2e9)


class TokenSite(Site):
    def __init__(self) -> None:
        super().__init__(AuthSettings(failures_a_pair_max=3))
        self.tokens = Tokens()
        desk = TokenDesk(self.tokens, Hints("mail"), self.clock)
        self.auth = DirectoryAuthenticator(
            self.book, AuthSettings(), self.clock, self.pause, desk
        )

    async def bearer(self, mechanism: str, user: str, token: str) -> SaslStep:
        exchange = self.auth.start(mechanism, peer_address=PEER, encrypted=True)
        assert exchange
        message = f"n,a={user},\1auth=Bearer {token}\1\1"
        if mechanism == "XOAUTH2":
            message = f"user={user}\1auth=Bearer {token}\1\1"
        step = await exchange.step(message.encode())
        if isinstance(step, Challenge):
            assert b"mail" in step.octets
            return await exchange.step(b"\1")
        return step


@pytest.fixture
def tokens() -> Iterator[TokenSite]:
    site = TokenSite()
    yield site
    site.auth.close()


@pytest.mark.parametrize("mechanism", ["OAUTHBEARER", "XOAUTH2"])
async def test_tokens(tokens: TokenSite, mechanism: str) -> None:
    step = await tokens.bearer(
        mechanism, "Alice@Example.com", "for-alice_at_example.com"
    )
    assert step == Granted(Identity(tokens.account.id, ALICE))
    assert tokens.pauses == []
    for user, token in (
        (ALICE, "stolen"),
        (ALICE, "for-bob_at_example.com"),
        ("bob@example.com", "for-alice_at_example.com"),
        ("bob@example.com", "for-bob_at_example.com"),
    ):
        assert isinstance(await tokens.bearer(mechanism, user, token), Denied)
    assert len(tokens.pauses) == 4


async def test_a_token_alone_says_who(tokens: TokenSite) -> None:
    exchange = tokens.auth.start("OAUTHBEARER", peer_address=PEER, encrypted=True)
    assert exchange
    step = await exchange.step(b"n,,\1auth=Bearer for-alice_at_example.com\1\1")
    assert step == Granted(Identity(tokens.account.id, ALICE))


async def test_tokens_of_an_account_that_is_off(tokens: TokenSite) -> None:
    tokens.book.change_account(ALICE, enabled=False)
    step = await tokens.bearer("XOAUTH2", ALICE, "for-alice_at_example.com")
    assert step == Denied("disabled")


async def test_no_tokens_while_their_issuer_is_away(tokens: TokenSite) -> None:
    tokens.tokens.down = True
    for _ in range(20):
        step = await tokens.bearer("XOAUTH2", ALICE, "for-alice_at_example.com")
        assert isinstance(step, Denied)
        assert step.temporary
    tokens.tokens.down = False
    step = await tokens.bearer("XOAUTH2", ALICE, "for-alice_at_example.com")
    assert isinstance(step, Granted)


async def test_guessing_tokens_is_limited(tokens: TokenSite) -> None:
    steps = [await tokens.bearer("XOAUTH2", ALICE, f"guess{n}") for n in range(30)]
    assert steps[-1] == Denied("too many failures")


def test_tokens_are_on_offer_where_passwords_are(tokens: TokenSite) -> None:
    assert tokens.auth.mechanisms(encrypted=True) == (
        *("SCRAM-SHA-256", "OAUTHBEARER", "XOAUTH2", "PLAIN", "LOGIN"),
    )
    assert tokens.auth.mechanisms(encrypted=False) == ("SCRAM-SHA-256",)
    assert not tokens.auth.start("XOAUTH2", peer_address=PEER, encrypted=False)


BOUND = TlsInfo("TLSv1.3", "AES", 256, end_point=b"here")


@pytest.mark.parametrize(
    ("mechanism", "gs2", "binding", "good"),
    [
        ("SCRAM-SHA-256-PLUS", "p=tls-server-end-point,,", b"here", True),
        ("SCRAM-SHA-256-PLUS", "p=tls-server-end-point,,", b"there", False),
        ("SCRAM-SHA-256", "n,,", b"", True),
        ("SCRAM-SHA-256", "y,,", b"", False),
    ],
)
async def test_channel_binding(
    site: Site, mechanism: str, gs2: str, binding: bytes, good: bool
) -> None:
    exchange = site.auth.start(mechanism, peer_address=PEER, encrypted=True, tls=BOUND)
    assert exchange
    client = ScramClient(ALICE, "sesame", gs2, binding)
    step = await exchange.step(client.first())
    if isinstance(step, Challenge):
        step = await exchange.step(client.last(step.octets))
    assert isinstance(step, Granted) is good


async def test_binding_is_on_offer_where_there_is_something_to_bind_to(
    site: Site,
) -> None:
    offered = site.auth.mechanisms(encrypted=True, tls=BOUND)
    assert offered[:2] == ("SCRAM-SHA-256-PLUS", "SCRAM-SHA-256")
    plain = TlsInfo("TLSv1.3", "AES")
    assert "SCRAM-SHA-256-PLUS" not in site.auth.mechanisms(encrypted=True, tls=plain)
    assert not site.auth.start(
        "SCRAM-SHA-256-PLUS", peer_address=PEER, encrypted=True, tls=plain
    )


@pytest.mark.parametrize(
    ("names", "wanted", "good"),
    [
        ((ALICE,), b"", True),
        (("Alice@Example.com", "b@example.com"), ALICE.encode(), True),
        ((ALICE, "b@example.com"), b"", False),
        (("nobody@example.com",), b"", False),
        (("b@example.com",), ALICE.encode(), False),
    ],
)
async def test_certificates(
    site: Site, names: tuple[str, ...], wanted: bytes, good: bool
) -> None:
    tls = TlsInfo("TLSv1.3", "AES", client_addresses=names)
    assert site.auth.mechanisms(encrypted=True, tls=tls)[0] == "EXTERNAL"
    exchange = site.auth.start("EXTERNAL", peer_address=PEER, encrypted=True, tls=tls)
    assert exchange
    assert await exchange.step(None) == Challenge(b"")
    assert isinstance(await exchange.step(wanted), Granted) is good
    assert not site.auth.start("EXTERNAL", peer_address=PEER, encrypted=True, tls=BOUND)
