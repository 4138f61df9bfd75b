"""A new server's directory: what ``pabal init`` writes.

Nothing that exists is overwritten.
"""

import ipaddress
import socket
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Final

from pabal.admin.certificate import write_self_signed
from pabal.admin.layout import DATA_MODE
from pabal.base.atomic import write_file
from pabal.base.clock import Clock
from pabal.base.errors import OperatorError
from pabal.message.address import AddressError, domain_to_ascii
from pabal.net.endpoint import Endpoint

SERVICES: Final[Mapping[str, int]] = MappingProxyType(
    {
        "smtp": 25,
        "submission": 587,
        "submissions": 465,
        "imap": 143,
        "imaps": 993,
        "pop3": 110,
        "pop3s": 995,
        "dns": 53,
        "dns-tls": 853,
        "http": 80,
        "https": 443,
        "ssh": 22,
    }
)
"""What a new server listens for, with standard ports (IANA)."""

OFTEN_TAKEN: Final = frozenset({"ssh"})
"""Off on its standard port: the machine's own sshd is there."""

DOCUMENTATION_ADDRESS: Final = "192.0.2.1"
"""An address of nobody (RFC 5737): asking for the way there sends nothing."""


@dataclass(frozen=True, slots=True)
class Plan:
    """What to make.

    Attributes:
        directory: Where.
        hostname: What the server calls itself.
        domain: The first domain it hosts.
        address: Where it listens; the wildcard also listens on IPv6.
        port_offset: Added to every standard port.
        administrator: Who may log in to the console, an address; empty: nobody yet.
    """

    directory: Path
    hostname: str
    domain: str
    address: str
    port_offset: int
    administrator: str = ""

    @property
    def file(self) -> Path:
        """The configuration."""
        return self.directory / "pabal.toml"

    @property
    def data(self) -> Path:
        """The program's own directory."""
        return self.directory / "data"

    @property
    def is_wildcard(self) -> bool:
        """Whether it listens on every address."""
        return ipaddress.ip_address(self.address).is_unspecified

    @property
    def address_shown(self) -> str:
        """What a mail program on another machine types."""
        return self.hostname if self.is_wildcard else self.address

    def check(self) -> None:
        """See whether this can be made.

        Raises:
            OperatorError: Something is there already, or a name or address is none.
        """
        if self.file.exists():
            raise OperatorError(
                f"{self.file} is there already; nothing was changed.",
                "Name another directory, or edit the file and run `pabal check`.",
            )
        for what, name in (("host name", self.hostname), ("domain", self.domain)):
            try:
                domain_to_ascii(name)
            except AddressError as error:
                raise OperatorError(f"{name!r} is not a {what}: {error}.") from error
        try:
            ipaddress.ip_address(self.address)
        except ValueError:
            raise OperatorError(
                f"{self.address!r} is not an IP address.", "Like --address 127.0.0.1"
            ) from None

    def listen(self, service: str) -> list[str]:
        """Return the endpoints of ``service``; none: it is off."""
        if service in OFTEN_TAKEN and not self.port_offset:
            return []
        port = SERVICES[service] + self.port_offset
        endpoints = [str(Endpoint(self.address, port))]
        if self.address == "0.0.0.0":  # noqa: S104 (compared, not bound)
            endpoints.append(str(Endpoint("::", port)))
        return endpoints


def write_files(plan: Plan, clock: Clock) -> None:
    """Write configuration, certificate and folders of ``plan``.

    Raises:
        OperatorError: A folder or file cannot be made; says which.
    """
    try:
        for path in (plan.directory, plan.directory / "zones", plan.directory / "www"):
            path.mkdir(parents=True, exist_ok=True)
        tls = plan.directory / "tls"
        tls.mkdir(mode=DATA_MODE, exist_ok=True)
        certificate, key = tls / "cert.pem", tls / "key.pem"
        if not certificate.exists() and not key.exists():
            names = [domain_to_ascii(plan.hostname)]
            if not plan.is_wildcard:
                names.append(plan.address)
            write_self_signed(certificate, key, names, clock)
        write_file(plan.file, configuration(plan).encode())
    except OSError as error:
        raise OperatorError(
            f"cannot write {error.filename or plan.directory}: {error.strerror}.",
            "Choose a directory you may write to.",
        ) from error


def configuration(plan: Plan) -> str:
    """Return the text of pabal.toml."""
    lines = [
        "# pabal.toml: `pabal check` says what is wrong here, `pabal serve` does too.",
        "# Every option with its default: docs/configuration.md.",
        f'hostname = "{plan.hostname}"',
        'data = "data"',
        "",
        "[listen]",
    ]
    for service in SERVICES:
        endpoints = ", ".join(f'"{endpoint}"' for endpoint in plan.listen(service))
        lines.append(f"{service} = [{endpoints}]")
    lines += ["", "[tls]", 'certificate = "tls/cert.pem"', 'key = "tls/key.pem"']
    if plan.administrator:
        lines += ["", "[ssh]", "# Who may log in: `pabal account key add` first."]
        lines.append(f'administrators = ["{plan.administrator}"]')
    lines += ["", "[dns]"]
    addresses = [own_address()] if plan.is_wildcard else [plan.address]
    shown = ", ".join(f'"{address}"' for address in addresses if address)
    lines.append("# Addresses others reach this host at, for the records it serves.")
    lines.append(f"addresses = [{shown}]")
    return "\n".join(lines) + "\n"


def own_address() -> str:
    """Return the address this machine would talk to the world from, empty if none."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        try:
            # Connecting a datagram socket sends nothing; the kernel picks a route.
            probe.connect((DOCUMENTATION_ADDRESS, 9))
        except OSError:
            return ""
        address: str = probe.getsockname()[0]
        return address
