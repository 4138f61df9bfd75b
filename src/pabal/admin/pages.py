"""Pages that follow from what this server is, for senders and for mail programs.

Source: RFC 8461 §3.2 (policies of MTA-STS); the Autoconfiguration of Thunderbird,
config-v1.1.xml, which several mail programs read.
"""

import enum
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final
from xml.sax.saxutils import escape

from pabal.net.endpoint import Endpoint

STS_HOST: Final = "mta-sts."
STS_PATH: Final = "/.well-known/mta-sts.txt"
AUTOCONFIG_HOST: Final = "autoconfig."
AUTOCONFIG_PATHS: Final = frozenset(
    {"/mail/config-v1.1.xml", "/.well-known/autoconfig/mail/config-v1.1.xml"}
)

STS_MAX_AGE_S: Final = 7 * 86_400
"""How long senders hold a policy: RFC 8461 §3.2 thinks of weeks, and no longer than one
is needed here to take one back."""

_INCOMING: Final = (
    ("imaps", "imap", "SSL"),
    ("imap", "imap", "STARTTLS"),
    ("pop3s", "pop3", "SSL"),
    ("pop3", "pop3", "STARTTLS"),
)
_OUTGOING: Final = (
    ("submissions", "smtp", "SSL"),
    ("submission", "smtp", "STARTTLS"),
)
"""[listen] service, protocol and kind of socket; what is best first."""


class StsMode(enum.Enum):
    """What a policy asks of senders (RFC 8461 §3.2 and §8.3)."""

    OFF = "off"
    NONE = "none"
    TESTING = "testing"
    ENFORCE = "enforce"


def sts_policy(mode: StsMode, hostname: str) -> str:
    """Return the policy for mail that goes to ``hostname``."""
    return (
        f"version: STSv1\nmode: {mode.value}\nmx: {hostname}\n"
        f"max_age: {STS_MAX_AGE_S}\n"
    )


def autoconfig(
    domain: str, hostname: str, listen: Mapping[str, Sequence[Endpoint]]
) -> str:
    """Return what a mail program needs to know of ``domain``."""
    servers = _servers("incomingServer", _INCOMING, hostname, listen)
    servers += _servers("outgoingServer", _OUTGOING, hostname, listen)
    name = escape(domain)
    return (
        '<?xml version="1.0" encoding="UTF-8"?>\n'
        '<clientConfig version="1.1">\n'
        f'  <emailProvider id="{name}">\n'
        f"    <domain>{name}</domain>\n"
        f"    <displayName>{name}</displayName>\n"
        f"    <displayShortName>{name}</displayShortName>\n"
        f"{servers}"
        "  </emailProvider>\n"
        "</clientConfig>\n"
    )


def _servers(
    element: str,
    kinds: Sequence[tuple[str, str, str]],
    hostname: str,
    listen: Mapping[str, Sequence[Endpoint]],
) -> str:
    found = ""
    for service, protocol, socket_type in kinds:
        for endpoint in listen.get(service, ())[:1]:
            found += (
                f'    <{element} type="{protocol}">\n'
                f"      <hostname>{escape(hostname)}</hostname>\n"
                f"      <port>{endpoint.port}</port>\n"
                f"      <socketType>{socket_type}</socketType>\n"
                "      <authentication>password-cleartext</authentication>\n"
                "      <username>%EMAILADDRESS%</username>\n"
                f"    </{element}>\n"
            )
    return found


@dataclass(frozen=True, slots=True)
class OwnPages:
    """Finds the page at a host and a path.

    Attributes:
        is_hosted: Whether a domain is ours.
        policy: Returns the policy of MTA-STS of a domain; empty: it has none.
        hostname: Where mail programs find their servers.
        listen: What is listened for.
    """

    is_hosted: Callable[[str], bool]
    policy: Callable[[str], str]
    hostname: str
    listen: Mapping[str, Sequence[Endpoint]]

    def find(self, host: str, path: str) -> tuple[str, str] | None:
        """Return media type and text of a page; ``None``: there is none of ours.

        Args:
            host: As the client wrote it, lower-case, without a port.
            path: Of the request.
        """
        if path == STS_PATH and host.startswith(STS_HOST):
            domain = host.removeprefix(STS_HOST)
            text = self.policy(domain) if self.is_hosted(domain) else ""
            return ("text/plain", text) if text else None
        if path in AUTOCONFIG_PATHS and host.startswith(AUTOCONFIG_HOST):
            domain = host.removeprefix(AUTOCONFIG_HOST)
            if self.is_hosted(domain):
                return "text/xml", autoconfig(domain, self.hostname, self.listen)
        return None
