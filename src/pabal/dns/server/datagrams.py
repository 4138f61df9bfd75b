"""Many datagrams in one system call: Linux's recvmmsg and sendmmsg.

Python's ``socket`` takes one datagram a call and builds an address tuple for each; at a
hundred thousand answers a second that is a fifth of the work. Here the kernel fills and
empties fixed buffers, and an address stays the octets it is.

Sockets bound to a wildcard address answer from the address they were asked at: the
control message that says which is handed back with the answer (ip(7), IP_PKTINFO).
"""

import ctypes
import errno
import socket
import sys
from struct import Struct
from typing import Final

from pabal.dns.server.answering import PAYLOAD_MAX_OCTETS

SLOTS: Final = 64
"""Datagrams a call: a third of a millisecond of work, then others get their turn."""

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

Address = tuple[str, int] | tuple[str, int, int, int]
"""What the socket module calls an address, IPv4 or IPv6."""

Ancillary = list[tuple[int, int, bytes]]
"""What the socket module calls ancillary data."""


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

    def __init__(self, slot_octets: int) -> None:
        self.slot_octets = slot_octets
        self.data = _Buffer(SLOTS * slot_octets)
        self.vectors = _Buffer(SLOTS * _VECTOR.size)
        self.headers = _Buffer(SLOTS * _HEADER.size)

    def lay_out(
        self, slot: int, name: tuple[int, int], control: tuple[int, int]
    ) -> None:
        """Write the structures of ``slot`` once; only lengths change later.

        Args:
            name: Address and size of the room for the peer's address.
            control: Address and size of the room for the control message.
        """
        at = slot * _VECTOR.size
        data = self.data.address + slot * self.slot_octets
        _VECTOR.pack_into(self.vectors.octets, at, data, self.slot_octets)
        _HEADER.pack_into(
            self.headers.octets,
            slot * _HEADER.size,
            *name,
            self.vectors.address + at,
            1,
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
        queries: What came; slot ``i`` starts at ``i * QUERY_MAX_OCTETS``.
        address_key: Where in its slot an address stands, without the port.
    """

    def __init__(self, sock: socket.socket) -> None:
        self._family = sock.family
        self._descriptor = ctypes.c_int(sock.fileno())
        # PyDLL keeps the interpreter's lock: neither call ever waits, and giving the
        # lock away would mean queueing for it behind a thread that loads a zone.
        self._library = ctypes.PyDLL(None, use_errno=True)
        self._in, self._out = _Side(QUERY_MAX_OCTETS), _Side(ANSWER_MAX_OCTETS)
        self._names = _Buffer(SLOTS * ADDRESS_SLOT)
        self._controls = _Buffer(SLOTS * _CONTROL_SLOT)
        self.queries = memoryview(self._in.data.octets)
        self.address_key = (4, 8) if sock.family == socket.AF_INET else (8, 24)
        self._lengths_in = memoryview(self._in.headers.octets).cast("I")
        self._lengths_out = memoryview(self._out.vectors.octets).cast("Q")
        self._has_control = _ask_for_local_address(sock)
        name_octets = 16 if sock.family == socket.AF_INET else _ADDRESS_OCTETS
        for slot in range(SLOTS):
            name = self._names.address + slot * ADDRESS_SLOT, name_octets
            room = _CONTROL_SLOT if self._has_control else 0
            control = self._control_address(slot), room
            self._in.lay_out(slot, name, control)
            self._out.lay_out(slot, name, control)

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
        count = self._library.recvmmsg(
            self._descriptor,
            self._in.header(0),
            ctypes.c_uint(SLOTS),
            ctypes.c_int(_MSG_DONTWAIT),
            None,
        )
        # A length stands 56 octets into its header of 64.
        return self._lengths_in[14 : 16 * max(count, 0) : 16]

    def _make_room_for_controls(self) -> None:
        """The kernel wrote how much it used of each; say how much there is again."""
        lengths = self._lengths_in
        for slot in range(SLOTS):
            lengths[slot * 16 + 10] = _CONTROL_SLOT

    def put(self, slot: int, answer: bytes) -> None:
        """Put ``answer`` where ``send`` takes it from."""
        start = slot * ANSWER_MAX_OCTETS
        size = len(answer)
        self._out.data.octets[start : start + size] = answer
        self._lengths_out[slot * 2 + 1] = size

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


def _ask_for_local_address(sock: socket.socket) -> bool:
    """Have each query say which of our addresses it came to, where that can differ."""
    host = sock.getsockname()[0]
    if host not in ("0.0.0.0", "::"):  # noqa: S104  compared, not bound
        return False
    if sock.family == socket.AF_INET:
        sock.setsockopt(socket.IPPROTO_IP, _IP_PKTINFO, 1)
    else:
        sock.setsockopt(socket.IPPROTO_IPV6, _IPV6_RECVPKTINFO, 1)
    return True
