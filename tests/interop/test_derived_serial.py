"""A secondary sees what changes by itself in a zone with the owner's own SOA."""

import contextlib
from collections.abc import Awaitable, Callable
from pathlib import Path

import dns.asyncquery
import dns.exception
import dns.message
import pytest

from tests.interop.peer import needs
from tests.interop.test_serve_bind import server
from tests.interop.test_transfer_bind import LOOPBACK, PORT, named, until
from tests.support.ports import free_port

pytestmark = [needs("named"), pytest.mark.slow]

ZONE = "$TTL 60\n@ SOA ns hostmaster 5 3 2 1209600 60\n@ NS ns\nns A 192.0.2.1\n"


async def texts(place: tuple[str, int], rdtype: str) -> list[str]:
    query = dns.message.make_query("our.test", rdtype)
    with contextlib.suppress(OSError, dns.exception.DNSException):
        answer = await dns.asyncquery.udp(query, place[0], 1, place[1])
        return [rdata.to_text() for rrset in answer.answer for rdata in rrset]
    return []


def has_serial(place: tuple[str, int], wanted: str) -> Callable[[], Awaitable[bool]]:
    async def holds() -> bool:
        soa = await texts(place, "SOA")
        return bool(soa) and soa[0].split()[2] == wanted

    return holds


async def test_it_fetches_what_the_configuration_adds(tmp_path: Path) -> None:
    port = free_port()
    bind = LOOPBACK, port
    with server(tmp_path, f'notify = ["{LOOPBACK}:{port} key xfr.test"]') as ours:
        (ours.directory / "zones" / "our.test.zone").write_text(ZONE)
        ours.start()
        place = ours.address, PORT
        zone = f"""zone "our.test" {{ type secondary; file "copy";
            masterfile-format text; allow-transfer {{ key xfr.test; }};
            primaries port {PORT} {{ {ours.address} key xfr.test; }}; }};"""
        with named(tmp_path / "bind", port, zone):
            await until(has_serial(bind, "5"))
            assert await texts(bind, "CAA") == []
            assert ours.stop() == 0
            ours.configure('caa = ["ca.test"]', table="dns")
            ours.start()
            await until(has_serial(bind, "6"))
            assert await texts(bind, "CAA") == ['0 issue "ca.test"']
            assert ours.stop() == 0
            ours.start()
            for _ in range(20):
                await until(has_serial(place, "6"))
        assert ours.stop() == 0
        assert "Traceback" not in ours.log()
