"""DNS over UDP: datagrams in, datagrams out, many a wake-up.

The hot path: one dict look-up and two copies, no task, no parsing, and a share of two
system calls. Security: every datagram is a stranger's; nothing is kept for one that is
not answered.
"""

import asyncio
import contextlib
import socket
from typing import Final

from pabal.base.log import Log
from pabal.base.tasks import Tasks
from pabal.dns.server.access import PLAIN, Arrival
from pabal.dns.server.answering import Answering, ControlQuery, Recursion
from pabal.dns.server.cache import AnswerCache
from pabal.dns.server.control import Control
from pabal.dns.server.datagrams import (
    ID_OCTETS,
    QUERY_MAX_OCTETS,
    WILDCARDS,
    Address,
    Ancillary,
    DatagramBatch,
    Sender,
    is_supported,
)

log = Log("dns")

BURST_MAX: Final = 64
"""Datagrams a wake-up where they come one by one."""

RECEIVE_BUFFER_OCTETS: Final = 4 * 1024 * 1024
"""Asked of the kernel: what waits while the loop is busy. It may give less."""

SLOW_MAX: Final = 64
"""Answers of a wake-up that do not lie ready: two milliseconds of work."""

TASKS_MAX: Final = 2000
"""Answers under way: with more, what servers ask over UDP goes unheard."""

OPTIONS_OCTETS: Final = 64
"""Room for what an answer carries beside its records; one with more goes alone."""

CLIENTS_MAX: Final = 65_536
"""Addresses the hot path knows the cache of; more, and it starts anew."""


class UdpServer:
    """Answers on one bound UDP socket, which it owns from ``start`` on.

    Attributes:
        received: Datagrams that were looked at.
        family: Of the socket.
    """

    def __init__(
        self,
        answering: Answering,
        sock: socket.socket,
        tasks: Tasks,
        control: Control | None = None,
    ) -> None:
        self._control = control
        self._answering = answering
        self._socket = sock
        self._tasks = tasks
        self._loop: asyncio.AbstractEventLoop | None = None
        self._caches: dict[Sender, AnswerCache] = {}
        self._friends = answering.friends
        self.received = 0
        self.family = sock.family
        self._local = own_address(sock) if answering.access.by_destination else ""

    def start(self) -> None:
        """Answer from now on; call it inside the event loop."""
        sock = self._socket
        sock.setblocking(False)  # noqa: FBT003  the method knows no keyword
        with contextlib.suppress(OSError):
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, RECEIVE_BUFFER_OCTETS)
        self._loop = asyncio.get_running_loop()
        octets = self._answering.payload_octets + OPTIONS_OCTETS
        batch = DatagramBatch(sock, octets) if is_supported() else None
        if batch is not None and batch.works():
            self._loop.add_reader(sock.fileno(), self._many, batch)
        else:
            self._loop.add_reader(sock.fileno(), self._one_by_one)

    def stop(self) -> None:
        """Take no more queries; answers still under way can be sent until ``close``."""
        if self._loop is not None:
            self._loop.remove_reader(self._socket.fileno())
            self._loop = None

    def close(self) -> None:
        """Close the socket. Idempotent."""
        self.stop()
        self._socket.close()

    def forget_clients(self) -> None:
        """Find out anew whose answers lie where: a policy may have changed."""
        self._caches.clear()

    def _many(self, batch: DatagramBatch) -> None:
        """Answer what has come: one system call in and, as a rule, one out."""
        slots = batch.receive()
        self._answering.tick()
        caches, data, sizes = self._caches, batch.data, batch.sizes
        first = slots.start
        slot = first - 1
        slow = 0
        met: Sender | None = None
        cache: AnswerCache | None = None
        for slot, length, start, sender in batch.met(slots):
            if sender != met:
                met, cache = sender, caches.get(sender)
                if cache is None:
                    cache = self._meet(batch, slot, sender)
            answer = None
            if cache is not None:
                key = data[start : start + length - ID_OCTETS]
                entry = cache.ready.get(key)
                answer = cache.find(key) if entry is None else next(entry)
            if answer is not None:
                # As ``put`` does it: a call would cost as much as all the rest.
                size = len(answer)
                data[start : start + size] = answer
                sizes[slot] = size + ID_OCTETS
                continue
            if not self._slowly(batch, slot, length):
                # A gap: what is ready before it goes first.
                batch.send(first, slot)
                first = slot + 1
            slow += 1
            if slow == SLOW_MAX:
                self._put_off(batch, range(slot + 1, slots.stop))
                break
        batch.send(first, slot + 1)
        self.received += slot + 1 - slots.start
        if slots and cache not in self._friends:
            self._note(batch, slot, slot + 1 - slots.start)

    def _put_off(self, batch: DatagramBatch, slots: range) -> None:
        """Answer ``slots`` when others have had their turn."""
        batch.left = slots
        if slots and self._loop is not None:
            self._loop.call_soon(self._go_on, batch)

    def _go_on(self, batch: DatagramBatch) -> None:
        # It was stopped, or more came and with it they were answered.
        if batch.left and self._loop is not None:
            self._many(batch)

    def _note(self, batch: DatagramBatch, slot: int, count: int) -> None:
        """Count what was answered for the network that ``slot`` came from, the last.

        Whoever sends most is met most often.
        """
        if self._answering.limiter.note(batch.peers.address(slot), count):
            # Its datagrams are now judged one by one, not answered out of hand.
            self._caches.clear()

    def _slowly(self, batch: DatagramBatch, slot: int, length: int) -> bool:
        """Answer what the hot path could not; return whether the answer is ready."""
        host = batch.peers.host(slot)
        arrival = PLAIN
        if self._answering.access.by_destination:
            arrival = Arrival(self._local or batch.local(slot))
        answer = self._now(batch.query(slot, length), host, arrival)
        if answer is None:
            return False
        if not isinstance(answer, bytes):
            self._begin(answer, batch.peers.peer(slot), batch.control(slot))
            return False
        if len(answer) > batch.answer_max_octets:
            self._send(answer, batch.peers.peer(slot), batch.control(slot))
            return False
        batch.put(slot, answer[ID_OCTETS:])
        return True

    def _meet(
        self, batch: DatagramBatch, slot: int, sender: Sender
    ) -> AnswerCache | None:
        """Return and remember which cache the answers for this client are in."""
        host = batch.peers.host(slot)
        cache = self._answering.cache_of(host, self._local)
        if cache is not None:
            if len(self._caches) >= CLIENTS_MAX:
                self._caches.clear()
            self._caches[sender] = cache
        return cache

    def _one_by_one(self) -> None:
        """The same with what every system has."""
        for _ in range(BURST_MAX):
            try:
                data, client = self._socket.recvfrom(QUERY_MAX_OCTETS)
            except OSError:
                # Nothing more to read, or the echo of an answer that went nowhere.
                return
            self.received += 1
            self._note_host(client[0])
            cache = self._answering.cache_of(client[0], self._local)
            answer = None if cache is None else cache.hit(data)
            if answer is None:
                self._alone(data, client)
            else:
                self._send(answer, client, [])

    def _note_host(self, host: str) -> None:
        if not self._answering.access.is_friend(host):
            family = socket.AF_INET6 if ":" in host else socket.AF_INET
            address = socket.inet_pton(family, host.partition("%")[0])
            self._answering.limiter.note(address, 1)

    def _alone(self, data: bytes, client: Address) -> None:
        answer = self._now(data, client[0], Arrival(self._local))
        if isinstance(answer, bytes):
            self._send(answer, client, [])
        elif answer is not None:
            self._begin(answer, client, [])

    def _begin(
        self, asked: Recursion | ControlQuery, client: Address, control: Ancillary
    ) -> None:
        """Answer when the answer has been found."""
        if isinstance(asked, Recursion):
            self._tasks.start(self._recurse(asked, client, control), "dns recursion")
        elif len(self._tasks) < TASKS_MAX:
            self._tasks.start(self._serve(asked, client, control), "dns control")

    async def _serve(
        self, asked: ControlQuery, client: Address, control: Ancillary
    ) -> None:
        if self._control is not None:
            async for message in self._control.messages(asked, udp=True):
                self._send(message, client, control)

    def _now(
        self, data: bytes, host: str, arrival: Arrival
    ) -> bytes | Recursion | ControlQuery | None:
        try:
            return self._answering.now(data, host, udp=True, arrival=arrival)
        except Exception:
            # The only catch-all: a bug costs one answer, not those beside it.
            log.exception("bug in an answer", client=host, query=data.hex())
            return None

    async def _recurse(
        self, recursion: Recursion, client: Address, control: Ancillary
    ) -> None:
        answer = await self._answering.later(recursion)
        if answer:
            self._send(answer, client, control)

    def _send(self, answer: bytes, client: Address, control: Ancillary) -> None:
        # A full buffer, an unreachable client: datagrams may be lost.
        with contextlib.suppress(OSError):
            self._socket.sendmsg([answer], control, 0, client)


def own_address(sock: socket.socket) -> str:
    """Return the one address of ours that ``sock`` hears; empty: it hears several."""
    host = str(sock.getsockname()[0])
    return "" if host in WILDCARDS else host
