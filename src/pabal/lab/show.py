"""How the lab looks on a terminal, and in a log."""

from collections.abc import Sequence
from typing import Final

from rich.console import Console
from rich.table import Table
from rich.text import Text

from pabal.lab.report import Told
from pabal.lab.story import Lookup, Scene
from pabal.lab.world import Host, World
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


class Show:
    """Draws the lab as it happens.

    Args (of the constructor):
        console: Where to.
        dialogue: Whether to show what the servers said to each other.
    """

    def __init__(self, console: Console, *, dialogue: bool) -> None:
        self._console = console
        self._dialogue = dialogue

    def preparing(self, world: World) -> None:
        """Draw the hosts."""
        print_ = self._console.print
        print_("[bold]파발 pabal[/bold]: two mail servers and their name server\n")
        root, registry, server, server_b = world.hosts
        for host, zone in ((root, "."), (registry, "test.")):
            print_(
                f"        [yellow]{zone:>5}[/yellow]  {host.hostname} {host.address}"
            )
        print_("               ╱                  ╲")
        left = f"{server.hostname} {server.address}"
        right = f"{server_b.hostname} {server_b.address}"
        print_(f"[cyan]{left}[/cyan] ═══ [cyan]{right}[/cyan]")
        print_(f"[dim]{_who(server):<{len(left)}}     {_who(server_b)}[/dim]\n")

    def starting(self, world: World) -> None:
        """Say that the servers are being started."""
        self._console.print(f"Starting {len(world.hosts)} servers …")

    def scene(self, scene: Scene) -> None:
        """Draw one scene."""
        mark = "[green]✓[/green]" if scene.ok else "[red]✗[/red]"
        self._console.print(f"{mark} {scene.title}")
        self._console.print(Text(f"    {scene.proof}", style="dim"))
        for lookup in scene.lookups:
            self._console.print(_lookup(lookup))

    def ways(self, told: Sequence[Told]) -> None:
        """Draw the way of every letter, hop by hop."""
        for one in told:
            letter = one.letter
            self._console.print()
            self._console.print(
                Text.assemble(
                    ("The way of ", "bold"),
                    (f"<{letter.message_id}>", "cyan"),
                    f"  {letter.sender} → {letter.recipient}: ",
                    (letter.outcome, "green" if letter.outcome != "bounced" else "red"),
                )
            )
            self._console.print(self._table(one.way.hops))

    def _table(self, hops: Sequence[Hop]) -> Table:
        table = Table(box=None, padding=(0, 1), show_header=False)
        table.add_column(justify="right", style="dim", no_wrap=True)
        table.add_column(no_wrap=True)
        table.add_column(no_wrap=True)
        table.add_column(overflow="fold")
        start = hops[0].at if hops else 0.0
        for hop in hops:
            for question in hop.questions:
                table.add_row(
                    "",
                    Text(question.host, style="dim"),
                    Text("  asks", style="yellow"),
                    Text(
                        f"{question.question} @ {question.asked}: {question.answer}",
                        style="yellow",
                    ),
                )
            table.add_row(
                f"{(hop.at - start) * 1000:.0f} ms",
                hop.host,
                Text(hop.stage.value, style=_STYLES.get(hop.stage, "white")),
                Text(_detail(hop)),
            )
            if self._dialogue:
                for line in hop.dialogue:
                    table.add_row("", "", "", Text(f"  {line}", style="dim"))
        return table

    def verdict(self, *, ok: bool) -> None:
        """Say how it ended."""
        self._console.print()
        if ok:
            self._console.print(
                "[bold green]All of it was read back by the clients.[/bold green]"
            )
        else:
            self._console.print("[bold red]The story did not end well.[/bold red]")

    def how_to_connect(self, world: World) -> None:
        """Say how to use the running servers."""
        print_ = self._console.print
        print_("\nThe servers stay up; connect a mail program, or type:\n")
        for host in (world.server, world.server_b):
            if host.person is None:
                continue
            print_(
                f"  [bold]{host.person.address}[/bold]  password {host.person.password}"
            )
            services = ("imaps", "submission", "pop3s", "http", "dns")
            for service in services:
                print_(f"    {service:<11} {host.endpoint(service)}")
        names = world.registry.endpoint("dns")
        print_(f"\n  dig @{names.address} -p {names.port} seoul.test NS")
        print_(f"  pabal trace --last -c {world.server.directory}")
        print_("\nCtrl-C ends it.")


def _who(host: Host) -> str:
    return host.person.address if host.person else ""


def _lookup(lookup: Lookup) -> Text:
    return Text(
        f"    {lookup.question} @ {lookup.asked}: {lookup.answer}", style="yellow"
    )


def _detail(hop: Hop) -> str:
    recipient = f"<{hop.recipient}> " if hop.recipient else ""
    return recipient + hop.detail
