import sys
from pathlib import Path

import pytest

from pabal.app.taking import take_elsewhere
from pabal.base.clock import SystemClock
from pabal.dns.server.keys import KeyRing
from pabal.dns.server.taking import Asked, Taker
from pabal.dns.wire import codes
from pabal.dns.wire.transfer import transfer
from pabal.dns.zone.inbound import TransferError
from tests.dns.server.test_taking import MAC, NEW, ORIGIN, QUESTION, sets
from tests.support.zones import zone

RING = KeyRing(("hmac-sha256:k.test:cGFiYWw=",), SystemClock())
KEY = RING.get("k.test")
ASKED = Asked(ORIGIN, 0x4142, KEY, MAC)


def messages() -> list[bytes]:
    plain = transfer(b"AB", codes.QR, QUESTION, sets(NEW))
    signer = RING.signer(KEY, MAC)
    return [signer.sign(each) for each in plain]


def elsewhere() -> Taker:
    taker = take_elsewhere(ASKED)
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
    assert take_elsewhere(ASKED) is None
