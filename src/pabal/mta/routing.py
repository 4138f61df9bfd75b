"""From a domain to the hosts that take its mail, in the order they are tried.

Sans-IO: answers of the name server go in, hosts or a failure come out.
Source: RFC 5321 §5.1 (MX, implicit MX, our own name among them), RFC 7505 (null MX),
RFC 5321 §4.1.3 (address literals).
"""

import enum
import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from pabal.base.ids import Chance
from pabal.net.endpoint import Endpoint, EndpointError
from pabal.smtp.outcome import Outcome, permanent, temporary

HOSTS_MAX: Final = 20
"""Exchangers of a domain looked at: the best ones; a hostile zone has thousands."""


_NAME: Final = re.compile(r"[a-z0-9_-]+(?:\.[a-z0-9_-]+)*", re.IGNORECASE | re.ASCII)


class ExchangersKind(enum.Enum):
    """What a domain says of its mail."""

    RECORDS = "records"
    """It has MX records."""
    IMPLICIT = "implicit"
    """It exists without any: itself is the host (RFC 5321 §5.1)."""
    NULL = "null"
    """It takes no mail (RFC 7505 §3)."""
    NXDOMAIN = "nxdomain"
    """There is no such domain."""


@dataclass(frozen=True, slots=True)
class Exchangers:
    """The mail exchangers of a domain.

    Attributes:
        kind: What the domain says.
        records: Preference and host (A-labels), in any order.
    """

    kind: ExchangersKind
    records: Sequence[tuple[int, str]] = ()


@dataclass(frozen=True, slots=True)
class Hosts:
    """Whom to try for a domain.

    Attributes:
        names: Hosts in order.
        best: How many of them, from the first on, are equally good.
    """

    names: Sequence[str]
    best: int = 1


def hosts_of(
    domain: str, answer: Exchangers, own_name: str, chance: Chance
) -> Hosts | Outcome:
    """Return the hosts to try for ``domain``, or why it cannot have mail.

    Args:
        domain: In A-labels.
        answer: Its exchangers.
        own_name: Our host name: hosts that are no better than we are a loop.
        chance: Orders those of equal preference, to share the load.
    """
    if answer.kind is ExchangersKind.NXDOMAIN:
        return permanent(50, "1.2", f"the domain {domain} does not exist")
    if answer.kind is ExchangersKind.NULL:
        # RFC 7505 §4.2 (5.1.10), §4.1 (556).
        return permanent(56, "1.10", f"the domain {domain} does not accept mail")
    # RFC 5321 §5.1: they are domain names; anything else is nobody's mail server.
    records = [one for one in answer.records if _is_name(one[1])]
    if answer.kind is ExchangersKind.IMPLICIT:
        records = [(0, domain)]
    own = [preference for preference, host in records if host == own_name]
    if own:
        # RFC 5321 §5.1: no host as distant as ourselves or farther.
        records = [record for record in records if record[0] < min(own)]
        if not records:
            return permanent(
                54, "4.6", f"mail for {domain} loops back to this server ({own_name})"
            )
    shuffled = sorted(chance.shuffled(records), key=lambda record: record[0])
    chosen = shuffled[:HOSTS_MAX]
    if not chosen:
        return temporary(51, "4.4", f"the domain {domain} has no usable exchanger")
    best = sum(record[0] == chosen[0][0] for record in chosen)
    return Hosts(tuple(host for _, host in chosen), best)


def _is_name(host: str) -> bool:
    return _NAME.fullmatch(host) is not None and not host.rpartition(".")[2].isdigit()


def literal_address(domain: str) -> str:
    """Return the IP address of an address literal ``[…]``; empty if it is none."""
    if not domain.startswith("["):
        return ""
    inner = domain[1:-1]
    return inner[5:] if inner[:5].lower() == "ipv6:" else inner


def smarthost_of(text: str, port: int) -> tuple[str, int]:
    """Return host and port of a smarthost: ``host``, ``host:port``, ``[v6]:port``."""
    try:
        endpoint = Endpoint.parse(text)
    except EndpointError:
        host, colon, digits = text.rpartition(":")
        if colon and digits.isascii() and digits.isdigit() and ":" not in host:
            return host, int(digits)
        return text, port
    return endpoint.address, endpoint.port


def endpoints_of(
    addresses: Sequence[str], port: int, source_address: str = ""
) -> list[Endpoint]:
    """Return where to connect, families in turn so that a dead one costs one try.

    Args:
        addresses: Of one host.
        port: TCP port.
        source_address: Our end; only its family is of use then.
    """
    six = [address for address in addresses if ":" in address]
    four = [address for address in addresses if ":" not in address]
    if source_address:
        six, four = (six, []) if ":" in source_address else ([], four)
    ordered: list[str] = []
    for place in range(max(len(six), len(four))):
        ordered += six[place : place + 1] + four[place : place + 1]
    return [Endpoint(address, port) for address in ordered]
