"""One connection's log-in, without a socket: what asyncssh asks, and what is said."""

import asyncio
import hashlib
from dataclasses import dataclass, field

import asyncssh
import pytest
from cryptography.hazmat.primitives.asymmetric import ed25519

from pabal.directory.authenticator import DirectoryAuthenticator
from pabal.directory.book import Book
from pabal.directory.memory import MemoryTables
from pabal.directory.publickey import parse_public_key, with_key
from pabal.directory.settings import AuthSettings
from pabal.message.address import Mailbox
from pabal.ssh import login as module
from pabal.ssh.access import Access
from pabal.ssh.channel import Workshop
from pabal.ssh.login import KEYS_OFFERED_MAX, PASSWORDS_MAX, SESSIONS_MAX, Login
from pabal.ssh.settings import ConsoleSettings
from tests.directory.clock import FakeClock
from tests.directory.contract import CHEAP
from tests.ssh.programs import Scripts
from tests.support import sshkeys

ADMIN, USER, PASSWORD = "admin@a.test", "user@a.test", "a long password 42"


@dataclass
class Connection:
    """As much of a connection as a log-in needs."""

    ended: list[str] = field(default_factory=list)

    def get_extra_info(self, name: str) -> tuple[str, int]:
        assert name == "peername"
        return "::ffff:192.0.2.7", 4711

    def disconnect(self, code: int, why: str) -> None:
        self.ended.append(why)


class Rig:
    """The directory, the guard, and log-ins at them."""

    def __init__(self, *, passwords: bool = True) -> None:
        self.clock = FakeClock()
        self.pauses: list[float] = []
        self.book = Book(MemoryTables(), self.clock, CHEAP)
        self.book.add_domain("a.test")
        for address in (ADMIN, USER):
            self.book.add_account(Mailbox.parse(address), PASSWORD)
        self.private, public = sshkeys.ed25519_key()
        for address in (ADMIN, USER):
            self.book.keyring.change(address, lambda keys: with_key(keys, public))
        self.key = asyncssh.import_public_key(public_line(public.blob))
        self.log_ins = DirectoryAuthenticator(
            self.book, AuthSettings(), self.clock, self.pause
        )
        settings = ConsoleSettings(frozenset({ADMIN}), passwords)
        self.access = Access(self.book, self.book.keyring, settings)
        self.connection = Connection()

    async def pause(self, seconds: float) -> None:
        self.pauses.append(seconds)

    def login(self) -> Login:
        made = Login(self.access, self.log_ins, Workshop(Scripts()), self.clock)
        made.connection_made(self.connection)  # type: ignore[arg-type]
        return made


def public_line(blob: bytes) -> str:
    return sshkeys.text("ssh-ed25519", blob[-32:])


@pytest.fixture
async def rig() -> Rig:
    return Rig()


async def test_a_key_of_an_administrator(rig: Rig) -> None:
    login = rig.login()
    assert login.begin_auth("admin")
    assert not login.session_requested(), "nothing before the log-in"
    assert login.validate_public_key("admin", rig.key)
    assert not login.session_requested(), "the proof is still to come"
    login.auth_completed()
    for _ in range(SESSIONS_MAX):
        assert login.session_requested()
    assert not login.session_requested()
    login.connection_lost(None)


async def test_others_and_their_keys_stay_outside(rig: Rig) -> None:
    login = rig.login()
    other = asyncssh.generate_private_key("ssh-ed25519")
    for user, key in (("admin", other), ("user", rig.key), ("", rig.key)):
        assert not login.validate_public_key(user, key)
    with pytest.raises(asyncssh.DisconnectError):
        login.auth_completed()
    login.connection_lost(None)


async def test_a_password_where_it_is_allowed(rig: Rig) -> None:
    login = rig.login()
    assert login.password_auth_supported()
    assert not await login.validate_password("admin", "wrong")
    assert rig.pauses == [AuthSettings().failure_delay_s]
    assert await login.validate_password("admin", PASSWORD)
    login.auth_completed()
    assert not Rig(passwords=False).login().password_auth_supported()


async def test_a_right_password_of_somebody_else_is_as_wrong_as_any(rig: Rig) -> None:
    login = rig.login()
    assert not await login.validate_password("user", PASSWORD)
    assert not await login.validate_password("nobody", PASSWORD)
    assert len(rig.pauses) == 2
    with pytest.raises(asyncssh.DisconnectError):
        login.auth_completed()


async def test_a_key_that_was_only_shown_does_not_help_a_wrong_password(
    rig: Rig,
) -> None:
    login = rig.login()
    assert login.validate_public_key("admin", rig.key)
    assert not await login.validate_password("admin", "wrong")
    with pytest.raises(asyncssh.DisconnectError):
        login.auth_completed()


async def test_tries_are_counted_in_a_connection(rig: Rig) -> None:
    login = rig.login()
    other = asyncssh.generate_private_key("ssh-ed25519")
    for _ in range(KEYS_OFFERED_MAX):
        assert not login.validate_public_key("admin", other)
    with pytest.raises(asyncssh.DisconnectError, match="too many"):
        login.validate_public_key("admin", rig.key)
    for _ in range(PASSWORDS_MAX):
        assert not await login.validate_password("admin", "wrong")
    with pytest.raises(asyncssh.DisconnectError, match="too many"):
        await login.validate_password("admin", PASSWORD)


async def test_tries_are_counted_over_connections(rig: Rig) -> None:
    for _ in range(AuthSettings().failures_a_pair_max):
        assert rig.login().begin_auth("admin")
    with pytest.raises(asyncssh.DisconnectError, match="too many failures"):
        rig.login().begin_auth("admin")
    with pytest.raises(asyncssh.DisconnectError):
        rig.login().begin_auth(ADMIN)
    rig.clock.time += AuthSettings().pair_recovery_s
    assert rig.login().begin_auth("admin")


async def test_who_comes_in_pays_nothing(rig: Rig) -> None:
    for _ in range(3 * AuthSettings().failures_a_pair_max):
        login = rig.login()
        assert login.begin_auth("admin")
        assert login.validate_public_key("admin", rig.key)
        login.auth_completed()


async def test_rsa_signs_without_sha1(rig: Rig) -> None:
    key = asyncssh.import_public_key(sshkeys.public_text(sshkeys.rsa_key()))
    rig.login().validate_public_key("admin", key)
    assert key.all_sig_algorithms == {b"rsa-sha2-256", b"rsa-sha2-512"}


def touched(private: ed25519.Ed25519PrivateKey, data: bytes, flags: int) -> bytes:
    """Return what a security key signs: it was touched if the lowest flag is set."""
    state = bytes([flags]) + (7).to_bytes(4)
    said = hashlib.sha256(b"ssh:").digest() + state + hashlib.sha256(data).digest()
    name = b"sk-ssh-ed25519@openssh.com"
    return sshkeys.joined(name, private.sign(said)) + state


async def test_a_security_key_has_to_be_touched(rig: Rig) -> None:
    private = ed25519.Ed25519PrivateKey.generate()
    raw = private.public_key().public_bytes_raw()
    text = sshkeys.text("sk-ssh-ed25519@openssh.com", raw, b"ssh:")
    rig.book.keyring.change(ADMIN, lambda keys: with_key(keys, parse_public_key(text)))
    key = asyncssh.import_public_key(text)
    assert rig.login().validate_public_key("admin", key)
    key.set_touch_required(True)  # as the server does for every key
    assert key.verify(b"data", touched(private, b"data", 1))
    assert not key.verify(b"data", touched(private, b"data", 0))
    assert not key.verify(b"other", touched(private, b"data", 1))


async def test_a_connection_nobody_uses_is_closed(
    rig: Rig, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "IDLE_SECONDS", 0.01)
    login = rig.login()
    rig.clock.time += 0.005
    login.touch()
    await asyncio.sleep(0.03)
    assert rig.connection.ended == []
    rig.clock.time += 1
    await asyncio.sleep(0.03)
    assert len(rig.connection.ended) == 1
    login.connection_lost(None)
