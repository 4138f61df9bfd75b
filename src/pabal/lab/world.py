"""The lab's hosts: who they are, and the files an unmodified pabal needs to be them.

Four hosts on loopback addresses of their own: the root of the name space, the registry
of ``.test``, and two mail servers, each the name server of its own domain.
"""

import secrets
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from pabal.admin.setup import SERVICES
from pabal.net.endpoint import Endpoint

PORT_OFFSET: Final = 20_000
"""Added to the standard ports: no root is needed, and 25 is still seen in 20025."""

MAIL_SERVICES: Final = tuple(SERVICES)
WEB_NAME: Final = "www.seoul.test"


@dataclass(frozen=True, slots=True)
class Person:
    """Somebody with a mailbox.

    Attributes:
        address: Of the mailbox.
        password: Made anew for every lab.
    """

    address: str
    password: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class Host:
    """One server.

    Attributes:
        label: What the lab calls it.
        hostname: What it calls itself.
        address: Its own loopback address.
        domain: The domain it hosts; empty: names only.
        person: Whose mailbox it has.
        directory: Its pabal directory.
        port_offset: Added to standard ports.
    """

    label: str
    hostname: str
    address: str
    domain: str
    person: Person | None
    directory: Path
    port_offset: int = PORT_OFFSET

    @property
    def services(self) -> tuple[str, ...]:
        """What it listens for."""
        return MAIL_SERVICES if self.domain else ("dns",)

    def endpoint(self, service: str) -> Endpoint:
        """Return where ``service`` listens."""
        return Endpoint(self.address, SERVICES[service] + self.port_offset)


@dataclass(frozen=True, slots=True)
class World:
    """All hosts of the lab."""

    root: Host
    registry: Host
    server: Host
    server_b: Host

    @property
    def hosts(self) -> tuple[Host, ...]:
        """The hosts in the order they are started."""
        return (self.root, self.registry, self.server, self.server_b)

    def label(self, hostname: str) -> str:
        """Return what the lab calls ``hostname``."""
        for host in self.hosts:
            if host.hostname == hostname:
                return host.label
        return hostname


def build(directory: Path, ground: int = 0) -> World:
    """Return a world whose hosts keep their files below ``directory``.

    Args:
        directory: Of the world; each host has its own below.
        ground: Which of the networks 127.0.0.0/16 to 127.255.0.0/16 it is in.
    """

    def host(label: str, hostname: str, local: str, person: str) -> Host:
        domain = hostname.partition(".")[2] if person else ""
        return Host(
            label,
            hostname,
            f"127.{ground}.{local}",
            domain,
            Person(person, secrets.token_urlsafe(12)) if person else None,
            directory / label,
        )

    return World(
        host("root", "a.root-servers.test", "53.1", ""),
        host("registry", "ns.nic.test", "53.2", ""),
        host("server", "mail.seoul.test", "1.1", "student@seoul.test"),
        host("server-b", "mail.busan.test", "2.1", "teacher@busan.test"),
    )


def write_files(world: World) -> None:
    """Write configurations, zones, root hints and web pages.

    Raises:
        OSError: The directory cannot be written.
    """
    for host in world.hosts:
        for folder in ("zones", "www"):
            (host.directory / folder).mkdir(parents=True, exist_ok=True)
        (host.directory / "root.hints").write_text(_root_hints(world))
        (host.directory / "pabal.toml").write_text(_configuration(host))
    for owner, file, text in (
        (world.root, "root.zone", _root_zone(world)),
        (world.registry, "test.zone", _test_zone(world)),
        (world.server, f"{world.server.domain}.zone", _seoul_zone(world)),
    ):
        (owner.directory / "zones" / file).write_text(text)
    for host in (world.server, world.server_b):
        site = host.directory / "www" / WEB_NAME
        site.mkdir(exist_ok=True)
        (site / "index.html").write_text(_page(host))


def _configuration(host: Host) -> str:
    listen = "\n".join(
        f'{service} = "{host.endpoint(service) if service in host.services else ""}"'
        for service in SERVICES
    )
    console = _CONSOLE.format(host.person.address) if host.person else ""
    return f"""\
# Written by `pabal lab`: an ordinary configuration; only the addresses are the lab's.
hostname = "{host.hostname}"
workers = 1
user = ""
source_address = "{host.address}"

[listen]
{listen}

[mta]
port = {SERVICES["smtp"] + host.port_offset}

[dns]
root_hints = "root.hints"
port = {SERVICES["dns"] + host.port_offset}
addresses = ["{host.address}"]
allow_recursion = ["127.0.0.0/8"]
{console}"""


_CONSOLE: Final = """
# A password is enough on loopback, and shown for it; elsewhere keys are better.
[ssh]
administrators = ["{}"]
passwords = true
"""


def _root_hints(world: World) -> str:
    host = world.root
    return f""". 3600000 IN NS {host.hostname}.
{host.hostname}. 3600000 IN A {host.address}
"""


def _root_zone(world: World) -> str:
    root, registry = world.root, world.registry
    return f"""$TTL 3600
.         IN SOA {root.hostname}. hostmaster.test. 1 7200 900 604800 300
.         IN NS  {root.hostname}.
{root.hostname}. IN A {root.address}
test.     IN NS  {registry.hostname}.
{registry.hostname}. IN A {registry.address}
"""


def _test_zone(world: World) -> str:
    root, registry, server, server_b = world.hosts
    return f"""$TTL 3600
test.     IN SOA {registry.hostname}. hostmaster.test. 1 7200 900 604800 300
test.     IN NS  {registry.hostname}.
{registry.hostname}. IN A {registry.address}
{root.hostname}. IN A {root.address}
{server.domain}. IN NS {server.hostname}.
{server.hostname}. IN A {server.address}
{server_b.domain}. IN NS {server_b.hostname}.
{server_b.hostname}. IN A {server_b.address}
"""


def _seoul_zone(world: World) -> str:
    server, server_b = world.server, world.server_b
    return f"""; The owner's own records; MX, SPF, DKIM … follow from the server.
$TTL 60
@    IN SOA {server.hostname}. hostmaster.seoul.test. 1 7200 900 604800 60
@    IN NS  {server.hostname}.
www  IN A   {server.address}
www  IN A   {server_b.address}
"""


def _page(host: Host) -> str:
    return f"""<!doctype html>
<html lang="ko"><meta charset="utf-8"><title>{WEB_NAME}</title>
<h1>{WEB_NAME}</h1>
<p>This page came from {host.label} ({host.address}). 안녕하세요!</p>
</html>
"""
