import os
import sys
from dataclasses import replace
from pathlib import Path

import dns.name
import pytest

from pabal.app.apart import ZoneReader
from pabal.app.taking import take_elsewhere
from pabal.base.clock import SystemClock
from pabal.dns.server.keys import KeyRing
from pabal.dns.server.taking import Asked, Taker
from pabal.dns.wire import codes
from pabal.dns.wire.transfer import transfer
from pabal.dns.zone.inbound import TransferError
from pabal.dns.zone.load import ZoneInput
from pabal.dns.zone.shards import SPLIT_NAMES
from pabal.dns.zone.source import COPIED, DirectorySource, JoinedSource
from tests.dns.server.test_taking import MAC, NEW, ORIGIN, QUESTION, sets
from tests.support.zones import HEAD, zone

RING = KeyRing(("hmac-sha256:k.test:cGFiYWw=",), SystemClock())
KEY = RING.get("k.test")
ASKED = Asked(ORIGIN, 0x4142, KEY, MAC)


def messages() -> list[bytes]:
    plain = transfer(b"AB", codes.QR, QUESTION, sets(NEW))
    signer = RING.signer(KEY, MAC)
    return [signer.sign(each) for each in plain]


def elsewhere(ready: Path = Path(os.devnull)) -> Taker:
    taker = take_elsewhere(ready, ASKED)
    assert taker is not None
    assert taker.is_whole
    assert not taker.is_current
    return taker


def test_another_process_takes_a_transfer(tmp_path: Path) -> None:
    taker = elsewhere()
    for each in messages():
        assert not taker.is_done
        taker.take(each)
    assert taker.is_done
    taker.store(tmp_path / "copy")
    assert zone((tmp_path / "copy").read_text()).nodes.packed == NEW.nodes.packed


def test_what_it_does_not_like_is_told(tmp_path: Path) -> None:
    taker = elsewhere()
    first, second, *_ = messages()
    taker.take(first)
    with pytest.raises(TransferError, match="not a message of a transfer"):
        taker.take(second[:-1])
    taker.break_off()
    with pytest.raises(TransferError, match="has ended"):
        taker.take(second)
    there = elsewhere()
    for each in messages():
        there.take(each)
    with pytest.raises(TransferError, match="No such file"):
        there.store(tmp_path / "missing" / "copy")
    with pytest.raises(TransferError, match="has ended"):
        there.take(second)


def test_where_no_process_can_be_started(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "executable", "/nowhere/python")
    assert take_elsewhere(Path(os.devnull), ASKED) is None


def test_a_large_zone_lies_ready(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    large = zone(HEAD + "".join(f"h{n} A 192.0.2.1\n" for n in range(SPLIT_NAMES)))
    asked = replace(ASKED, key=None)
    taker = take_elsewhere(tmp_path / "ready", asked)
    assert taker is not None
    for each in transfer(b"AB", codes.QR, QUESTION, sets(large)):
        taker.take(each)
    copies = tmp_path / "copies"
    copies.mkdir()
    taker.store(copies / "example.com.zone")
    monkeypatch.setattr(sys, "executable", "/nowhere/python")
    given = ZoneInput(
        dns.name.from_text("example.com"),
        f"{COPIED}example.com.zone",
        False,
        (),
        "h.test",
        1,
        copied=True,
    )
    source = JoinedSource(DirectorySource(tmp_path), DirectorySource(copies))
    found = ZoneReader(tmp_path / "ready")(given, source)
    assert found is not None
    assert found[0].zone is not None
    assert dict(found[0].zone.nodes.packed) == dict(large.nodes.packed)
