"""The views of a configuration, each with zones of its own."""

import os
from collections.abc import Sequence
from pathlib import Path

import dns.name

from pabal.base.clock import Clock
from pabal.dns.settings import ViewSettings
from pabal.dns.wire.rrset import name_octets
from pabal.dns.zone.batch import Journals
from pabal.dns.zone.fallback import Fallbacks
from pabal.dns.zone.signedfile import SignedZones
from pabal.dns.zone.source import DirectorySource, JoinedSource, NoFiles, ZoneSource
from pabal.dns.zone.view import View
from pabal.dns.zone.whole import Differences, WholeFiles
from pabal.dns.zone.zones import Zones


def views_of(
    settings: Sequence[ViewSettings],
    hostname: str,
    clock: Clock,
    *,
    writes: bool = True,
) -> list[View]:
    """Return the views of ``settings``, empty as yet.

    Args:
        hostname: This server's name.
        writes: Whether this process may write journals and last good versions.
    """
    return [_view(each, hostname, clock, writes=writes) for each in settings]


def _view(chosen: ViewSettings, hostname: str, clock: Clock, *, writes: bool) -> View:
    source: ZoneSource = NoFiles()
    if chosen.zones_directory:
        source = DirectorySource(Path(chosen.zones_directory))
    files: ZoneSource
    files = whole_files = WholeFiles(source)
    if chosen.secondary_directory:
        copies = DirectorySource(Path(chosen.secondary_directory))
        files = JoinedSource(files, copies)
    whole = Zones(files, None, hostname, clock)
    if chosen.journal_directory:
        whole.journals = Journals(Path(chosen.journal_directory), writes=writes)
    if chosen.fallback_directory:
        whole.fallbacks = Fallbacks(Path(chosen.fallback_directory), writes=writes)
    differences = Differences(source, whole_files)
    hidden = frozenset(
        name_octets(dns.name.from_text(name)).lower() for name in chosen.without
    )
    # Without a directory nothing is ever put there.
    signed = SignedZones(Path(chosen.signed_directory or os.devnull))
    whole.finish = signed
    return View(chosen.name, differences, whole, signed, chosen.addresses, hidden)
