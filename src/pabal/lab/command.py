"""``pabal lab``: start the world, play the story, show it, verify it."""

import asyncio
import contextlib
import shutil
import signal
import sys
import tempfile
from collections.abc import Coroutine, Iterator
from pathlib import Path
from typing import Final

import click
from rich.console import Console

from pabal.admin.certificate import write_self_signed
from pabal.admin.setup import Plan
from pabal.app.furnish import furnish
from pabal.app.office import open_traces
from pabal.base.clock import SystemClock
from pabal.base.errors import OperatorError, PabalError
from pabal.config.load import load_or_raise
from pabal.lab import report
from pabal.lab.ground import ground
from pabal.lab.processes import Servers
from pabal.lab.show import Show
from pabal.lab.story import Beginning, Letter, Scene, play
from pabal.lab.world import Host, World, build, write_files
from pabal.message.address import Mailbox

SIGNALS: Final = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
"""What ends a lab in order: Ctrl-C, a supervisor, a terminal that is closed."""


@click.command()
@click.option(
    "--dir",
    "directory",
    type=click.Path(path_type=Path),
    help="Keep the servers' files here (default: a temporary folder, removed).",
)
@click.option("--once", is_flag=True, help="End after the story with its verdict.")
@click.option("--json", "as_json", is_flag=True, help="Print the report as JSON.")
@click.option(
    "--dialogue", is_flag=True, help="Show every fact, and what the servers said."
)
@click.pass_context
def lab(
    ctx: click.Context,
    directory: Path | None,
    *,
    once: bool,
    as_json: bool,
    dialogue: bool,
) -> None:
    """Watch two mail servers exchange mail on this machine.

    They find each other through name servers of their own: the root, the registry of
    `.test`, and one each. Needs no root, no network, no containers.

    On a terminal the servers stay up to play with until Ctrl-C, unless --once.
    """
    show = Show(Console(stderr=as_json, highlight=False), dialogue=dialogue)
    stay = not once and not as_json and sys.stdout.isatty()
    try:
        with ground() as number, _folder(directory) as folder:
            performance = Performance(build(folder, number), show, stay=stay)
            asyncio.run(_interruptible(performance.run()))
            if as_json:
                sys.stdout.write(report.rendered(performance.report()))
    except PabalError as error:
        if as_json:
            sys.stdout.write(report.rendered(report.failed(str(error))))
        raise
    ctx.exit(performance.exit_code)


class Performance:
    """One lab, from its files to its end."""

    def __init__(self, world: World, show: Show, *, stay: bool) -> None:
        self._world = world
        self._show = show
        self._stay = stay
        self._scenes: list[Scene] = []
        self._told: list[report.Told] = []
        self._played = False

    @property
    def ok(self) -> bool:
        """Whether the story was played to its end, and ended well."""
        return self._played and all(scene.ok for scene in self._scenes)

    @property
    def exit_code(self) -> int:
        """0: it ended well, or somebody at the terminal had seen enough."""
        unfinished = self._stay and not self._played
        return 0 if self.ok or unfinished else 1

    def report(self) -> dict[str, report.Json]:
        """Return what ``--json`` prints."""
        return report.as_json(self._world, self._scenes, self._told, ok=self.ok)

    async def run(self) -> None:
        """Play; with ``stay`` until somebody cancels.

        Raises:
            OperatorError: A server did not start, or stopped by itself.
        """
        servers = Servers()
        show, world = self._show, self._world
        try:
            show.preparing(world)
            with show.waiting("writing the servers' files and keys"):
                await asyncio.to_thread(prepare, world)
            with show.waiting(f"starting {len(world.hosts)} servers"):
                await servers.start(world)
            await self._play()
            show.verdict(ok=self.ok)
            if self._stay:
                show.how_to_connect(world)
                dead = await servers.first_dead()
                raise OperatorError(f"{dead.label} stopped by itself; see its log.")
        finally:
            show.ending()
            await servers.stop()

    async def _play(self) -> None:
        async for part in play(self._world):
            if isinstance(part, Beginning):
                self._show.beginning(part.title)
                continue
            self._scenes.append(part)
            self._show.scene(part)
            if part.letter:
                told = await asyncio.to_thread(_way, self._world, part.letter)
                self._told.append(told)
                self._show.way(self._world, told)
        self._played = True


def prepare(world: World) -> None:
    """Write what each host needs; accounts and keys come from the host's own code.

    Raises:
        OperatorError: There is a lab in the directory already.
    """
    for host in world.hosts:
        if (host.directory / "pabal.toml").exists():
            raise OperatorError(
                f"{host.directory} holds a lab already.", "Name another --dir."
            )
    write_files(world)
    for host in world.hosts:
        _furnish(host)


def _furnish(host: Host) -> None:
    plan = Plan(
        host.directory, host.hostname, host.domain, host.address, host.port_offset
    )
    person = host.person
    furnish(
        plan,
        Mailbox.parse(person.address) if person else None,
        person.password if person else "",
    )
    certificate = host.directory / "tls"
    certificate.mkdir(exist_ok=True)
    write_self_signed(
        certificate / "cert.pem",
        certificate / "key.pem",
        [host.hostname, host.address],
        SystemClock(),
    )


@contextlib.contextmanager
def _folder(directory: Path | None) -> Iterator[Path]:
    """Yield ``directory``, or a temporary one that is gone afterwards."""
    if directory is not None:
        yield directory
        return
    temporary = Path(tempfile.mkdtemp(prefix="pabal-lab-"))
    try:
        yield temporary
    finally:
        shutil.rmtree(temporary, ignore_errors=True)


async def _interruptible(work: Coroutine[object, object, None]) -> None:
    """Run ``work``; the first signal cancels it, later ones let it end in order."""
    loop = asyncio.get_running_loop()
    task = loop.create_task(work)

    def interrupt() -> None:
        for number in SIGNALS:
            loop.add_signal_handler(number, _heard)
        task.cancel()

    for number in SIGNALS:
        loop.add_signal_handler(number, interrupt)
    with contextlib.suppress(asyncio.CancelledError):
        await task


def _heard() -> None:
    """It ends already."""


def _way(world: World, letter: Letter) -> report.Told:
    readers = [
        open_traces(load_or_raise(host.directory))
        for host in (world.server, world.server_b)
    ]
    try:
        return report.complete_way(letter, readers)
    finally:
        for reader in readers:
            reader.close()
