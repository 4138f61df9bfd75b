"""Many datagrams in one system call: Linux's recvmmsg and sendmmsg.

Python's ``socket`` takes one datagram a call and builds an address tuple for each; at a
hundred thousand answers a second that is a fifth of the work. Here the kernel fills and
empties fixed buffers, and an address stays the octets it is.

A query is answered where it lies: its id stays, the rest is written over. So both ways
a datagram is one piece, and an answer touches no more memory than its query did.

Sockets bound to a wildcard address answer from the address they were asked at: the
control message that says which is handed back with the answer (ip(7), IP_PKTINFO).
"""

import ctypes
import errno
import mmap
import os
import socket
import sys
from array import array
from collections.abc import Iterable
from struct import Struct
from typing import Final

SLOTS: Final = 256
"""Datagrams a call. Measured: the fuller a batch, the less an answer costs, for whoever
asks as well; where answers lie ready these take a millisecond."""

CROWD: Final = 32
"""So many datagrams at once are no coincidence. Measured: with the second look each
answer costs some twentieth less, for a batch is fuller. With fewer there is no flood,
and who gives the processor away may wait milliseconds for it: with 4, one answer of a
hundred came three times as late."""

QUERY_MAX_OCTETS: Final = 1280
"""Longer queries do not exist; the kernel cuts them and the parser refuses the rest."""

_LINE_OCTETS: Final = 64
"""A line of the processor's cache."""

_ADDRESS_OCTETS: Final = 28
"""sizeof(struct sockaddr_in6), the longer of the two."""

_ADDRESS_SLOT: Final = 32
_CONTROL_SLOT: Final = 64
"""Room for one control message: IP_PKTINFO takes 32 octets, IPV6_PKTINFO 40."""

_CONTROL_ROOM: Final = memoryview(array("Q", [_CONTROL_SLOT]) * SLOTS).toreadonly()
"""All slots' room for control messages, to be written in one go."""

_HEADER: Final = Struct("=QI4xQQQQI4xI4x")
"""struct mmsghdr of 64-bit Linux: name, its length, iovec, its count, control, its
length, flags, and the datagram's length."""

_VECTOR: Final = Struct("=QQ")
"""struct iovec: base, length."""

_CONTROL: Final = Struct("=Qii")
"""struct cmsghdr: length, level, type."""

_MSG_DONTWAIT: Final = 0x40
_IP_PKTINFO: Final = 8
_IPV6_RECVPKTINFO: Final = 49
"""From <linux/in.h> and <linux/in6.h>; Python 3.11 does not name them all."""

ID_OCTETS: Final = 2
"""The id of a message (RFC 1035 §4.1.1): as it came, it goes."""

Sender = int | tuple[int, int]
"""An address as one or two numbers in the machine's order: quick to look up."""

Address = tuple[str, int] | tuple[str, int, int, int]
"""What the socket module calls an address, IPv4 or IPv6."""

Ancillary = list[tuple[int, int, bytes]]
"""What the socket module calls ancillary data."""


WILDCARDS: Final = frozenset(("0.0.0.0", "::"))  # noqa: S104  compared, not bound


def is_supported() -> bool:
    """Return whether this machine lays structures out as they are written here."""
    return (
        sys.platform == "linux"
        and sys.byteorder == "little"
        and ctypes.sizeof(ctypes.c_void_p) == 8
        and _HEADER.size == 64
    )


class _Buffer:
    """Octets that stay where they are, and where that is."""

    def __init__(self, size: int) -> None:
        self.octets = bytearray(size)
        # Held for as long as the buffer: a bytearray with a view cannot move.
        self._view = (ctypes.c_char * size).from_buffer(self.octets)
        self.address = ctypes.addressof(self._view)


class _Room:
    """Where datagrams lie, a slot each.

    A map of memory, not a bytearray: a slice of it is ``bytes`` at once, and writing a
    slice makes no copy on the way.

    Attributes:
        slot_octets: What a slot has room for.
        step: Octets from one slot to the next. An odd number of lines: were it a power
            of two, all slots would want the same few places of the processor's cache.
        starts: Where each slot has what follows the id.
    """

    def __init__(self, slot_octets: int) -> None:
        self.slot_octets = slot_octets
        self.step = (-(-slot_octets // _LINE_OCTETS) | 1) * _LINE_OCTETS
        self.starts = [slot * self.step + ID_OCTETS for slot in range(SLOTS)]
        size = SLOTS * self.step
        flags = mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS
        self.octets = mmap.mmap(-1, size, flags=flags)
        # Held for as long as the room: a map with a view cannot be closed.
        self._view = (ctypes.c_char * size).from_buffer(self.octets)
        self.address = ctypes.addressof(self._view)


class Peers:
    """Where datagrams came from: a ``sockaddr`` in each slot."""

    def __init__(self, family: int) -> None:
        self._family = family
        self._buffer = _Buffer(SLOTS * _ADDRESS_SLOT)
        # In its slot of 32 octets an address of 4 stands 4 behind, one of 16 stands 8.
        self._four = memoryview(self._buffer.octets).cast("I")[1::8]
        halves = memoryview(self._buffer.octets).cast("Q")
        self._sixteen = halves[1::4], halves[2::4]

    @property
    def octets(self) -> bytearray:
        """The slots as the kernel writes and reads them."""
        return self._buffer.octets

    def place(self, slot: int) -> tuple[int, int]:
        """Return address and size of the room in ``slot``."""
        size = 16 if self._family == socket.AF_INET else _ADDRESS_OCTETS
        return self._buffer.address + slot * _ADDRESS_SLOT, size

    def senders(self, slots: range) -> Iterable[Sender]:
        """Return who sent the datagram of each of ``slots``."""
        first, end = slots.start, slots.stop
        if self._family == socket.AF_INET:
            return self._four[first:end]
        high, low = self._sixteen
        return zip(high[first:end], low[first:end], strict=True)

    def address(self, slot: int) -> bytes:
        """Return the address, 4 or 16 octets."""
        start, end = (4, 8) if self._family == socket.AF_INET else (8, 24)
        return self._octets(slot, start, end)

    def host(self, slot: int) -> str:
        """Return the address, without the port, as text."""
        return socket.inet_ntop(self._family, self.address(slot))

    def peer(self, slot: int) -> Address:
        """Return the whole address as the socket module wants it."""
        port = int.from_bytes(self._octets(slot, 2, 4), "big")
        if self._family == socket.AF_INET:
            return self.host(slot), port
        flow = int.from_bytes(self._octets(slot, 4, 8), "big")
        scope = int.from_bytes(self._octets(slot, 24, 28), "little")
        return self.host(slot), port, flow, scope

    def _octets(self, slot: int, start: int, end: int) -> bytes:
        at = slot * _ADDRESS_SLOT
        return bytes(self._buffer.octets[at + start : at + end])


class _Side:
    """The structures of one direction, a slot a datagram.

    Attributes:
        lengths: Of the room for each datagram, or of what lies there.
        controls: Lengths of the control messages, or of the room for them.
        received: What the kernel said of each datagram's length.
        heads: The header of each slot as the kernel takes it.
    """

    def __init__(self) -> None:
        self._vectors = _Buffer(SLOTS * _VECTOR.size)
        self._headers = _Buffer(SLOTS * _HEADER.size)
        headers = memoryview(self._headers.octets)
        self.lengths = memoryview(self._vectors.octets).cast("Q")[1::2]
        # Control lengths stand 40 octets into a header of 64, that of the datagram 56.
        self.controls = headers.cast("Q")[5::8]
        self.received = headers.cast("I")[14::16]
        first = self._headers.address
        # Made once: one a call would take as long as a datagram does.
        self.heads = [ctypes.c_void_p(first + i * _HEADER.size) for i in range(SLOTS)]

    def lay_out(
        self,
        slot: int,
        name: tuple[int, int],
        control: tuple[int, int],
        datagram: tuple[int, int],
    ) -> None:
        """Write the structures of ``slot`` once; only lengths change later.

        Args:
            name: Address and size of the room for the peer's address.
            control: Address and size of the room for the control message.
            datagram: Address and size of the room for it.
        """
        at = slot * _VECTOR.size
        _VECTOR.pack_into(self._vectors.octets, at, *datagram)
        _HEADER.pack_into(
            self._headers.octets,
            slot * _HEADER.size,
            *name,
            self._vectors.address + at,
            1,
            *control,
            0,
            0,
        )


class DatagramBatch:
    """Buffers for one socket. Slot ``i`` of each belongs to the same datagram.

    Args (of the constructor):
        answer_max_octets: Of the answers that will be put here, ids among it.

    Attributes:
        left: Slots that ``receive`` returns before it takes anything new.
        peers: Who sent what came, and gets what goes.
    """

    def __init__(self, sock: socket.socket, answer_max_octets: int) -> None:
        self._descriptor = ctypes.c_int(sock.fileno())
        # PyDLL keeps the interpreter's lock: neither call ever waits, and giving the
        # lock away would mean queueing for it behind a thread that loads a zone.
        self._library = ctypes.PyDLL(None)
        self._in, self._out = _Side(), _Side()
        self._room = _Room(max(QUERY_MAX_OCTETS, answer_max_octets))
        self._controls = _Buffer(SLOTS * _CONTROL_SLOT)
        self._has_control = _ask_for_local_address(sock)
        self.left = range(0)
        self.peers = Peers(sock.family)
        self._lay_out()

    def _lay_out(self) -> None:
        for slot in range(SLOTS):
            name = self.peers.place(slot)
            room = _CONTROL_SLOT if self._has_control else 0
            control = self._control_address(slot), room
            place = self._room.address + slot * self._room.step, QUERY_MAX_OCTETS
            self._in.lay_out(slot, name, control, place)
            self._out.lay_out(slot, name, control, place)

    @property
    def data(self) -> mmap.mmap:
        """What came; the answer to it is written in its place.

        In the first two octets of a slot is the id, which stays.
        """
        return self._room.octets

    @property
    def sizes(self) -> memoryview:
        """Of the answers with their ids, by slot."""
        return self._out.lengths

    @property
    def answer_max_octets(self) -> int:
        """What a slot has room for, an id among it."""
        return self._room.slot_octets

    def met(self, slots: range) -> Iterable[tuple[int, int, int, Sender]]:
        """Return each of ``slots``, its length, its start, and who sent it.

        The start is where in ``data`` it has what follows the id.
        """
        first, end = slots.start, slots.stop
        lengths, starts = self._in.received[first:end], self._room.starts[first:end]
        return zip(slots, lengths, starts, self.peers.senders(slots), strict=True)

    def query(self, slot: int, length: int) -> bytes:
        """Return the query of ``slot``, which has ``length`` octets."""
        start = slot * self._room.step
        return self.data[start : start + length]

    def _control_address(self, slot: int) -> int:
        if not self._has_control:
            return 0
        return self._controls.address + slot * _CONTROL_SLOT

    def works(self) -> bool:
        """Return whether the kernel lets us; a sandbox may not. Loses no datagram."""
        # Room for no datagram at all: nothing is taken.
        # To know the kernel's reason costs a fifth of a call: elsewhere nobody asks.
        library = ctypes.PyDLL(None, use_errno=True)
        count: int = library.recvmmsg(
            self._descriptor, self._in.heads[0], 0, _MSG_DONTWAIT, None
        )
        return count >= 0 or ctypes.get_errno() == errno.EAGAIN

    def receive(self) -> range:
        """Take what has come; return the slots it is in."""
        if self.left:
            left, self.left = self.left, range(0)
            return left
        if self._has_control:
            # The kernel wrote how much it used of each; there is as much room again.
            self._in.controls[:] = _CONTROL_ROOM
        count = self._take(0)
        if CROWD <= count < SLOTS:
            # More are on their way: whoever wants the processor has it first, and what
            # he sends then costs no waking up. Where nobody wants it, no time passes.
            os.sched_yield()
            count += self._take(count)
        return range(count)

    def _take(self, first: int) -> int:
        """Fill the slots from ``first`` on; return how many."""
        count: int = self._library.recvmmsg(
            self._descriptor,
            self._in.heads[first],
            SLOTS - first,
            _MSG_DONTWAIT,
            None,
        )
        return max(count, 0)

    def put(self, slot: int, answer: bytes) -> None:
        """Put ``answer``, id cut off, where ``send`` takes it from.

        Its query is gone then. ``answer_max_octets`` must not be exceeded.
        """
        start, size = self._room.starts[slot], len(answer)
        self.data[start : start + size] = answer
        self.sizes[slot] = size + ID_OCTETS

    def send(self, first: int, end: int) -> None:
        """Send the answers of slots ``first`` to ``end``; what cannot go is lost."""
        if self._has_control:
            # Answer from where it was asked.
            self._out.controls[first:end] = self._in.controls[first:end]
        while first < end:
            sent = self._library.sendmmsg(
                self._descriptor,
                self._out.heads[first],
                end - first,
                _MSG_DONTWAIT,
            )
            # The one it stopped at found no room or no way: datagrams may be lost.
            first += max(sent, 0) + (sent < end - first)

    def control(self, slot: int) -> Ancillary:
        """Return the control message that lets an answer leave from where it should."""
        if not self._has_control:
            return []
        at = slot * _CONTROL_SLOT
        length, level, kind = _CONTROL.unpack_from(self._controls.octets, at)
        if not _CONTROL.size < length <= _CONTROL_SLOT:
            return []
        data = bytes(self._controls.octets[at + _CONTROL.size : at + length])
        return [(level, kind, data)]

    def local(self, slot: int) -> str:
        """Return which address of ours slot's query came to; empty: nobody says."""
        for level, _, data in self.control(slot):
            # struct in_pktinfo: index, spec_dst, addr; in6_pktinfo: addr, index.
            if level == socket.IPPROTO_IP:
                return socket.inet_ntop(socket.AF_INET, data[8:12])
            return socket.inet_ntop(socket.AF_INET6, data[:16])
        return ""


def _ask_for_local_address(sock: socket.socket) -> bool:
    """Have each query say which of our addresses it came to, where that can differ."""
    if sock.getsockname()[0] not in WILDCARDS:
        return False
    if sock.family == socket.AF_INET:
        sock.setsockopt(socket.IPPROTO_IP, _IP_PKTINFO, 1)
    else:
        sock.setsockopt(socket.IPPROTO_IPV6, _IPV6_RECVPKTINFO, 1)
    return True
