from pathlib import Path

from pabal.message.header import split
from pabal.message.spool import Spool
from pabal.mta.policy import keys
from pabal.mta.policy.dkim import Result, signatures, verify
from pabal.mta.signing import INLINE_MAX_OCTETS, DkimSigner
from pabal.mta.submission import SubmissionReceiver
from tests.mta.stage import MESSAGE, FakeClock, Stage, send, user


async def test_what_users_send_is_signed(tmp_path: Path) -> None:
    stage = Stage()
    pair = keys.generate(tmp_path, "here.test")
    signer = DkimSigner(tmp_path, stage.clock)
    submission = SubmissionReceiver(stage.desk, signer)
    large = b"Subject: x\r\n\r\n" + b"a line  of it \r\n" * (INLINE_MAX_OCTETS // 10)
    for message in (MESSAGE, large):
        outcome = await send(
            submission, user(), "you@here.test", "alice@here.test", message=message
        )
        assert outcome.ok
    [first] = await stage.inbox(2)  # the large one is streamed, not read whole
    account = await stage.store.account(2)
    view = await account.view((await account.mailbox("INBOX")).id)
    second = b"".join([piece async for piece in account.octets(view.emails[1])])
    view.close()
    for octets in (first, second):
        end = split(octets)
        found = signatures(octets[:end])
        assert len(found) == 2
        for one, key in zip(found, pair, strict=True):
            record = key.public_text().encode()
            verdict = verify(one, octets[:end], [octets[end:]], record, 4e9)
            assert verdict.result is Result.PASS
    assert stage.ledger.stages()[:3] == ["submitted", "signed", "delivered"]
    await stage.close()


async def test_a_domain_without_keys_is_not_signed(tmp_path: Path) -> None:
    clock = FakeClock()
    signer = DkimSigner(tmp_path, clock)
    with Spool() as spool:
        spool.write(MESSAGE)

        async def count() -> int:
            return (await signer.sign("here.test", MESSAGE, spool, 0)).count(b"bh=")

        assert await count() == 0
        keys.generate(tmp_path, "here.test")
        assert await count() == 2
        rsa1 = tmp_path / "here.test" / "rsa1.pem"
        octets = rsa1.read_bytes()
        rsa1.write_text("broken")
        assert await count() == 2
        clock.time += 11
        assert await count() == 2  # the old ones, until somebody mends the file
        rsa1.write_bytes(octets)
        (tmp_path / "here.test" / "ed1.pem").unlink()
        clock.time += 11
        assert await count() == 1
        rsa1.unlink()
        clock.time += 11
        assert await count() == 0
