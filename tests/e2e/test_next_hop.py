"""Next hops and name servers that fail in every way there is.

One message goes to all of them at once. They cost each other nothing, the queue says
what is wrong with each, waits longer after every failure, and goes on when they mend.
"""

import contextlib
import json
import time
from collections.abc import Iterator
from dataclasses import dataclass
from typing import NamedTuple

import apsw
import pytest

from tests.support.names import WrongNames
from tests.support.server import Server, eventually, letter, own_address
from tests.support.sink import Fault, Sink, Step

SINK_PORT = 20_027
NAMES_PORT = 20_053
FIRST_WAIT_SECONDS = 300.0
"""``ScheduleSettings.retry_first_s``, longer or shorter by a fifth."""

FAULTS = [
    (f"{fault.name}-{step.name}".lower(), step, fault)
    for fault in Fault
    for step in Step
]


class Recipient(NamedTuple):
    address: str
    state: str
    attempts: int
    next_attempt_at: float
    reply: str


@dataclass
class Site:
    server: Server
    sinks: dict[str, Sink]
    item_id: str = ""

    def recipients(self) -> dict[str, Recipient]:
        """Return how the message's recipients are, by the first label."""
        path = self.server.directory / "data" / "queue.db"
        with contextlib.closing(apsw.Connection(str(path))) as connection:
            rows = connection.execute(
                "SELECT address, state, attempts, next_attempt_at, reply"
                " FROM recipient WHERE item_id = ?",
                (self.item_id,),
            ).fetchall()
        found = [
            Recipient(str(a), str(b), int(c or 0), float(d or 0), str(e))
            for a, b, c, d, e in rows
        ]
        return {one.address.partition("@")[2].partition(".")[0]: one for one in found}

    def send(self, to: list[str], subject: str) -> None:
        with self.server.submission("alice") as client:
            letter_ = letter("alice@a.test", "you@remote.test", subject)
            client.send_message(letter_, to_addrs=to)


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    labels = {name: own_address() for name, _, _ in FAULTS}
    labels |= {"ok": own_address(), "refused": own_address()}
    names = own_address()
    with contextlib.ExitStack() as stack:
        sinks = {
            name: stack.enter_context(Sink(labels[name], SINK_PORT, step, fault))
            for name, step, fault in FAULTS
        }
        sinks["ok"] = stack.enter_context(Sink(labels["ok"], SINK_PORT))
        stack.enter_context(WrongNames(names, NAMES_PORT))
        server = Server(tmp_path_factory.mktemp("hop") / "s").init(accounts=("alice",))
        server.add_hosts(labels, SINK_PORT, "remote.test")
        hints = server.directory / "root.hints"
        hints.write_text(f". 3600 IN NS ns.nowhere.\nns.nowhere. 3600 IN A {names}\n")
        server.configure(f'root_hints = "{hints}"', f"port = {NAMES_PORT}", table="dns")
        site = Site(stack.enter_context(server.start()), sinks)
        to = [f"you@{name}.remote.test" for name in labels if name != "ok"]
        site.send([*to, "you@servfail.servfail", "you@silent.silent"], "everywhere")
        (item,) = json.loads(server.run("queue", "list", "--json").stdout)["items"]
        site.item_id = item["id"]
        yield site
        for sink in sinks.values():
            sink.let_go()
        assert server.stop() == 0
        assert "Traceback" not in server.log()


def test_others_are_not_held_up(site: Site) -> None:
    hanging = [name for name, _, fault in FAULTS if fault is Fault.HANG]
    eventually(lambda: all(site.sinks[name].connections for name in hanging))
    for number in range(5):
        # More to those that hang late, so that their places are taken.
        late = [name for name in hanging if not name.endswith(("greeting", "ehlo"))]
        site.send([f"you@{name}.remote.test" for name in late], f"more{number}")
    site.send(["you@ok.remote.test"], "healthy")
    eventually(lambda: "healthy" in site.sinks["ok"].subjects, 15)


def test_the_queue_says_why(site: Site) -> None:
    def settled() -> bool:
        return all(
            one.state == "deferred"
            for label, one in site.recipients().items()
            if not label.startswith("hang")
        )

    eventually(settled, 40)
    now = time.time()
    found = site.recipients()
    assert "refused" in found["refused"].reply
    assert "SERVFAIL" in found["servfail"].reply
    assert "timeout" in found["silent"].reply
    for label, one in found.items():
        if label.startswith("hang"):
            assert (one.state, one.attempts) == ("active", 0), one
            continue
        assert one.attempts == 1, one
        assert one.reply.startswith("4"), one
        wait_s = one.next_attempt_at - now
        assert FIRST_WAIT_SECONDS * 0.7 - 40 < wait_s < FIRST_WAIT_SECONDS * 1.3, one
    shown = site.server.run("queue", "show", site.item_id).stdout
    for label, one in found.items():
        assert one.reply in shown, label
    assert "next try  in " in shown
    assert "refused" in shown


def test_a_hang_ends_in_a_reason(site: Site) -> None:
    for name, _, fault in FAULTS:
        if fault is Fault.HANG:
            site.sinks[name].let_go()
    eventually(
        lambda: all(one.state == "deferred" for one in site.recipients().values())
    )
    for label, one in site.recipients().items():
        if label.startswith("hang"):
            assert one.attempts == 1, one
            assert one.reply.startswith("4"), one
            assert "connection" in one.reply.lower(), one


def test_the_next_wait_is_longer(site: Site) -> None:
    site.server.run("queue", "retry", site.item_id)
    eventually(lambda: site.recipients()["refused"].attempts == 2, 20)
    wait_s = site.recipients()["refused"].next_attempt_at - time.time()
    assert wait_s > FIRST_WAIT_SECONDS * 1.5


def test_it_goes_on_when_they_mend(site: Site) -> None:
    names = [name for name, _, _ in FAULTS]
    for sink in site.sinks.values():
        sink.step = None
        sink.let_go()
    eventually(lambda: all(site.recipients()[n].state == "deferred" for n in names))
    site.server.run("queue", "retry", site.item_id)
    eventually(lambda: all("everywhere" in site.sinks[n].subjects for n in names), 20)
    assert all(site.sinks[name].subjects["everywhere"] == 1 for name in names)
