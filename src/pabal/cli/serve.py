"""``pabal serve``: run the server in the foreground."""

import os
from collections.abc import Callable
from pathlib import Path

import click

from pabal.app import process, start
from pabal.base import log
from pabal.base.clock import SystemClock
from pabal.cli.options import config_option
from pabal.config.load import load_or_raise
from pabal.supervisor import RoleSpec, Supervisor, bind_roles, whom_to_become


@click.command()
@config_option
@click.pass_context
def serve(ctx: click.Context, directory: Path | None) -> None:
    """Serve until SIGTERM; print `ready` when every listener is up."""
    settings = load_or_raise(directory)
    log.set_up(settings.log_level)
    user = whom_to_become(settings, is_root=os.geteuid() == 0)
    tls = start.prepare(settings, user)
    zones = start.preload(settings)
    specs = bind_roles(settings)

    def work(spec: RoleSpec, ready: Callable[[], None]) -> int:
        made = process.Process(settings, spec.name, spec.roles, tls, zones)
        return process.run(made, spec.sockets, ready)

    def say_ready() -> None:
        click.echo("ready")

    ctx.exit(Supervisor(specs, work, user, SystemClock(), say_ready).run())
