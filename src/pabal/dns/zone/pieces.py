"""A zone that another process has read, piece by piece.

Sans-IO. Each piece is soon taken up, so that whoever answers meanwhile waits for none.
Security: ``marshal`` reads what our own child or parent wrote, nothing else.
"""

import marshal
from collections.abc import Callable, Iterable, Iterator, Mapping, MutableMapping
from itertools import islice
from pathlib import Path
from typing import Final

import dns.name

from pabal.dns.ports import DerivedRecord
from pabal.dns.wire import codes
from pabal.dns.zone.denial import order_key
from pabal.dns.zone.load import Loaded, ZoneInput
from pabal.dns.zone.order import Order
from pabal.dns.zone.packed import has_type
from pabal.dns.zone.problem import Place, Problem, Severity
from pabal.dns.zone.reading import Stamps
from pabal.dns.zone.shards import empty, put_all
from pabal.dns.zone.signing import served_zone
from pabal.dns.zone.source import DirectorySource, JoinedSource, ZoneSource
from pabal.dns.zone.tree import Zone

PIECE_NAMES: Final = 256
"""Names in one piece: a tenth of a millisecond."""

Take = Callable[[], bytes]
"""Returns the next piece."""


def directories_of(source: ZoneSource) -> list[str] | None:
    """Return where the files of ``source`` are, copies last; ``None``: elsewhere."""
    both = (
        (source.own, source.copies) if isinstance(source, JoinedSource) else (source,)
    )
    paths = [str(each.directory) for each in both if type(each) is DirectorySource]
    return paths if len(paths) == len(both) else None


def request(given: ZoneInput, source: ZoneSource) -> bytes | None:
    """Return what another process needs to read a zone; ``None``: it cannot."""
    paths = directories_of(source)
    if paths is None:
        return None  # files of another kind
    return marshal.dumps(
        (
            paths,
            given.name.labels,
            given.file,
            given.hosted,
            [(r.owner, r.rdtype, r.rdata, r.ttl_s) for r in given.derived],
            given.hostname,
            given.serial,
            given.copied,
        )
    )


def requested(octets: bytes) -> tuple[ZoneInput, ZoneSource]:
    """Return what ``request`` made octets of."""
    paths, labels, file, hosted, derived, *others = marshal.loads(octets)  # noqa: S302  our parent's
    records = tuple(DerivedRecord(*each) for each in derived)
    given = ZoneInput(dns.name.Name(labels), file, hosted, records, *others)
    own, *copies = [DirectorySource(Path(path)) for path in paths]
    return given, JoinedSource(own, *copies) if copies else own


def pieces_of(loaded: Loaded, stamps: Stamps) -> Iterator[bytes]:
    """Yield what ``loaded_of`` takes."""
    zone = loaded.zone
    problems = [
        (
            each.severity.value,
            (each.place.file, each.place.line, each.place.column, each.place.text),
            each.reason,
            each.fix,
        )
        for each in loaded.problems
    ]
    head = None if zone is None else (zone.origin, zone.derived, len(zone.nodes))
    yield marshal.dumps((problems, stamps, head))
    if zone is not None:
        yield from _pieces(zone.nodes.packed.items())
        yield from _pieces(zone.nodes.written.items())
        order: Iterable[bytes] = () if zone.denial is None else zone.denial.order
        yield from _pieces((name, b"") for name in order)


def _pieces(pairs: Iterable[tuple[bytes, bytes]]) -> Iterator[bytes]:
    source = iter(pairs)
    while some := dict(islice(source, PIECE_NAMES)):
        yield marshal.dumps(some)
    yield marshal.dumps({})


def stamps_of(first: bytes) -> Stamps:
    """Return the files read, as the ``first`` piece names them.

    Raises:
        ValueError, EOFError, TypeError: It is not what ``pieces_of`` yields.
    """
    stamps: Stamps = marshal.loads(first)[1]  # noqa: S302  our own
    return stamps


def loaded_of(take: Take) -> tuple[Loaded, Stamps]:
    """Return what ``pieces_of`` was given.

    Raises:
        ValueError, EOFError, TypeError: The pieces are not what it yields.
    """
    problems, stamps, head = marshal.loads(take())  # noqa: S302  our own child's
    found = tuple(
        Problem(Severity(severity), Place(*place), reason, fix)
        for severity, place, reason, fix in problems
    )
    zone = None
    if head is not None:
        zone = _zone(take, *head)
    return Loaded(zone, found), stamps


def _zone(
    take: Take, origin: bytes, derived: frozenset[tuple[bytes, int]], names: int
) -> Zone:
    nodes: MutableMapping[bytes, bytes] = empty(names)
    letters: MutableMapping[bytes, bytes] = empty(0)
    for piece in _taken(take):
        put_all(nodes, piece)
    for piece in _taken(take):
        put_all(letters, piece)
    chained = (name for piece in _taken(take) for name in piece)
    if not has_type(nodes[origin], codes.RRSIG):
        for _ in chained:
            raise ValueError("a chain in a zone without signatures")
        return served_zone(origin, nodes, letters, derived)
    is_hashed = has_type(nodes[origin], codes.NSEC3PARAM)
    order = Order(None if is_hashed else order_key).following(chained)
    return served_zone(origin, nodes, letters, derived, names=order)


def _taken(take: Take) -> Iterator[Mapping[bytes, bytes]]:
    while piece := marshal.loads(take()):  # noqa: S302  our own child's
        yield piece
