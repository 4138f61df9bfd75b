"""BIND's nsupdate changes zones of ours; BIND as a secondary follows."""

import asyncio
import contextlib
from dataclasses import replace
from functools import partial
from pathlib import Path

import dns.asyncquery
import dns.exception
import dns.message
import dns.rdatatype
import dns.rrset
import pytest

from pabal.dns.settings import DnsSettings
from tests.interop.peer import needs, path_of
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
from tests.support.server import PORT_OFFSET, Server, own_address

pytestmark = needs("nsupdate")

ZONE = """$TTL 300
@ SOA ns hostmaster 5 3 2 1209600 60
@ NS ns
ns A 192.0.2.1
www A 192.0.2.2
"""

SETTINGS = DnsSettings(
    "ns.test",
    keys=(f"hmac-sha256:office.test:{SECRET}", f"hmac-sha512:acme.test:{SECRET}"),
    allow_update=(
        "a.test deny key office.test name www.a.test",
        "a.test key office.test zonesub",
        "a.test key acme.test name _acme-challenge.a.test TXT",
    ),
    allow_transfer=("any",),
)


async def nsupdate(
    place: Place, lines: str, *, key: str = "hmac-sha256:office.test", tcp: bool = False
) -> str:
    script = f"server {place[0]} {place[1]}\n{lines}\nsend\n"
    process = await asyncio.create_subprocess_exec(
        path_of("nsupdate"),
        *(["-v"] if tcp else []),
        "-y",
        f"{key}:{SECRET}",
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    async with asyncio.timeout(20):
        output, _ = await process.communicate(script.encode())
    return output.decode()


async def texts(
    place: Place, name: str, rdtype: str = "A", wait_s: float = 5
) -> list[str]:
    query = dns.message.make_query(name, rdtype)
    answer = await dns.asyncquery.udp(query, place[0], wait_s, place[1])
    return sorted(rdata.to_text() for rrset in answer.answer for rdata in rrset)


def write(directory: Path, text: str = ZONE) -> DnsSettings:
    (directory / "zones").mkdir(exist_ok=True)
    (directory / "zones" / "a.test.zone").write_text(text)
    return replace(SETTINGS, journal_directory=str(directory / "updates"))


async def test_a_key_nobody_knows_is_told_so(tmp_path: Path) -> None:
    """Without the time in the answer nsupdate would complain of clocks."""
    settings, place = write(tmp_path), (own_address(), PORT)
    async with pabal(tmp_path, place[0], settings):
        key = "hmac-sha256:stranger.test"
        said = await nsupdate(place, "update add new.a.test 60 A 192.0.2.7", key=key)
        assert "clocks" not in said
        assert "BADKEY" in said or "tsig" in said.lower()


@pytest.mark.parametrize("tcp", [False, True])
async def test_nsupdate_changes_a_zone(tmp_path: Path, *, tcp: bool) -> None:
    settings, place = write(tmp_path), (own_address(), PORT)
    async with pabal(tmp_path, place[0], settings):
        said = await nsupdate(
            place,
            "prereq yxrrset www.a.test A\nprereq nxdomain new.a.test\n"
            "update add new.a.test 60 A 192.0.2.7\n"
            "update add new.a.test 60 MX 5 ns.a.test.",
            tcp=tcp,
        )
        assert said == ""
        assert await texts(place, "new.a.test") == ["192.0.2.7"]
        assert await texts(place, "new.a.test", "MX") == ["5 ns.a.test."]
        said = await nsupdate(
            place,
            "prereq nxdomain new.a.test\nupdate delete new.a.test",
            tcp=tcp,
        )
        assert "YXDOMAIN" in said
        said = await nsupdate(place, "update delete www.a.test A", tcp=tcp)
        assert "REFUSED" in said
        challenge = "update add _acme-challenge.a.test 60 TXT token"
        key = "hmac-sha512:acme.test"
        assert await nsupdate(place, challenge, key=key, tcp=tcp) == ""
        said = await nsupdate(place, "update add x.a.test 60 A 192.0.2.7", key=key)
        assert "REFUSED" in said
    # A restart reads the journal.
    async with pabal(tmp_path, place[0], settings):
        assert await texts(place, "new.a.test") == ["192.0.2.7"]
        assert await texts(place, "_acme-challenge.a.test", "TXT") == ['"token"']
        soa = await texts(place, "a.test", "SOA")
        assert soa[0].split()[2] == "7"


async def test_bind_follows_updates_by_ixfr(tmp_path: Path) -> None:
    address, port = own_address(), free_port()
    notify = (f"{LOOPBACK}:{port}",)
    settings = replace(write(tmp_path), notify=notify)
    place, bind = (address, PORT), (LOOPBACK, port)
    zone = f"""zone "a.test" {{ type secondary; file "copy"; masterfile-format text;
        primaries {{ {address} port {PORT}; }}; }};"""

    async def follows(name: str, wanted: list[str]) -> bool:
        with contextlib.suppress(OSError, dns.exception.DNSException):
            return await texts(bind, name, wait_s=0.5) == wanted
        return False

    async with pabal(tmp_path, address, settings):
        with named(tmp_path / "bind", port, zone):
            await until(lambda: follows("www.a.test", ["192.0.2.2"]))
            await nsupdate(place, "update add new.a.test 60 A 192.0.2.7")
            await until(lambda: follows("new.a.test", ["192.0.2.7"]))
            await nsupdate(place, "update delete new.a.test")
            await until(lambda: follows("new.a.test", []))
    log = (tmp_path / "bind" / "log").read_text()
    assert log.count("Transfer status: success") == 3
    # Anew, and what changed is known still.
    async with pabal(tmp_path, address, settings):
        query = dns.message.make_query("a.test", "IXFR")
        query.authority.append(
            dns.rrset.from_text("a.test.", 1, "IN", "SOA", ". . 5 1 1 1 1")
        )
        answer = await dns.asyncquery.tcp(
            query, address, 5, PORT, one_rr_per_rrset=True
        )
        serials = [r[0].serial for r in answer.answer if r.rdtype == dns.rdatatype.SOA]
        assert serials == [7, 5, 6, 6, 7, 7]


async def test_processes_of_one_server_agree(tmp_path: Path) -> None:
    with Server(tmp_path / "s").init(workers="2", accounts=()) as server:
        (server.directory / "zones" / "b.test.zone").write_text(ZONE)
        server.configure(
            f'keys = "hmac-sha256:office.test:{SECRET}"',
            'allow_update = ["b.test key office.test zonesub"]',
            table="dns",
        )
        server.start()
        place = (server.address, PORT_OFFSET + 53)
        said = await asyncio.gather(
            *(
                nsupdate(
                    place, f"update add n{n}.b.test 60 A 192.0.2.{n}", tcp=n % 2 > 0
                )
                for n in range(8)
            )
        )
        assert said == [""] * 8

        async def all_know() -> bool:
            # Each question from a port of its own: some reach each process.
            return all(
                [
                    await texts(place, f"n{n % 8}.b.test") == [f"192.0.2.{n % 8}"]
                    for n in range(24)
                ]
            )

        await until(all_know)
        records = server.run("zone", "show", "b.test")
        assert records.stdout.count(" update ") == 8
        assert server.stop() == 0
        assert "Traceback" not in server.log()


@pytest.mark.slow
async def test_updates_of_a_signed_zone_are_signed(tmp_path: Path) -> None:
    with Server(tmp_path / "s").init(workers="2", accounts=()) as server:
        (server.directory / "zones" / "b.test.zone").write_text(ZONE)
        server.configure(
            f'keys = "hmac-sha256:office.test:{SECRET}"',
            'allow_update = ["b.test key office.test zonesub"]',
            table="dns",
        )
        server.run("zone", "dnssec", "b.test", "enable")
        server.start()
        place = (server.address, PORT_OFFSET + 53)

        async def is_signed(name: str) -> bool:
            query = dns.message.make_query(name, "A", want_dnssec=True)
            answer = await dns.asyncquery.udp(query, place[0], 5, place[1])
            types = {rrset.rdtype for rrset in answer.answer}
            return types == {dns.rdatatype.A, dns.rdatatype.RRSIG}

        await until(lambda: is_signed("www.b.test"))
        for number in range(3):
            name = f"n{number}.b.test"
            assert await nsupdate(place, f"update add {name} 60 A 192.0.2.9") == ""
            await until(partial(is_signed, name), 10)
        assert server.stop() == 0
        assert "Traceback" not in server.log()
