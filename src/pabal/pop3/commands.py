"""What each POP3 command does.

Source: RFC 1939 §4-§7; RFC 2449 §5 (CAPA); RFC 2595 §4 (STLS); RFC 5034 (AUTH);
RFC 3206 and RFC 2449 §8 (response codes); RFC 6856 (UTF8).
Security: a failed log-in tells nothing about what failed; how long it takes and how
often it may be tried is the authenticator's.
"""

import enum
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, replace
from typing import Final

from pabal.base.errors import UnavailableError
from pabal.base.log import Log
from pabal.net.sasl import Challenge, Denied, Granted, SaslStep
from pabal.pop3 import language
from pabal.pop3.language import Language
from pabal.pop3.maildrop import Maildrop
from pabal.pop3.ports import Services
from pabal.pop3.session import Session
from pabal.pop3.wire import (
    CommandError,
    challenge,
    err,
    listing,
    ok,
    parse_auth,
    parse_base64,
    parse_command,
    parse_numbers,
    parse_retrievals,
    parse_text,
)
from pabal.store.ports import StoreError

log = Log("pop3")


class Then(enum.Enum):
    """What the driver does after the reply was sent."""

    START_TLS = "start TLS"
    CLOSE = "close"


@dataclass(frozen=True, slots=True)
class Turn:
    """A reply after which the connection is not what it was."""

    octets: bytes
    then: Then


Reply = bytes | AsyncIterator[bytes] | Turn
"""A response; in pieces when it is long."""

Run = Callable[[bytes], Awaitable[Reply]]

FETCHED_MAX: Final = 1_000
"""Retrieved messages remembered before somebody is told."""

_UNAVAILABLE: Final = err("try again later", "SYS/TEMP")
_LOGIN_FAILED: Final = err("log-in failed", "AUTH")


class Commands:
    """Answers the lines of one client, one after the other.

    Args (of the constructor):
        services: What is asked.
        session: The client's state.
        peer: The client's address.
        session_id: For the log.
    """

    def __init__(
        self, services: Services, session: Session, peer: str, session_id: str
    ) -> None:
        self._services = services
        self._session = session
        self._peer = peer
        self._id = session_id
        self._maildrop: Maildrop | None = None
        self._account_id = 0
        self._granted: Granted | None = None
        self._run: dict[bytes, Run] = {
            b"CAPA": self._capa,
            b"QUIT": self._quit,
            b"STLS": self._stls,
            b"USER": self._user,
            b"PASS": self._pass,
            b"AUTH": self._auth,
            b"UTF8": self._utf8,
            b"LANG": self._lang,
            b"STAT": self._stat,
            b"LIST": self._list,
            b"RETR": self._retr,
            b"DELE": self._dele,
            b"NOOP": self._noop,
            b"RSET": self._rset,
            b"TOP": self._top,
            b"UIDL": self._uidl,
        }

    async def handle(self, line: bytes) -> Reply:
        """Return the reply to ``line``. Never raises for what a peer can send."""
        reply = await self._answer(line)
        spoken = self._session.language
        if isinstance(reply, bytes):
            return spoken.reply(reply)
        if isinstance(reply, Turn):
            return replace(reply, octets=spoken.reply(reply.octets))
        return _spoken(spoken, reply)

    @property
    def reads_ahead(self) -> bool:
        """Whether ``retrieve_ahead`` may find something."""
        return self._maildrop is not None and self._maildrop.has_ahead

    def at_once(self, line: bytes) -> bytes | None:
        """Return the reply to a RETR of what was read ahead; else ``handle`` it."""
        return self.retrieve_ahead(line + b"\r\n")[1] if self.reads_ahead else None

    def retrieve_ahead(self, octets: bytes) -> tuple[int, bytes]:
        """Return how many of the RETRs in ``octets`` are answered, and the answers.

        Most lines of a client that takes its mail are such ones, of messages that were
        read ahead.
        """
        maildrop = self._maildrop
        if maildrop is None:
            return 0, b""
        room = max(0, FETCHED_MAX - len(maildrop.retrieved))
        found = maildrop.retrieve_ahead(map(int, parse_retrievals(octets)[:room]))
        spoken = self._session.language
        groups = [[one] for one in found] if spoken.words else [found]
        return len(found), b"".join(spoken.reply(maildrop.told(one)) for one in groups)

    async def _answer(self, line: bytes) -> Reply:
        session = self._session
        try:
            if session.exchange is not None:
                return await self._continue(line)
            command = parse_command(line)
            session.check(command)
            return await self._run[command.verb](command.argument)
        except CommandError as error:
            if session.failed_command():
                return Turn(err("too many errors", "SYS/PERM"), Then.CLOSE)
            return err(str(error))
        except StoreError as error:
            log.warning("store", session=self._id, reason=str(error))
            return _UNAVAILABLE
        except UnavailableError as error:
            log.warning("unavailable", session=self._id, reason=str(error))
            return _UNAVAILABLE

    def close(self) -> None:
        """Let the maildrop go: marks are forgotten unless QUIT was said."""
        maildrop, self._maildrop = self._maildrop, None
        if maildrop is not None:
            maildrop.close()
            self._tell_fetched(maildrop)

    def _tell_fetched(self, maildrop: Maildrop) -> None:
        if maildrop.retrieved:
            self._services.fetched(self._account_id, tuple(maildrop.retrieved))
            maildrop.retrieved.clear()

    @property
    def _drop(self) -> Maildrop:
        if self._maildrop is None:
            raise CommandError("no maildrop")
        return self._maildrop

    # Any state.

    async def _capa(self, argument: bytes) -> Reply:
        _nothing(argument)
        session, authenticator = self._session, self._services.authenticator
        allowed = self._cleartext_allowed()
        days = None
        if self._maildrop is not None:
            days = await self._services.expiry(self._account_id)
        return listing(
            session.capabilities(
                authenticator.mechanisms(encrypted=allowed, tls=session.tls),
                cleartext_allowed=allowed,
                expire_days=days,
            )
        )

    async def _quit(self, argument: bytes) -> Reply:
        _nothing(argument)
        if self._maildrop is None:
            return Turn(ok("bye"), Then.CLOSE)
        try:
            await self._maildrop.update()
        except (StoreError, UnavailableError) as error:
            # RFC 1939 §6: some messages marked as deleted were not removed.
            log.warning("messages not removed", session=self._id, reason=str(error))
            return Turn(err("messages were not removed", "SYS/TEMP"), Then.CLOSE)
        finally:
            self.close()
        return Turn(ok("bye"), Then.CLOSE)

    async def _lang(self, argument: bytes) -> Reply:
        wanted = argument.strip().decode("latin-1")
        if not wanted:
            return listing(language.listing())
        found = language.find(wanted)
        if found is None:
            return err("no such language")
        self._session.language = found
        return ok(f"{found.tag} {found.changed}")

    # AUTHORIZATION.

    async def _stls(self, argument: bytes) -> Reply:
        _nothing(argument)
        if not self._session.stls_allowed:
            raise CommandError("TLS is not on offer")
        return Turn(ok("begin TLS"), Then.START_TLS)

    async def _utf8(self, argument: bytes) -> Reply:
        _nothing(argument)
        self._session.utf8 = True
        return ok()

    async def _user(self, argument: bytes) -> Reply:
        if not self._cleartext_allowed():
            return err("passwords need TLS here: use STLS", "SYS/PERM")
        self._session.user = parse_text(argument)
        # RFC 1939 §7 allows a +OK for a name nobody has.
        return ok()

    async def _pass(self, argument: bytes) -> Reply:
        user, self._session.user = self._session.user, ""
        if not user:
            raise CommandError("USER first")
        password = parse_text(argument)
        step = await self._services.authenticator.login(
            user, password, peer_address=self._peer
        )
        return await self._concluded(step)

    async def _auth(self, argument: bytes) -> Reply:
        authenticator = self._services.authenticator
        allowed = self._cleartext_allowed()
        if not argument:
            # Older than RFC 5034, still asked: which mechanisms are there?
            return listing(
                authenticator.mechanisms(encrypted=allowed, tls=self._session.tls)
            )
        mechanism, initial = parse_auth(argument)
        exchange = authenticator.start(
            mechanism,
            peer_address=self._peer,
            encrypted=self._session.encrypted,
            tls=self._session.tls,
        )
        if exchange is None:
            raise CommandError("mechanism is not on offer")
        self._session.exchange = exchange
        return await self._sasl(await exchange.step(initial))

    async def _continue(self, line: bytes) -> Reply:
        exchange, granted = self._session.exchange, self._granted
        if line == b"*":
            self._session.exchange = self._granted = None
            return err("cancelled")
        if granted is not None:
            self._granted = None
            return await self._concluded(granted)
        try:
            response = parse_base64(line)
        except CommandError:
            self._session.exchange = None
            raise
        if exchange is None:
            raise CommandError("no AUTH in progress")
        return await self._sasl(await exchange.step(response))

    async def _sasl(self, step: SaslStep) -> Reply:
        if isinstance(step, Challenge):
            return challenge(step.octets)
        if isinstance(step, Granted) and step.final:
            # RFC 5034 §4: +OK carries no data, so it is one more challenge.
            self._granted = step
            return challenge(step.final)
        return await self._concluded(step)

    async def _concluded(self, step: Granted | Denied) -> Reply:
        if isinstance(step, Denied):
            log.info("log-in refused", session=self._id, reason=step.reason)
            if self._session.failed_login():
                return Turn(err("too many failures", "AUTH"), Then.CLOSE)
            return _UNAVAILABLE if step.temporary else _LOGIN_FAILED
        self._session.exchange = None
        identity = step.identity
        store = await self._services.store.account(identity.account_id)
        delay_s = self._session.settings.login_delay_s
        if delay_s and not store.turns.take("pop3", self._services.now(), delay_s):
            # RFC 2449 §8.1.1.
            return err("too soon after the last log-in", "LOGIN-DELAY")
        tools = self._services.tools
        maildrop = await Maildrop.open(store, utf8=self._session.utf8, tools=tools)
        if maildrop is None:
            return err("another session has the maildrop", "IN-USE")
        self._maildrop = maildrop
        self._account_id = identity.account_id
        self._session.logged_in()
        log.info("logged in", session=self._id, account=identity.address)
        return ok(f"{len(maildrop)} messages")

    def _cleartext_allowed(self) -> bool:
        return self._services.authenticator.cleartext_allowed(
            peer_address=self._peer, encrypted=self._session.encrypted
        )

    # TRANSACTION.

    async def _stat(self, argument: bytes) -> Reply:
        _nothing(argument)
        count, octets = await self._drop.stat()
        return ok(f"{count} {octets}")

    async def _list(self, argument: bytes) -> Reply:
        numbers = parse_numbers(argument, 0, 1)
        if not numbers:
            return self._drop.size_listing()
        return ok(f"{numbers[0]} {await self._drop.size(numbers[0])}")

    async def _uidl(self, argument: bytes) -> Reply:
        numbers = parse_numbers(argument, 0, 1)
        if not numbers:
            return self._drop.uidl_listing()
        return ok(f"{numbers[0]} {await self._drop.uidl(numbers[0])}")

    async def _retr(self, argument: bytes) -> Reply:
        (number,) = parse_numbers(argument, 1, 1)
        maildrop = self._drop
        if len(maildrop.retrieved) >= FETCHED_MAX:
            self._tell_fetched(maildrop)
        return await maildrop.retrieve(number)

    async def _top(self, argument: bytes) -> Reply:
        number, lines = parse_numbers(argument, 2, 2)
        return await self._drop.top(number, lines)

    async def _dele(self, argument: bytes) -> Reply:
        (number,) = parse_numbers(argument, 1, 1)
        self._drop.delete(number)
        return ok()

    async def _noop(self, argument: bytes) -> Reply:
        _nothing(argument)
        return ok()

    async def _rset(self, argument: bytes) -> Reply:
        _nothing(argument)
        self._drop.reset()
        return ok()


async def _spoken(
    spoken: Language, pieces: AsyncIterator[bytes]
) -> AsyncIterator[bytes]:
    """Yield a response, the words of its first line in a language."""
    first = True
    async for piece in pieces:
        yield spoken.reply(piece) if first else piece
        first = False


def _nothing(argument: bytes) -> None:
    if argument.strip():
        raise CommandError("takes no argument")
