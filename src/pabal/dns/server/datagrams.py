"""Many datagrams in one system call: Linux's recvmmsg and sendmmsg.

Python's ``socket`` takes one datagram a call and builds an address tuple for each; at a
hundred thousand answers a second that is a fifth of the work. Here the kernel fills and
empties fixed buffers, and an address stays the octets it is.

Sockets bound to a wildcard address answer from the address they were asked at: the
control message that says which is handed back with the answer (ip(7), IP_PKTINFO).
"""

import ctypes
import errno
import os
import socket
import sys
from collections.abc import Iterable, Sequence
from struct import Struct
from typing import Final

from pabal.dns.server.answering import PAYLOAD_MAX_OCTETS

SLOTS: Final = 64
"""Datagrams a call: a third of a millisecond of work, then others get their turn."""

CROWD: Final = 4
"""So many datagrams at once are no coincidence. Measured: with the second look each
answer costs a fifth less, for a batch is fuller; a lone query is answered as ever."""

QUERY_MAX_OCTETS: Final = 1280
"""Longer queries do not exist; the kernel cuts them and the parser refuses the rest."""

ANSWER_MAX_OCTETS: Final = PAYLOAD_MAX_OCTETS

_ADDRESS_OCTETS: Final = 28
"""sizeof(struct sockaddr_in6), the longer of the two."""

ADDRESS_SLOT: Final = 32
_CONTROL_SLOT: Final = 64
"""Room for one control message: IP_PKTINFO takes 32 octets, IPV6_PKTINFO 40."""

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

LENGTH_STEP: Final = 4
"""Numbers of 8 octets from one answer's length to the next: two iovecs."""

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


class _Side:
    """The structures of one direction, a slot a datagram."""

    def __init__(self, slot_octets: int, pieces: int) -> None:
        self.slot_octets = slot_octets
        self.data = _Buffer(SLOTS * slot_octets)
        self._pieces = pieces
        self.vectors = _Buffer(SLOTS * pieces * _VECTOR.size)
        self.headers = _Buffer(SLOTS * _HEADER.size)

    def place(self, slot: int) -> tuple[int, int]:
        """Return address and size of the room for the datagram of ``slot``."""
        return self.data.address + slot * self.slot_octets, self.slot_octets

    def lay_out(
        self,
        slot: int,
        name: tuple[int, int],
        control: tuple[int, int],
        pieces: Sequence[tuple[int, int]],
    ) -> None:
        """Write the structures of ``slot`` once; only lengths change later.

        Args:
            name: Address and size of the room for the peer's address.
            control: Address and size of the room for the control message.
            pieces: Addresses and sizes of what makes up the datagram.
        """
        at = slot * self._pieces * _VECTOR.size
        for number, piece in enumerate(pieces):
            where = at + number * _VECTOR.size
            _VECTOR.pack_into(self.vectors.octets, where, *piece)
        _HEADER.pack_into(
            self.headers.octets,
            slot * _HEADER.size,
            *name,
            self.vectors.address + at,
            self._pieces,
            *control,
            0,
            0,
        )

    def header(self, slot: int) -> ctypes.c_void_p:
        """Return the header of ``slot`` as the kernel takes it."""
        return ctypes.c_void_p(self.headers.address + slot * _HEADER.size)


class DatagramBatch:
    """Buffers for one socket. Slot ``i`` of each belongs to the same datagram.

    Attributes:
        queries: What came, id cut off, each in a view longer than it.
        lengths: Of the answers, that of slot ``i`` at ``i * LENGTH_STEP``.
        address_key: Where in its slot an address stands, without the port.
    """

    def __init__(self, sock: socket.socket) -> None:
        self._family = sock.family
        self._descriptor = ctypes.c_int(sock.fileno())
        # PyDLL keeps the interpreter's lock: neither call ever waits, and giving the
        # lock away would mean queueing for it behind a thread that loads a zone.
        self._library = ctypes.PyDLL(None, use_errno=True)
        self._in, self._out = _Side(QUERY_MAX_OCTETS, 1), _Side(ANSWER_MAX_OCTETS, 2)
        self._names = _Buffer(SLOTS * ADDRESS_SLOT)
        self._controls = _Buffer(SLOTS * _CONTROL_SLOT)
        data = memoryview(self._in.data.octets)
        self.queries = [data[_slot(i) + ID_OCTETS : _slot(i + 1)] for i in range(SLOTS)]
        self.lengths = memoryview(self._out.vectors.octets).cast("Q")[3:]
        self.address_key = (4, 8) if sock.family == socket.AF_INET else (8, 24)
        self._lengths_in = memoryview(self._in.headers.octets).cast("I")
        self._has_control = _ask_for_local_address(sock)
        self._lay_out()

    def _lay_out(self) -> None:
        name_octets = 16 if self._family == socket.AF_INET else _ADDRESS_OCTETS
        for slot in range(SLOTS):
            name = self._names.address + slot * ADDRESS_SLOT, name_octets
            room = _CONTROL_SLOT if self._has_control else 0
            control = self._control_address(slot), room
            taken, given = self._in.place(slot), self._out.place(slot)
            self._in.lay_out(slot, name, control, [taken])
            self._out.lay_out(slot, name, control, [(taken[0], ID_OCTETS), given])

    @property
    def answers(self) -> bytearray:
        """Where answers go, in slots; without id: that is sent from where it came."""
        return self._out.data.octets

    def senders(self) -> Iterable[Sender]:
        """Return who sent the datagram of each slot, for as long as they are there."""
        if self._family == socket.AF_INET:
            # An address of 4 octets stands 4 into its slot of 32.
            return memoryview(self._names.octets).cast("I")[1::8]
        halves = memoryview(self._names.octets).cast("Q")
        return zip(halves[1::4], halves[2::4], strict=True)

    def query(self, slot: int, length: int) -> bytes:
        """Return the query of ``slot``, which has ``length`` octets."""
        return bytes(self._in.data.octets[_slot(slot) : _slot(slot) + length])

    @property
    def addresses(self) -> bytearray:
        """From where it came, a ``sockaddr`` each, in slots of ``ADDRESS_SLOT``."""
        return self._names.octets

    def _control_address(self, slot: int) -> int:
        if not self._has_control:
            return 0
        return self._controls.address + slot * _CONTROL_SLOT

    def works(self) -> bool:
        """Return whether the kernel lets us; a sandbox may not. Loses no datagram."""
        # Room for no datagram at all: nothing is taken.
        none, now = ctypes.c_uint(0), ctypes.c_int(_MSG_DONTWAIT)
        count: int = self._library.recvmmsg(
            self._descriptor, self._in.header(0), none, now, None
        )
        return count >= 0 or ctypes.get_errno() == errno.EAGAIN

    def receive(self) -> memoryview:
        """Take what has come; return the length of each query, at most ``SLOTS``."""
        if self._has_control:
            self._make_room_for_controls()
        count = self._take(0)
        if CROWD <= count < SLOTS:
            # More are on their way: whoever wants the processor has it first, and what
            # he sends then costs no waking up. Where nobody wants it, no time passes.
            os.sched_yield()
            count += self._take(count)
        # A length stands 56 octets into its header of 64.
        return self._lengths_in[14 : 16 * count : 16]

    def _take(self, first: int) -> int:
        """Fill the slots from ``first`` on; return how many."""
        count: int = self._library.recvmmsg(
            self._descriptor,
            self._in.header(first),
            ctypes.c_uint(SLOTS - first),
            ctypes.c_int(_MSG_DONTWAIT),
            None,
        )
        return max(count, 0)

    def _make_room_for_controls(self) -> None:
        """The kernel wrote how much it used of each; say how much there is again."""
        lengths = self._lengths_in
        for slot in range(SLOTS):
            lengths[slot * 16 + 10] = _CONTROL_SLOT

    def put(self, slot: int, answer: bytes) -> None:
        """Put ``answer``, id cut off, where ``send`` takes it from."""
        start = slot * ANSWER_MAX_OCTETS
        size = len(answer)
        self.answers[start : start + size] = answer
        self.lengths[slot * LENGTH_STEP] = size

    def send(self, first: int, end: int) -> None:
        """Send the answers of slots ``first`` to ``end``; what cannot go is lost."""
        if self._has_control:
            self._return_controls(first, end)
        while first < end:
            sent = self._library.sendmmsg(
                self._descriptor,
                self._out.header(first),
                ctypes.c_uint(end - first),
                ctypes.c_int(_MSG_DONTWAIT),
            )
            # The one it stopped at found no room or no way: datagrams may be lost.
            first += max(sent, 0) + (sent < end - first)

    def _return_controls(self, first: int, end: int) -> None:
        """Answer from where it was asked."""
        for slot in range(first, end):
            at = slot * _HEADER.size + 40
            used = self._in.headers.octets[at : at + 8]
            self._out.headers.octets[at : at + 8] = used

    def host(self, slot: int) -> str:
        """Return the address, without the port, that slot's query came from."""
        start, end = self.address_key
        at = slot * ADDRESS_SLOT
        return socket.inet_ntop(self._family, self.addresses[at + start : at + end])

    def peer(self, slot: int) -> Address:
        """Return where slot's query came from, as the socket module wants it."""
        at = slot * ADDRESS_SLOT
        port = int.from_bytes(self.addresses[at + 2 : at + 4], "big")
        if self._family == socket.AF_INET:
            return self.host(slot), port
        flow = int.from_bytes(self.addresses[at + 4 : at + 8], "big")
        scope = int.from_bytes(self.addresses[at + 24 : at + 28], "little")
        return self.host(slot), port, flow, scope

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


def _slot(number: int) -> int:
    """Return where slot ``number`` begins among the queries."""
    return number * QUERY_MAX_OCTETS


def _ask_for_local_address(sock: socket.socket) -> bool:
    """Have each query say which of our addresses it came to, where that can differ."""
    if sock.getsockname()[0] not in WILDCARDS:
        return False
    if sock.family == socket.AF_INET:
        sock.setsockopt(socket.IPPROTO_IP, _IP_PKTINFO, 1)
    else:
        sock.setsockopt(socket.IPPROTO_IPV6, _IPV6_RECVPKTINFO, 1)
    return True
