"""``pabal serve``: check, bind, and run every process."""

import asyncio
import contextlib
import gc
import importlib
import os
import pwd
import resource
from dataclasses import replace
from typing import Final

from pabal.admin.hostkey import host_key
from pabal.admin.layout import Layout
from pabal.admin.privileges import hand_over
from pabal.app import parts, resolving
from pabal.app.certificate import ServerTls
from pabal.app.cookie import cookie_secret
from pabal.app.reading import MANY_FILES, Preloaded, SharedSource, compiled_zones
from pabal.app.shared import make
from pabal.base.clock import SystemClock
from pabal.base.errors import OperatorError, UnavailableError
from pabal.config.settings import Settings
from pabal.dns.zone.compiled import state_of
from pabal.dns.zone.source import DirectorySource
from pabal.dns.zone.zones import Zones
from pabal.mta.queue.sqlite import SqliteQueue
from pabal.trace.sqlite import SqliteTracer

DESCRIPTORS_WANTED: Final = 65_536
"""Open files: a connection each, and three a mailbox."""


def prepare(settings: Settings, user: pwd.struct_passwd | None) -> ServerTls:
    """Find out before any socket is bound what would keep the server from starting.

    Args:
        settings: From pabal.toml.
        user: Who gets the data; ``None``: they stay whose they are.

    Returns:
        What listeners show: read here, because a key is often root's alone.

    Raises:
        OperatorError: The certificate or the data directory cannot be used, or a
            policy zone is missing.
    """
    resolving.expect_policies(settings)
    tls = ServerTls(settings)
    layout = Layout(settings.data)
    make(layout.data, layout.make)
    _make_databases(settings, layout)
    cookie_secret(layout.cookie_secret)
    if settings.listen["ssh"]:
        host_key(layout.host_key)
        # Before the fork, as all else that is imported: who it is for is then shared.
        importlib.import_module("pabal.app.console")
    if user is not None:
        hand_over(layout.data, user)
    if not os.access(layout.data, os.W_OK):
        raise OperatorError(
            f"cannot write to {layout.data}.",
            "It must belong to the user pabal runs as: chown -R it.",
        )
    _allow_descriptors()
    for left_over in layout.run.iterdir():
        left_over.unlink(missing_ok=True)
    return tls


def preload(settings: Settings) -> Preloaded | None:
    """Return the zones of the owner's files, for all processes to begin with.

    Read once before they are forked, many zones cost their time and memory once; what
    changes afterwards each process reads by itself. ``None``: there is but one, and
    there are few files.

    Security: only what the owner wrote, and what this server made of it before, no
    octet from any peer: copies and updates are left to the processes, which are not
    root.
    """
    clock = SystemClock()
    source = DirectorySource(settings.dns.zones)
    looked_at = clock.monotonic()
    try:
        stamps = source.stamps()
    except OSError:
        return None  # the processes say so
    if settings.workers == 1 and len(stamps) < MANY_FILES:
        return None
    with contextlib.closing(parts.open_directory(settings, clock)) as book:
        derived = parts.derived_records(settings, book)
        shared = SharedSource(source, stamps)
        zones = Zones(shared, derived, settings.hostname, clock)
        stale = None
        gc.disable()
        try:
            if len(stamps) >= MANY_FILES:
                kept = Layout(settings.data).compiled
                cores = len(os.sched_getaffinity(0))
                compiled, is_stale = compiled_zones(source, stamps, kept, cores)
                zones.adopt(state_of(compiled, stamps))
                stale = compiled if is_stale else None
            # What is wrong is reported by the processes: they read it again.
            zones.reload()
        finally:
            gc.enable()
    # Left out of every collection, the memory stays shared.
    gc.freeze()
    return Preloaded(replace(zones.state, looked=stamps), looked_at, stale)


def _make_databases(settings: Settings, layout: Layout) -> None:
    """Make the databases every process opens: one maker, so nobody is in another's way.

    SQLite does not wait while another process turns a new file to its log mode.
    """
    clock = SystemClock()
    try:
        parts.open_directory(settings, clock).close()
        SqliteTracer(layout.trace, clock).close()
        asyncio.run(SqliteQueue(layout.queue, layout.spool).close())
    except UnavailableError as error:
        raise OperatorError(
            f"cannot start: {error}.",
            f"Restore it from a backup, or move it out of {layout.data}.",
        ) from error


def _allow_descriptors() -> None:
    """Raise the limit of open files as far as we may."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = DESCRIPTORS_WANTED if hard == resource.RLIM_INFINITY else hard
    if soft < min(wanted, DESCRIPTORS_WANTED):
        limits = (min(wanted, DESCRIPTORS_WANTED), hard)
        resource.setrlimit(resource.RLIMIT_NOFILE, limits)
