from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path

import dns.name
import dns.tsig
import pytest

from pabal.dns.server.keys import KeyRing
from pabal.dns.server.taking import Answer, Asked
from pabal.dns.wire import codes
from pabal.dns.wire.rrset import RRset
from pabal.dns.wire.transfer import transfer
from pabal.dns.zone.inbound import Inbound, TransferError
from pabal.dns.zone.tree import Zone
from tests.support.zones import HEAD, FixedClock, octets, zone

ORIGIN = octets("example.com.")
QUESTION = ORIGIN + b"\x00\xfc\x00\x01"
MAC = b"the question's"
CLOCK = FixedClock(2_000_000_000)
RING = KeyRing(
    ("hmac-sha256:k.test:cGFiYWw=", "hmac-sha256:other.test:cGFiYWw="), CLOCK
)
KEY = RING.get("k.test")
ASKED = Asked(ORIGIN, 0x4142, KEY, MAC)
NEW = zone(HEAD + "".join(f"H{n} A 192.0.2.{n % 250}\n" for n in range(3000)))


def sets(made: Zone) -> Iterator[RRset]:
    yield made.soa
    for node in made.nodes.values():
        yield from (each for each in node.values() if each.rdtype != codes.SOA)
    yield made.soa


def messages(key: dns.tsig.Key | None = KEY) -> list[bytes]:
    plain = list(transfer(b"AB", codes.QR, QUESTION, sets(NEW)))
    assert len(plain) > 3
    if key is None:
        return plain
    signer = RING.signer(key, MAC)
    return [signer.sign(each) for each in plain]


def taken(given: Sequence[bytes], asked: Asked = ASKED, at: float = CLOCK.at) -> Answer:
    answer = Answer(asked, Inbound(ORIGIN, None), FixedClock(at))
    for each in given:
        assert not answer.is_done
        answer.take(each)
    return answer


@pytest.mark.parametrize("key", [None, KEY])
def test_what_came_is_a_master_file(tmp_path: Path, key: dns.tsig.Key | None) -> None:
    answer = taken(messages(key), replace(ASKED, key=key))
    assert answer.is_done
    assert not answer.is_current
    answer.store(tmp_path / "copy")
    again = zone((tmp_path / "copy").read_text())
    assert again.nodes.packed == NEW.nodes.packed


def test_every_message_need_not_be_signed(tmp_path: Path) -> None:
    """RFC 8945 §5.3.1: what is between is covered by the next signature."""
    plain = list(transfer(b"AB", codes.QR, QUESTION, sets(NEW)))
    signer = RING.signer(KEY, MAC)
    first = signer.sign(plain[0])
    with pytest.raises(TransferError, match="the end of the answer is not signed"):
        taken([first, *plain[1:]]).store(tmp_path / "copy")


def changed(at: int) -> list[bytes]:
    given = messages()
    given[at] = given[at].replace(b"\x01H", b"\x01h").replace(b"\xc0\x00\x02", b"abc")
    return given


@pytest.mark.parametrize("at", [0, 1, -1])
def test_what_was_changed_on_the_way_is_not_taken(at: int) -> None:
    with pytest.raises(TransferError):
        taken(changed(at))


def test_who_signs_counts() -> None:
    cases = [
        (messages(None), ASKED, CLOCK.at),
        (messages(RING.get("other.test")), ASKED, CLOCK.at),
        (messages(), replace(ASKED, key=None), CLOCK.at),
        (messages(), replace(ASKED, mac=b"another"), CLOCK.at),
        (messages(), replace(ASKED, ident=1), CLOCK.at),
        (messages(), ASKED, CLOCK.at + 3600),
        ([b"nonsense"], ASKED, CLOCK.at),
    ]
    for given, asked, at in cases:
        with pytest.raises(TransferError):
            taken(given, asked, at)


def test_a_refusal_is_told() -> None:
    refused = b"AB\x80\x05" + bytes(8)
    with pytest.raises(TransferError, match="refused: REFUSED"):
        taken([refused], replace(ASKED, key=None))


def test_what_was_begun_may_be_dropped() -> None:
    answer = taken(messages()[:2])
    answer.break_off()
    assert dns.name.from_text("k.test") == KEY.name
