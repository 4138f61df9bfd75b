"""A zone that comes from another server, record by record.

Sans-IO: records in, the next version out. Source: RFC 5936 §2.2 and §3 (AXFR),
RFC 1995 §4 (IXFR).
"""

import enum
from collections.abc import Iterable, MutableMapping
from typing import Final

from pabal.base.errors import ProtocolError
from pabal.dns.wire import codes
from pabal.dns.wire.arriving import Arrived
from pabal.dns.wire.name import is_below
from pabal.dns.zone.gathering import Gathering
from pabal.dns.zone.packed import pack, walk
from pabal.dns.zone.shards import copied, take_apart
from pabal.dns.zone.tree import Zone

RECORDS_MAX: Final = 20_000_000
"""A transfer with more is no zone this machine could hold."""


class TransferError(ProtocolError):
    """What comes is no transfer of this zone."""


class _Phase(enum.Enum):
    BEGIN = "the first SOA is to come"
    SECOND = "the second record says whether all comes or only changes"
    WHOLE = "every record of the zone comes"
    REMOVE = "records that went come"
    ADD = "records that came come"
    DONE = "the last SOA has come"


class Inbound:
    """Takes the records of one transfer.

    Args (of the constructor):
        origin: Folded name of the zone.
        held: The version we have, whose serial was asked with; ``None`` without one.
    """

    def __init__(self, origin: bytes, held: Zone | None) -> None:
        self._origin = origin
        self._held = held
        self._phase = _Phase.BEGIN
        self._soa = b""
        self._current = b""
        self._count = 0
        self._gathering = Gathering()
        self._nodes: MutableMapping[bytes, bytes] | None = None

    @property
    def is_done(self) -> bool:
        """Whether the transfer is whole."""
        return self._phase is _Phase.DONE

    @property
    def is_whole(self) -> bool:
        """Whether all of the zone comes, not only what has changed."""
        return self._phase is _Phase.WHOLE

    @property
    def is_current(self) -> bool:
        """Whether all that came was the SOA that we hold, or an older one."""
        if self._phase is not _Phase.SECOND or self._held is None:
            return False
        ahead = (_serial(self._soa) - self._held.serial) % (1 << 32)
        return ahead == 0 or ahead >= 1 << 31

    def take(self, records: Iterable[Arrived]) -> None:
        """Take the records of one message.

        Raises:
            TransferError: They do not belong where they stand.
        """
        for record in records:
            self._count += 1
            name = record[0].lower()
            # Most names stand right below the apex.
            below = name[name[0] + 1 :] == self._origin or is_below(name, self._origin)
            if self._count > RECORDS_MAX or not below:
                raise TransferError("a record does not belong to the zone")
            self._take(record)

    def _take(self, record: Arrived) -> None:
        is_soa = record[1] == codes.SOA
        match self._phase:
            case _Phase.BEGIN:
                if not is_soa:
                    raise TransferError("a transfer begins with the SOA")
                self._soa = record[3]
                self._gathering.add(*record[:3], 0, record[3])
                self._phase = _Phase.SECOND
            case _Phase.SECOND:
                self._begin(record)
            case _Phase.WHOLE:
                self._whole(record)
            case _Phase.REMOVE | _Phase.ADD:
                self._change(record)
            case _Phase.DONE:
                raise TransferError("records after the end")

    def _begin(self, record: Arrived) -> None:
        owner, rdtype, _, rdata = record
        if rdtype != codes.SOA or rdata == self._soa:
            self._phase = _Phase.WHOLE
            self._whole(record)
            return
        if self._held is None or _serial(rdata) != self._held.serial:
            raise TransferError("changes of a version that we do not hold")
        self._nodes = copied(self._held.nodes.packed)
        self._remove(owner, rdtype, self._held.soa.rdatas[0])
        self._phase = _Phase.REMOVE

    def _whole(self, record: Arrived) -> None:
        if record[1] == codes.SOA:
            if record[3] != self._soa:
                raise TransferError("the zone changed under way")
            self._phase = _Phase.DONE
            return
        self._gathering.add(*record[:3], 0, record[3])

    def _change(self, record: Arrived) -> None:
        owner, rdtype, ttl_s, rdata = record
        if rdtype == codes.SOA:
            if self._phase is _Phase.REMOVE:
                self._phase, self._current = _Phase.ADD, rdata
            elif rdata == self._soa:
                self._add(owner, rdtype, ttl_s, rdata)
                self._phase = _Phase.DONE
            elif _serial(rdata) == _serial(self._current):
                self._phase = _Phase.REMOVE
            else:
                raise TransferError("changes that do not follow each other")
        elif self._phase is _Phase.REMOVE:
            self._remove(owner, rdtype, rdata)
        else:
            self._add(owner, rdtype, ttl_s, rdata)

    def _remove(self, owner: bytes, rdtype: int, rdata: bytes) -> None:
        nodes: MutableMapping[bytes, bytes] = {} if self._nodes is None else self._nodes
        name = owner.lower()
        records = list(walk(nodes.get(name, b"")))
        left = [each for each in records if (each[0], each[3]) != (rdtype, rdata)]
        if len(left) == len(records):
            raise TransferError("a record is to go that is not there")
        if left:
            nodes[name] = b"".join(pack(*each) for each in left)
        else:
            del nodes[name]

    def _add(self, owner: bytes, rdtype: int, ttl_s: int, rdata: bytes) -> None:
        nodes: MutableMapping[bytes, bytes] = {} if self._nodes is None else self._nodes
        name = owner.lower()
        records = [
            each
            for each in walk(nodes.get(name, b""))
            if (each[0], each[3]) != (rdtype, rdata)
        ]
        records.append((rdtype, ttl_s, 0, rdata))
        nodes[name] = b"".join(pack(*each) for each in records)

    def break_off(self) -> None:
        """Free what came, bit by bit: nobody will ask for it."""
        take_apart(self._gathering.nodes)

    def nodes(self) -> MutableMapping[bytes, bytes]:
        """Return the zone's next version, by folded name; once ``is_done``.

        Raises:
            TransferError: It has no SOA or no NS at its apex.
        """
        if self._nodes is None:
            self._gathering.settle()
            nodes = self._gathering.nodes
        else:
            nodes = self._nodes
        types = {each[0] for each in walk(nodes.get(self._origin, b""))}
        if not types >= {codes.SOA, codes.NS}:
            raise TransferError("a zone without SOA or NS")
        return nodes


def _serial(soa: bytes) -> int:
    return int.from_bytes(soa[-20:-16], "big")
