"""How the lab looks on a terminal, and in a log."""

import contextlib
import shutil
import sys
from pathlib import Path
from typing import Final

from rich.console import Console
from rich.status import Status
from rich.table import Table
from rich.text import Text

from pabal.lab.report import Told
from pabal.lab.story import Lookup, Scene
from pabal.lab.world import Host, World
from pabal.trace.brief import brief, is_question
from pabal.trace.ports import Stage
from pabal.trace.way import Hop

_STYLES: Final = {
    Stage.SUBMITTED: "cyan",
    Stage.RECEIVED: "cyan",
    Stage.DELIVERED: "green",
    Stage.FETCHED: "green",
    Stage.SENT: "green",
    Stage.REFUSED: "red",
    Stage.BOUNCED: "red",
    Stage.DEFERRED: "yellow",
}

_INDENT: Final = "   "


class Show:
    """Draws the lab as it happens.

    Args (of the constructor):
        console: Where to.
        dialogue: Whether to show every fact, and what the servers said to each other.
    """

    def __init__(self, console: Console, *, dialogue: bool) -> None:
        self._console = console
        self._dialogue = dialogue
        self._status: Status | None = None

    def preparing(self, world: World) -> None:
        """Draw the hosts."""
        print_ = self._console.print
        print_("[bold]파발 pabal[/bold]: two mail servers and their name servers\n")
        root, registry, server, server_b = world.hosts
        for host, zone in (
            (root, "."),
            (registry, "└ test."),
            (server, f"  ├ {server.domain}."),
            (server_b, f"  └ {server_b.domain}."),
        ):
            colour = "cyan" if host.person else "yellow"
            print_(
                f"  {zone:<16} [{colour}]{host.label:<9}[/] {host.address:<12}"
                f" {host.hostname:<16} {_who(host)}".rstrip()
            )
        print_()

    def waiting(self, what: str) -> contextlib.AbstractContextManager[object]:
        """Return a context in which a terminal shows that something is going on."""
        return self._console.status(f"{what} …")

    def beginning(self, title: str) -> None:
        """Say what is being done, on a terminal."""
        self._stop_waiting()
        self._status = self._console.status(f"{title} …")
        self._status.start()

    def scene(self, scene: Scene) -> None:
        """Draw one scene."""
        self._stop_waiting()
        mark = ("✓ ", "green") if scene.ok else ("✗ ", "red")
        self._console.print(Text.assemble(mark, (scene.title, "bold")))
        self._console.print(
            Text(_INDENT + scene.proof, style="" if scene.ok else "red")
        )
        for lookup in scene.lookups:
            self._console.print(_lookup(lookup))
        if not scene.letter:
            self._console.print()

    def way(self, world: World, told: Told) -> None:
        """Draw the way of a letter, hop by hop."""
        letter = told.letter
        self._console.print(Text(f"{_INDENT}<{letter.message_id}>", style="dim"))
        table = Table(box=None, padding=(0, 1, 0, 0), show_header=False)
        table.add_column(justify="right", style="dim", no_wrap=True, min_width=7)
        table.add_column(no_wrap=True, min_width=8)
        table.add_column(no_wrap=True, min_width=9)
        table.add_column(overflow="fold")
        start = told.way.hops[0].at if told.way.hops else 0.0
        for hop in told.way.hops:
            when = f"{(hop.at - start) * 1000:.0f} ms"
            table.add_row(when, world.label(hop.host), *_words(hop))
            if self._dialogue:
                for line in _spoken(hop):
                    table.add_row("", "", "", line)
        self._console.print(table)
        self._console.print()

    def verdict(self, *, ok: bool) -> None:
        """Say how it ended."""
        if ok:
            self._console.print(
                "[bold green]All of it was read back by the clients.[/bold green]"
            )
        else:
            self._console.print("[bold red]The story did not end well.[/bold red]")

    def how_to_connect(self, world: World) -> None:
        """Say how to use the running servers."""
        print_ = self._console.print
        print_("\nThe servers stay up. Connect a mail program, or type:\n")
        for host in (world.server, world.server_b):
            if host.person is None:
                continue
            print_(
                f"  [bold]{host.person.address}[/bold]  password"
                f" [bold]{host.person.password}[/bold]  at {host.address}:"
            )
            services = ("imaps", "pop3s", "submissions", "http", "dns")
            print_(
                "    " + "  ".join(f"{s} {host.endpoint(s).port}" for s in services),
                style="dim",
            )
            user, port = (
                host.person.address.partition("@")[0],
                host.endpoint("ssh").port,
            )
            print_(
                f"    ssh -p {port} {user}@{host.address}    (its console)", style="dim"
            )
        names = world.registry.endpoint("dns")
        directory = world.server.directory
        print_(f"\n  dig @{names.address} -p {names.port} seoul.test NS")
        for command in ("dig busan.test MX", "trace --last", "queue list"):
            print_(f"  {program()} {command} -c {directory}", soft_wrap=True)
        print_("\nCtrl-C ends it.")

    def ending(self) -> None:
        """Stop what moves."""
        self._stop_waiting()

    def _stop_waiting(self) -> None:
        if self._status is not None:
            self._status.stop()
            self._status = None


def program() -> str:
    """Return how ``pabal`` is called from here."""
    if shutil.which("pabal"):
        return "pabal"
    beside = Path(sys.executable).with_name("pabal")
    if not beside.exists():
        return f"{sys.executable} -m pabal"
    here = Path.cwd()
    return str(beside.relative_to(here) if beside.is_relative_to(here) else beside)


def _words(hop: Hop) -> tuple[Text, Text]:
    """Return the stage and what there is to say."""
    if is_question(hop):
        return Text("asks", style="yellow"), Text(brief(hop), style="yellow")
    style = _STYLES.get(hop.stage, "")
    return Text(hop.stage.value, style=style), Text(brief(hop))


def _spoken(hop: Hop) -> list[Text]:
    lines = [hop.detail] if hop.detail != brief(hop) else []
    return [Text(line, style="dim") for line in (*lines, *hop.dialogue)]


def _who(host: Host) -> str:
    return host.person.address if host.person else ""


def _lookup(lookup: Lookup) -> Text:
    return Text(
        f"{_INDENT}{lookup.question} @ {lookup.asked}: {lookup.answer}", style="yellow"
    )
