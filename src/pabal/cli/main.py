"""The command ``pabal``: every noun in one group."""

from importlib import metadata

import click

from pabal.cli.account import account
from pabal.cli.alias import alias
from pabal.cli.check import check
from pabal.cli.dig import dig
from pabal.cli.domain import domain
from pabal.cli.init import init
from pabal.cli.options import PabalGroup
from pabal.cli.queue import queue
from pabal.cli.serve import serve
from pabal.cli.trace import trace
from pabal.cli.zone import zone


def version() -> str:
    """Return the version; run from a source tree there is none to ask for."""
    try:
        return metadata.version("pabal")
    except metadata.PackageNotFoundError:
        return "of the source tree"


def build() -> click.Group:
    """Return the command group; ``__main__`` adds the lab."""

    @click.group(
        cls=PabalGroup, context_settings={"help_option_names": ["-h", "--help"]}
    )
    @click.version_option(version(), prog_name="pabal")
    def pabal() -> None:
        """Mail and names for a domain, in one program."""

    for command in (
        init,
        serve,
        check,
        domain,
        account,
        alias,
        queue,
        zone,
        dig,
        trace,
    ):
        pabal.add_command(command)
    return pabal
