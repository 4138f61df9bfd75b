"""Tests of what is this machine's own; rtnetlink as Linux has it."""

import ipaddress
import socket
import struct

from hypothesis import given
from hypothesis import strategies as st

from pabal.net.interfaces import LOOPBACK, own, own_of


def attribute(kind: int, data: bytes) -> bytes:
    padding = bytes(-len(data) % 4)
    return struct.pack("=HH", 4 + len(data), kind) + data + padding


def message(address: str, *attributes: int, kind: int = 20) -> bytes:
    interface = ipaddress.ip_interface(address)
    family = socket.AF_INET if interface.version == 4 else socket.AF_INET6
    body = struct.pack("=BBBBI", family, interface.network.prefixlen, 0, 0, 1)
    body += b"".join(attribute(each, interface.ip.packed) for each in attributes)
    return struct.pack("=IHHII", 16 + len(body), kind, 2, 1, 0) + body


def test_addresses_and_networks_of_interfaces() -> None:
    octets = message("192.0.2.2/24", 1, 2) + message("2001:db8::2/64", 1)
    found = own_of(octets + message("198.51.100.9/32", 2))
    assert found.addresses[2:] == ("192.0.2.2", "2001:db8::2", "198.51.100.9")
    assert found.networks[2:] == ("192.0.2.0/24", "2001:db8::/64", "198.51.100.9")
    assert found.addresses[:2] == LOOPBACK.addresses


def test_of_two_ends_one_is_ours() -> None:
    octets = bytearray(message("192.0.2.2/32", 1, 2))
    octets[-9] = 7  # the other end's address, which stands first
    assert own_of(bytes(octets)).addresses[2:] == ("192.0.2.2",)


def test_everything_is_no_network_of_ours() -> None:
    assert own_of(message("192.0.2.2/0", 2)).networks == LOOPBACK.networks


def test_loopback_is_there_once_and_other_messages_are_passed_over() -> None:
    octets = message("127.0.0.1/8", 2) + message("192.0.2.2/24", 2, kind=16)
    assert own_of(octets) == LOOPBACK
    further = own_of(message("127.0.0.53/32", 2))
    assert further.addresses == (*LOOPBACK.addresses, "127.0.0.53")


@given(st.binary(max_size=200))
def test_nonsense_is_left_out(octets: bytes) -> None:
    assert own_of(octets).addresses[:2] == LOOPBACK.addresses
    own_of(message("192.0.2.2/24", 2)[:16] + octets)


def test_this_machine_has_loopback() -> None:
    assert own().networks[:2] == LOOPBACK.networks
