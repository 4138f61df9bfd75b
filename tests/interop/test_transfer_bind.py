"""BIND follows a pabal primary, pabal follows a BIND primary."""

import asyncio
import contextlib
import os
import subprocess
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from pathlib import Path

import dns.asyncquery
import dns.exception
import dns.message
import dns.name
import dns.query
import dns.rdatatype
import dns.tsig
import pytest

import dns.zone
from pabal.base.clock import SystemClock
from pabal.dns.server.nameserver import NameServer
from pabal.dns.settings import DnsSettings
from pabal.dns.zone.source import DirectorySource, JoinedSource
from pabal.dns.zone.zones import Zones
from pabal.net.endpoint import Endpoint
from pabal.net.sockets import bind
from tests.interop.peer import path_of
from tests.support.ports import free_port
from tests.support.server import own_address

pytestmark = pytest.mark.skipif(not path_of("named"), reason="BIND is not installed")

LOOPBACK = "127.0.0.1"
"""BIND listens on addresses that interfaces have, not on all of 127.0.0.0/8."""

PORT = 20053
"""Ours, at an address of our own."""

SECRET = "cGFiYWwgc2hhcmVzIHRoaXMgd2l0aCBubyBvbmUgZWxzZQ=="
KEY = f"hmac-sha256:xfr.test:{SECRET}"
SERIAL = 5


def text(serial: int, *lines: str) -> str:
    names = "".join(f"h{i} A 198.51.{i // 250}.{i % 250}\n" for i in range(3000))
    return (
        f"$TTL 300\n@ SOA ns hostmaster {serial} 3 2 1209600 60\n@ NS ns\n"
        "ns A 192.0.2.1\n@ MX 10 mail\nmail AAAA 2001:db8::25\n"
        '@ TXT "two strings" "of; text"\nodd TYPE65280 \\# 2 abcd\n'
        "*.w CNAME mail\nbig.Letters A 192.0.2.9\n_s._tcp SRV 0 1 2 mail\n"
        + names
        + "".join(line + "\n" for line in lines)
    )


@contextlib.contextmanager
def named(
    directory: Path, port: int, zone: str, options: str = "", minimal: str = "yes"
) -> Iterator[subprocess.Popen[bytes]]:
    directory.mkdir(exist_ok=True)
    (directory / "named.conf").write_text(
        f"""options {{ directory "{directory}"; pid-file none; session-keyfile none;
            listen-on port {port} {{ {LOOPBACK}; }}; listen-on-v6 {{ none; }};
            recursion no; dnssec-validation no; minimal-responses {minimal};
            zero-no-soa-ttl no; ixfr-from-differences yes;
            min-refresh-time 1; min-retry-time 1; transfer-source {LOOPBACK};
            notify-source {LOOPBACK}; notify explicit; {options} }};
        key "xfr.test" {{ algorithm hmac-sha256; secret "{SECRET}"; }};
        controls {{ }}; {zone}"""
    )
    log = (directory / "log").open("wb")
    command = [path_of("named"), "-g", "-n", "1", "-c", str(directory / "named.conf")]
    process = subprocess.Popen(command, stdout=log, stderr=log)
    try:
        yield process
    finally:
        process.terminate()
        process.wait(20)
        log.close()


@contextlib.asynccontextmanager
async def pabal(
    directory: Path, address: str, settings: DnsSettings
) -> AsyncIterator[NameServer]:
    own, copies = directory / "zones", directory / "copies"
    own.mkdir(parents=True, exist_ok=True)
    source = JoinedSource(DirectorySource(own), DirectorySource(copies))
    zones = Zones(source, None, "ns.test", SystemClock())
    server = NameServer(settings, zones, None, SystemClock())
    await server.reload()
    endpoint = Endpoint(address, PORT)
    await server.start([bind(endpoint, "dns", udp=True)], [bind(endpoint, "dns")])
    try:
        yield server
    finally:
        await server.stop()


Place = tuple[str, int]


async def serial(place: Place) -> int:
    query = dns.message.make_query("a.test", "SOA")
    with contextlib.suppress(OSError, dns.exception.DNSException):
        answer = await dns.asyncquery.udp(query, place[0], 1, place[1])
        if answer.answer:
            found: int = answer.answer[0][0].serial
            return found
    return 0


async def until(holds: Callable[[], Awaitable[bool]], seconds: float = 30) -> None:
    async with asyncio.timeout(seconds):
        while not await holds():  # noqa: ASYNC110  another program is waited for
            await asyncio.sleep(0.1)


async def reaches(place: Place, wanted: int) -> None:
    async def holds() -> bool:
        return await serial(place) == wanted

    await until(holds)


async def whole(place: Place) -> set[str]:
    """Return every record by AXFR, signed, as text."""
    keys = {dns.name.from_text("xfr.test"): dns.tsig.Key("xfr.test", SECRET)}
    zone = dns.zone.Zone("a.test", relativize=False)
    query, _ = dns.xfr.make_query(zone, keyring=keys, keyname=next(iter(keys)))
    await dns.asyncquery.inbound_xfr(place[0], zone, query, place[1])
    return {
        f"{name.canonicalize()} {ttl} {rdata.to_generic()}"
        for name, ttl, rdata in zone.iterate_rdatas()
    }


async def test_bind_follows_pabal(tmp_path: Path) -> None:
    ours, theirs = (own_address(), PORT), (LOOPBACK, free_port())
    zones = tmp_path / "pabal" / "zones"
    zones.mkdir(parents=True)
    (zones / "a.test.zone").write_text(text(SERIAL))
    settings = DnsSettings(
        "ns.test",
        keys=(KEY,),
        allow_transfer=("key xfr.test",),
        notify=(f"{LOOPBACK}:{theirs[1]} key xfr.test",),
    )
    zone = f"""zone "a.test" {{ type secondary; file "a.test.copy";
        masterfile-format text; allow-transfer {{ key xfr.test; }};
        primaries port {PORT} {{ {ours[0]} key xfr.test; }}; }};"""
    async with pabal(tmp_path / "pabal", ours[0], settings) as server:
        with named(tmp_path / "bind", theirs[1], zone):
            await reaches(theirs, SERIAL)
            assert await whole(ours) == await whole(theirs)
            changed = text(SERIAL + 1, "new A 192.0.2.77").replace("h7 A", "h7b A")
            (zones / "a.test.zone").write_text(changed)
            await server.reload()
            await reaches(theirs, SERIAL + 1)
            assert await whole(ours) == await whole(theirs)
    log = (tmp_path / "bind" / "log").read_text()
    # The SOA four times, and h7 gone, h7b and new come: only the changes.
    assert "1 messages, 7 records" in log, log
    assert "received notify" in log
    assert "refused notify" not in log


async def test_strangers_get_no_zone(tmp_path: Path) -> None:
    ours = own_address()
    zones = tmp_path / "zones"
    zones.mkdir()
    (zones / "a.test.zone").write_text(text(SERIAL))
    settings = DnsSettings("ns.test", keys=(KEY,), allow_transfer=("key xfr.test",))
    async with pabal(tmp_path, ours, settings):
        query = dns.message.make_query("a.test", "AXFR")
        answer = await dns.asyncquery.tcp(query, ours, 5, PORT)
        assert answer.rcode() == dns.rcode.REFUSED
        wrong = {dns.name.from_text("xfr.test"): dns.tsig.Key("xfr.test", SECRET[4:])}
        query.use_tsig(wrong)
        with pytest.raises(dns.tsig.PeerBadSignature):
            await dns.asyncquery.tcp(query, ours, 5, PORT)


async def test_pabal_follows_bind_and_outlives_it(tmp_path: Path) -> None:
    ours, theirs = (own_address(), PORT), (LOOPBACK, free_port())
    directory = tmp_path / "bind"
    directory.mkdir()
    file = directory / "a.test.zone"
    file.write_text(text(SERIAL))
    zone = f"""zone "a.test" {{ type primary; file "{file}";
        allow-transfer {{ key xfr.test; }};
        also-notify {{ {ours[0]} port {PORT} key xfr.test; }}; }};"""
    copies = tmp_path / "pabal" / "copies"
    settings = DnsSettings(
        "ns.test",
        keys=(KEY,),
        allow_transfer=("key xfr.test",),
        secondary=(f"a.test {LOOPBACK}:{theirs[1]} key xfr.test",),
        secondary_directory=str(copies),
    )
    with named(directory, theirs[1], zone) as process:
        await reaches(theirs, SERIAL)
        async with pabal(tmp_path / "pabal", ours[0], settings):
            await reaches(ours, SERIAL)
            assert await whole(ours) == await whole(theirs)
            changed = text(SERIAL + 1, "new A 192.0.2.77").replace("h7 A", "h7b A")
            file.write_text(changed)
            os.utime(file, (2e9, 2e9))  # BIND looks at whole seconds
            process.send_signal(1)
            await reaches(ours, SERIAL + 1)
            assert await whole(ours) == await whole(theirs)
    async with pabal(tmp_path / "pabal", ours[0], settings):
        assert await serial(ours) == SERIAL + 1
