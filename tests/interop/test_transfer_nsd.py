"""NSD follows a pabal primary, pabal follows an NSD primary."""

from pathlib import Path

import pytest

from pabal.dns.settings import DnsSettings
from tests.interop.nsd import nsd
from tests.interop.peer import needs
from tests.interop.test_transfer_bind import (
    KEY,
    LOOPBACK,
    PORT,
    SECRET,
    SERIAL,
    pabal,
    reaches,
    text,
    whole,
)
from tests.support.ports import free_port
from tests.support.server import own_address

pytestmark = needs("nsd")

KEYS = f"""key:
    name: "xfr.test"
    algorithm: hmac-sha256
    secret: "{SECRET}"
"""


async def test_nsd_follows_pabal(tmp_path: Path) -> None:
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
    zone = f"""{KEYS}zone:
    name: "a.test"
    zonefile: "a.test.copy"
    request-xfr: {ours[0]}@{PORT} xfr.test
    allow-notify: 127.0.0.0/8 xfr.test
    provide-xfr: 127.0.0.0/8 xfr.test
"""
    async with pabal(tmp_path / "pabal", ours[0], settings) as server:
        with nsd(tmp_path / "nsd", theirs[1], zone):
            await reaches(theirs, SERIAL)
            assert await whole(ours) == await whole(theirs)
            changed = text(SERIAL + 1, "new A 192.0.2.77").replace("h7 A", "h7b A")
            (zones / "a.test.zone").write_text(changed)
            await server.reload()
            await reaches(theirs, SERIAL + 1)
            assert await whole(ours) == await whole(theirs)
    log = (tmp_path / "nsd" / "log").read_text()
    assert "notify for a.test." in log, log
    assert "refused" not in log, log


@pytest.mark.slow
async def test_pabal_follows_nsd_and_outlives_it(tmp_path: Path) -> None:
    ours, theirs = (own_address(), PORT), (LOOPBACK, free_port())
    directory = tmp_path / "nsd"
    directory.mkdir()
    file = directory / "a.test.zone"
    file.write_text(text(SERIAL))
    zone = f"""{KEYS}zone:
    name: "a.test"
    zonefile: "a.test.zone"
    notify: {ours[0]}@{PORT} xfr.test
    provide-xfr: 127.0.0.0/8 xfr.test
"""
    settings = DnsSettings(
        "ns.test",
        keys=(KEY,),
        allow_transfer=("key xfr.test",),
        secondary=(f"a.test {LOOPBACK}:{theirs[1]} key xfr.test",),
        secondary_directory=str(tmp_path / "pabal" / "copies"),
    )
    with nsd(directory, theirs[1], zone) as process:
        await reaches(theirs, SERIAL)
        async with pabal(tmp_path / "pabal", ours[0], settings):
            await reaches(ours, SERIAL)
            assert await whole(ours) == await whole(theirs)
            file.write_text(text(SERIAL + 1, "new A 192.0.2.77"))
            process.send_signal(1)
            await reaches(ours, SERIAL + 1)
            assert await whole(ours) == await whole(theirs)
    async with pabal(tmp_path / "pabal", ours[0], settings):
        await reaches(ours, SERIAL + 1)
