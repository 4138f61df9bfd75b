"""Whose messages are converted, and how they are signed then."""

from pathlib import Path

import pytest

from pabal.message.header import split
from pabal.message.spool import Spool
from pabal.mta.policy import keys
from pabal.mta.policy.dkim import Result, signatures, verify
from pabal.mta.seven_bit import NotConvertibleError
from pabal.mta.signing import DkimSigner
from pabal.mta.transport.conversion import INLINE_MAX_OCTETS, Converter
from tests.mta.stage import MESSAGE, FakeClock

KOREAN = MESSAGE + "안녕하세요\r\n".encode()
RECEIVED = b"Received: from client\r\n\tby here\r\n"


@pytest.fixture
def signer(tmp_path: Path) -> DkimSigner:
    keys.generate(tmp_path, "here.test")
    return DkimSigner(tmp_path, FakeClock())


def spooled(octets: bytes) -> Spool:
    spool = Spool()
    spool.write(octets)
    return spool


async def sent(signer: DkimSigner, octets: bytes) -> bytes:
    """Return a message as it lies in the queue once one of us sent it."""
    end = split(octets)
    with spooled(octets) as spool:
        fields = await signer.sign("here.test", octets[:end], spool, end)
    return RECEIVED + fields + octets


async def seven_bit(signer: DkimSigner, octets: bytes) -> bytes:
    with spooled(octets) as spool:
        found = await Converter(signer).seven_bit(spool)
        result = found.octets()
        assert (found is spool) == (result == octets)
        found.close()
    return result


def check(octets: bytes, directory: Path) -> list[Result]:
    end = split(octets)
    return [
        verify(
            one,
            octets[:end],
            [octets[end:]],
            key.public_text().encode(),
            1.8e9,
        ).result
        for one, key in zip(
            signatures(octets[:end]), keys.load(directory, "here.test"), strict=True
        )
    ]


async def test_ascii_is_left_alone(signer: DkimSigner) -> None:
    octets = await sent(signer, MESSAGE)
    assert await seven_bit(signer, octets) == octets


@pytest.mark.parametrize("times", [1, INLINE_MAX_OCTETS // 10])
async def test_what_we_signed_is_signed_again(
    signer: DkimSigner, tmp_path: Path, times: int
) -> None:
    octets = await sent(signer, MESSAGE + "안녕하세요\r\n".encode() * times)
    assert check(octets, tmp_path) == [Result.PASS] * 2
    found = await seven_bit(signer, octets)
    assert found.startswith(RECEIVED)
    assert found.isascii()
    assert b"base64" in found
    assert check(found, tmp_path) == [Result.PASS] * 2


async def test_unsigned_mail_is_converted(signer: DkimSigner) -> None:
    found = await seven_bit(signer, RECEIVED + KOREAN)
    assert found.isascii()
    assert b"DKIM" not in found


@pytest.mark.parametrize(
    ("old", "new"),
    [
        (b"d=here.test", b"d=other.test"),
        (b"s=rsa1", b"s=rsa9"),
        (b"; t=1700000000", b"; t=later"),
        (b"; t=1700000000", b"; t=1700000001"),
        (b"Subject: x", b"Subject: y"),
        (b"hello", b"hallo"),
        (b"s=ed1", b"s=ed1 "),
        (b"\r\nFrom: you", b"\r\nDKIM-Signature: v=1; d=x.test; s=s\r\nFrom: you"),
        (b"\r\nSubject", b"\r\nDKIM-Signature: v=1; d=x.test; s=s\r\nSubject"),
    ],
)
async def test_nobody_elses_signature_is_broken_nor_replaced(
    signer: DkimSigner, old: bytes, new: bytes
) -> None:
    octets = await sent(signer, KOREAN)
    assert octets.count(old)
    with pytest.raises(NotConvertibleError), spooled(octets.replace(old, new)) as spool:
        await Converter(signer).seven_bit(spool)


async def test_what_cannot_be_converted_leaves_nothing_open(signer: DkimSigner) -> None:
    octets = KOREAN.replace(b"Subject: x\r\n", b"Content-Type: message/partial\r\n")
    with pytest.raises(NotConvertibleError), spooled(octets) as spool:
        await Converter(signer).seven_bit(spool)
