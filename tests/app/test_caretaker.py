"""The round of housekeeping: what is due goes, account by account."""

import asyncio
from dataclasses import replace

import pytest

from pabal.admin.expiry import DAY_S
from pabal.app import caretaker as module
from pabal.app import parts
from pabal.app.caretaker import Caretaker
from pabal.base.errors import UnavailableError
from pabal.config.settings import Settings
from pabal.message.address import Mailbox
from pabal.store.sqlite.housekeeping import KEEP_EXPUNGED_S
from pabal.store.undelete import Kept
from tests.app.rig import opened
from tests.store.contract.letters import FakeClock, letter, new_email


async def test_what_is_due_goes(settings: Settings) -> None:
    settings = replace(settings, store=replace(settings.store, trash_days=30))
    async with opened(settings) as real:
        clock = FakeClock()
        clock.at = now = real.clock.now()
        caretaker = Caretaker(replace(real, clock=clock))
        mailboxes = await real.store.account(1)
        inbox = await mailboxes.mailbox("INBOX")
        trash = await mailboxes.mailbox("Trash")
        for box in (inbox, trash):
            await mailboxes.append(box.id, [new_email(letter())])
        await mailboxes.expunge(inbox.id, [1])
        clock.at = now + 6 * DAY_S
        await caretaker.go_round()
        assert (await mailboxes.undeletion.kept()).messages == 1
        clock.at = now + 8 * DAY_S
        await caretaker.go_round()
        assert await mailboxes.undeletion.kept() == Kept(0, 0)
        assert (await mailboxes.mailbox("Trash")).message_count == 1
        clock.at = now + 31 * DAY_S
        await caretaker.go_round()
        assert (await mailboxes.mailbox("Trash")).message_count == 0


async def test_one_bad_account_keeps_no_other(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with opened(settings) as shared:
        bob = shared.book.add_account(Mailbox.parse("bob@a.test"), "secret")
        seen: list[int] = []
        await shared.store.account(1)
        await shared.store.account(bob.id)
        never_used = shared.book.add_account(Mailbox.parse("carol@a.test"), "secret")

        async def look(_: object, account_id: int, address: str) -> None:
            seen.append(account_id)
            if account_id == 1:
                raise UnavailableError("broken")

        monkeypatch.setattr(Caretaker, "_look_after", look)
        await Caretaker(shared).go_round()
        assert seen == [1, bob.id]
        assert never_used.id not in seen


async def test_it_goes_round_for_ever(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    rounds: list[int] = []

    async def go(_: object) -> None:
        rounds.append(1)

    monkeypatch.setattr(Caretaker, "go_round", go)
    monkeypatch.setattr(module, "FIRST_S", 0.0)
    monkeypatch.setattr(module, "ROUND_S", 0.0)
    async with opened(settings) as shared:
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.05):
                await Caretaker(shared).run()
    assert len(rounds) > 1


def test_what_is_fetched_stays_readable(settings: Settings) -> None:
    none = replace(settings, store=replace(settings.store, undelete_days=0))
    assert parts.keep_expunged_s(none) == KEEP_EXPUNGED_S
    assert parts.keep_expunged_s(settings) == 7 * DAY_S
    assert parts.expiry_policy(settings).junk_days == 0


class Clocks:
    """A wall clock that jumps, a monotonic one that does not."""

    def __init__(self) -> None:
        self.at = FakeClock().at
        self.ahead = 0.0

    def now(self) -> float:
        return self.at + self.ahead

    def monotonic(self) -> float:
        return self.at


async def test_a_clock_that_jumps_ahead_takes_nothing(settings: Settings) -> None:
    settings = replace(settings, store=replace(settings.store, trash_days=30))
    clock = Clocks()
    async with opened(settings) as shared:
        store = parts.open_store(settings, clock, shared.bell)
        caretaker = Caretaker(replace(shared, clock=clock, store=store))
        mailboxes = await store.account(1)
        inbox, trash = (
            await mailboxes.mailbox("INBOX"),
            await mailboxes.mailbox("Trash"),
        )
        for box in (inbox, inbox, trash):
            await mailboxes.append(box.id, [new_email(letter())])
        await mailboxes.expunge(inbox.id, [1])

        async def counts() -> tuple[int, int]:
            kept = await mailboxes.undeletion.kept()
            return kept.messages, (await mailboxes.mailbox("Trash")).message_count

        await caretaker.go_round()
        noted = shared.layout.mail / "clock"
        assert float(noted.read_text()) == int(clock.at)
        clock.ahead = 365 * DAY_S
        # Neither the round nor what goes along with other writes.
        for _ in range(3):
            clock.at += 3_700
            await caretaker.go_round()
            await mailboxes.append(inbox.id, [new_email(letter())])
        assert await counts() == (1, 1)
        assert float(noted.read_text()) == int(clock.at)
        clock.ahead = 0.0
        await caretaker.go_round()
        assert await counts() == (1, 1)
        # What is due in time goes in time.
        clock.at += 8 * DAY_S
        await caretaker.go_round()
        assert await counts() == (0, 1)
        clock.at += 23 * DAY_S
        await caretaker.go_round()
        assert await counts() == (1, 0)
        # It stays where it jumped to: it was wrong before.
        clock.ahead = 365 * DAY_S
        await caretaker.go_round()
        clock.at += DAY_S
        await caretaker.go_round()
        assert await counts() == (0, 0)
        await store.close()
