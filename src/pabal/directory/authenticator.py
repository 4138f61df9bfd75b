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
from pabal.base.errors import UnavailableError
from pabal.base.log import Log
from pabal.directory.credential import (
    PASSWORD_MAX_OCTETS,
    SALT_OCTETS,
    ScramKeys,
    matches,
)
from pabal.directory.guard import Guard
from pabal.directory.ports import Account, Credentials
from pabal.directory.sasl.external import External
from pabal.directory.sasl.login import Login
from pabal.directory.sasl.mechanism import (
    Mechanism,
    PasswordGiven,
    SaslError,
    TokenGiven,
    UserProven,
    canonical_user,
)
from pabal.directory.sasl.oauth import OAuthBearer, XOAuth2
from pabal.directory.sasl.plain import Plain
from pabal.directory.sasl.scram import Scram
from pabal.directory.saslprep import SaslPrepError, prepare
from pabal.directory.settings import AuthSettings, Cleartext
from pabal.directory.token.desk import TokenDesk
from pabal.net.endpoint import plain_address
from pabal.net.ports import TlsInfo
from pabal.net.sasl import Challenge, Denied, Granted, Identity, SaslExchange, SaslStep

HASH_THREADS: Final = 2
"""Hashes at once: each fills a core and ``ARGON2_MEMORY_KIB``."""

HASHES_WAITING_MAX: Final = 128
"""Log-ins that wait for a hash; more are told to come back: seconds of work already."""

VERIFIED_MAX: Final = 20_000
"""Passwords recognised without hashing, least recently used forgotten first."""

_EXTERNAL: Final = "EXTERNAL"
_SCRAM: Final = "SCRAM-SHA-256"
_SCRAM_PLUS: Final = "SCRAM-SHA-256-PLUS"
_OAUTH: Final = ("OAUTHBEARER", "XOAUTH2")
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
        tokens: Checks bearer tokens; ``None``: no mechanism with them is on offer.
        pause: Waits before a failure is answered.
    """

    def __init__(
        self,
        credentials: Credentials,
        settings: AuthSettings,
        clock: Clock,
        pause: Pause = asyncio.sleep,
        tokens: TokenDesk | None = None,
    ) -> None:
        self._credentials = credentials
        self._settings = settings
        self._clock = clock
        self._pause = pause
        self._guard = Guard(settings)
        self._passwords = _Passwords(credentials)
        self._tokens = tokens

    def mechanisms(
        self, *, encrypted: bool, tls: TlsInfo | None = None
    ) -> tuple[str, ...]:
        """Return the mechanisms on offer, those that prove most first.

        Args:
            encrypted: Whether a password is safe: TLS, or ``cleartext_allowed``.
            tls: The TLS there is.
        """
        found = [_SCRAM]
        if tls is not None and tls.end_point:
            found.insert(0, _SCRAM_PLUS)
        if tls is not None and tls.client_addresses:
            found.insert(0, _EXTERNAL)
        if encrypted or self._settings.cleartext is Cleartext.ALWAYS:
            if self._tokens is not None:
                found += _OAUTH
            found += _SHOWING_PASSWORD
        return tuple(found)

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
        self,
        mechanism: str,
        *,
        peer_address: str,
        encrypted: bool,
        tls: TlsInfo | None = None,
    ) -> SaslExchange | None:
        """Return an exchange, or ``None`` if ``mechanism`` is not on offer."""
        safe = self.cleartext_allowed(peer_address=peer_address, encrypted=encrypted)
        name = mechanism.upper()
        if name not in self.mechanisms(encrypted=safe, tls=tls):
            return None
        return _Exchange(self, self._mechanism(name, tls), peer_address)

    def _mechanism(self, name: str, tls: TlsInfo | None) -> Mechanism:
        if name in {_SCRAM, _SCRAM_PLUS}:
            end_point = tls.end_point if tls is not None else b""
            return Scram(self.keys_of, end_point=end_point, plus=name == _SCRAM_PLUS)
        if name == _EXTERNAL and tls is not None:
            return External(tls.client_addresses)
        if name in _OAUTH and self._tokens is not None:
            hints = self._tokens.hints
            return XOAuth2(hints) if name == "XOAUTH2" else OAuthBearer(hints)
        return Plain() if name == "PLAIN" else Login()

    def admit(self, user: str, *, peer_address: str) -> bool:
        """Count a try of ``user`` that is checked elsewhere; ``False``: too many."""
        return self._guard.admit(
            peer_address, canonical_user(user), self._clock.monotonic()
        )

    def forgive(self, user: str, *, peer_address: str) -> None:
        """Take back such a try: it was right."""
        self._forgive(peer_address, canonical_user(user))

    async def login(
        self, user: str, password: str, *, peer_address: str
    ) -> Granted | Denied:
        """Check a user name and password."""
        canonical = canonical_user(user)
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
            self._credentials.secret, canonical_user(user).encode("utf-8"), "sha512"
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
        canonical = canonical_user(user)
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

    async def certified(self, user: str, peer_address: str) -> Granted | Denied:
        """Let in whom a certificate names."""
        account = self._credentials.account_of(user)
        if account is None:
            return await self.deny("nobody has that address", user, peer_address)
        return await self._grant(account, peer_address, forgive=False)

    async def check_token(
        self, given: TokenGiven, peer_address: str
    ) -> Granted | Denied:
        """Let in whom a token names."""
        wanted = canonical_user(given.user)
        if self._tokens is None:
            return await self.deny("tokens are not taken", wanted, peer_address)
        fresh = not self._tokens.is_known(given.token)
        now = self._clock.monotonic()
        if fresh and not self._guard.admit(peer_address, wanted, now):
            return await self.deny("too many failures", wanted, peer_address)
        try:
            named = await self._tokens.check(given.token)
        except UnavailableError as error:
            log.warning("tokens cannot be checked", reason=str(error))
            if fresh:
                self._forgive(peer_address, wanted)
            return Denied(str(error), temporary=True)
        except SaslError as error:
            return await self.deny(str(error), wanted, peer_address)
        address = canonical_user(named.user)
        account = self._credentials.account_of(address)
        if account is None or wanted not in {"", address}:
            return await self.deny("the token names another", wanted, peer_address)
        if fresh:
            self._forgive(peer_address, wanted)
        return await self._grant(account, peer_address, forgive=False)

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

    __slots__ = ("_authenticator", "_denied", "_mechanism", "_peer")

    def __init__(
        self, authenticator: DirectoryAuthenticator, mechanism: Mechanism, peer: str
    ) -> None:
        self._authenticator = authenticator
        self._mechanism = mechanism
        self._peer = peer
        self._denied: Denied | None = None

    async def step(self, response: bytes | None) -> SaslStep:
        """Take the client's octets (``None``: none came), say what is next."""
        if self._denied is not None:
            return self._denied
        ours, mechanism = self._authenticator, self._mechanism
        if isinstance(mechanism, Scram) and mechanism.user and response is not None:
            return await ours.conclude(mechanism, response, mechanism.user, self._peer)
        try:
            step = mechanism.step(response)
        except SaslError as error:
            return await ours.deny(str(error), "", self._peer)
        return step if isinstance(step, Challenge) else await self._judge(step)

    async def _judge(self, step: PasswordGiven | TokenGiven | UserProven) -> SaslStep:
        ours = self._authenticator
        match step:
            case PasswordGiven(user, password):
                return await ours.login(user, password, peer_address=self._peer)
            case TokenGiven():
                return await self._token(step)
            case UserProven(user) if isinstance(self._mechanism, External):
                return await ours.certified(user, self._peer)
            case UserProven():
                return await ours.deny("proof out of turn", "", self._peer)

    async def _token(self, given: TokenGiven) -> SaslStep:
        verdict = await self._authenticator.check_token(given, self._peer)
        mechanism = self._mechanism
        if (
            isinstance(verdict, Granted)
            or verdict.temporary
            or not isinstance(mechanism, OAuthBearer | XOAuth2)
        ):
            return verdict
        # RFC 7628 §3.2.3: why it failed, which the client answers before it fails.
        self._denied = verdict
        return Challenge(mechanism.refusal())


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
