import asyncio
import contextlib
import os
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import dns.name
import pytest

from pabal.base.clock import SystemClock
from pabal.base.errors import OperatorError
from pabal.dns.server.keys import KeyRing
from pabal.dns.server.nameserver import NameServer, Sharing
from pabal.dns.server.secondary import CONTACT, parse_copied, parse_groups
from pabal.dns.settings import DnsSettings
from pabal.dns.zone.source import DirectorySource, JoinedSource
from pabal.dns.zone.zones import Zones
from pabal.net.endpoint import Endpoint
from pabal.net.sockets import bind
from tests.support.zones import HEAD, MemorySource

KEY = "hmac-sha256:k.test:cGFiYWwgc2hhcmVzIHRoaXM="
NAME = dns.name.from_text("a.test")
TEXT = HEAD.replace("7200 3600", "1 1")


def test_copied_zones() -> None:
    keys = KeyRing((KEY,), SystemClock())
    found = parse_copied(
        ("a.test 192.0.2.1", "b.test 192.0.2.1:54 key k.test", "A.test 192.0.2.2"), keys
    )
    assert [(str(c.name), len(c.primaries)) for c in found] == [
        ("a.test.", 2),
        ("b.test.", 1),
    ]
    for text in ("", "a.test", "a..test 192.0.2.1", "a.test 192.0.2.1 key none.test"):
        with pytest.raises(OperatorError):
            parse_copied((text,), keys)


def test_servers_of_groups() -> None:
    """In their order: a member may be in several groups."""
    keys = KeyRing((KEY,), SystemClock())
    found = parse_groups(
        ("b 192.0.2.1", "a 192.0.2.2 key k.test", "b 192.0.2.3:54"), keys
    )
    assert [(group, len(servers)) for group, servers in found.items()] == [
        (b"b", 2),
        (b"a", 1),
    ]
    with pytest.raises(OperatorError, match="follow_groups"):
        parse_groups(("b",), keys)


@contextlib.asynccontextmanager
async def serving(
    address: str, zones: Zones, settings: DnsSettings, sharing: Sharing | None = None
) -> AsyncIterator[NameServer]:
    server = NameServer(settings, zones, None, SystemClock())
    server.share(sharing or Sharing())
    await server.reload()
    endpoint = Endpoint(address, 20053)
    await server.start([bind(endpoint, "dns", udp=True)], [bind(endpoint, "dns")])
    try:
        yield server
    finally:
        await server.stop()


async def comes(zones: Zones, serial: int) -> None:
    async with asyncio.timeout(10):
        while True:
            zone = zones.get(NAME)
            if zone is not None and zone.serial == serial:
                return
            await asyncio.sleep(0.02)


def copying(tmp_path: Path) -> tuple[Zones, DnsSettings]:
    copies = DirectorySource(tmp_path / "copies")
    zones = Zones(JoinedSource(MemorySource(), copies), None, "h.test", SystemClock())
    settings = DnsSettings(
        "b.test",
        keys=(KEY,),
        secondary=("a.test 127.81.0.1:20053 key k.test",),
        secondary_directory=str(tmp_path / "copies"),
    )
    return zones, settings


async def test_a_copy_follows_survives_and_expires(tmp_path: Path) -> None:
    source = MemorySource({"a.test.zone": TEXT})
    primary = Zones(source, None, "h.test", SystemClock())
    settings = DnsSettings(
        "a.test", keys=(KEY,), allow_transfer=("key k.test",),
        notify=("127.81.0.2:20053",),
    )  # fmt: skip
    zones, copier = copying(tmp_path)
    async with (
        serving("127.81.0.1", primary, settings) as first,
        serving("127.81.0.2", zones, copier),
    ):
        await comes(zones, 1)
        source.texts["a.test.zone"] = TEXT.replace(" 1 1 1", " 2 1 1") + "b TXT x\n"
        await first.reload()
        await comes(zones, 2)
    # The primary is away now; the copy on disk is served.
    again, copier = copying(tmp_path)
    async with serving("127.81.0.2", again, copier):
        await comes(again, 2)
    contact = tmp_path / "copies" / ("a.test.zone" + CONTACT)
    os.utime(contact, (1, 1))
    late, copier = copying(tmp_path)
    async with serving("127.81.0.2", late, copier):
        async with asyncio.timeout(10):
            while late.get(NAME) is not None:  # noqa: ASYNC110  no event tells
                await asyncio.sleep(0.02)


async def test_one_process_follows_and_hears_of_notifies(tmp_path: Path) -> None:
    source = MemorySource({"a.test.zone": TEXT.replace("1 1 1", "1 3600 3600")})
    primary = Zones(source, None, "h.test", SystemClock())
    settings = DnsSettings(
        "a.test", keys=(KEY,), allow_transfer=("key k.test",),
        notify=("127.81.0.3:20053",),
    )  # fmt: skip
    zones, copier = copying(tmp_path)
    heard: list[str] = []
    async with (
        serving("127.81.0.1", primary, settings) as first,
        serving("127.81.0.2", zones, copier) as follower,
        serving(
            "127.81.0.3", copying(tmp_path)[0], copier, Sharing(heard.append)
        ) as other,
    ):
        await comes(zones, 1)
        source.texts["a.test.zone"] = TEXT.replace(" 1 1 1", " 2 1 1")
        await first.reload()
        async with asyncio.timeout(10):
            while not heard:  # noqa: ASYNC110  no event tells
                await asyncio.sleep(0.02)
        assert set(heard) == {"a.test."}
        other.notified("b.test.")
        follower.notified("a.test.")
        await comes(zones, 2)


async def test_what_is_copied_no_longer_is_served_no_longer(tmp_path: Path) -> None:
    zones, copier = copying(tmp_path)
    copies = tmp_path / "copies"
    copies.mkdir()
    (copies / "a.test.zone").write_text(TEXT)
    (copies / "b.test.zone").write_text(TEXT)
    other = dns.name.from_text("b.test")
    async with serving("127.81.0.2", zones, copier, Sharing(lambda _: None)):
        assert zones.get(other) is not None, "the process that follows decides"
    async with serving("127.81.0.2", zones, copier):
        async with asyncio.timeout(10):
            while zones.get(other) is not None:  # noqa: ASYNC110  no event tells
                await asyncio.sleep(0.02)
        assert zones.get(NAME) is not None
    assert (copies / "b.test.zone.expired").exists()


async def test_who_may_not_transfer_is_told_and_serves_nothing(tmp_path: Path) -> None:
    primary = Zones(MemorySource({"a.test.zone": TEXT}), None, "h.test", SystemClock())
    zones, copier = copying(tmp_path)
    async with (
        serving("127.81.0.1", primary, DnsSettings("a.test", keys=(KEY,))),
        serving("127.81.0.2", zones, copier),
    ):
        await asyncio.sleep(0.3)
        assert zones.get(NAME) is None
    assert not (tmp_path / "copies").exists()


async def test_members_of_a_group_come_from_its_servers(tmp_path: Path) -> None:
    """RFC 9432 §4.3.2.2, pabal to pabal; another group, other servers."""
    settings = DnsSettings(
        "h.test",
        allow_transfer=("any",),
        notify=("127.81.0.2:20053",),
        journal_directory=str(tmp_path / "updates"),
        catalog="catalog.test",
    )

    def primary(serial: int) -> Zones:
        text = TEXT.replace(" 1 1 1", f" {serial} 1 1")
        source = MemorySource({"a.test.zone": text, "b.test.zone": text})
        return Zones(source, None, "h.test", SystemClock())

    def follower() -> tuple[Zones, DnsSettings]:
        zones, copier = copying(tmp_path)
        return zones, replace(
            copier,
            secondary=(),
            follow_catalogs=("catalog.test 127.81.0.1:20053",),
            follow_groups=("far 127.81.0.3:20053",),
        )

    grouped = replace(settings, catalog_groups=("a.test far", "b.test unknown"))
    zones, copier = follower()
    near, far = primary(1), primary(7)
    async with (
        serving("127.81.0.1", near, grouped),
        serving("127.81.0.3", far, DnsSettings("f.test", allow_transfer=("any",))),
        serving("127.81.0.2", zones, copier),
    ):
        await comes(zones, 7)
        async with asyncio.timeout(10):
            while zones.get(dns.name.from_text("b.test")) is None:  # noqa: ASYNC110
                await asyncio.sleep(0.02)
        other = zones.get(dns.name.from_text("b.test"))
        assert other is not None
        assert other.serial == 1, "a group that means nothing here"
    # Out of the group: the copy of the other server has a greater number and stays,
    # until the new one's is greater.
    zones, copier = follower()
    async with (
        serving("127.81.0.1", primary(8), settings),
        serving("127.81.0.2", zones, copier),
    ):
        await comes(zones, 8)
