"""Trace fields: written in front of every message, and read to find loops.

Source: RFC 5321 §4.4 (Received, Return-Path), §6.3 (loops), RFC 3848 (with).
"""

import re
from functools import lru_cache
from typing import Final

from pabal.message.address import Mailbox
from pabal.message.date import format_date
from pabal.message.header import split
from pabal.message.spool import Spool
from pabal.smtp.ports import Client

_FIRST_LOOK_OCTETS: Final = 16 * 1024
"""Read first to find a header; nearly all are smaller."""

_MESSAGE_ID: Final = re.compile(
    rb"^message-id:[ \t\r\n]*<([^<>\r\n]{1,250})>", re.MULTILINE | re.IGNORECASE
)
_DELIVERED_TO: Final = re.compile(
    rb"^delivered-to:[ \t]*([^\r\n]+)", re.MULTILINE | re.IGNORECASE
)
_NOT_PLAIN: Final = re.compile(r"[^A-Za-z0-9.:_\[\]-]")


def read_header(spool: Spool, max_octets: int) -> bytes | None:
    """Return the header section, its empty line included; ``None``: too long.

    A message without an empty line is all header.
    """
    octets = spool.read(0, min(_FIRST_LOOK_OCTETS, max_octets + 1))
    end = split(octets)
    if end == len(octets) and end < spool.size and not octets.endswith(b"\r\n\r\n"):
        octets = spool.read(0, max_octets + 1)
        end = split(octets)
    return octets[:end] if end <= max_octets else None


def message_id_of(header: bytes) -> str:
    """Return the Message-ID without brackets, empty if there is none."""
    match = _MESSAGE_ID.search(header)
    return match[1].decode("utf-8", "replace") if match else ""


def hops_of(header: bytes) -> int:
    """Return how many servers say they had the message."""
    lower = header.lower()
    return lower.count(b"\nreceived:") + lower.startswith(b"received:")


def delivered_to(header: bytes) -> frozenset[str]:
    """Return the addresses that forwarded the message already, lower case."""
    return frozenset(
        match.decode("utf-8", "replace").strip().lower()
        for match in _DELIVERED_TO.findall(header)
    )


def received_field(
    client: Client, hostname: str, trace_id: str, recipient: str, now: float
) -> bytes:
    """Return the Received field of this hop (RFC 5321 §4.4).

    Args:
        client: Who gave us the message.
        hostname: Ours.
        trace_id: Ours.
        recipient: The only recipient; empty when there are more: a blind copy must not
            be told of another (RFC 5321 §7.2).
        now: Seconds since 1970.
    """
    address = client.peer.address
    literal = f"[IPv6:{address}]" if ":" in address else f"[{address}]"
    helo = _NOT_PLAIN.sub("?", client.helo) or "unknown"
    tls = ""
    if client.tls:
        tls = f"\r\n\t(using {client.tls.version} with {client.tls.cipher})"
    who = f"\r\n\tfor <{recipient}>" if recipient else ""
    return (
        f"Received: from {helo} ({literal}){tls}"
        f"\r\n\tby {hostname} (pabal) with {client.protocol} id {trace_id}{who};"
        f"\r\n\t{_date(int(now))}\r\n"
    ).encode()


def local_received_field(hostname: str, trace_id: str, now: float) -> bytes:
    """Return the Received field of a message this server wrote itself."""
    return (
        f"Received: by {hostname} (pabal) id {trace_id};\r\n\t{format_date(now)}\r\n"
    ).encode()


def return_path_field(reverse_path: Mailbox | None) -> bytes:
    """Return the Return-Path field, for final delivery only (RFC 5321 §4.4)."""
    return f"Return-Path: <{reverse_path or ''}>\r\n".encode()


@lru_cache(maxsize=1)
def _date(now: int) -> str:
    """Return the date of a second in which a thousand messages may come."""
    return format_date(now)


def delivered_to_field(address: str) -> bytes:
    """Return the field that says ``address`` forwarded the message."""
    return f"Delivered-To: {address}\r\n".encode()
