"""``pabal account``: who has mailboxes here."""

import importlib
from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Final

import click
from typing_extensions import override

from pabal.app.office import administration
from pabal.app.reindex import reindex as index_anew
from pabal.base.errors import LocalProtocolError
from pabal.cli import output
from pabal.cli.account_quota import messages_option, octets_option, quota, shown
from pabal.cli.options import (
    config_option,
    json_option,
    password_option,
    read_password,
)
from pabal.config.load import load_or_raise
from pabal.message.address import Mailbox

LATE: Final[Mapping[str, tuple[str, str]]] = MappingProxyType(
    {
        "expiry": ("pabal.cli.account_show", "expiry"),
        "export": ("pabal.cli.account_export", "export"),
        "import": ("pabal.cli.account_import", "import_"),
        "load": ("pabal.cli.account_load", "load"),
        "show": ("pabal.cli.account_show", "show"),
        "undelete": ("pabal.cli.account_undelete", "undelete"),
    }
)
"""Command → module and name there: imported when it is typed, because it costs."""


class Accounts(click.Group):
    """``account`` and its commands."""

    @override
    def list_commands(self, ctx: click.Context) -> list[str]:
        """Return the names in the order they are shown."""
        return sorted({*LATE, *super().list_commands(ctx)})

    @override
    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Return the command; ``None`` if there is none."""
        if cmd_name not in LATE:
            return super().get_command(ctx, cmd_name)
        module, name = LATE[cmd_name]
        command = getattr(importlib.import_module(module), name)
        if not isinstance(command, click.Command):
            raise LocalProtocolError(f"{module} has no command {name}")
        return command


@click.group(cls=Accounts)
def account() -> None:
    """Accounts, and the mail in them."""


account.add_command(quota)


@account.command()
@click.argument("address")
@octets_option
@messages_option
@password_option
@config_option
@json_option
def add(
    address: str,
    octets: int | None,
    messages: int | None,
    directory: Path | None,
    *,
    password_stdin: bool,
    as_json: bool,
) -> None:
    """Create an account for ADDRESS, whose domain is hosted here."""
    settings = load_or_raise(directory)
    mailbox = Mailbox.parse(address)
    password = read_password(from_stdin=password_stdin, address=address)
    with administration(settings) as office:
        made = office.directory.add_account(mailbox, password)
        if octets or messages:
            office.directory.change_account(
                made.address, quota_octets=octets, quota_messages=messages
            )
        office.rang()
    output.done(
        f"{made.address} can send and receive now.",
        as_json=as_json,
        facts={"address": made.address, "id": made.id},
    )


@account.command("list")
@config_option
@json_option
def list_(directory: Path | None, *, as_json: bool) -> None:
    """List the accounts."""
    with administration(load_or_raise(directory)) as office:
        accounts = office.directory.accounts()
    if as_json:
        output.emit(
            {
                "accounts": [
                    {
                        "id": a.id,
                        "address": a.address,
                        "enabled": a.enabled,
                        "quota_octets": a.quota_octets,
                        "quota_messages": a.quota_messages,
                    }
                    for a in accounts
                ]
            }
        )
    elif accounts:
        output.table(
            ("ID", "ADDRESS", "STATE", "QUOTA"),
            [
                (
                    str(a.id),
                    a.address,
                    "enabled" if a.enabled else "disabled",
                    shown(a),
                )
                for a in accounts
            ],
        )
    else:
        click.echo("No account yet: `pabal account add ADDRESS`.")


@account.command()
@click.argument("address")
@password_option
@config_option
@json_option
def passwd(
    address: str, directory: Path | None, *, password_stdin: bool, as_json: bool
) -> None:
    """Set the password of ADDRESS."""
    settings = load_or_raise(directory)
    password = read_password(from_stdin=password_stdin, address=address)
    with administration(settings) as office:
        office.directory.set_password(address, password)
        office.rang()
    output.done(f"The password of {address} is set.", as_json=as_json)


@account.command()
@click.argument("address")
@click.option("--yes", is_flag=True, help="Do not ask whether you mean it.")
@config_option
@json_option
def remove(address: str, directory: Path | None, *, yes: bool, as_json: bool) -> None:
    """Remove the account ADDRESS and all its mail."""
    settings = load_or_raise(directory)
    if not yes and not as_json:
        click.confirm(f"Remove {address} and all its mail?", abort=True)
    with administration(settings) as office:
        office.remove_account(address)
    output.done(f"{address} and its mail are gone.", as_json=as_json)


@account.command()
@click.argument("address")
@config_option
@json_option
def reindex(address: str, directory: Path | None, *, as_json: bool) -> None:
    """Make the search index of ADDRESS anew.

    Searches are right meanwhile, only slower. The index follows new mail by itself:
    this is for one that was damaged, or for mail that came before there was any.
    """
    settings = load_or_raise(directory)
    with output.progress(f"Indexing {address}", quiet=as_json) as told:
        made = index_anew(settings, address, told)
    output.done(
        f"{address}: {made.messages:,} messages indexed in {made.octets:,} octets.",
        as_json=as_json,
        facts={"messages": made.messages, "octets": made.octets},
    )
