"""``pabal account key``: public keys that log in to the console over SSH."""

import sys
from pathlib import Path
from typing import Final

import click

from pabal.app.office import administration
from pabal.base.errors import OperatorError
from pabal.cli import output
from pabal.cli.options import config_option, json_option
from pabal.cli.remote import LocalPath
from pabal.config.load import load_or_raise
from pabal.config.settings import Settings
from pabal.directory.ports import DirectoryError, PublicKey
from pabal.directory.publickey import (
    LINE_MAX_OCTETS,
    bits,
    fingerprint,
    line,
    parse_public_key,
    with_key,
    without_key,
)

STANDARD_INPUT: Final = Path("-")


@click.group()
def key() -> None:
    """Public keys for the console: add, list, remove."""


@key.command()
@click.argument("address")
@click.argument("file", metavar="FILE", type=LocalPath(path_type=Path, allow_dash=True))
@config_option
@json_option
def add(address: str, file: Path, directory: Path | None, *, as_json: bool) -> None:
    """Let ADDRESS log in with the public key in FILE.

    FILE is what `ssh-keygen -t ed25519` writes with .pub at its end, or - for standard
    input. Taken are Ed25519, ECDSA, both on security keys too (sk-), and RSA from 2048
    bits. Only administrators can log in: `pabal ssh` says who.
    """
    settings = load_or_raise(directory)
    found = parse_public_key(_read(file))
    with administration(settings) as office:
        account = office.directory.keyring.change(
            address, lambda keys: with_key(keys, found)
        )
        office.rang()
    shown = fingerprint(found.blob)
    note = "" if account.address in settings.console_administrators else _NOTE
    output.done(
        f"{account.address} has the key {shown}.{note}",
        as_json=as_json,
        facts={"address": account.address, "fingerprint": shown},
    )


_NOTE: Final = (
    " Not an administrator yet, so it lets nobody in:"
    " administrators under [ssh] in pabal.toml."
)


@key.command("list")
@click.argument("address", required=False)
@config_option
@json_option
def list_(address: str | None, directory: Path | None, *, as_json: bool) -> None:
    """List the public keys of ADDRESS, or of everybody."""
    found = _keys(load_or_raise(directory), address)
    if as_json:
        facts = [_facts(whose, each) for whose, each in found]
        output.emit({"keys": facts})
    elif found:
        output.table(
            ("ADDRESS", "KEY", "BITS", "FINGERPRINT", "COMMENT"),
            [
                (
                    whose,
                    each.algorithm,
                    str(bits(each)),
                    fingerprint(each.blob),
                    each.comment,
                )
                for whose, each in found
            ],
        )
    else:
        click.echo("No key yet: `pabal account key add ADDRESS FILE`.")


@key.command()
@click.argument("address")
@click.argument("fingerprint", metavar="KEY")
@config_option
@json_option
def remove(
    address: str, fingerprint: str, directory: Path | None, *, as_json: bool
) -> None:
    """Forget the KEY of ADDRESS: its fingerprint, or its comment."""
    with administration(load_or_raise(directory)) as office:
        office.directory.keyring.change(
            address, lambda keys: without_key(keys, fingerprint)
        )
        office.rang()
    output.done(f"{address} no longer has that key.", as_json=as_json)


def _keys(settings: Settings, address: str | None) -> list[tuple[str, PublicKey]]:
    with administration(settings) as office:
        accounts = office.directory.accounts()
        if address is not None:
            account = office.directory.account_of(address)
            if account is None:
                raise DirectoryError(f"There is no account {address}.")
            accounts = [account]
        return [
            (account.address, each)
            for account in accounts
            for each in office.directory.keyring.public_keys(account.id)
        ]


def _facts(address: str, found: PublicKey) -> output.Json:
    return {
        "address": address,
        "algorithm": found.algorithm,
        "bits": bits(found),
        "fingerprint": fingerprint(found.blob),
        "comment": found.comment,
        "key": line(found),
    }


def _read(file: Path) -> str:
    """Return the beginning of a file: enough to see what it is."""
    try:
        if file == STANDARD_INPUT:
            octets = sys.stdin.buffer.read(2 * LINE_MAX_OCTETS)
        else:
            with file.open("rb") as opened:
                octets = opened.read(2 * LINE_MAX_OCTETS)
    except OSError as error:
        raise OperatorError(f"cannot read {file}: {error.strerror}.") from error
    return octets.decode("utf-8", "replace")
