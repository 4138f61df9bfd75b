"""One connection: who it is, and when it has to go.

Sources: RFC 4252 (log-in), RFC 4254 (what comes after).
Security: tries are counted before anything is checked, with those of the other
protocols' kind; nothing but sessions is granted afterwards.
"""

import asyncio
from typing import Final

import asyncssh
from typing_extensions import override

from pabal.base.clock import Clock
from pabal.base.log import Log
from pabal.net.sasl import Granted
from pabal.ssh.access import Access, Visitor
from pabal.ssh.channel import Session, Workshop
from pabal.ssh.ports import LogIns

KEYS_OFFERED_MAX: Final = 21
"""Times a public key is looked at in one connection: an agent offers the twenty it may
have one by one, and the right one comes once more with its proof."""

PASSWORDS_MAX: Final = 3
"""Passwords in one connection, as OpenSSH's client asks."""

SESSIONS_MAX: Final = 6
"""Sessions in one connection, for clients that share one."""

IDLE_SECONDS: Final = 1_800.0
"""A connection on which nothing happens for half an hour is forgotten somewhere."""

RSA: Final = b"ssh-rsa"
RSA_SIGNATURES: Final = frozenset({b"rsa-sha2-256", b"rsa-sha2-512"})

NOBODY: Final = ""
"""Checked in the place of who may not come in: as slowly, and never right."""

log = Log("ssh")


class Login(asyncssh.SSHServer):
    """Lets one client in, or not.

    Args (of the constructor):
        access: Who may come in.
        log_ins: Checks passwords and counts tries.
        workshop: Where programs run.
        clock: For how long nothing happened.
    """

    def __init__(
        self, access: Access, log_ins: LogIns, workshop: Workshop, clock: Clock
    ) -> None:
        self._access = access
        self._log_ins = log_ins
        self._workshop = workshop
        self._clock = clock
        self._connection: asyncssh.SSHServerConnection | None = None
        self._visitor: Visitor | None = None
        self._is_in = False
        self._tries = {"key": KEYS_OFFERED_MAX, "password": PASSWORDS_MAX}
        self._sessions = 0
        self._touched = clock.monotonic()
        self._timer: asyncio.TimerHandle | None = None
        self.client = ""

    @override
    def connection_made(self, conn: asyncssh.SSHServerConnection) -> None:
        self._connection = conn
        peer = conn.get_extra_info("peername")
        self.client = str(peer[0]).removeprefix("::ffff:")
        self._timer = asyncio.get_running_loop().call_later(
            IDLE_SECONDS, self._look_at_the_time
        )

    @override
    def connection_lost(self, exc: Exception | None) -> None:
        self._connection = None
        if self._timer is not None:
            self._timer.cancel()
        if self._is_in and self._visitor is not None:
            log.info(
                "logged out",
                account=self._visitor.account.address,
                client=self.client,
            )

    @override
    def begin_auth(self, username: str) -> bool:
        name = self._name(username)
        if not self._log_ins.admit(name, peer_address=self.client):
            log.warning("too many failures", user=username[:80], client=self.client)
            raise asyncssh.DisconnectError(
                asyncssh.DISC_NO_MORE_AUTH_METHODS_AVAILABLE,
                "too many failures; try again in some minutes",
            )
        return True

    @override
    def public_key_auth_supported(self) -> bool:
        return True

    @override
    def validate_public_key(self, username: str, key: asyncssh.SSHKey) -> bool:
        self._spend("key", username)
        if key.algorithm == RSA:
            # asyncssh would take a signature with SHA-1, too (RFC 8332 §2).
            key.all_sig_algorithms = set(RSA_SIGNATURES)
        visitor = self._access.by_key(username, key.public_data)
        if visitor is None:
            log.info("key refused", user=username[:80], client=self.client)
            return False
        # The proof is checked next; nobody is in before ``auth_completed``.
        self._visitor = visitor
        return True

    @override
    def password_auth_supported(self) -> bool:
        return self._access.settings.passwords

    @override
    async def validate_password(self, username: str, password: str) -> bool:
        self._visitor = None
        self._spend("password", username)
        account = self._access.administrator(username)
        name = account.address if account is not None else NOBODY
        answer = await self._log_ins.login(name, password, peer_address=self.client)
        if account is None or not isinstance(answer, Granted):
            log.warning("password refused", user=username[:80], client=self.client)
            return False
        self._visitor = Visitor(account, "password")
        return True

    @override
    def auth_completed(self) -> None:
        visitor, connection = self._visitor, self._connection
        if visitor is None or connection is None:
            raise asyncssh.DisconnectError(asyncssh.DISC_PROTOCOL_ERROR, "who is it?")
        self._is_in = True
        self.touch()
        name = visitor.account.address
        self._log_ins.forgive(name, peer_address=self.client)
        log.info("logged in", account=name, client=self.client, by=visitor.proof)

    @override
    def session_requested(self) -> Session | bool:
        if not self._is_in or self._visitor is None or self._sessions >= SESSIONS_MAX:
            return False
        self._sessions += 1
        return Session(self._workshop, self._visitor, self)

    def touch(self) -> None:
        """Take note that something happened."""
        self._touched = self._clock.monotonic()

    def end(self, why: str) -> None:
        """Close the connection."""
        if self._connection is not None:
            self._connection.disconnect(asyncssh.DISC_BY_APPLICATION, why)

    def _look_at_the_time(self) -> None:
        left = self._touched + IDLE_SECONDS - self._clock.monotonic()
        if left <= 0:
            log.info("idle", client=self.client)
            self.end("nothing happened for half an hour")
            return
        self._timer = asyncio.get_running_loop().call_later(
            left, self._look_at_the_time
        )

    def _name(self, username: str) -> str:
        """Return under which name tries of ``username`` are counted."""
        account = self._access.administrator(username)
        return account.address if account is not None else NOBODY

    def _spend(self, kind: str, username: str) -> None:
        self._tries[kind] -= 1
        if self._tries[kind] < 0:
            log.warning("too many tries", user=username[:80], client=self.client)
            raise asyncssh.DisconnectError(
                asyncssh.DISC_NO_MORE_AUTH_METHODS_AVAILABLE, "too many tries"
            )
