"""``pabal serve`` with several processes: primary of a BIND, and its secondary."""

import asyncio
import os
import re
import time
from pathlib import Path

import dns.asyncquery
import dns.edns
import dns.message
import dns.rcode
import pytest

from tests.interop.peer import path_of
from tests.interop.test_transfer_bind import (
    KEY,
    LOOPBACK,
    PORT,
    SECRET,
    SERIAL,
    Place,
    named,
    reaches,
    text,
    whole,
)
from tests.support.ports import free_port
from tests.support.server import Server

pytestmark = pytest.mark.skipif(not path_of("named"), reason="BIND is not installed")


def server(tmp_path: Path, *lines: str) -> Server:
    found = Server(tmp_path / "s", "mail.our.test", "our.test")
    found.init(workers="2", accounts=())
    keys = found.directory / "keys"
    keys.write_text(
        f'key "xfr.test" {{ algorithm hmac-sha256; secret "{SECRET}"; }};\n'
    )
    keys.chmod(0o600)
    found.configure(
        'keys_file = "keys"', 'allow_transfer = ["key xfr.test"]', *lines, table="dns"
    )
    return found


def seldom(serial: int, *lines: str) -> str:
    """Return the zone, of which secondaries hear by a NOTIFY or in an hour."""
    return text(serial, *lines).replace(f"{serial} 3 2 ", f"{serial} 3600 600 ", 1)


async def served(place: Place, serial: int) -> None:
    """Wait until every process has a version; each question may meet another one."""
    for _ in range(30):
        await reaches(place, serial)


@pytest.mark.slow
async def test_bind_follows_a_running_pabal(tmp_path: Path) -> None:
    port = free_port()
    with server(tmp_path, f'notify = ["{LOOPBACK}:{port} key xfr.test"]') as ours:
        file = ours.directory / "zones" / "a.test.zone"
        file.write_text(seldom(SERIAL))
        ours.start()
        zone = f"""zone "a.test" {{ type secondary; file "a.test.copy";
            masterfile-format text; allow-transfer {{ key xfr.test; }};
            primaries port {PORT} {{ {ours.address} key xfr.test; }}; }};"""
        place = (ours.address, PORT)
        with named(tmp_path / "bind", port, zone):
            await reaches((LOOPBACK, port), SERIAL)
            assert await whole(place) == await whole((LOOPBACK, port))
            file.write_text(seldom(SERIAL + 1, "new A 192.0.2.77"))
            began = time.monotonic()
            await reaches((LOOPBACK, port), SERIAL + 1)
            assert time.monotonic() - began < 6, "by a NOTIFY, which waits for all"
            await served(place, SERIAL + 1)
            assert await whole(place) == await whole((LOOPBACK, port))
        query = dns.message.make_query("a.test", "AXFR")
        answer = await dns.asyncquery.tcp(query, ours.address, 5, PORT)
        assert answer.rcode() == dns.rcode.REFUSED
        assert ours.stop() == 0
        assert SECRET not in ours.log()
        assert "Traceback" not in ours.log()
    log = (tmp_path / "bind" / "log").read_text()
    told = log.count("received notify for zone 'a.test'")
    assert told in (1, 2), "one process tells; the first may come before BIND is up"


@pytest.mark.slow
async def test_a_running_pabal_follows_bind(tmp_path: Path) -> None:
    port = free_port()
    line = f'secondary = ["a.test {LOOPBACK}:{port} key xfr.test"]'
    with server(tmp_path, line) as ours:
        directory = tmp_path / "bind"
        directory.mkdir()
        file = directory / "a.test.zone"
        file.write_text(text(SERIAL).replace(" 3 2 ", " 3600 3600 "))
        zone = f"""zone "a.test" {{ type primary; file "{file}";
            allow-transfer {{ key xfr.test; }};
            also-notify {{ {ours.address} port {PORT} key xfr.test; }}; }};"""
        place = (ours.address, PORT)
        with named(directory, port, zone) as process:
            await reaches((LOOPBACK, port), SERIAL)
            ours.start()
            await served(place, SERIAL)
            assert await whole(place) == await whole((LOOPBACK, port))
            file.write_text(text(SERIAL + 1, "new A 192.0.2.77"))
            os.utime(file, (2e9, 2e9))  # BIND looks at whole seconds
            process.send_signal(1)
            await served(place, SERIAL + 1)
            log = (directory / "log").read_text().splitlines()
            asked = [line for line in log if f" {ours.address}#" in line]
            kinds = re.findall("([AI]XFR) started", "\n".join(asked))
            assert kinds == ["AXFR", "IXFR"], "one process follows"
        await asyncio.to_thread(check_copy, ours)
        assert ours.stop() == 0
        assert "Traceback" not in ours.log()
        ours.start()
        await served(place, SERIAL + 1)


def check_copy(ours: Server) -> None:
    assert "secondary/a.test.zone" in ours.run("zone", "list").stdout
    assert (ours.directory / "data" / "secondary" / "a.test.zone").exists()


async def test_every_process_knows_the_cookies_of_the_others(tmp_path: Path) -> None:
    with server(tmp_path, 'nsid = "here"', "rate_max = 1", "rate_slip = 0") as ours:
        ours.start()
        client = b"pabal-12"
        given = await ask(ours, dns.edns.CookieOption(client, b""))
        for _ in range(12):
            # A socket each time, so that the kernel picks one process or the other.
            again = await ask(ours, dns.edns.CookieOption(client, given))
            assert again == given, "only a cookie that is not known is made anew"
        assert KEY.split(":")[2] not in ours.log()


async def ask(ours: Server, cookie: dns.edns.CookieOption) -> bytes:
    query = dns.message.make_query("our.test", "SOA")
    query.use_edns(0, options=[cookie, dns.edns.NSIDOption(b"")])
    answer = await dns.asyncquery.udp(query, ours.address, 5, PORT)
    found = {option.otype: option for option in answer.options}
    nsid = found[dns.edns.OptionType.NSID]
    assert isinstance(nsid, dns.edns.NSIDOption)
    assert nsid.nsid == b"here"
    back = found[dns.edns.OptionType.COOKIE]
    assert isinstance(back, dns.edns.CookieOption)
    return back.server
