"""``pabal zone dnssec``: signing a zone, with no work for its owner."""

import asyncio
import contextlib
import datetime as dt
from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Final

import click
import dns.exception
import dns.name
from typing_extensions import override

from pabal.app.dnssec import Delegation, DnssecOffice, ZoneDnssec, dnssec_office
from pabal.base.errors import OperatorError
from pabal.cli import output
from pabal.cli.options import config_option, json_option
from pabal.cli.remote import LocalPath
from pabal.config.load import load_or_raise
from pabal.dns.dnssec.algorithm import ECDSAP256SHA256, ED25519
from pabal.dns.dnssec.keystate import DAY_S, Cell, KeyState, Place, Policy, Role
from pabal.dns.dnssec.waiting import Wait

ALGORITHMS: Final = {"ecdsap256sha256": ECDSAP256SHA256, "ed25519": ED25519}
"""Mnemonics as BIND and Knot spell them (RFC 6605 §3, RFC 8080 §5)."""

_NAMES: Final = {number: name.upper() for name, number in ALGORITHMS.items()}

_ROLES: Final = {role.value: role for role in Role}


class DomainGroup(click.Group):
    """A group whose first word is a domain, and whose command may be left out."""

    @override
    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Put ``status`` where no command is."""
        if args and not args[0].startswith("-"):
            rest = args[1:]
            if not rest or (
                rest[0].startswith("-") and rest[0] not in {"-h", "--help"}
            ):
                args = [args[0], "status", *rest]
        return super().parse_args(ctx, args)


@click.group(cls=DomainGroup)
@click.argument("domain")
@click.pass_context
def dnssec(ctx: click.Context, domain: str) -> None:
    """Sign DOMAIN, and see how far its keys are.

    Without a command: status. Keys are made, used, replaced and removed by the running
    server; only the DS record has to get to the parent zone, unless the parent follows
    CDS (RFC 7344).
    """
    ctx.obj = domain


@dnssec.command()
@config_option
@json_option
@click.pass_obj
def status(domain: str, directory: Path | None, *, as_json: bool) -> None:
    """Show the state, what it waits for, the DS record."""
    with _office(directory, domain) as office:
        _show(office.look(), as_json=as_json)


@dnssec.command()
@click.option(
    "--algorithm",
    type=click.Choice(list(ALGORITHMS), case_sensitive=False),
    help="Of the keys (default: ecdsap256sha256).",
)
@click.option("--split/--single", default=None, help="KSK and ZSK, or one CSK.")
@click.option("--nsec3/--nsec", default=None, help="Hashed names in denials, or not.")
@click.option(
    "--opt-out/--no-opt-out", default=None, help="With NSEC3: leave out plain cuts."
)
@click.option("--zsk-lifetime", type=click.IntRange(0), help="Days; 0: for ever.")
@click.option(
    "--ksk-lifetime", type=click.IntRange(0), help="Days of a KSK or CSK; 0: for ever."
)
@config_option
@json_option
@click.pass_obj
def enable(
    domain: str, /, directory: Path | None, *, as_json: bool, **wanted: object
) -> None:
    """Sign the zone; on a signed zone: change how.

    Whatever has to wait, for caches or for the parent, waits by itself.
    """
    with _office(directory, domain) as office:
        after = office.change(lambda policy: _policy(policy, wanted))
    _show(after, as_json=as_json)


@dnssec.command("import")
@click.argument(
    "files",
    metavar="FILE.private...",
    type=LocalPath(path_type=Path, exists=True, dir_okay=False),
    nargs=-1,
    required=True,
)
@config_option
@json_option
@click.pass_obj
def import_(
    domain: str, files: tuple[Path, ...], directory: Path | None, *, as_json: bool
) -> None:
    """Sign on with the keys of BIND, without a gap.

    FILE.private are the keys in use (K….private, each with its .key beside it). The DS
    at the parent stays as it is. RSA keys are not used here: let BIND change to ECDSA
    or Ed25519 first.
    """
    with _office(directory, domain) as office:
        after = office.take_over(files)
    _show(after, as_json=as_json)


@dnssec.command()
@config_option
@json_option
@click.pass_obj
def disable(domain: str, directory: Path | None, *, as_json: bool) -> None:
    """Let the zone be unsigned again.

    It stays signed until the parent's DS is gone and out of every cache (RFC 8078).
    """
    with _office(directory, domain) as office:
        after = office.change(lambda policy: replace(policy, enabled=False))
    _show(after, as_json=as_json)


@dnssec.command()
@click.argument("role", type=click.Choice(list(_ROLES)), required=False)
@config_option
@json_option
@click.pass_obj
def rollover(
    domain: str, role: str | None, directory: Path | None, *, as_json: bool
) -> None:
    """Replace the key of ROLE, or all keys.

    It finishes by itself.
    """
    with _office(directory, domain) as office:
        after = office.roll([_ROLES[role]] if role else [])
    _show(after, as_json=as_json)


@dnssec.command()
@click.argument("name", type=click.Choice(list(ALGORITHMS), case_sensitive=False))
@config_option
@json_option
@click.pass_obj
def algorithm(domain: str, name: str, directory: Path | None, *, as_json: bool) -> None:
    """Change to keys of another algorithm.

    It finishes by itself.
    """
    with _office(directory, domain) as office:
        if not office.look().ring.policy.enabled:
            raise OperatorError(
                f"{domain} is not signed.", f"`pabal zone dnssec {domain} enable`."
            )
        number = ALGORITHMS[name.lower()]
        after = office.change(lambda policy: replace(policy, algorithm=number))
    _show(after, as_json=as_json)


@dnssec.command()
@config_option
@json_option
@click.pass_obj
def ds(domain: str, directory: Path | None, *, as_json: bool) -> None:
    """Print the DS records the parent should have.

    Nothing, so long as they must not be there yet.
    """
    with _office(directory, domain) as office:
        after = office.look()
    ready = [each for each in after.delegations if each.ready and not each.leaving]
    if as_json:
        output.emit({"zone": domain, "ds": [_record(after, each) for each in ready]})
        return
    for each in ready:
        click.echo(_record(after, each))


@dnssec.command()
@click.option("--published", "word", flag_value="published", help="It has the new DS.")
@click.option("--withdrawn", "word", flag_value="withdrawn", help="The old DS is gone.")
@config_option
@json_option
@click.pass_obj
def checkds(
    domain: str, word: str | None, directory: Path | None, *, as_json: bool
) -> None:
    """Look at the parent's DS now, or be told what is there.

    The server looks every few minutes by itself.
    """
    with _office(directory, domain) as office:
        if word is None:
            after = asyncio.run(office.ask_parent())
        else:
            after = office.believe(published=word == "published")
    _show(after, as_json=as_json)


@contextlib.contextmanager
def _office(directory: Path | None, domain: str) -> Iterator[DnssecOffice]:
    try:
        zone = dns.name.from_text(domain)
    except (dns.exception.DNSException, ValueError) as error:
        reason = str(error).rstrip(".")
        raise OperatorError(f"{domain!r} is not a name: {reason}.") from error
    with dnssec_office(load_or_raise(directory), zone) as office:
        yield office


def _policy(policy: Policy, wanted: Mapping[str, object]) -> Policy:
    """Return ``policy`` with the options that were given, and signing turned on."""
    made = replace(policy, enabled=True)
    name = wanted["algorithm"]
    if isinstance(name, str):
        made = replace(made, algorithm=ALGORITHMS[name.lower()])
    for option in ("split", "nsec3", "opt_out"):
        value = wanted[option]
        if isinstance(value, bool):
            made = _with(made, option, value=value)
    zsk_days, sep_days = wanted["zsk_lifetime"], wanted["ksk_lifetime"]
    if isinstance(zsk_days, int):
        made = replace(made, zsk_lifetime_s=zsk_days * DAY_S)
    if isinstance(sep_days, int):
        made = replace(made, sep_lifetime_s=sep_days * DAY_S)
    if made.opt_out and not made.nsec3:
        raise OperatorError("--opt-out needs --nsec3.")
    return made


def _with(policy: Policy, option: str, *, value: bool) -> Policy:
    if option == "split":
        return replace(policy, split=value)
    if option == "nsec3":
        return replace(policy, nsec3=value, opt_out=policy.opt_out and value)
    return replace(policy, opt_out=value)


def _show(zone: ZoneDnssec, *, as_json: bool) -> None:
    if as_json:
        output.emit(_facts(zone))
    else:
        _tell(zone)


def _tell(zone: ZoneDnssec) -> None:
    standing = zone.standing
    name = zone.zone.to_text(omit_final_dot=True)
    click.echo(f"{name}: {standing.text}")
    if zone.ring.published_at:
        when = _date(zone.ring.published_at)
        click.echo(f"Serial number {zone.ring.serial}, served since {when}.")
    if standing.waits:
        click.echo("\nIt waits:")
        for wait in standing.waits:
            click.echo(f"  {wait.text}{_until(wait, zone.at)}")
    if zone.ring.keys:
        click.echo("")
        output.table(
            ("KEY", "ROLE", "ALGORITHM", "DNSKEY", "SIGNATURES", "DS", "MADE"),
            [_row(key) for key in zone.ring.keys],
        )
    for each in zone.delegations:
        click.echo(f"\n{_advice(each)}\n  {_record(zone, each)}")
    for tag in zone.ring.parent.strangers:
        click.echo(
            f"\nThe parent has a DS record for key {tag}, which is not here: signed"
            " elsewhere? Have it removed."
        )


def _row(key: KeyState) -> tuple[str, ...]:
    places = [cell.place.value for cell in key.cells]
    if not key.role.signs_zone:
        places[1] = "-"
    if not key.role.is_sep:
        places[2] = "-"
    algorithm = _NAMES.get(key.algorithm, str(key.algorithm))
    role = key.role.value.upper()
    return str(key.tag), role, algorithm, *places, _date(key.created)


def _advice(delegation: Delegation) -> str:
    if delegation.leaving:
        return f"To be removed from the parent, key {delegation.key.tag}:"
    if not delegation.ready:
        return "For the parent, but not yet: some caches could not follow it."
    if delegation.key.ds.place is Place.ASKED:
        return "For the parent (at the registrar; or by CDS, if the parent looks):"
    return "At the parent:"


def _record(zone: ZoneDnssec, delegation: Delegation) -> str:
    return f"{zone.zone.to_text()} IN DS {delegation.ds.to_text()}"


def _until(wait: Wait, now: int) -> str:
    if wait.until is None:
        return ""
    return f": until {_date(wait.until)} ({_span(wait.until - now)})"


def _span(seconds: int) -> str:
    minutes = max(0, seconds) // 60
    if minutes < 1:
        return "now"
    days, rest = divmod(minutes, 24 * 60)
    parts = [(days, "d"), (rest // 60, "h"), (rest % 60, "min")]
    return "in " + " ".join(f"{count} {unit}" for count, unit in parts if count)


def _date(seconds: int) -> str:
    moment = dt.datetime.fromtimestamp(seconds, dt.UTC)
    return moment.strftime("%Y-%m-%d %H:%M UTC")


def _facts(zone: ZoneDnssec) -> dict[str, output.Json]:
    standing, ring, policy = zone.standing, zone.ring, zone.ring.policy
    return {
        "zone": zone.zone.to_text(),
        "state": standing.state,
        "text": standing.text,
        "waits": [
            {"key": w.tag, "on": w.on, "text": w.text, "until": w.until}
            for w in standing.waits
        ],
        "keys": [_key_facts(key) for key in ring.keys],
        "ds": [
            {
                "record": _record(zone, each),
                "key": each.key.tag,
                "ready": each.ready,
                "remove": each.leaving,
            }
            for each in zone.delegations
        ],
        "parent": {
            "checked": ring.parent.checked_at or None,
            "ds_ttl": ring.parent.ds_ttl_s or None,
            "strangers": list(ring.parent.strangers),
        },
        "serial": ring.serial,
        "published": ring.published_at or None,
        "policy": {
            "enabled": policy.enabled,
            "algorithm": _NAMES.get(policy.algorithm, str(policy.algorithm)),
            "keys": [role.value for role in policy.roles],
            "nsec3": policy.nsec3,
            "opt_out": policy.opt_out,
            "zsk_lifetime": policy.zsk_lifetime_s,
            "ksk_lifetime": policy.sep_lifetime_s,
            "signature_validity": policy.validity_s,
            "signature_refresh": policy.refresh_s,
        },
    }


def _key_facts(key: KeyState) -> dict[str, output.Json]:
    return {
        "key": key.tag,
        "role": key.role.value,
        "algorithm": _NAMES.get(key.algorithm, str(key.algorithm)),
        "wanted": key.wanted,
        "made": key.created,
        "dnskey": _cell(key.key),
        "signatures": _cell(key.signatures),
        "ds": _cell(key.ds),
    }


def _cell(cell: Cell) -> dict[str, output.Json]:
    return {"state": cell.place.value, "since": cell.since or None}
