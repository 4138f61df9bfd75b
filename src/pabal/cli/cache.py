"""``pabal cache``: what the running server remembers of names elsewhere."""

import asyncio
from pathlib import Path

import click

from pabal.app.caches import ProcessCache
from pabal.app.office import cached_names, flush_cache
from pabal.cli import output
from pabal.cli.options import absolute_name, config_option, json_option
from pabal.config.load import load_or_raise
from pabal.dns.resolver.contents import Cached, merged


@click.group()
def cache() -> None:
    """The resolver's cache: show, flush."""


@cache.command()
@click.argument("name", required=False)
@config_option
@json_option
def show(name: str | None, directory: Path | None, *, as_json: bool) -> None:
    """Show what is known at and below NAME; "." is all there is.

    Without NAME: how full the cache of each process is. A TTL below zero is over: such
    data help only while no server answers.
    """
    # Below a name that nobody has, nothing is listed: only the numbers are wanted.
    asked = absolute_name("invalid." if name is None else name)
    caches = asyncio.run(cached_names(load_or_raise(directory), asked))
    found = merged(one.found for one in caches) if name is not None else []
    if as_json:
        output.emit(
            {
                "processes": [_facts(one) for one in caches],
                "found": [_cached(item) for item in found],
            }
        )
    elif name is None:
        output.table(
            ("PROCESS", "ENTRIES", "OCTETS", "EVICTED"),
            [
                (one.process, str(one.entries), str(one.octets), str(one.evicted))
                for one in caches
            ],
        )
    elif found:
        output.table(
            ("NAME", "TTL", "TYPE", "TRUST", "SECURITY", "DATA"),
            [row for item in found for row in _rows(item)],
        )
    else:
        click.echo(f"Nothing is known of {name}.")


def _rows(item: Cached) -> list[tuple[str, ...]]:
    head = (
        item.name,
        str(item.ttl_s),
        item.rdtype or "-",
        item.trust,
        item.security or "-",
    )
    return [(*head, data) for data in item.data or (f"({item.kind})",)]


def _facts(one: ProcessCache) -> dict[str, output.Json]:
    return {
        "process": one.process,
        "entries": one.entries,
        "octets": one.octets,
        "evicted": one.evicted,
    }


def _cached(item: Cached) -> dict[str, output.Json]:
    return {
        "name": item.name,
        "type": item.rdtype,
        "ttl": item.ttl_s,
        "kind": item.kind,
        "data": list(item.data),
        "trust": item.trust,
        "security": item.security,
    }


@cache.command()
@click.argument("name", default=".")
@config_option
@json_option
def flush(name: str, directory: Path | None, *, as_json: bool) -> None:
    """Let the running server forget what it knows at and below NAME.

    Without NAME it forgets everything; it asks again when somebody wants to know.
    """
    wanted = absolute_name(name)
    processes = flush_cache(load_or_raise(directory), wanted)
    output.done(
        f"Forgotten: {wanted} and below, in {len(processes)} processes.",
        as_json=as_json,
        facts={"name": str(wanted), "processes": processes},
    )
