"""Who somebody is: every log-in of every protocol ends here.

Passwords are hashed on a few threads, never on the loop; one that was right before is
recognised by its keyed digest in microseconds, until the account's password changes.

Security: an unknown user costs what a known one does (a hash, SCRAM rounds announced,
a salt that stays the same), failures are answered late and counted, and no password
reaches a log or a repr.
"""

import asyncio
import hmac
import secrets
from collections import OrderedDict
from collections.abc import Awaitable, Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Final

from pabal.base.clock import Clock
from pabal.base.log import Log
from pabal.directory.credential import (
    PASSWORD_MAX_OCTETS,
    SALT_OCTETS,
    ScramKeys,
    matches,
)
from pabal.directory.guard import Guard
from pabal.directory.ports import Account, Credentials
from pabal.directory.sasl.login import Login
from pabal.directory.sasl.mechanism import (
    Mechanism,
    PasswordGiven,
    SaslError,
    UserProven,
)
from pabal.directory.sasl.plain import Plain
from pabal.directory.sasl.scram import Scram
from pabal.directory.saslprep import SaslPrepError, prepare
from pabal.directory.settings import AuthSettings, Cleartext
from pabal.message.address import MAILBOX_MAX_OCTETS, AddressError, Mailbox
from pabal.net.endpoint import plain_address
from pabal.net.sasl import Challenge, Denied, Granted, Identity, SaslExchange, SaslStep

HASH_THREADS: Final = 2
"""Hashes at once: each fills a core and ``ARGON2_MEMORY_KIB``."""

HASHES_WAITING_MAX: Final = 128
"""Log-ins that wait for a hash; more are told to come back: seconds of work already."""

VERIFIED_MAX: Final = 20_000
"""Passwords recognised without hashing, least recently used forgotten first."""

_SCRAM: Final = "SCRAM-SHA-256"
_SHOWING_PASSWORD: Final = ("PLAIN", "LOGIN")

Pause = Callable[[float], Awaitable[None]]
"""Waits some seconds."""

log = Log("auth")


class DirectoryAuthenticator:
    """Implements ``pabal.net.sasl.Authenticator`` on a directory's credentials.

    Args (of the constructor):
        credentials: What log-ins are checked against.
        settings: Limits.
        clock: For the limits.
        pause: Waits before a failure is answered.
    """

    def __init__(
        self,
        credentials: Credentials,
        settings: AuthSettings,
        clock: Clock,
        pause: Pause = asyncio.sleep,
    ) -> None:
        self._credentials = credentials
        self._settings = settings
        self._clock = clock
        self._pause = pause
        self._guard = Guard(settings)
        self._passwords = _Passwords(credentials)

    def mechanisms(self, *, encrypted: bool) -> tuple[str, ...]:
        """Return the mechanisms on offer.

        Args:
            encrypted: Whether a password is safe: TLS, or ``cleartext_allowed``.
        """
        if encrypted or self._settings.cleartext is Cleartext.ALWAYS:
            return (_SCRAM, *_SHOWING_PASSWORD)
        return (_SCRAM,)

    def cleartext_allowed(self, *, peer_address: str, encrypted: bool) -> bool:
        """Whether a password may travel over this connection ([auth] cleartext)."""
        rule = self._settings.cleartext
        if encrypted or rule is Cleartext.ALWAYS:
            return True
        if rule is Cleartext.NEVER:
            return False
        try:
            return plain_address(peer_address).is_loopback
        except ValueError:
            return False

    def start(
        self, mechanism: str, *, peer_address: str, encrypted: bool
    ) -> SaslExchange | None:
        """Return an exchange, or ``None`` if ``mechanism`` is not on offer."""
        name = mechanism.upper()
        if name == _SCRAM:
            return _Exchange(self, Scram(self.keys_of), peer_address)
        if name not in _SHOWING_PASSWORD or not self.cleartext_allowed(
            peer_address=peer_address, encrypted=encrypted
        ):
            return None
        return _Exchange(self, Plain() if name == "PLAIN" else Login(), peer_address)

    async def login(
        self, user: str, password: str, *, peer_address: str
    ) -> Granted | Denied:
        """Check a user name and password."""
        canonical = _canonical(user)
        account = self._credentials.account_of(canonical)
        guess = self._passwords.guess(account, password)
        # A program that opens ten connections at once makes one guess, not ten.
        fresh = not self._passwords.is_underway(guess)
        if fresh and not self._guard.admit(
            peer_address, canonical, self._clock.monotonic()
        ):
            return await self.deny("too many failures", user, peer_address)
        try:
            right = await self._passwords.check(guess)
        except _TooBusyError:
            if fresh:
                self._forgive(peer_address, canonical)
            return Denied("too many log-ins at once", temporary=True)
        if not right or account is None:
            return await self.deny("wrong password", user, peer_address)
        return await self._grant(account, peer_address, forgive=fresh)

    def keys_of(self, user: str) -> ScramKeys:
        """Return the SCRAM keys of ``user``, invented ones if there is no such user.

        Invented ones are the same each time (RFC 5802 §9 leaves it to the server): a
        salt that changed would tell that nobody has the name.
        """
        account = self._credentials.account_of(user)
        credential = account and self._credentials.credential(account.id)
        if credential:
            return credential.scram
        digest = hmac.digest(
            self._credentials.secret, _canonical(user).encode("utf-8"), "sha512"
        )
        return ScramKeys(
            salt=digest[:SALT_OCTETS],
            iterations=self._credentials.cost.scram_iterations,
            stored_key=secrets.token_bytes(32),
            server_key=secrets.token_bytes(32),
        )

    async def conclude(
        self, mechanism: Mechanism, response: bytes, user: str, peer_address: str
    ) -> SaslStep:
        """Count a guess at ``user``, then take the proof that ``mechanism`` checks."""
        canonical = _canonical(user)
        if not self._guard.admit(peer_address, canonical, self._clock.monotonic()):
            return await self.deny("too many failures", user, peer_address)
        try:
            step = mechanism.step(response)
        except SaslError as error:
            return await self.deny(str(error), user, peer_address)
        account = self._credentials.account_of(canonical)
        if not isinstance(step, UserProven) or account is None:
            return await self.deny("wrong proof", user, peer_address)
        return await self._grant(account, peer_address, step.final)

    async def deny(self, reason: str, user: str, peer_address: str) -> Denied:
        """Return a failure, logged, after a pause."""
        log.warning("log-in failed", user=user[:80], peer=peer_address, reason=reason)
        await self._pause(self._settings.failure_delay_s)
        return Denied(reason)

    def close(self) -> None:
        """Let the hashing threads go."""
        self._passwords.close()

    async def _grant(
        self,
        account: Account,
        peer_address: str,
        final: bytes = b"",
        *,
        forgive: bool = True,
    ) -> Granted | Denied:
        if not account.enabled:
            return await self.deny("disabled", account.address, peer_address)
        if forgive:
            self._forgive(peer_address, account.address)
        return Granted(Identity(account.id, account.address), final)

    def _forgive(self, peer_address: str, user: str) -> None:
        self._guard.forgive(peer_address, user, self._clock.monotonic())


class _Exchange:
    """One attempt: implements ``SaslExchange``."""

    __slots__ = ("_authenticator", "_mechanism", "_peer", "_user")

    def __init__(
        self, authenticator: DirectoryAuthenticator, mechanism: Mechanism, peer: str
    ) -> None:
        self._authenticator = authenticator
        self._mechanism = mechanism
        self._peer = peer
        self._user = ""

    async def step(self, response: bytes | None) -> SaslStep:
        """Take the client's octets (``None``: none came), say what is next."""
        ours = self._authenticator
        mechanism = self._mechanism
        if isinstance(mechanism, Scram) and mechanism.user and response is not None:
            return await ours.conclude(mechanism, response, mechanism.user, self._peer)
        try:
            step = mechanism.step(response)
        except SaslError as error:
            return await ours.deny(str(error), self._user, self._peer)
        if isinstance(step, PasswordGiven):
            return await ours.login(step.user, step.password, peer_address=self._peer)
        if isinstance(step, Challenge):
            return step
        return await ours.deny("proof out of turn", self._user, self._peer)


class _TooBusyError(Exception):
    """Too many passwords wait to be hashed."""


@dataclass(frozen=True, slots=True)
class _Guess:
    """A password to check: by its digest, which is remembered, and as it is."""

    digest: bytes
    argon2: str = field(repr=False)
    prepared: str = field(repr=False)


class _Passwords:
    """Checks passwords on threads, and remembers by digest those that were right."""

    __slots__ = (
        "_credentials",
        "_executor",
        "_key",
        "_nobody",
        "_underway",
        "_verified",
    )

    def __init__(self, credentials: Credentials) -> None:
        self._credentials = credentials
        self._executor = ThreadPoolExecutor(HASH_THREADS, "password")
        self._key = secrets.token_bytes(32)
        self._nobody = ""
        self._verified: OrderedDict[bytes, None] = OrderedDict()
        self._underway: dict[bytes, asyncio.Future[bool]] = {}

    def guess(self, account: Account | None, password: str) -> _Guess:
        """Return what is to be checked; nobody's password is checked as slowly."""
        credential = account and self._credentials.credential(account.id)
        try:
            # None that long was ever set; empty matches nothing either.
            prepared = prepare(password) if len(password) <= PASSWORD_MAX_OCTETS else ""
        except SaslPrepError:
            prepared = ""
        argon2 = credential.argon2 if credential else ""
        # The hash has a salt of its own, so a changed password is another digest.
        text = f"{account.id if account else 0}\0{argon2}\0{prepared}"
        digest = hmac.digest(self._key, text.encode("utf-8", "surrogatepass"), "sha256")
        return _Guess(digest, argon2, prepared)

    def is_underway(self, guess: _Guess) -> bool:
        """Whether the very same guess is being checked right now."""
        return guess.digest in self._underway

    async def check(self, guess: _Guess) -> bool:
        """Whether the guess is right.

        Raises:
            _TooBusyError: ``HASHES_WAITING_MAX`` log-ins wait already.
        """
        if guess.argon2 and guess.digest in self._verified:
            self._verified.move_to_end(guess.digest)
            return True
        underway = self._underway.get(guess.digest)
        if underway is None:
            if len(self._underway) >= HASHES_WAITING_MAX:
                raise _TooBusyError
            underway = asyncio.get_running_loop().run_in_executor(
                self._executor, self._hash, guess.argon2, guess.prepared
            )
            self._underway[guess.digest] = underway
            underway.add_done_callback(lambda _: self._underway.pop(guess.digest, None))
        # Awaited for nobody as well: a name must not show by the time it takes.
        matches_hash = await asyncio.shield(underway)
        right = matches_hash and bool(guess.argon2)
        if right:
            self._verified[guess.digest] = None
            if len(self._verified) > VERIFIED_MAX:
                self._verified.popitem(last=False)
        return right

    def close(self) -> None:
        self._executor.shutdown(wait=True, cancel_futures=True)

    def _hash(self, argon2: str, prepared: str) -> bool:
        """Compare on a thread; without a hash, with one nobody knows the words of."""
        if not self._nobody:
            words = secrets.token_bytes()
            self._nobody = self._credentials.cost.hasher().hash(words)
        return matches(argon2 or self._nobody, prepared)


def _canonical(user: str) -> str:
    """Return the user name in the form limits and accounts are kept by."""
    try:
        return Mailbox.parse(user).canonical
    except AddressError:
        return user[:MAILBOX_MAX_OCTETS].casefold()
