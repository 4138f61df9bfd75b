"""``pabal lab``: start the world, play the story, show it, verify it."""

import asyncio
import shutil
import sys
import tempfile
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import click
from rich.console import Console

from pabal.admin.certificate import write_self_signed
from pabal.admin.setup import Plan
from pabal.app.furnish import furnish
from pabal.app.office import open_traces
from pabal.base.clock import SystemClock
from pabal.base.errors import OperatorError
from pabal.config.load import load_or_raise
from pabal.lab import report
from pabal.lab.processes import Servers
from pabal.lab.show import Show
from pabal.lab.story import Scene, play
from pabal.lab.world import World, build, write_files
from pabal.message.address import Mailbox


@click.command()
@click.option(
    "--dir",
    "directory",
    type=click.Path(path_type=Path),
    help="Keep the servers' files here (default: a temporary folder, removed).",
)
@click.option("--once", is_flag=True, help="End after the story with its verdict.")
@click.option("--json", "as_json", is_flag=True, help="Print the report as JSON.")
@click.option("--dialogue", is_flag=True, help="Show what the servers said.")
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
    console = Console(stderr=as_json, highlight=False)
    show = Show(console, dialogue=dialogue)
    stay = not once and not as_json and sys.stdout.isatty()
    folder = directory or Path(tempfile.mkdtemp(prefix="pabal-lab-"))
    try:
        world = build(folder)
        _prepare(world, show)
        ok = asyncio.run(_run(world, show, stay=stay, as_json=as_json))
    except KeyboardInterrupt:
        ok = True
    finally:
        if directory is None:
            shutil.rmtree(folder, ignore_errors=True)
    ctx.exit(0 if ok else 1)


def _prepare(world: World, show: Show) -> None:
    """Write what each host needs; accounts and keys come from the host's own code."""
    for host in world.hosts:
        if (host.directory / "pabal.toml").exists():
            raise OperatorError(
                f"{host.directory} holds a lab already.", "Name another --dir."
            )
    show.preparing(world)
    write_files(world)
    for host in world.hosts:
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


async def _run(world: World, show: Show, *, stay: bool, as_json: bool) -> bool:
    servers = Servers()
    try:
        show.starting(world)
        await servers.start(world)
        scenes = [scene async for scene in _shown(world, show.scene)]
        told = await asyncio.to_thread(_ways, world, scenes)
        show.ways(told)
        ok = bool(scenes) and all(scene.ok for scene in scenes)
        show.verdict(ok=ok)
        if as_json:
            sys.stdout.write(report.rendered(report.as_json(world, scenes, told)))
        if stay:
            show.how_to_connect(world)
            await _until_interrupted(servers)
        return ok
    finally:
        await servers.stop()


async def _shown(world: World, shown: Callable[[Scene], None]) -> AsyncIterator[Scene]:
    async for scene in play(world):
        shown(scene)
        yield scene


def _ways(world: World, scenes: list[Scene]) -> list[report.Told]:
    letters = [scene.letter for scene in scenes if scene.letter]
    readers = [
        open_traces(load_or_raise(host.directory))
        for host in (world.server, world.server_b)
    ]
    try:
        return report.complete_ways(letters, readers)
    finally:
        for reader in readers:
            reader.close()


async def _until_interrupted(servers: Servers) -> None:
    dead = await servers.first_dead()
    raise OperatorError(f"{dead.label} stopped by itself; see its log.")
