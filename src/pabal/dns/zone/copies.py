"""Copies of other servers' zones on disk: a master file, or a packed one if large.

To write a million signed records as text, and to read them again, takes two minutes of
a processor; packed, as they are in memory, three seconds. The packed form is that of
our own signed zones (``signedfile``), with its checksum.
Source: RFC 1034 §4.3.5 (a secondary keeps what it got).
"""

from collections.abc import MutableMapping
from pathlib import Path

import dns.name

from pabal.base.atomic import write_pieces
from pabal.dns.wire.rrset import name_octets
from pabal.dns.zone.load import Loaded, ZoneInput
from pabal.dns.zone.problem import Place, Problem, Severity
from pabal.dns.zone.shards import SPLIT_NAMES, own_parts
from pabal.dns.zone.signedfile import (
    SignedFileError,
    is_packed,
    read_signed,
    write_signed,
)
from pabal.dns.zone.source import COPIED, DirectorySource, JoinedSource, ZoneSource
from pabal.dns.zone.tree import Zone, build_packed
from pabal.dns.zone.write import master_slices


def write_copy(
    path: Path, origin: bytes, nodes: MutableMapping[bytes, bytes]
) -> Zone | None:
    """Put the zone of ``nodes``, which it takes over, at ``path``, durably.

    Args:
        origin: Folded.

    Returns:
        The zone, if it was written packed.

    Raises:
        OSError: Nothing was changed.
        ZoneBuildError: There is no SOA.
    """
    if len(nodes) <= SPLIT_NAMES:
        write_pieces(path, master_slices(origin, nodes))
        return None
    for part in own_parts(nodes):
        # Names without records, which may have lost what was below them.
        for name in [name for name, records in part.items() if not records]:
            del part[name]
    zone = build_packed(origin, nodes, {})
    write_signed(path, zone)
    return zone


def packed_copy(given: ZoneInput, source: ZoneSource) -> Path | None:
    """Return where the zone of ``given`` is, if that is a packed copy."""
    if not given.copied or given.file is None:
        return None
    if not isinstance(source, JoinedSource) or not isinstance(
        source.copies, DirectorySource
    ):
        return None
    path = source.copies.directory / given.file.removeprefix(COPIED)
    return path if is_packed(path) else None


def read_copy(name: dns.name.Name, path: Path, file: str) -> Loaded:
    """Return the zone of a packed copy, or what is wrong with it.

    Args:
        file: What people know it by.
    """
    try:
        with path.open("rb") as stream:
            zone, _ = read_signed(stream, name_octets(name).lower())
    except (OSError, SignedFileError) as error:
        reason = f"the copy cannot be used: {error}"
        return Loaded(None, (Problem(Severity.ERROR, Place(file), reason),))
    return Loaded(zone, ())
