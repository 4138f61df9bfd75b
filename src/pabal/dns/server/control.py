"""What other servers ask: whole zones, changes, updates, and signed questions.

No sockets. The control plane: a message is parsed by dnspython and answered off the
hot path. Source: RFC 5936 §2.2 (AXFR), RFC 1995 §2 to §4 (IXFR), RFC 8945 §5 (TSIG),
RFC 1996 §3 (NOTIFY), RFC 2136 §3 (updates).
Security: a zone goes to whom ``allow_transfer`` names, by address or key, only; it is
changed by keys that ``allow_update`` names only.
"""

from collections.abc import (
    AsyncIterator,
    Awaitable,
    Callable,
    Iterable,
    Iterator,
    Mapping,
    Sequence,
)
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Final

import dns.exception
import dns.flags
import dns.message
import dns.name
import dns.opcode
import dns.rcode
import dns.rdatatype

from pabal.base.log import Log
from pabal.dns.server.access import NOBODY, AccessList, Arrival, parse_access_list
from pabal.dns.server.answering import Answering, ControlQuery, Recursion
from pabal.dns.server.forwarding import UpdateForwarder
from pabal.dns.server.keys import KeyRing, SignatureError, Verified, unsigned_error
from pabal.dns.server.policy import UpdatePolicy
from pabal.dns.settings import PAYLOAD_OCTETS
from pabal.dns.wire import codes
from pabal.dns.wire.name import to_text
from pabal.dns.wire.query import Edns, kind_of_control
from pabal.dns.wire.response import header_only, opt_record
from pabal.dns.wire.rrset import RRset, name_octets
from pabal.dns.wire.transfer import transfer
from pabal.dns.wire.update import UpdateError, UpdateRequest, parse_update
from pabal.dns.zone.history import Change, is_newer
from pabal.dns.zone.packed import walk
from pabal.dns.zone.tree import Zone
from pabal.dns.zone.zones import Zones
from pabal.net.endpoint import plain_address

log = Log("dns")

OnUpdate = Callable[[UpdateRequest], Awaitable[int]]
"""Does an update that is allowed; returns its RCODE when it is on disk."""

OnNotify = Callable[[dns.name.Name, str], bool]
"""Told of a NOTIFY for a zone from an address, empty: from who may; returns whether it
is heeded."""


@dataclass(frozen=True, slots=True)
class TransferAccess:
    """Who may have whole zones."""

    rules: AccessList

    def allows(self, host: str, key: dns.name.Name | None) -> bool:
        """Return whether a client at ``host`` that signed with ``key`` is one."""
        try:
            return self.rules.allows(plain_address(host), key)
        except ValueError:
            return False


def parse_transfer_access(elements: Sequence[str]) -> TransferAccess:
    """Return the list of ``elements``.

    Raises:
        OperatorError: An element is no network, key or list.
    """
    return TransferAccess(parse_access_list(elements, "dns.allow_transfer"))


NO_TRANSFER: Final = TransferAccess(NOBODY)


@dataclass(slots=True)
class Realm:
    """What other servers may do with the zones of one view.

    Attributes:
        zones: Those that are not like the common ones: copies, whole files; updates
            change them and none else.
        transfers: Who may have whole zones.
        policy: Which key may change what.
        on_notify: Told of NOTIFY messages if set; without it they are refused.
        on_update: Given updates if set; without it they are refused.
        heralds: Who may send NOTIFY besides primaries.
        forwarder: Hands updates of copied zones on, if set.
        tls_only: Whether whole zones go over TLS only (RFC 9103 §7).
        single: Who may have single zones, by folded apex, in the place of
            ``transfers``.
    """

    zones: Zones
    transfers: TransferAccess = NO_TRANSFER
    policy: UpdatePolicy = field(default_factory=lambda: UpdatePolicy(()))
    on_notify: OnNotify | None = None
    on_update: OnUpdate | None = None
    forwarder: UpdateForwarder | None = None
    tls_only: bool = False
    heralds: AccessList = NOBODY
    single: Mapping[bytes, TransferAccess] = field(default_factory=dict)

    def heeds(self, name: dns.name.Name, host: str, key: dns.name.Name | None) -> bool:
        """Take a NOTIFY for zone ``name``; return whether the sender may send it."""
        if self.on_notify is None:
            return False
        trusted = self.heralds.allows(plain_address(host), key)
        return self.on_notify(name, "" if trusted else host)


class Control:
    """Answers other servers.

    Args (of the constructor):
        realms: One a view, in the order of ``answering.views``.

    Attributes:
        realms: The same.
        on_sent: Told of a zone that was transferred, or begun to be, if set.
    """

    def __init__(
        self, answering: Answering, keys: KeyRing, realms: Sequence[Realm]
    ) -> None:
        self._answering = answering
        self._keys = keys
        self.realms = realms
        self.on_sent: Callable[[Zone], None] | None = None

    def _view(self, asked: ControlQuery, key: dns.name.Name | None) -> int:
        """Return the number of the view that a message is in."""
        arrival = Arrival(asked.arrival.destination, key)
        wish = bool(asked.data[2] & 1)
        rights = self._answering.access.rights(asked.host, arrival, recursive=wish)
        return rights.view

    def _realms_of(self, view: int) -> Sequence[Realm]:
        """Return whose zone one may be: the view's own, else everybody's."""
        return (self.realms[view], self.realms[0]) if view else self.realms[:1]

    def _whose(self, view: int, origin: bytes) -> TransferAccess:
        """Return who may have the zone of folded ``origin`` as a view has it."""
        for realm in self._realms_of(view):
            if origin in realm.single:
                return realm.single[origin]
        return self.realms[view].transfers

    def _changed_in(self, view: int, origin: bytes) -> Realm | None:
        """Return where an update changes the zone of folded ``origin``."""
        for realm in self._realms_of(view):
            if origin in realm.zones.by_apex:
                return realm
        return None

    async def messages(self, asked: ControlQuery, *, udp: bool) -> AsyncIterator[bytes]:
        """Yield the messages of the answer, in their order."""
        counted = False
        async for message in self._messages(asked, udp=udp):
            if not counted:
                kind = kind_of_control(asked.data)
                self._answering.counts.note_control(kind, message)
                counted = True
            yield message

    async def _messages(
        self, asked: ControlQuery, *, udp: bool
    ) -> AsyncIterator[bytes]:
        data = asked.data
        forwarded = await self._forwarded(asked) if _is_update(data) else None
        if forwarded is not None:
            # Signed by who knows the key, if at all.
            yield forwarded
            return
        try:
            verified = self._keys.verify(data)
        except SignatureError as error:
            log.info("signature refused", client=asked.host, code=error.code)
            yield _refused_signature(data, error.code, self._keys.now())
            return
        except (dns.exception.DNSException, ValueError):
            yield header_only(data, codes.FORMERR)
            return
        if verified.key is None:
            async for message in self._plain(asked, verified, udp=udp):
                yield message
            return
        signer = self._keys.signer(verified.key, verified.mac)
        async for message in self._plain(asked, verified, udp=udp):
            yield signer.sign(message)

    async def _forwarded(self, asked: ControlQuery) -> bytes | None:
        """Return what the primary of a copied zone says to an update, if it is one."""
        for realm in self._realms_of(self._view(asked, _claimed_key(asked.data))):
            if realm.forwarder is not None:
                answer = await realm.forwarder.forward(asked.data, asked.host)
                if answer is not None:
                    return answer
        return None

    async def _plain(
        self, asked: ControlQuery, verified: Verified, *, udp: bool
    ) -> AsyncIterator[bytes]:
        message = verified.message
        key = None if verified.key is None else verified.key.name
        if message.opcode() == dns.opcode.NOTIFY:
            yield self._notified(asked, message, key)
        elif message.opcode() == dns.opcode.UPDATE:
            yield _short(asked, message, await self._updated(asked, verified))
        elif message.opcode() != dns.opcode.QUERY or len(message.question) != 1:
            yield _short(asked, message, codes.NOTIMP)
        elif int(message.question[0].rdtype) in (codes.AXFR, codes.IXFR):
            for octets in self._transfer(asked, verified, udp=udp):
                yield octets
        else:
            plain = _without_tsig(asked.data)
            arrival = Arrival(asked.arrival.destination, key)
            answer = self._answering.now(plain, asked.host, udp=udp, arrival=arrival)
            if isinstance(answer, Recursion):
                answer = await self._answering.later(answer)
            if isinstance(answer, bytes):
                yield answer

    def _notified(
        self,
        asked: ControlQuery,
        message: dns.message.Message,
        key: dns.name.Name | None,
    ) -> bytes:
        """Take a NOTIFY (RFC 1996 §4.7)."""
        if len(message.question) != 1:
            return _short(asked, message, codes.REFUSED)
        name = message.question[0].name
        realms = self._realms_of(self._view(asked, key))
        if not any(realm.heeds(name, asked.host, key) for realm in realms):
            log.info("notify refused", zone=str(name), client=asked.host)
            return _short(asked, message, codes.REFUSED)
        answer = dns.message.make_response(message)
        answer.flags |= dns.flags.AA
        answer.tsig = None
        return answer.to_wire()

    async def _updated(self, asked: ControlQuery, verified: Verified) -> int:
        """Take an update (RFC 2136 §3); return its RCODE."""
        try:
            request = parse_update(asked.data)
        except UpdateError as error:
            return error.rcode
        zone, client = to_text(request.zone), asked.host
        key = None if verified.key is None else verified.key.name
        realm = self._changed_in(self._view(asked, key), request.zone)
        if realm is None:
            return codes.NOTAUTH
        if (
            key is None
            or realm.on_update is None
            or not realm.policy.concerns(request.zone, key)
        ):
            log.info("update refused", zone=zone, client=client, key=str(key))
            return codes.REFUSED
        may = partial(realm.policy.allows, request.zone, key)
        rcode = await realm.on_update(replace(request, may=may))
        name = dns.rcode.to_text(dns.rcode.Rcode(rcode))
        log.info("update", zone=zone, client=client, key=str(key), outcome=name)
        return rcode

    def _transfer(
        self, asked: ControlQuery, verified: Verified, *, udp: bool
    ) -> Iterator[bytes]:
        message = verified.message
        question = message.question[0]
        key = None if verified.key is None else verified.key.name
        view = self._view(asked, key)
        realm = self.realms[view]
        is_readable = realm.tls_only and not asked.encrypted
        origin = name_octets(question.name).lower()
        if is_readable or not self._whose(view, origin).allows(asked.host, key):
            log.info("transfer refused", zone=str(question.name), client=asked.host)
            yield _short(asked, message, codes.REFUSED)
            return
        zone = self._answering.views[view].by_apex.get(origin)
        if zone is None or int(question.rdclass) != codes.IN:
            yield _short(asked, message, codes.NOTAUTH)
            return
        if zone.withheld:
            yield _short(asked, message, codes.SERVFAIL)
            return
        if udp and int(question.rdtype) == codes.AXFR:
            # RFC 5936 §4.2: not defined over UDP.
            yield _short(asked, message, codes.FORMERR)
            return
        records: Iterable[RRset] = whole(zone)
        if int(question.rdtype) == codes.IXFR:
            records = self._changes(view, zone, message, udp=udp)
        end = codes.HEADER_OCTETS + len(name_octets(question.name)) + 4
        octets = asked.data[codes.HEADER_OCTETS : end]
        flags = codes.QR | codes.AA
        log.info("transfer", zone=str(question.name), client=asked.host)
        opt = _opt(message)
        try:
            yield from transfer(asked.data[:2], flags, octets, records, opt)
        finally:
            # By now it may be the last who holds this version.
            if self.on_sent is not None:
                self.on_sent(zone)

    def _changes(
        self, view: int, zone: Zone, message: dns.message.Message, *, udp: bool
    ) -> Iterable[RRset]:
        """Return what answers an IXFR (RFC 1995 §4)."""
        theirs = next(
            (
                rrset[0].serial
                for rrset in message.authority
                if rrset.rdtype == dns.rdatatype.SOA
            ),
            None,
        )
        if theirs is None:
            return whole(zone)
        if theirs == zone.serial or is_newer(theirs, zone.serial) or udp:
            # Over UDP: what we have, so that they come back over TCP (§2).
            return [zone.soa]
        changes = None
        # A zone that is another one in this view has a history of its own.
        is_common = self.realms[0].zones.by_apex.get(zone.origin) is zone
        history = self.realms[0 if is_common else view].zones.history
        if history is not None:
            changes = history.since(zone.origin, theirs)
        return whole(zone) if changes is None else _steps(zone, changes)


def whole(zone: Zone) -> Iterator[RRset]:
    """Yield every record of ``zone`` between two SOAs (RFC 5936 §2.2)."""
    yield zone.soa
    for name, records in zone.nodes.packed.items():
        owner = zone.nodes.letters(name)
        for rdtype, ttl_s, _, rdata in walk(records):
            if rdtype != codes.SOA:
                yield RRset(owner, rdtype, ttl_s, (rdata,))
    yield zone.soa


def _steps(zone: Zone, changes: Sequence[Change]) -> Iterator[RRset]:
    yield zone.soa
    for change in changes:
        yield change.before
        yield from change.removed
        yield change.after
        yield from change.added
    yield zone.soa


def _short(asked: ControlQuery, message: dns.message.Message, rcode: int) -> bytes:
    """Return an answer that says ``rcode`` and nothing else."""
    return header_only(asked.data, rcode, _opt(message))


def _opt(message: dns.message.Message) -> bytes:
    """Return the OPT record for the answer to ``message`` (RFC 6891 §6.1.1)."""
    if message.edns < 0:
        return b""
    wants = bool(message.ednsflags & dns.flags.DO)
    return opt_record(Edns(message.payload, message.edns, wants), PAYLOAD_OCTETS)


def _is_update(data: bytes) -> bool:
    """Return whether ``data`` is an update, by its opcode."""
    return len(data) > codes.HEADER_OCTETS and data[2] >> 3 == dns.opcode.UPDATE


def _claimed_key(data: bytes) -> dns.name.Name | None:
    """Return the key that a message says it is signed with; nobody has looked."""
    try:
        return dns.message.from_wire(data, keyring=False).keyname
    except (dns.exception.DNSException, ValueError):
        return None


def _without_tsig(data: bytes) -> bytes:
    """Return a query, checked before, without its last record, the TSIG."""
    message = dns.message.from_wire(data, keyring=False)
    message.tsig = None
    return message.to_wire()


def _refused_signature(data: bytes, code: int, now: int) -> bytes:
    """Return the answer of RFC 8945 §5.2 to a bad signature."""
    try:
        name = dns.message.from_wire(data, keyring=False).keyname or dns.name.root
    except dns.exception.DNSException:
        name = dns.name.root
    return unsigned_error(header_only(data, codes.NOTAUTH), name, code, now)
