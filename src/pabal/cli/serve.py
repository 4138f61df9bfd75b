"""``pabal serve``: run the server in the foreground."""

from pathlib import Path

import click

from pabal import app
from pabal.base import log
from pabal.cli.options import config_option
from pabal.config.load import load_or_raise


@click.command()
@config_option
@click.pass_context
def serve(ctx: click.Context, directory: Path | None) -> None:
    """Serve until SIGTERM; print `ready` when every listener is up."""
    settings = load_or_raise(directory)
    log.set_up(settings.log_level)
    ctx.exit(app.serve(settings, lambda: click.echo("ready")))
