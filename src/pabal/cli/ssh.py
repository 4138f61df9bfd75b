"""``pabal ssh``: the console over SSH: where it is, by what it is known, for whom."""

import base64
from collections.abc import Sequence
from pathlib import Path

import click

from pabal.admin.hostkey import HostKey, known_host_key
from pabal.admin.layout import Layout
from pabal.app.office import administration
from pabal.app.visitors import Person, visitors
from pabal.cli import output
from pabal.cli.options import config_option, json_option
from pabal.config.load import load_or_raise
from pabal.config.settings import Settings
from pabal.directory.publickey import fingerprint


@click.command()
@config_option
@json_option
def ssh(directory: Path | None, *, as_json: bool) -> None:
    """Show the console over SSH: where it is, who may log in.

    Compare the fingerprint when ssh asks for the first time. KEY is a line for
    known_hosts, SSHFP the record the zone of this host has for it.
    """
    settings = load_or_raise(directory)
    with administration(settings) as office:
        people = visitors(settings, office)
        key = known_host_key(Layout(settings.data).host_key)
    if as_json:
        output.emit(_facts(settings, key, people))
        return
    listening = settings.listen["ssh"]
    where = ", ".join(map(str, listening)) or "off: ssh under [listen] in pabal.toml"
    click.echo(f"listens on   {where}")
    if key is None:
        click.echo("host key     none yet: the first start with ssh makes it")
    else:
        click.echo(f"host key     {fingerprint(key.blob)} (ED25519)")
        click.echo(f"key          {settings.hostname} {_line(key)}")
        click.echo(f"sshfp        {settings.hostname}. SSHFP {key.sshfp}")
    allowed = "allowed" if settings.ssh.passwords else "refused: keys only"
    click.echo(f"passwords    {allowed}")
    if not people:
        click.echo("nobody       administrators under [ssh] in pabal.toml names them")
    for person in people:
        click.echo(f"may log in   {_who(person)}")


def _who(person: Person) -> str:
    if person.obstacle:
        return f"{person.address}: but {person.obstacle}: {person.fix}"
    return f"{person.address}, {person.keys} key{'s' * (person.keys != 1)}"


def _line(key: HostKey) -> str:
    return "ssh-ed25519 " + base64.b64encode(key.blob).decode()


def _facts(
    settings: Settings, key: HostKey | None, people: Sequence[Person]
) -> output.Json:
    return {
        "listen": [str(endpoint) for endpoint in settings.listen["ssh"]],
        "fingerprint": fingerprint(key.blob) if key else None,
        "key": _line(key) if key else None,
        "sshfp": key.sshfp if key else None,
        "passwords": settings.ssh.passwords,
        "administrators": [
            {"address": p.address, "keys": p.keys, "enabled": p.enabled} for p in people
        ],
    }
