"""``pabal cache``: what the running server remembers of names elsewhere."""

import asyncio
from collections.abc import Sequence
from pathlib import Path

import click

from pabal.app.caches import EVERYBODYS, ProcessCache
from pabal.app.office import cached_names, flush_cache
from pabal.app.outlooks import cache_of
from pabal.cli import output
from pabal.cli.options import absolute_name, config_option, json_option
from pabal.config.load import load_or_raise
from pabal.dns.resolver.contents import Cached, merged


@click.group()
def cache() -> None:
    """The resolver's cache: show, flush."""


view_option = click.option(
    "--view",
    metavar="VIEW",
    default="",
    help="Only what clients of [dns.view.VIEW] are answered from; -: of no view.",
)


@cache.command()
@click.argument("name", required=False)
@view_option
@config_option
@json_option
def show(name: str | None, view: str, directory: Path | None, *, as_json: bool) -> None:
    """Show what is known at and below NAME; "." is all there is.

    Without NAME: how full the caches of each process are. A view that asks other
    servers than everybody, or has zones of its own, has a cache of its own. A TTL below
    zero is over: such data help only while no server answers.
    """
    # Below a name that nobody has, nothing is listed: only the numbers are wanted.
    asked = absolute_name("invalid." if name is None else name)
    settings = load_or_raise(directory)
    whose = cache_of(settings, view)
    caches = [
        one
        for one in asyncio.run(cached_names(settings, asked))
        if whose in ("", one.view or EVERYBODYS)
    ]
    found = _by_view(caches) if name is not None else []
    if as_json:
        output.emit(
            {
                "processes": [_facts(one) for one in caches],
                "found": [_cached(whose, item) for whose, item in found],
            }
        )
    elif name is None:
        output.table(
            ("PROCESS", "VIEW", "ENTRIES", "OCTETS", "EVICTED"),
            [
                (
                    one.process,
                    one.view or EVERYBODYS,
                    str(one.entries),
                    str(one.octets),
                    str(one.evicted),
                )
                for one in caches
            ],
        )
    elif found:
        output.table(
            ("NAME", "VIEW", "TTL", "TYPE", "TRUST", "SECURITY", "DATA"),
            [row for whose, item in found for row in _rows(whose, item)],
        )
    else:
        click.echo(f"Nothing is known of {name}.")


def _by_view(caches: Sequence[ProcessCache]) -> list[tuple[str, Cached]]:
    """Return what is in any process, view by view."""
    return [
        (view, item)
        for view in dict.fromkeys(one.view for one in caches)
        for item in merged(one.found for one in caches if one.view == view)
    ]


def _rows(view: str, item: Cached) -> list[tuple[str, ...]]:
    head = (
        item.name,
        view or EVERYBODYS,
        str(item.ttl_s),
        item.rdtype or "-",
        item.trust,
        item.security or "-",
    )
    return [(*head, data) for data in item.data or (f"({item.kind})",)]


def _facts(one: ProcessCache) -> dict[str, output.Json]:
    return {
        "process": one.process,
        "view": one.view or None,
        "entries": one.entries,
        "octets": one.octets,
        "evicted": one.evicted,
    }


def _cached(view: str, item: Cached) -> dict[str, output.Json]:
    return {
        "name": item.name,
        "view": view or None,
        "type": item.rdtype,
        "ttl": item.ttl_s,
        "kind": item.kind,
        "data": list(item.data),
        "trust": item.trust,
        "security": item.security,
    }


@cache.command()
@click.argument("name", default=".")
@view_option
@config_option
@json_option
def flush(name: str, view: str, directory: Path | None, *, as_json: bool) -> None:
    """Let the running server forget what it knows at and below NAME.

    Without NAME it forgets everything; it asks again when somebody wants to know.
    """
    wanted = absolute_name(name)
    settings = load_or_raise(directory)
    whose = cache_of(settings, view)
    processes = flush_cache(settings, wanted, whose)
    which = {"": "", EVERYBODYS: " for who is in no view with a cache of its own"}
    where = which.get(whose, f" for view {whose}")
    output.done(
        f"Forgotten: {wanted} and below{where}, in {len(processes)} processes.",
        as_json=as_json,
        facts={"name": str(wanted), "view": whose or None, "processes": processes},
    )
