"""Catalog zones: BIND follows one of pabal, pabal follows one of BIND."""

import contextlib
from dataclasses import replace
from pathlib import Path

import dns.asyncquery
import dns.exception
import dns.message
import pytest

from pabal.dns.settings import DnsSettings
from tests.interop.peer import needs
from tests.interop.test_transfer_bind import (
    LOOPBACK,
    PORT,
    SECRET,
    Place,
    named,
    pabal,
    until,
)
from tests.support.ports import free_port
from tests.support.server import own_address
from tests.support.zones import HEAD

pytestmark = [needs("named"), pytest.mark.slow]

KEYS = (f"hmac-sha256:xfr.test:{SECRET}",)


async def answers(place: Place, name: str) -> bool:
    with contextlib.suppress(OSError, dns.exception.DNSException):
        query = dns.message.make_query(name, "SOA")
        answer = await dns.asyncquery.udp(query, place[0], 0.5, place[1])
        return bool(answer.answer)
    return False


async def test_bind_follows_our_catalog(tmp_path: Path) -> None:
    address, port = own_address(), free_port()
    bind = (LOOPBACK, port)
    settings = DnsSettings(
        "ns.test",
        allow_transfer=("any",),
        notify=(f"{LOOPBACK}:{port}",),
        catalog="catalog.test",
        journal_directory=str(tmp_path / "updates"),
    )
    (tmp_path / "zones").mkdir()
    (tmp_path / "zones" / "a.test.zone").write_text(HEAD)
    (tmp_path / "bind").mkdir()
    options = f"""allow-new-zones no; catalog-zones {{ zone "catalog.test"
        default-primaries {{ {address} port {PORT}; }} in-memory yes
        min-update-interval 1; }};"""
    zone = f"""zone "catalog.test" {{ type secondary; file "catalog";
        primaries {{ {address} port {PORT}; }}; }};"""
    async with pabal(tmp_path, address, settings) as server:
        with named(tmp_path / "bind", port, zone, options):
            await until(lambda: answers(bind, "a.test"))
            (tmp_path / "zones" / "b.test.zone").write_text(HEAD)
            await server.reload()
            await until(lambda: answers(bind, "b.test"))
            (tmp_path / "zones" / "a.test.zone").unlink()
            await server.reload()

            async def is_gone() -> bool:
                return not await answers(bind, "a.test")

            await until(is_gone)
            assert await answers(bind, "b.test")


async def test_we_follow_a_catalog_of_bind(tmp_path: Path) -> None:
    address, port = own_address(), free_port()
    ours = (address, PORT)
    settings = DnsSettings(
        "ns.test",
        keys=KEYS,
        follow_catalogs=(f"catalog.test {LOOPBACK}:{port} key xfr.test",),
        secondary_directory=str(tmp_path / "copies"),
    )
    directory = tmp_path / "bind"
    directory.mkdir()
    catalog = HEAD.replace(" 7200 3600", " 1 1") + 'version TXT "2"\n'
    (directory / "catalog").write_text(catalog + "x1.zones PTR a.test.\n")
    for name in ("a", "b"):
        (directory / name).write_text(HEAD)
    zones = "".join(
        f"""zone "{name}.test" {{ type primary; file "{name}";
            allow-transfer {{ key "xfr.test"; }}; }};"""
        for name in ("catalog", "a", "b")
    )
    with named(directory, port, zones) as primary:
        await until(lambda: answers((LOOPBACK, port), "b.test"))
        async with pabal(tmp_path, address, settings):
            await until(lambda: answers(ours, "a.test"))
            changed = catalog.replace(" 1 1 1 1", " 2 1 1 1")
            (directory / "catalog").write_text(changed + "x2.zones PTR b.test.\n")
            primary.send_signal(1)
            await until(lambda: answers(ours, "b.test"))
            assert not await answers(ours, "a.test")
            assert {path.name for path in (tmp_path / "copies").glob("*.zone")} == {
                "catalog.test.zone",
                "b.test.zone",
            }
    # BIND is away: what was listed is served all the same.
    async with pabal(tmp_path, address, replace(settings)):
        assert await answers(ours, "b.test")
