"""Receivers, authenticators and clocks in memory, for tests of SMTP."""

from dataclasses import dataclass, field

from typing_extensions import override

from pabal.base.errors import StorageFullError, UnavailableError
from pabal.message.spool import Spool
from pabal.net.ports import TlsInfo
from pabal.net.sasl import Challenge, Denied, Granted, Identity, SaslStep
from pabal.smtp.envelope import Envelope, Recipient
from pabal.smtp.outcome import Outcome, delivered, permanent, temporary
from pabal.smtp.ports import Client, Transaction

HOSTNAME = "mail.example.com"


@dataclass
class FakeClock:
    """Time that moves when told."""

    seconds: float = 1_000_000.0

    def now(self) -> float:
        return self.seconds

    def monotonic(self) -> float:
        return self.seconds


class FullSpool(Spool):
    """A spool on a full disk."""

    @override
    def write(self, data: bytes) -> None:
        self.close()
        raise StorageFullError("no room")


@dataclass
class Taken:
    """A message a ``MemoryReceiver`` took."""

    client: Client
    envelope: Envelope
    octets: bytes


@dataclass
class MemoryReceiver:
    """Takes mail for anybody but ``nobody@``; keeps it in ``taken``.

    ``busy@`` senders and recipients are refused for now; ``broken@`` makes our side
    unavailable, ``full@`` out of room. A message with ``spam`` in it is refused.
    """

    welcome: Outcome = field(default_factory=delivered)
    taken: list[Taken] = field(default_factory=list)
    aborted: int = 0
    offered: list[str] = field(default_factory=list)

    async def connected(self, client: Client) -> Outcome:
        return self.welcome

    async def mail(
        self, client: Client, envelope: Envelope, size: int
    ) -> Transaction | Outcome:
        if envelope.reverse_path is not None:
            refusal = _refusal(envelope.reverse_path.local_part)
            if refusal:
                return refusal
        return MemoryTransaction(self, client)


@dataclass
class MemoryTransaction:
    receiver: MemoryReceiver
    client: Client

    async def rcpt(self, recipient: Recipient) -> Outcome:
        self.receiver.offered.append(str(recipient.address))
        return _refusal(recipient.address.local_part) or delivered()

    async def commit(self, envelope: Envelope, spool: Spool) -> Outcome:
        octets = spool.octets()
        if b"spam" in octets:
            return permanent(54, "7.1", "No, thank you", "found the word spam")
        if b"explode" in octets:
            raise UnavailableError("no database")
        self.receiver.taken.append(Taken(self.client, envelope, octets))
        return delivered("Taken as 1")

    async def abort(self) -> None:
        self.receiver.aborted += 1


def _refusal(local_part: str) -> Outcome | None:
    if local_part == "broken":
        raise UnavailableError("no database")
    if local_part == "full":
        raise StorageFullError("no room")
    return {
        "nobody": permanent(50, "1.1", "No such user"),
        "busy": temporary(50, "2.1", "Busy"),
    }.get(local_part)


class MemoryAuthenticator:
    """Knows ``user`` with the password ``secret``; SAY asks one question more."""

    def __init__(self, *, cleartext: bool = False) -> None:
        self.cleartext = cleartext

    def mechanisms(
        self, *, encrypted: bool, tls: TlsInfo | None = None
    ) -> tuple[str, ...]:
        return ("PLAIN", "LOGIN", "SAY") if encrypted else ("SAY",)

    def start(
        self,
        mechanism: str,
        *,
        peer_address: str,
        encrypted: bool,
        tls: TlsInfo | None = None,
    ) -> "MemoryExchange | None":
        if mechanism not in self.mechanisms(encrypted=encrypted):
            return None
        return MemoryExchange(mechanism)

    async def login(
        self, user: str, password: str, *, peer_address: str
    ) -> Granted | Denied:
        if (user, password) == ("user", "secret"):
            return Granted(Identity(1, "user@example.com"))
        return Denied("wrong password")

    def cleartext_allowed(self, *, peer_address: str, encrypted: bool) -> bool:
        return encrypted or self.cleartext


class MemoryExchange:
    def __init__(self, mechanism: str) -> None:
        self.mechanism = mechanism
        self.said: list[bytes] = []

    async def step(self, response: bytes | None) -> SaslStep:
        if response is not None:
            self.said.append(response)
        if self.mechanism == "LOGIN" and len(self.said) < 2:
            return Challenge(b"Password:" if self.said else b"Username:")
        if self.mechanism == "SAY" and len(self.said) < 1:
            return Challenge(b"")
        if self.said == [b"later"]:
            return Denied("no database", temporary=True)
        good: dict[str, list[bytes]] = {
            "PLAIN": [b"\0user\0secret"],
            "LOGIN": [b"user", b"secret"],
            "SAY": [b"friend"],
        }
        if self.mechanism == "PLAIN" and not self.said:
            return Challenge(b"")
        if self.said == good[self.mechanism]:
            final = b"v=sure" if self.mechanism == "SAY" else b""
            return Granted(Identity(1, "user@example.com"), final)
        return Denied("wrong password")
