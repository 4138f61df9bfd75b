"""Zones transferred over TLS (RFC 9103): BIND from pabal, pabal from BIND."""

import asyncio
import contextlib
import ssl
from collections.abc import AsyncIterator
from pathlib import Path

import dns.asyncquery
import dns.message
import dns.rcode
import pytest

from pabal.admin.certificate import write_self_signed
from pabal.base.clock import SystemClock
from pabal.dns.server.nameserver import NameServer
from pabal.dns.settings import DnsSettings
from pabal.dns.zone.source import DirectorySource, JoinedSource
from pabal.dns.zone.zones import Zones
from pabal.net.endpoint import Endpoint
from pabal.net.sockets import bind
from pabal.net.tls import server_context
from tests.interop.peer import needs
from tests.interop.test_transfer_bind import (
    KEY,
    LOOPBACK,
    Place,
    named,
    reaches,
    text,
)
from tests.support.ports import free_port
from tests.support.server import own_address

pytestmark = [needs("named"), pytest.mark.slow]

HOST = "ns.a.test"


@pytest.fixture
def pair(tmp_path: Path) -> tuple[Path, Path]:
    made = tmp_path / "cert.pem", tmp_path / "key.pem"
    write_self_signed(*made, [HOST], SystemClock())
    return made


@contextlib.asynccontextmanager
async def pabal(
    directory: Path, settings: DnsSettings, tls: ssl.SSLContext | None = None
) -> AsyncIterator[tuple[Place, Place]]:
    """Run a server; yield where it is asked in clear, and over TLS."""
    own, copies = directory / "zones", directory / "copies"
    own.mkdir(parents=True, exist_ok=True)
    source = JoinedSource(DirectorySource(own), DirectorySource(copies))
    zones = Zones(source, None, HOST, SystemClock())
    server = NameServer(settings, zones, None, SystemClock(), tls)
    address = own_address()
    places = (address, 20053), (address, 20853)
    clear, secret = (Endpoint(*place) for place in places)
    await server.reload()
    await server.start(
        [bind(clear, "dns", udp=True)],
        [bind(clear, "dns")],
        [bind(secret, "dns-tls")] if tls else [],
    )
    try:
        yield places
    finally:
        await server.stop()


@pytest.mark.parametrize("strict", [False, True])
async def test_bind_copies_over_tls(
    tmp_path: Path, pair: tuple[Path, Path], *, strict: bool
) -> None:
    file = tmp_path / "pabal" / "zones" / "a.test.zone"
    file.parent.mkdir(parents=True)
    file.write_text(text(5))
    settings = DnsSettings(
        HOST,
        keys=(KEY,),
        allow_transfer=("key xfr.test",),
        transfer_tls_only=True,
    )
    context = server_context(*pair, protocols=("dot",))
    async with pabal(tmp_path / "pabal", settings, context) as (clear, secret):
        tls = "check" if strict else "ephemeral"
        port = free_port()
        zone = (
            f'tls check {{ ca-file "{pair[0]}"; remote-hostname "{HOST}"; }};'
            f' zone "a.test" {{ type secondary; file "copy"; primaries {{ {secret[0]}'
            f" port {secret[1]} key xfr.test tls {tls}; }}; }};"
        )
        with named(tmp_path / "bind", port, zone):
            await reaches((LOOPBACK, port), 5)
        query = dns.message.make_query("a.test", "AXFR")
        plain = await dns_tcp(query, clear)
        assert plain.rcode() == dns.rcode.REFUSED


async def dns_tcp(query: dns.message.Message, place: Place) -> dns.message.Message:
    return await dns.asyncquery.tcp(query, place[0], 5, place[1])


@pytest.mark.parametrize("who", ["ephemeral", HOST, "other.test"])
async def test_pabal_copies_over_tls(
    tmp_path: Path, pair: tuple[Path, Path], who: str
) -> None:
    clear, secret = free_port(), free_port()
    directory = tmp_path / "bind"
    directory.mkdir()
    (directory / "a").write_text(text(6))
    options = (
        f"listen-on port {secret} tls own {{ {LOOPBACK}; }};"
        f" allow-transfer port {secret} transport tls {{ key xfr.test; }};"
    )
    zone = (
        f'tls own {{ cert-file "{pair[0]}"; key-file "{pair[1]}"; }};'
        ' zone "a.test" { type primary; file "a"; };'
    )
    settings = DnsSettings(
        HOST,
        keys=(KEY,),
        secondary=(f"a.test {LOOPBACK}:{secret} key xfr.test tls {who}",),
        secondary_directory=str(tmp_path / "pabal" / "copies"),
        transfer_ca=str(pair[0]),
    )
    with named(directory, clear, zone, options):
        await reaches((LOOPBACK, clear), 6)
        async with pabal(tmp_path / "pabal", settings) as (place, _):
            if who == "other.test":
                with pytest.raises(TimeoutError):
                    await reaches_soon(place)
            else:
                await reaches(place, 6)


async def reaches_soon(place: Place) -> None:
    async with asyncio.timeout(2):
        await reaches(place, 6)
