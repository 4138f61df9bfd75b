"""What every queue does; both adapters pass it: each has a fixture ``queue``."""

from dataclasses import replace

from pabal.base.ids import new_id
from pabal.message.address import Mailbox
from pabal.message.spool import Spool
from pabal.mta.queue.item import (
    RETURN_NOW,
    AttemptRecord,
    QueuedRecipient,
    QueueItem,
    RecipientState,
)
from pabal.mta.queue.ports import Queue, Take, Verb
from pabal.smtp.envelope import BodyType, Envelope, Recipient

NOW = 1_700_000_000.0
OCTETS = b"Subject: x\r\n\r\n" + b"0123456789" * 10


def item(*to: str, at: float = NOW, due: float = NOW) -> QueueItem:
    return QueueItem(
        id=new_id(at),
        trace_id="t1",
        message_id="m@here.test",
        created_at=at,
        expires_at=at + 1000,
        envelope=Envelope(
            Mailbox.parse("보내는이@here.test"),
            (),
            BodyType.EIGHT_BIT,
            smtputf8=True,
            envelope_id="e1",
            ret="HDRS",
        ),
        recipients=[
            QueuedRecipient(
                number=number,
                recipient=Recipient(
                    Mailbox.parse(address), frozenset({"FAILURE", "DELAY"}), "rfc822;o"
                ),
                destination=address.rpartition("@")[2],
                next_attempt_at=due,
            )
            for number, address in enumerate(to)
        ],
    )


def take(**changes: object) -> Take:
    base = Take("me", NOW, NOW + 60, limit=100, a_destination=10)
    return replace(base, **changes)  # type: ignore[arg-type] # tests name their fields


async def add(queue: Queue, *to: str, at: float = NOW, due: float = NOW) -> QueueItem:
    added = item(*to, at=at, due=due)
    with Spool() as spool:
        spool.write(OCTETS)
        await queue.add(added, spool)
    return added


def done(item_id: str, number: int = 0) -> AttemptRecord:
    return AttemptRecord(item_id, number, RecipientState.DONE, reply="250 ok")


def deferred(item_id: str, number: int = 0, at: float = NOW + 300) -> AttemptRecord:
    return AttemptRecord(
        item_id, number, RecipientState.DEFERRED, at, "451 later", "mx.there.test"
    )


class QueueContract:
    async def test_an_item_comes_back_as_it_went_in(self, queue: Queue) -> None:
        added = await add(queue, "a@x.test", "b@y.test")
        found = await queue.item(added.id)
        assert found == replace(added, size_octets=len(OCTETS))
        with await queue.body(added.id) as body:
            assert body.octets() == OCTETS

    async def test_a_prefix_can_be_left_out(self, queue: Queue) -> None:
        added = item("a@x.test")
        with Spool() as spool:
            spool.write(b"Return-Path: <>\r\n" + OCTETS)
            await queue.add(added, spool, 17)
        with await queue.body(added.id) as body:
            assert body.octets() == OCTETS

    async def test_a_large_body_survives(self, queue: Queue) -> None:
        added = item("a@x.test")
        octets = bytes(range(256)) * 4096 * 3
        with Spool() as spool:
            spool.write(octets)
            await queue.add(added, spool)
        with await queue.body(added.id) as body:
            assert body.octets() == octets

    async def test_what_is_claimed_is_not_claimed_again(self, queue: Queue) -> None:
        added = await add(queue, "a@x.test", "b@y.test")
        claims = await queue.take(take())
        assert [(c.item_id, c.number, c.destination) for c in claims] == [
            (added.id, 0, "x.test"),
            (added.id, 1, "y.test"),
        ]
        assert await queue.take(take(owner="other")) == []

    async def test_a_lease_ends(self, queue: Queue) -> None:
        await add(queue, "a@x.test")
        await queue.take(take())
        late = take(owner="other", now=NOW + 61, until=NOW + 120)
        assert len(await queue.take(late)) == 1

    async def test_a_renewed_lease_does_not_end(self, queue: Queue) -> None:
        await add(queue, "a@x.test", "b@y.test")
        claims = await queue.take(take())
        await queue.renew("other", NOW + 999, claims)
        await queue.renew("me", NOW + 500, claims[:1])
        late = take(owner="other", now=NOW + 61, until=NOW + 120)
        assert await queue.take(late) == claims[1:]

    async def test_nothing_is_due_early(self, queue: Queue) -> None:
        await add(queue, "a@x.test", due=NOW + 10)
        assert await queue.take(take()) == []
        assert await queue.next_due_at(NOW) == NOW + 10
        assert len(await queue.take(take(now=NOW + 10))) == 1

    async def test_destinations_share(self, queue: Queue) -> None:
        for n in range(5):
            await add(queue, "a@big.test", at=NOW + n / 100)
        await add(queue, "a@small.test", at=NOW + 1)
        claims = await queue.take(take(a_destination=2))
        assert sorted(c.destination for c in claims) == [
            "big.test",
            "big.test",
            "small.test",
        ]
        skipped = await queue.take(take(skip=frozenset({"big.test"})))
        assert skipped == []
        assert len(await queue.take(take(limit=1))) == 1

    async def test_an_item_goes_when_everybody_is_final(self, queue: Queue) -> None:
        added = await add(queue, "a@x.test", "b@y.test")
        await queue.take(take())
        await queue.finish("me", [done(added.id)])
        found = await queue.item(added.id)
        assert found is not None
        assert found.recipients[0].state is RecipientState.DONE
        bounced = AttemptRecord(added.id, 1, RecipientState.BOUNCED)
        await queue.finish("me", [bounced])
        assert await queue.item(added.id) is None
        assert await queue.items(10) == []
        with await queue.body(added.id) as body:
            assert body.size == 0

    async def test_a_deferred_recipient_waits(self, queue: Queue) -> None:
        added = await add(queue, "a@x.test")
        await queue.take(take())
        await queue.finish("me", [deferred(added.id)])
        found = await queue.item(added.id)
        assert found is not None
        recipient = found.recipients[0]
        assert recipient.state is RecipientState.DEFERRED
        assert (recipient.attempts, recipient.owner) == (1, "")
        assert (recipient.reply, recipient.host) == ("451 later", "mx.there.test")
        assert await queue.next_due_at(NOW) == NOW + 300
        claims = await queue.take(take(now=NOW + 300))
        assert claims[0].attempts == 1

    async def test_a_lost_claim_counts_only_when_final(self, queue: Queue) -> None:
        added = await add(queue, "a@x.test")
        await queue.take(take())
        await queue.take(take(owner="other", now=NOW + 61, until=NOW + 120))
        await queue.finish("me", [deferred(added.id)])
        found = await queue.item(added.id)
        assert found is not None
        assert found.recipients[0].owner == "other"
        await queue.finish("me", [done(added.id)])
        assert await queue.item(added.id) is None

    async def test_items_are_listed_by_age_in_pages(self, queue: Queue) -> None:
        added = [await add(queue, "a@x.test", at=NOW + n) for n in range(3)]
        first = await queue.items(2)
        assert [one.id for one in first] == [added[0].id, added[1].id]
        rest = await queue.items(2, first[-1].id)
        assert [one.id for one in rest] == [added[2].id]

    async def test_hold_and_release(self, queue: Queue) -> None:
        added = await add(queue, "a@x.test")
        assert await queue.apply(added.id, Verb.HOLD)
        assert await queue.take(take()) == []
        assert await queue.next_due_at(0) is None
        await queue.apply(added.id, Verb.RETRY)
        assert await queue.take(take()) == []
        await queue.apply(added.id, Verb.RELEASE)
        assert len(await queue.take(take())) == 1

    async def test_hold_wins_over_a_result_that_is_not_final(
        self, queue: Queue
    ) -> None:
        added = await add(queue, "a@x.test")
        await queue.take(take())
        await queue.apply(added.id, Verb.HOLD)
        await queue.finish("me", [deferred(added.id)])
        found = await queue.item(added.id)
        assert found is not None
        assert found.recipients[0].state is RecipientState.HOLD

    async def test_a_released_claim_stays_a_claim(self, queue: Queue) -> None:
        added = await add(queue, "a@x.test")
        await queue.take(take())
        await queue.apply(added.id, Verb.HOLD)
        await queue.apply(added.id, Verb.RELEASE)
        assert await queue.take(take(owner="other")) == []

    async def test_retry_makes_due(self, queue: Queue) -> None:
        added = await add(queue, "a@x.test")
        await queue.take(take())
        await queue.finish("me", [deferred(added.id)])
        await queue.apply(added.id, Verb.RETRY)
        (claim,) = await queue.take(take())
        assert claim.asked, "tried even where the destination is thought dead"

    async def test_return_makes_due_and_expired(self, queue: Queue) -> None:
        added = await add(queue, "a@x.test", due=NOW + 99)
        await queue.apply(added.id, Verb.HOLD)
        await queue.apply(added.id, Verb.RETURN)
        found = await queue.item(added.id)
        assert found is not None
        assert found.expires_at == RETURN_NOW
        assert len(await queue.take(take())) == 1

    async def test_remove(self, queue: Queue) -> None:
        added = await add(queue, "a@x.test")
        assert await queue.remove(added.id)
        assert not await queue.remove(added.id)
        assert not await queue.apply(added.id, Verb.RETRY)
        await queue.finish("me", [done(added.id)])
        assert await queue.take(take()) == []
