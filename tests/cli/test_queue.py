import asyncio
import re
import subprocess
import sys
import time
from dataclasses import replace

import apsw
import pytest

from pabal.admin.layout import Layout
from pabal.base.ids import new_id
from pabal.cli.queue import _next_try, duration
from pabal.message.address import Mailbox
from pabal.message.spool import Spool
from pabal.mta.queue import rows
from pabal.mta.queue.control import PAGE_ITEMS
from pabal.mta.queue.item import QueuedRecipient, QueueItem, RecipientState
from pabal.mta.queue.sqlite import SqliteQueue
from pabal.smtp.envelope import Envelope, Recipient
from tests.cli.desk import Desk


def waiting(now: float) -> QueueItem:
    recipient = QueuedRecipient(
        number=0,
        recipient=Recipient(Mailbox.parse("bob@b.test")),
        destination="b.test",
        next_attempt_at=now + 7200,
        attempts=3,
        state=RecipientState.DEFERRED,
        reply="451 4.7.1 greylisted",
        host="mx.b.test",
    )
    return QueueItem(
        id=new_id(now),
        trace_id="t",
        message_id="m@a.test",
        created_at=now - 3600,
        expires_at=now + 86400,
        envelope=Envelope(Mailbox.parse("alice@a.test"), ()),
        recipients=[recipient],
    )


@pytest.fixture
def id_(desk: Desk) -> str:
    """Something that waits for its next attempt."""
    queued = waiting(time.time())

    async def add() -> None:
        layout = Layout(desk.directory / "data")
        queue = SqliteQueue(layout.queue, layout.spool)
        with Spool() as spool:
            spool.write(b"Subject: x\r\n\r\nx\r\n")
            await queue.add(queued, spool)
        await queue.close()

    asyncio.run(add())
    return queued.id


def recipient(desk: Desk, id_: str) -> dict[str, object]:
    return dict(desk.first("recipients", "queue", "show", id_))


def test_empty(desk: Desk) -> None:
    assert desk.ok("queue", "list") == "The queue is empty.\n"
    assert desk.json("queue", "list") == {"items": []}


def test_list_says_why_it_waits(desk: Desk, id_: str) -> None:
    header, line = desk.ok("queue", "list").splitlines()
    assert header.split("  ")[0] == "ID"
    for word in (id_, "1h 0m", "alice@a.test", "bob@b.test", "deferred", "greylisted"):
        assert word in line
    assert "in 1h 59m" in line
    assert desk.ok("queue", "list", "--after", id_) == "The queue is empty.\n"


def test_show(desk: Desk, id_: str) -> None:
    said = desk.ok("queue", "show", id_)
    for word in ("<m@a.test>", "mx.b.test", "451 4.7.1 greylisted", "3 tried"):
        assert word in said
    shown = desk.json("queue", "show", id_)
    assert (shown["id"], shown["from"]) == (id_, "alice@a.test")
    assert recipient(desk, id_)["reply"] == "451 4.7.1 greylisted"


def test_every_verb(desk: Desk, id_: str) -> None:
    assert desk.ok("queue", "hold", id_) == f"{id_}: on hold.\n"
    assert recipient(desk, id_)["state"] == "hold"
    assert "  -  " in desk.ok("queue", "list")
    assert desk.json("queue", "release", id_) == {"ok": True}
    assert recipient(desk, id_)["state"] != "hold"
    desk.ok("queue", "retry", id_)
    due = recipient(desk, id_)["next_attempt_at"]
    assert isinstance(due, float)
    assert due <= time.time()
    desk.ok("queue", "bounce", id_)
    expires = desk.json("queue", "show", id_)["expires_at"]
    assert isinstance(expires, float)
    assert expires < time.time(), "no further attempt is made"
    desk.ok("queue", "remove", id_)
    assert desk.json("queue", "list") == {"items": []}


@pytest.mark.parametrize("verb", ["retry", "hold", "release", "bounce", "remove"])
def test_what_is_not_there(desk: Desk, verb: str) -> None:
    assert "is not in the queue" in desk.fails(1, "queue", verb, "x1")
    assert "is not in the queue" in desk.fails(1, "queue", "show", "x1")


def test_durations_as_people_say_them() -> None:
    assert [duration(s) for s in (0, 59.9, 60, 3900, 180000)] == [
        "0s",
        "59s",
        "1m",
        "1h 5m",
        "2d 2h",
    ]


def test_a_claimed_recipient_is_tried_now() -> None:
    claimed = replace(waiting(0.0).recipients[0], owner="queue-1")
    assert _next_try(claimed, 0.0) == "now"


def fill(desk: Desk, count: int) -> list[str]:
    now = time.time()
    layout = Layout(desk.directory / "data")
    asyncio.run(_opened(layout))
    connection = apsw.Connection(str(layout.queue))
    ids = []
    with connection:
        for n in range(count):
            one = replace(waiting(now), id=new_id(now - count + n))
            ids.append(one.id)
            connection.execute(rows.ADD_ITEM, rows.of_item(one, 10))
            connection.executemany(rows.ADD_RECIPIENT, rows.of_recipients(one))
    connection.close()
    return ids


async def _opened(layout: Layout) -> None:
    await SqliteQueue(layout.queue, layout.spool).close()


def test_a_long_list_says_how_to_go_on(desk: Desk) -> None:
    ids = fill(desk, PAGE_ITEMS + 1)
    *_, line = desk.ok("queue", "list").splitlines()
    assert line == f"There is more: pabal queue list --after {ids[-2]}"
    assert desk.json("queue", "list")["after"] == ids[-2]
    _, last = desk.ok("queue", "list", "--after", ids[-2]).splitlines()
    assert last.startswith(ids[-1])
    assert "after" not in desk.json("queue", "list", "--after", ids[-2])


@pytest.mark.slow
def test_a_list_of_a_hundred_thousand_is_prompt(desk: Desk) -> None:
    fill(desk, 100_000)
    # Its own most: what wait4(2) tells has that of the process it was forked from.
    program = (
        "import atexit, pathlib, sys\n"
        "status = pathlib.Path('/proc/self/status')\n"
        "atexit.register(lambda: sys.stderr.write(status.read_text()))\n"
        "from pabal.__main__ import main\n"
        "main()\n"
    )
    command = [sys.executable, "-c", program, "queue", "list"]
    began = time.monotonic()
    command += ["-c", str(desk.directory)]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    assert time.monotonic() - began < 10
    (most,) = re.findall(r"VmHWM:\s+(\d+) kB", done.stderr)
    assert int(most) < 150_000  # half of it are our modules
