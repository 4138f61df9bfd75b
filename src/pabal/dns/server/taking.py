"""The messages of one transfer from a primary, checked, gathered, put on disk.

No sockets: messages in, a file out. Source: RFC 8945 §5.3.1 (many messages).
Security: a message that is not signed as it should be ends the transfer.
"""

from collections.abc import MutableMapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final, Protocol

import dns.exception
import dns.name
import dns.rcode
import dns.rdata
import dns.rdataclass
import dns.rdatatype
import dns.tsig
from typing_extensions import override

from pabal.base.clock import Clock
from pabal.dns.wire import codes
from pabal.dns.wire.arriving import ArrivingError, Signed, parse_arrival
from pabal.dns.zone.copies import write_copy
from pabal.dns.zone.inbound import Inbound, TransferError
from pabal.dns.zone.leaving import let_go
from pabal.dns.zone.shards import take_apart

APART_MIN_OCTETS: Final = 2 * 1024 * 1024
"""Of a transfer that goes on in another process: some 60,000 records."""


@dataclass(frozen=True, slots=True)
class Asked:
    """The question.

    Attributes:
        origin: The zone's name.
        ident: The id of the message.
        key: What it is signed with; ``None``: it is not.
        mac: That signature.
    """

    origin: bytes
    ident: int
    key: dns.tsig.Key | None = field(repr=False)
    mac: bytes


class Taker(Protocol):
    """Takes the messages of one transfer; each call may block."""

    @property
    def is_done(self) -> bool:
        """Whether all have come."""
        ...

    @property
    def is_current(self) -> bool:
        """Whether there is nothing new."""
        ...

    @property
    def is_whole(self) -> bool:
        """Whether all of the zone comes, not only what has changed."""
        ...

    def take(self, message: bytes) -> None:
        """Take the next one; raises TransferError, OSError."""
        ...

    def store(self, path: Path) -> None:
        """Put what came at ``path`` (``copies``); raises TransferError, OSError."""
        ...

    def break_off(self) -> None:
        """Free what came: nobody will ask for it."""
        ...


class Elsewhere(Protocol):
    """Has large transfers taken by another process."""

    def __call__(self, asked: Asked) -> Taker | None:
        """Return who takes all messages of a whole zone, from the first on; blocks.

        ``None``: nobody can.
        """
        ...


class _Context(Protocol):
    """What the next signature will cover, as far as it came."""

    def update(self, data: bytes) -> None: ...


class _Validate(Protocol):
    """``dns.tsig.validate``, which has no types."""

    def __call__(  # noqa: PLR0913, PLR0917  as it is there
        self,
        wire: bytes,
        key: dns.tsig.Key,
        owner: dns.name.Name,
        rdata: dns.rdata.Rdata,
        now: int,
        request_mac: bytes,
        tsig_start: int,
        ctx: _Context | None,
        multi: bool,  # noqa: FBT001
    ) -> _Context: ...


_VALIDATE: Final[_Validate] = dns.tsig.validate


class Answer(Taker):
    """Takes them here.

    Args (of the constructor):
        inbound: Knows what we hold.
        clock: Says whether signatures are of now.
    """

    def __init__(self, asked: Asked, inbound: Inbound, clock: Clock) -> None:
        self._asked = asked
        self._inbound = inbound
        self._clock = clock
        self._context: _Context | None = None
        self._is_signed = False

    @property
    @override
    def is_done(self) -> bool:
        """Whether all have come."""
        return self._inbound.is_done

    @property
    @override
    def is_current(self) -> bool:
        """Whether there is nothing new."""
        return self._inbound.is_current

    @property
    @override
    def is_whole(self) -> bool:
        """Whether all of the zone comes, not only what has changed."""
        return self._inbound.is_whole

    @override
    def take(self, message: bytes) -> None:
        """Take one message; raises TransferError."""
        try:
            arrival = parse_arrival(message)
            self._verify(message, arrival.signed)
        except (ArrivingError, dns.exception.DNSException) as error:
            raise TransferError(str(error) or repr(error)) from error
        if arrival.ident != self._asked.ident or arrival.rcode != codes.NOERROR:
            said = dns.rcode.to_text(dns.rcode.Rcode(arrival.rcode))
            raise TransferError(f"refused: {said}")
        if self._asked.key is not None and self._context is None:
            raise TransferError("the answer is not signed")
        self._inbound.take(arrival.records)

    def _verify(self, message: bytes, signed: Signed | None) -> None:
        """Check the signature over what came since the one before."""
        self._is_signed = signed is not None
        if signed is None:
            if self._context is not None:
                # RFC 8945 §5.3.1: the next signature covers it.
                self._context.update(message)
            return
        if self._asked.key is None:
            raise TransferError("the answer is signed by a key that we do not have")
        owner, _ = dns.name.from_wire(message, signed.start)
        rdata = dns.rdata.from_wire(
            dns.rdataclass.ANY, dns.rdatatype.TSIG, message, signed.rdata, signed.size
        )
        self._context = _VALIDATE(
            message,
            self._asked.key,
            owner,
            rdata,
            int(self._clock.now()),
            self._asked.mac,
            signed.start,
            self._context,
            True,  # noqa: FBT003  many messages
        )

    @override
    def store(self, path: Path) -> None:
        """Put what came at ``path`` (``copies``); raises TransferError, OSError."""
        nodes = self.nodes()
        zone = write_copy(path, self._asked.origin.lower(), nodes)
        # Here, not by whoever drops it: it may be a million names.
        if zone is not None:
            let_go([zone])
        take_apart(nodes)

    def nodes(self) -> MutableMapping[bytes, bytes]:
        """Return what came, by folded name, for whoever takes it over.

        Raises:
            TransferError: It is not to be believed.
        """
        if self._asked.key is not None and not self._is_signed:
            # RFC 8945 §5.3.1: the last message is signed in any case.
            raise TransferError("the end of the answer is not signed")
        return self._inbound.nodes()

    @override
    def break_off(self) -> None:
        """Free what came, bit by bit."""
        self._inbound.break_off()
