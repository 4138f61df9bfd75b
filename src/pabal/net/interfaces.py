"""Which addresses and networks this machine itself has.

The kernel is asked (rtnetlink); where that is not possible only loopback is known.
"""

import ipaddress
import socket
import struct
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

Interface = ipaddress.IPv4Interface | ipaddress.IPv6Interface

_GET_ADDRESSES: Final = 22  # RTM_GETADDR
_IS_ADDRESS: Final = 20  # RTM_NEWADDR
_DONE: Final = 3  # NLMSG_DONE
_DUMP: Final = 0x301  # NLM_F_REQUEST | NLM_F_ROOT | NLM_F_MATCH
_ADDRESS: Final = 1  # IFA_ADDRESS: of the other end where there are two ends
_LOCAL: Final = 2  # IFA_LOCAL: the machine's own; absent in IPv6

_HEADER: Final = struct.Struct("=IHHII")
_BODY: Final = struct.Struct("=BBBBI")
_ATTRIBUTE: Final = struct.Struct("=HH")

_ANSWER_MAX_OCTETS: Final = 65_536
"""Of one message of the kernel; it sends as many as it needs."""

_MESSAGES_MAX: Final = 10_000
"""Of one answer: some hundred thousand addresses."""

_WAIT_S: Final = 2.0
"""The kernel answers at once."""

_LENGTHS: Final = {socket.AF_INET: 4, socket.AF_INET6: 16}


@dataclass(frozen=True, slots=True)
class Own:
    """What is this machine's own.

    Attributes:
        addresses: Its addresses.
        networks: The networks its interfaces are in.
    """

    addresses: tuple[str, ...]
    networks: tuple[str, ...]


LOOPBACK: Final = Own(("127.0.0.1", "::1"), ("127.0.0.0/8", "::1"))
"""What every machine has."""


def own() -> Own:
    """Return the addresses and networks of this machine, loopback first."""
    return own_of(_asked())


def own_of(octets: bytes) -> Own:
    """Return what the kernel's answer ``octets`` says; nonsense in it is left out."""
    addresses = dict.fromkeys(LOOPBACK.addresses)
    networks = dict.fromkeys(LOOPBACK.networks)
    for found in _interfaces(octets):
        addresses[str(found.ip)] = None
        if found.network.prefixlen:  # one of all addresses would let in everybody
            whole = found.network.prefixlen == found.max_prefixlen
            networks[str(found.ip if whole else found.network)] = None
    return Own(tuple(addresses), tuple(networks))


def _asked() -> bytes:
    """Return the kernel's answer; empty: there is none."""
    family = getattr(socket, "AF_NETLINK", None)
    if family is None:
        return b""
    ask = _HEADER.pack(_HEADER.size + _BODY.size, _GET_ADDRESSES, _DUMP, 1, 0)
    answer = bytearray()
    try:
        with socket.socket(family, socket.SOCK_RAW | socket.SOCK_CLOEXEC) as kernel:
            kernel.settimeout(_WAIT_S)
            kernel.send(ask + bytes(_BODY.size))
            for _ in range(_MESSAGES_MAX):
                part = kernel.recv(_ANSWER_MAX_OCTETS)
                answer += part
                if any(kind == _DONE for kind, _ in _messages(part)) or not part:
                    break
    except OSError:  # a sandbox may forbid it
        return b""
    return bytes(answer)


def _messages(octets: bytes) -> Iterator[tuple[int, bytes]]:
    """Yield kind and content of each message."""
    position = 0
    while position + _HEADER.size <= len(octets):
        length, kind, *_ = _HEADER.unpack_from(octets, position)
        if length < _HEADER.size:
            return
        yield kind, octets[position + _HEADER.size : position + length]
        position += _aligned(length)


def _interfaces(octets: bytes) -> Iterator[Interface]:
    for kind, content in _messages(octets):
        if kind == _IS_ADDRESS and len(content) >= _BODY.size:
            family, prefix, *_ = _BODY.unpack_from(content)
            found = _attributes(content[_BODY.size :])
            packed = found.get(_LOCAL, found.get(_ADDRESS, b""))
            length = _LENGTHS.get(family, 0)
            if length and len(packed) == length and prefix <= length * 8:
                yield ipaddress.ip_interface(f"{ipaddress.ip_address(packed)}/{prefix}")


def _attributes(octets: bytes) -> dict[int, bytes]:
    found: dict[int, bytes] = {}
    position = 0
    while position + _ATTRIBUTE.size <= len(octets):
        length, kind = _ATTRIBUTE.unpack_from(octets, position)
        if length < _ATTRIBUTE.size:
            break
        found[kind] = octets[position + _ATTRIBUTE.size : position + length]
        position += _aligned(length)
    return found


def _aligned(length: int) -> int:
    """Return the length with the padding behind it: to four octets."""
    return (length + 3) & ~3
