"""``pabal init``: a new server's directory."""

from pathlib import Path

import click

from pabal.admin.setup import Plan
from pabal.app.furnish import set_up
from pabal.cli import output
from pabal.cli.options import json_option, password_option, read_password


@click.command()
@click.argument("directory", type=click.Path(path_type=Path), metavar="DIR")
@click.option("--hostname", required=True, help="What the server calls itself.")
@click.option("--domain", required=True, help="The first domain it hosts.")
@click.option("--account", default="", help="An address to create an account for.")
@click.option(
    "--address",
    default="0.0.0.0",  # noqa: S104 (a mail server is there to be reached)
    show_default=True,
    help="Where to listen.",
)
@click.option(
    "--port-offset",
    type=click.IntRange(0, 60000),
    default=0,
    show_default=True,
    help="Added to every standard port: 20000 listens on 20025 for smtp.",
)
@password_option
@json_option
def init(  # noqa: PLR0913 (the contract's options, one each)
    directory: Path,
    hostname: str,
    domain: str,
    account: str,
    *,
    address: str,
    port_offset: int,
    password_stdin: bool,
    as_json: bool,
) -> None:
    """Make DIR ready to serve a domain.

    Writes the configuration, a self-signed certificate and DKIM keys, and creates an
    account if one is named. Never overwrites anything.
    """
    plan = Plan(directory, hostname, domain, address, port_offset)
    plan.check()
    password = ""
    if account:
        password = read_password(from_stdin=password_stdin, address=account)
    set_up(plan, account, password)
    if as_json:
        output.emit({"ok": True, "directory": str(directory), "hostname": hostname})
    else:
        click.echo(_next_steps(plan, account))


def _next_steps(plan: Plan, account: str) -> str:
    where = plan.directory
    steps = [
        f"{where} is ready for {plan.domain}.",
        "",
        f"  pabal serve -c {where}    (start it)",
        f"  pabal check -c {where}    (check what you change there)",
        f"  pabal domain show {plan.domain} -c {where}    (the DNS records it serves)",
    ]
    if not account:
        steps.append(f"  pabal account add you@{plan.domain} -c {where}")
    user = account or "you@" + plan.domain
    if account and plan.listen("ssh"):
        steps.append(
            f"  pabal account key add {account} ~/.ssh/id_ed25519.pub -c {where}"
        )
    imap, smtp = 993 + plan.port_offset, 465 + plan.port_offset
    steps += [
        "",
        f"Mail programs ({user}, TLS):",
        f"  IMAP  {plan.address_shown}:{imap}",
        f"  SMTP  {plan.address_shown}:{smtp}",
        "",
        f"Let the registrar of {plan.domain} name {plan.hostname} as name server, with",
        "its address as glue; mail, SPF, DKIM, DMARC and the mail programs' records",
        "follow from here. The certificate is self-signed: replace it under [tls].",
    ]
    return "\n".join(steps)
