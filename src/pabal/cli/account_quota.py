"""``pabal account quota``: what an account may have, and what it has."""

from pathlib import Path
from typing import Final

import click

from pabal.app.office import administration, used
from pabal.cli import output
from pabal.cli.options import config_option, json_option
from pabal.config.load import load_or_raise
from pabal.config.section import BadValueError, size_of
from pabal.directory.ports import Account, DirectoryError

NONE: Final = "none"
"""No limit, on the command line."""

LIMIT_MAX: Final = 2**53
"""More than any disk: what a number in JSON can be told exactly."""


def _octets(
    _ctx: click.Context, _param: click.Parameter, value: str | None
) -> int | None:
    """Return octets: ``2GB``, a number, ``none``."""
    return None if value is None else _limit(value)


def _messages(
    _ctx: click.Context, _param: click.Parameter, value: str | None
) -> int | None:
    """Return a number of messages."""
    if value is None or value.lower() == NONE or value.isdecimal():
        return None if value is None else _limit(value)
    raise click.BadParameter(f"{value!r} is not a number; like 10000, or {NONE}")


def _limit(text: str) -> int:
    """Return a limit; 0: none."""
    if text.lower() == NONE:
        return 0
    try:
        found = size_of(text)
    except BadValueError as error:
        raise click.BadParameter(
            f"{error.reason}; {error.suggestion}, or {NONE}"
        ) from error
    if found > LIMIT_MAX:
        raise click.BadParameter(f"{text} is more than any disk holds")
    return found


octets_option = click.option(
    "--quota",
    "octets",
    callback=_octets,
    metavar="SIZE",
    help="Most mail, like 2GB; none: no limit.",
)
messages_option = click.option(
    "--quota-messages",
    "messages",
    callback=_messages,
    metavar="N",
    help="Most messages; none: no limit.",
)


@click.command()
@click.argument("address")
@octets_option
@messages_option
@config_option
@json_option
def quota(
    address: str,
    octets: int | None,
    messages: int | None,
    directory: Path | None,
    *,
    as_json: bool,
) -> None:
    """Show what ADDRESS has and may have; with an option, change it.

    Who has as much gets no more: senders are told to try later, and mail programs
    that there is no room.
    """
    settings = load_or_raise(directory)
    with administration(settings) as office:
        account = office.directory.account_of(address)
        if account is None:
            raise DirectoryError(f"There is no account {address}.")
        if octets is not None or messages is not None:
            account = office.directory.change_account(
                account.address, quota_octets=octets, quota_messages=messages
            )
            office.rang()
    used_octets, used_messages = used(settings, account.id)
    if as_json:
        output.emit(
            {
                "address": account.address,
                "octets": used_octets,
                "quota_octets": account.quota_octets,
                "messages": used_messages,
                "quota_messages": account.quota_messages,
            }
        )
        return
    rows = [
        ("mail", size(used_octets), size(account.quota_octets) or NONE),
        ("messages", str(used_messages), str(account.quota_messages or NONE)),
    ]
    output.table(("WHAT", "USED", "MOST"), [(w, u or "0 B", m) for w, u, m in rows])


def shown(account: Account) -> str:
    """Return the limits of an account in a few words; ``-``: it has none."""
    parts = []
    if account.quota_octets:
        parts.append(size(account.quota_octets))
    if account.quota_messages:
        parts.append(f"{account.quota_messages} messages")
    return ", ".join(parts) or "-"


def size(octets: int) -> str:
    """Return ``octets`` in the units the options take; empty for 0."""
    for unit, factor in (("GB", 10**9), ("MB", 10**6), ("KB", 10**3)):
        if octets >= factor:
            return f"{octets / factor:.3f}".rstrip("0").rstrip(".") + f" {unit}"
    return f"{octets} B" if octets else ""
