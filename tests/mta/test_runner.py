"""Stories of the queue: fake clock, fake network."""

import asyncio
from collections.abc import Sequence
from dataclasses import replace

from pabal.base.errors import StorageFullError, UnavailableError
from pabal.dns.ports import ResolutionError
from pabal.message.spool import Spool
from pabal.mta.queue.item import AttemptRecord, Claim, QueueItem, RecipientState
from pabal.mta.queue.ports import Take, Verb
from pabal.mta.queue.schedule import Schedule
from pabal.mta.routing import Exchangers, ExchangersKind
from pabal.mta.settings import QueueSettings, ScheduleSettings, TransportSettings
from pabal.smtp.outcome import permanent, temporary
from pabal.trace.ports import Stage as TraceStage
from tests.mta.stage import MESSAGE, Order, Stage, settings

LATER = temporary(51, "7.1", "come back later")
NEVER = permanent(50, "1.1", "no such user")


async def only(stage: Stage) -> QueueItem:
    [item] = await stage.queue.items(10)
    return item


async def test_delivered() -> None:
    stage = Stage()
    [mx] = stage.net.domain("far.test", (10, "mx.far.test"))
    await stage.submit("a@far.test", "b@far.test")
    await stage.turn()
    [(envelope, octets)] = mx.mails
    assert mx.recipients == ["a@far.test", "b@far.test"]
    assert str(envelope.reverse_path) == "you@here.test"
    assert octets.endswith(MESSAGE)
    assert await stage.queue.items(10) == []
    assert stage.ledger.stages() == [
        *("submitted", "queued", "queued"),
        *("resolved", "resolved", "resolved", "connected", "sent", "sent"),
    ]
    [facts] = stage.ledger.facts(TraceStage.SENT)[:1]
    assert facts["host"] == "mx.far.test"
    assert "C: MAIL FROM" in str(facts["dialogue"])
    asked, exchangers, addresses = stage.ledger.facts(TraceStage.RESOLVED)
    assert asked == {"question": "far.test MX", "asked": "ns", "answer": "answer"}
    assert exchangers["detail"] == "far.test MX: 10 mx.far.test; trying mx.far.test"
    assert addresses["detail"] == "mx.far.test: 192.0.2.1"
    await stage.close()


async def test_the_next_host_when_the_first_is_down() -> None:
    stage = Stage()
    first, second = stage.net.domain("far.test", (10, "mx1.test"), (20, "mx2.test"))
    first.down = True
    await stage.submit("a@far.test")
    await stage.turn()
    assert second.recipients == ["a@far.test"]
    await stage.close()


async def test_the_next_host_for_those_the_first_defers() -> None:
    stage = Stage()
    first, second = stage.net.domain("far.test", (10, "mx1.test"), (20, "mx2.test"))
    first.replies = [LATER]
    await stage.submit("a@far.test", "b@far.test")
    await stage.turn()
    assert first.recipients == ["b@far.test"]
    assert second.recipients == ["a@far.test"]
    assert await stage.queue.items(10) == []
    await stage.close()


async def test_a_greeting_of_5xx_is_not_the_end() -> None:
    stage = Stage()
    first, second = stage.net.domain("far.test", (10, "mx1.test"), (20, "mx2.test"))
    first.greeting = permanent(54, "3.2", "not today")
    await stage.submit("a@far.test")
    await stage.turn()
    assert second.recipients == ["a@far.test"]
    second.greeting = first.greeting
    await stage.pool.close()
    await stage.submit("b@far.test")
    await stage.turn()
    item = await only(stage)
    assert item.recipients[0].state is RecipientState.DEFERRED
    assert item.recipients[0].reply == "454 4.3.2 not today"
    await stage.close()


async def test_deferred_then_delivered() -> None:
    stage = Stage()
    [mx] = stage.net.domain("far.test", (10, "mx.far.test"))
    mx.replies = [LATER, LATER]
    await stage.submit("a@far.test")
    await stage.turn()
    item = await only(stage)
    waiting = item.recipients[0]
    assert (waiting.state, waiting.attempts) == (RecipientState.DEFERRED, 1)
    assert waiting.reply == "451 4.7.1 come back later"
    assert waiting.host == "mx.far.test"
    assert waiting.next_attempt_at == stage.clock.time + 300
    await stage.turn(299)
    assert (await only(stage)).recipients[0].attempts == 1
    await stage.turn(1)
    assert (await only(stage)).recipients[0].attempts == 2
    await stage.turn(599)
    assert mx.mails == []
    await stage.turn(1)
    assert mx.recipients == ["a@far.test"]
    assert stage.ledger.stages().count("deferred") == 2
    await stage.close()


async def test_expiry() -> None:
    stage = Stage(settings(queue=QueueSettings(expiry_s=1000)))
    [mx] = stage.net.domain("far.test", (10, "mx.far.test"))
    mx.down = True
    await stage.submit("a@far.test")
    for _ in range(10):
        await stage.turn(101)
    assert await stage.queue.items(10) == []
    [notice] = await stage.inbox(1)
    assert b"Status: 5.4.7\r\n" in notice
    assert b"refused" in notice
    await stage.close()


async def test_null_mx_and_no_domain_come_back_at_once() -> None:
    stage = Stage()
    stage.net.mx_answers["null.test"] = Exchangers(ExchangersKind.NULL)
    await stage.submit("a@null.test", "b@nowhere.test")
    await stage.turn()
    notices = b"".join(await stage.inbox(1))
    assert b"Status: 5.1.10\r\n" in notices
    assert b"Status: 5.1.2\r\n" in notices
    await stage.close()


async def test_a_loop_through_our_own_mx_comes_back() -> None:
    stage = Stage()
    stage.net.domain("far.test", (10, "mail.here.test"))
    await stage.submit("a@far.test")
    await stage.turn()
    [notice] = await stage.inbox(1)
    assert b"Status: 5.4.6\r\n" in notice
    await stage.close()


async def test_name_servers_away_is_temporary() -> None:
    stage = Stage()
    [mx] = stage.net.domain("far.test", (10, "mx.far.test"))
    stage.net.mx_answers["far.test"] = ResolutionError("SERVFAIL everywhere")
    await stage.submit("a@far.test")
    await stage.turn()
    item = await only(stage)
    assert "SERVFAIL everywhere" in item.recipients[0].reply
    stage.net.domain("far.test", (10, "mx.far.test"))
    await stage.turn(300)
    assert await stage.queue.items(10) == []
    assert mx.mails == []
    await stage.close()


async def test_a_peer_that_hangs_holds_nobody_up() -> None:
    stage = Stage(settings(transport=TransportSettings(attempt_max_s=0.2)))
    [slow] = stage.net.domain("slow.test", (10, "mx.slow.test"))
    [fast] = stage.net.domain("fast.test", (10, "mx.fast.test"))
    slow.hangs = True
    for _ in range(5):
        await stage.submit("a@slow.test", "a@fast.test")
    await stage.runner.turn()
    async with asyncio.timeout(0.15):
        for _ in range(5):
            await fast.arrived.acquire()
    await stage.turn()
    items = await stage.queue.items(10)
    assert len(items) == 5
    assert "not finished within 0.2 s" in items[0].recipients[0].reply
    await stage.close()


async def test_a_dead_destination_costs_no_connections() -> None:
    stage = Stage()
    [mx] = stage.net.domain("far.test", (10, "mx.far.test"))
    mx.down = True
    for _ in range(40):
        await stage.submit("a@far.test")
    await stage.turn()
    asked = stage.net.asked.count("far.test")
    assert asked < 10
    items = await stage.queue.items(100)
    assert len(items) == 40
    assert all(one.recipients[0].attempts == 1 for one in items)
    assert all("refused" in one.recipients[0].reply for one in items)
    mx.down = False
    await stage.turn(900)
    assert len(mx.mails) == 40
    await stage.close()


async def test_one_that_always_falls_silent_is_dead_too() -> None:
    stage = Stage()
    [mx] = stage.net.domain("far.test", (10, "mx.far.test"))
    mx.silent = True
    for _ in range(40):
        await stage.submit("a@far.test")
    await stage.turn()
    assert mx.opened < 10
    recipients = [one.recipients[0] for one in await stage.queue.items(100)]
    assert {(one.reply, one.host) for one in recipients} == {
        ("451 4.4.2 Connection failed", ""),
        ("451 4.4.1 Connection failed", ""),  # spared an attempt
    }
    await stage.close()


async def test_who_is_spared_an_attempt_is_not_read() -> None:
    stage = Stage(settings(queue=QueueSettings(expiry_s=1000)))
    [mx] = stage.net.domain("far.test", (10, "mx.far.test"))
    mx.down = True
    read: list[str] = []
    good = stage.queue.body

    async def noted(item_id: str) -> Spool:
        read.append(item_id)
        return await good(item_id)

    stage.queue.body = noted  # type: ignore[method-assign] # counts
    for _ in range(40):
        await stage.submit("a@far.test")
    await stage.turn()
    assert len(read) < 10
    await stage.turn(990)
    await stage.turn(10)
    notices = await stage.inbox(1)
    assert len(notices) == 40
    assert all(MESSAGE in one for one in notices)
    await stage.close()


async def test_connections_are_used_again() -> None:
    stage = Stage()
    [mx] = stage.net.domain("far.test", (10, "mx.far.test"))
    for _ in range(30):
        await stage.submit("a@far.test")
    await stage.turn()
    assert len(mx.mails) == 30
    assert mx.opened <= 8
    await stage.close()
    assert mx.closed == mx.opened


async def test_a_session_that_died_unused_is_replaced() -> None:
    stage = Stage()
    [mx] = stage.net.domain("far.test", (10, "mx.far.test"))
    await stage.submit("a@far.test")
    await stage.turn()
    mx.breaks = 1
    await stage.submit("b@far.test")
    await stage.turn()
    assert mx.recipients == ["a@far.test", "b@far.test"]
    assert mx.opened == 2
    await stage.close()


async def test_a_crash_between_claim_and_result_forgets_nothing() -> None:
    stage = Stage()
    [mx] = stage.net.domain("far.test", (10, "mx.far.test"))
    await stage.submit("a@far.test")
    crashed = stage.new_runner(Schedule(stage.settings.queue.schedule, Order()))
    crashed._schedule.start = lambda now: []  # type: ignore[method-assign] # it claims and dies
    await crashed.turn()
    await stage.turn(59)
    assert mx.mails == []
    await stage.turn(2)
    assert mx.recipients == ["a@far.test"]
    assert await stage.queue.items(10) == []
    await stage.close()


async def test_a_restart_is_no_burst() -> None:
    stage = Stage()
    [mx] = stage.net.domain("far.test", (10, "mx.far.test"))
    mx.replies = [LATER] * 10
    for _ in range(10):
        await stage.submit("a@far.test")
    await stage.turn()
    stage.runner = stage.new_runner(stage.schedule)
    await stage.turn(10)
    assert mx.mails == []
    await stage.close()


async def test_a_stop_gives_back_what_waits() -> None:
    configured = settings(
        queue=QueueSettings(schedule=ScheduleSettings(deliveries_max=1)),
        transport=TransportSettings(attempt_max_s=0.05),
    )
    stage = Stage(configured)
    [mx] = stage.net.domain("far.test", (10, "mx.far.test"))
    mx.hangs = True
    for _ in range(3):
        await stage.submit("a@far.test")
    await stage.runner.turn()
    await stage.runner.stop()
    mx.hangs = False
    stage.schedule = Schedule(configured.queue.schedule, Order())
    stage.runner = stage.new_runner(stage.schedule)
    await stage.turn()
    assert len(mx.mails) == 2  # the third was tried, and waits for its next attempt
    await stage.close()


async def test_a_smarthost_takes_everything() -> None:
    transport = TransportSettings(smarthost="192.0.2.7:587")
    stage = Stage(settings(transport=transport))
    host = stage.net.host("relay.test")
    stage.net.hosts["192.0.2.7"] = host
    await stage.submit("a@far.test", "b@other.test")
    await stage.turn()
    assert sorted(host.recipients) == ["a@far.test", "b@other.test"]
    assert stage.net.asked == []
    await stage.close()


async def test_address_literals_are_reached_directly() -> None:
    stage = Stage()
    host = stage.net.host("x.test")
    [address] = stage.net.hosts
    await stage.submit(f"a@[{address}]")
    await stage.turn()
    assert host.recipients == [f"a@[{address}]"]
    assert stage.net.asked == []
    await stage.close()


async def test_a_host_without_address() -> None:
    stage = Stage()
    stage.net.mx_answers["far.test"] = Exchangers(ExchangersKind.IMPLICIT)
    await stage.submit("a@far.test")
    await stage.turn()
    [notice] = await stage.inbox(1)
    assert b"Status: 5.1.2\r\n" in notice
    await stage.close()


async def test_many_recipients_are_split() -> None:
    schedule = ScheduleSettings(recipients_max=10, waiting_max=50)
    stage = Stage(settings(queue=replace(QueueSettings(), schedule=schedule)))
    [mx] = stage.net.domain("far.test", (10, "mx.far.test"))
    await stage.submit(*(f"u{n}@far.test" for n in range(120)))
    await stage.turn()
    assert len(mx.recipients) == 120
    assert max(len(e.recipients) for e, _ in mx.mails) == 10
    assert await stage.queue.items(10) == []
    await stage.close()


async def test_it_runs_until_stopped() -> None:
    stage = Stage()
    [mx] = stage.net.domain("far.test", (10, "mx.far.test"))

    async def story() -> None:
        await stage.submit("a@far.test")
        stage.runner.wake()
        await mx.arrived.acquire()
        await stage.close()

    async with asyncio.timeout(5):
        await asyncio.gather(stage.runner.run(), story())
    assert mx.recipients == ["a@far.test"]


async def test_results_wait_for_the_disk_and_nothing_is_sent_twice() -> None:
    stage = Stage(settings(queue=QueueSettings(poll_s=0.001)))
    [mx] = stage.net.domain("far.test", (10, "mx.far.test"))
    await stage.submit("a@far.test")
    good = stage.queue.finish
    failures = 3

    async def full_for_a_while(owner: str, records: Sequence[AttemptRecord]) -> None:
        nonlocal failures
        failures -= 1
        if failures >= 0:
            stage.clock.time += 50
            raise StorageFullError("no room")
        await good(owner, records)

    stage.queue.finish = full_for_a_while  # type: ignore[method-assign] # a full disk
    await stage.turn()
    await stage.turn(100)
    assert mx.recipients == ["a@far.test"]
    assert await stage.queue.items(10) == []
    await stage.close()


async def test_a_stop_gives_up_on_a_full_disk() -> None:
    stage = Stage()
    [mx] = stage.net.domain("far.test", (10, "mx.far.test"))
    await stage.submit("a@far.test")
    good = stage.queue.finish

    async def away(*_: object) -> None:
        raise StorageFullError("no room")

    stage.queue.finish = away  # type: ignore[method-assign, assignment] # a full disk
    await stage.runner.turn()
    await mx.arrived.acquire()
    async with asyncio.timeout(2):
        await stage.runner.stop()
    stage.queue.finish = good  # type: ignore[method-assign] # room again, after a start
    stage.schedule = Schedule(stage.settings.queue.schedule, Order())
    stage.runner = stage.new_runner(stage.schedule)
    await stage.turn(61)
    assert mx.recipients == ["a@far.test"] * 2
    assert await stage.queue.items(10) == []
    await stage.close()


async def test_hold_stops_what_was_claimed_and_not_begun() -> None:
    stage = Stage()
    [mx] = stage.net.domain("far.test", (10, "mx.far.test"))
    await stage.submit("a@far.test")
    item = await only(stage)
    good = stage.queue.take

    async def take_then_hold(take: Take) -> Sequence[Claim]:
        claims = await good(take)
        await stage.queue.apply(item.id, Verb.HOLD)
        return claims

    stage.queue.take = take_then_hold  # type: ignore[method-assign] # an operator in between
    await stage.turn()
    stage.queue.take = good  # type: ignore[method-assign] # gone again
    assert mx.mails == []
    held = (await only(stage)).recipients[0]
    assert (held.state, held.owner, held.attempts) == (RecipientState.HOLD, "", 0)
    await stage.queue.apply(item.id, Verb.RELEASE)
    await stage.turn()
    assert mx.recipients == ["a@far.test"]
    await stage.close()


async def test_a_queue_that_cannot_be_read_is_tried_again() -> None:
    stage = Stage()

    async def away(*_: object) -> None:
        raise UnavailableError("away")

    stage.queue.take = away  # type: ignore[method-assign, assignment] # a disk in trouble
    assert await stage.runner._guarded_turn() == 5.0
    await stage.close()
