"""A name server that answers as no honest one would; the last label says how.

It is the root for a resolver under test, so that everything is asked of it.
"""

import socket
import threading
import time
from collections.abc import Callable
from typing import Self

import dns.flags
import dns.message
import dns.name
import dns.rcode
import dns.rdatatype
import dns.rrset

VICTIM = "www.victim."
FORGED = "192.0.2.66"
HEADER_OCTETS = 12


def _reply(query: dns.message.Message) -> dns.message.Message:
    reply = dns.message.make_response(query)
    reply.flags |= dns.flags.AA
    return reply


def _records(*texts: str) -> Callable[[dns.message.Message], bytes]:
    """Answer every question with an address and ``texts`` beside it."""

    def answer(query: dns.message.Message) -> bytes:
        reply = _reply(query)
        name = query.question[0].name
        if query.question[0].rdtype == dns.rdatatype.A:
            reply.answer.append(dns.rrset.from_text(name, 60, "IN", "A", "192.0.2.1"))
        for text in texts:
            owner, rdtype, value = text.split(" ", 2)
            extra = dns.rrset.from_text(owner, 3600, "IN", rdtype, value)
            reply.answer.append(extra)
            reply.additional.append(extra)
            if rdtype == "NS":
                reply.authority.append(extra)
        return reply.to_wire()

    return answer


def _cname_to(target: str) -> Callable[[dns.message.Message], bytes]:
    def answer(query: dns.message.Message) -> bytes:
        reply = _reply(query)
        name = query.question[0].name
        # Another name each time: the chain has no end.
        where = target.format(n=time.monotonic_ns())
        reply.answer.append(dns.rrset.from_text(name, 60, "IN", "CNAME", where))
        return reply.to_wire()

    return answer


def _compressed(pointer: int) -> Callable[[dns.message.Message], bytes]:
    """Answer with one record whose name is a pointer to ``pointer``."""

    def answer(query: dns.message.Message) -> bytes:
        wire = _reply(query).to_wire()
        name = (0xC000 | pointer).to_bytes(2, "big")
        head = wire[:6] + b"\x00\x01" + wire[8:10] + b"\x00\x00"
        question = wire[HEADER_OCTETS:].partition(b"\x00\x00\x29")[0]
        return head + question + name + b"\x00\x01\x00\x01\x00\x00\x00\x3c\x00\x04ABCD"

    return answer


def _referral_for_ever(query: dns.message.Message) -> bytes:
    reply = dns.message.make_response(query)
    name = query.question[0].name
    for number in range(12):
        ns = f"ns{number}-{time.monotonic_ns()}.endless."
        reply.authority.append(dns.rrset.from_text(name, 60, "IN", "NS", ns))
    return reply.to_wire(max_size=65_535)


def _truncated(query: dns.message.Message) -> bytes:
    reply = _reply(query)
    reply.flags |= dns.flags.TC
    return reply.to_wire()


def _wrong_id(query: dns.message.Message) -> bytes:
    wire = _records()(query)
    return bytes([wire[0] ^ 0xFF, wire[1]]) + wire[2:]


def _other_question(query: dns.message.Message) -> bytes:
    other = dns.message.make_query(VICTIM, "A", id=query.id)
    return _records()(other)


ANSWERS: dict[str, Callable[[dns.message.Message], bytes]] = {
    "garbage": lambda _: b"\xff" * 400,
    "short": lambda query: _records()(query)[:20],
    "empty": lambda _: b"",
    "self-loop": _compressed(HEADER_OCTETS + 0x100),
    "forward": _compressed(0x3FFF),
    "header": _compressed(0),
    "wrong-id": _wrong_id,
    "other-question": _other_question,
    "poison": _records(f"{VICTIM} A {FORGED}", "victim. NS ns.poison."),
    "root": _records(". NS ns.poison.", f"ns.poison. A {FORGED}"),
    "chain": _cname_to("n{n}.chain."),
    "circle": _cname_to("www.circle."),
    "endless": _referral_for_ever,
    "slow-tcp": _truncated,
    "huge-tcp": _truncated,
    "closed-tcp": _truncated,
}


class EvilNames:
    """Answers by UDP and TCP on one port; what it does not know is SERVFAIL.

    Attributes:
        questions: How many came.
    """

    def __init__(self, address: str, port: int) -> None:
        self.questions = 0
        self._udp = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._udp.bind((address, port))
        self._tcp = socket.create_server((address, port))
        self._over = threading.Event()
        self._threads = [
            threading.Thread(target=self._run_udp),
            threading.Thread(target=self._run_tcp),
        ]

    def __enter__(self) -> Self:
        for sock in (self._udp, self._tcp):
            sock.settimeout(0.1)
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *exc: object) -> None:
        self._over.set()
        for thread in self._threads:
            thread.join()
        self._udp.close()
        self._tcp.close()

    def _run_udp(self) -> None:
        while not self._over.is_set():
            try:
                data, client = self._udp.recvfrom(4096)
            except OSError:
                continue
            self.questions += 1
            query = dns.message.from_wire(data)
            label = query.question[0].name.labels[-2:-1]
            kind = label[0].decode("latin-1").lower() if label else ""
            if kind in ANSWERS:
                self._udp.sendto(ANSWERS[kind](query), client)
                continue
            reply = _reply(query)
            reply.set_rcode(dns.rcode.SERVFAIL)
            self._udp.sendto(reply.to_wire(), client)

    def _run_tcp(self) -> None:
        while not self._over.is_set():
            try:
                connection, _ = self._tcp.accept()
            except OSError:
                continue
            connection.settimeout(30)
            thread = threading.Thread(target=self._serve, args=(connection,))
            self._threads.append(thread)
            thread.start()

    def _serve(self, connection: socket.socket) -> None:
        with connection:
            try:
                data = connection.recv(4096)
                query = data.lower()
                if b"slow-tcp" in query:
                    connection.sendall(b"\x10\x00")
                    while not self._over.wait(0.2):
                        connection.sendall(b"x")
                elif b"huge-tcp" in query:
                    while not self._over.is_set():
                        connection.sendall(b"\xff" * 65_536)
            except OSError:
                return
