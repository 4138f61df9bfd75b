"""Messages in an mbox, or in a directory of them.

Folders: a file is one, a directory has more; Thunderbird's ``Name.sbd`` and Dovecot's
``Name`` hold those below ``Name``. Files are mapped, not loaded.
"""

import asyncio
import mmap
import os
from collections import Counter
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from pabal.message.spool import CHUNK_OCTETS, Spool
from pabal.migration.line_ends import CrlfTurner
from pabal.migration.maildir_files import read_subscriptions
from pabal.migration.mbox_files import (
    HEADER_MAX_OCTETS,
    Notes,
    Octets,
    Span,
    notes,
    plain_header,
    received_at,
    spans,
    unquoted,
)
from pabal.migration.ports import Folder, Letter, Listed
from pabal.migration.source import SLICE, SourceError, key_of
from pabal.store.ports import INBOX

STYLES: Final = ("auto", "mboxrd", "mboxo", "mboxcl2")
SUBSCRIPTIONS: Final = ".subscriptions"
BELOW: Final = ".sbd"

READ_AT_ONCE: Final = 64
"""Messages read in one go on a thread."""

_ESCAPES: Final = (("%2E", "."), ("%2F", "/"), ("%25", "%"))


class MboxSource:
    """An mbox, or a directory with some.

    Args (of the constructor):
        path: The file or the directory.
        style: One of ``STYLES``: how ``From `` in a message is told from the next
            message. ``auto``: by a Content-Length that is true, else ``mboxrd``.

    Raises:
        SourceError: From the constructor: no messages are there.
    """

    def __init__(self, path: Path, style: str = "auto") -> None:
        self._path = path
        self._style = style
        if not any(True for _ in _walk(path)):
            raise SourceError(f"{path} is no mbox, and has none in it")

    @property
    def identity(self) -> str:
        """What tells this source from others."""
        return f"mbox:{self._path.resolve()}"

    async def folders(self) -> Sequence[Folder]:
        """Return every folder."""
        return await asyncio.to_thread(self._folders)

    async def listing(self, folder: Folder) -> AsyncIterator[Sequence[Listed]]:
        """Yield the messages of a folder."""
        listing = _Listing(Path(folder.place))
        while listed := await asyncio.to_thread(listing.more):
            yield listed
        listing.close()

    async def letters(
        self, folder: Folder, listed: Sequence[Listed]
    ) -> AsyncIterator[Letter]:
        """Yield ``listed``."""
        for start in range(0, len(listed), READ_AT_ONCE):
            some = listed[start : start + READ_AT_ONCE]
            for letter in await asyncio.to_thread(self._read, folder, some):
                yield letter

    def _folders(self) -> list[Folder]:
        subscribed: frozenset[tuple[str, ...]] = frozenset()
        file = self._path / SUBSCRIPTIONS
        if self._path.is_dir() and file.exists():
            subscribed = read_subscriptions(file.read_bytes())
        found = []
        for path, levels in _walk(self._path):
            with mapped(path) as octets:
                first = next(spans(octets), None)
                noted = _noted(octets, first) if first else Notes()
            size = path.stat().st_size
            found.append(
                Folder(
                    str(path),
                    levels,
                    subscribed=levels in subscribed,
                    uid_validity=noted.validity,
                    size_octets=size,
                )
            )
        return found

    def _read(self, folder: Folder, listed: Sequence[Listed]) -> list[Letter]:
        letters: list[Letter] = []
        with mapped(Path(folder.place)) as octets:
            try:
                letters.extend(
                    self._letter(octets, _span(one.place), one) for one in listed
                )
            except BaseException:
                for letter in letters:
                    letter.spool.close()
                raise
        return letters

    def _letter(self, octets: Octets, span: Span, listed: Listed) -> Letter:
        header = octets[span.header : span.body]
        noted = notes(header[:HEADER_MAX_OCTETS])
        style = self._style
        if noted.size >= 0:
            style = "mboxrd"
        elif style == "auto":
            style = "mboxcl2" if span.counted else "mboxrd"
        plain = plain_header(header, first=not span.start)
        spool = Spool()
        try:
            turner = CrlfTurner()
            for quoted in _lines(octets, span, plain):
                piece = unquoted(quoted, style)
                _write(spool, piece if noted.raw else turner.feed(piece), noted.size)
            _write(spool, b"" if noted.raw else turner.end(), noted.size)
        except BaseException:
            spool.close()
            raise
        line = octets[span.start : span.header]
        return Letter(listed, spool, received_at(line, header))


def _write(spool: Spool, piece: bytes, size: int) -> None:
    # The line end we put behind a message that had none is not its own.
    spool.write(piece if size < 0 else piece[: max(0, size - spool.size)])


def _lines(octets: Octets, span: Span, header: bytes) -> Iterator[bytes]:
    """Yield a message in pieces that end where a line does."""
    yield header
    start = span.body
    while start < span.end:
        end = octets.find(b"\n", min(start + CHUNK_OCTETS, span.end), span.end) + 1
        end = end or span.end
        yield octets[start:end]
        start = end


class _Listing:
    """Goes through a file, some messages at a time."""

    def __init__(self, path: Path) -> None:
        self._context = mapped(path)
        self._octets = self._context.__enter__()
        self._spans = spans(self._octets)
        self._seen: Counter[int] = Counter()
        self._last = 0
        self._uids = True

    def close(self) -> None:
        """Give the file back."""
        self._spans = iter(())
        self._context.__exit__(None, None, None)

    def more(self) -> list[Listed]:
        """Return the next messages, none at the end."""
        found = []
        for span in self._spans:
            noted = _noted(self._octets, span)
            if noted.internal or noted.expunged:
                continue
            found.append(self._listed(span, noted))
            if len(found) >= SLICE:
                break
        return found

    def _listed(self, span: Span, noted: Notes) -> Listed:
        head = self._octets[
            span.header : min(span.body, span.header + HEADER_MAX_OCTETS)
        ]
        line = self._octets[span.start : span.header]
        plain = plain_header(head, first=not span.start)
        key = key_of(line + plain)
        self._seen[key] += 1
        if self._seen[key] > 1:
            key = key_of(line + plain + b"%d" % self._seen[key])
        # UIDs that do not ascend are none (RFC 9051 §2.3.1.1).
        uid = noted.uid if noted.uid > self._last and self._uids else 0
        self._uids = bool(uid)
        self._last = uid
        place = f"{span.start} {span.header} {span.body} {span.end}"
        if span.counted:
            place += " counted"
        return Listed(key, noted.flags, uid, "", span.end - span.header, place)


def _span(place: str) -> Span:
    start, header, body, end, *counted = place.split()
    return Span(int(start), int(header), int(body), int(end), counted=bool(counted))


def _noted(octets: Octets, span: Span) -> Notes:
    return notes(octets[span.header : min(span.body, span.header + HEADER_MAX_OCTETS)])


def _walk(path: Path) -> Iterator[tuple[Path, tuple[str, ...]]]:
    """Yield every mbox and its name."""
    if path.is_file():
        if not is_mbox(path):
            return
        yield path, (INBOX,)
        return
    yield from _nested(path, ())


def _nested(
    path: Path, above: tuple[str, ...]
) -> Iterator[tuple[Path, tuple[str, ...]]]:
    try:
        entries = sorted(os.scandir(path), key=lambda entry: entry.name)
    except OSError as error:
        raise SourceError(f"cannot read {path}: {error.strerror}") from error
    for entry in entries:
        if entry.name.startswith("."):
            continue
        name = unescaped(entry.name.removesuffix(BELOW))
        if not above and name.lower() == INBOX.lower():
            name = INBOX
        if entry.is_dir(follow_symlinks=False):
            yield from _nested(path / entry.name, (*above, name))
        elif entry.is_file() and is_mbox(path / entry.name):
            yield path / entry.name, (*above, unescaped(entry.name))


def is_mbox(path: Path) -> bool:
    """Return whether a file is an mbox: begins like one, or is empty."""
    try:
        with path.open("rb") as file:
            return file.read(5) in {b"", b"From "}
    except OSError as error:
        raise SourceError(f"cannot read {path}: {error.strerror}") from error


def escaped(level: str) -> str:
    """Return a level of a name as a file's name."""
    text = level.replace("%", "%25").replace("/", "%2F")
    if text.startswith("."):
        text = "%2E" + text[1:]
    if text.endswith(BELOW):
        text = text.removesuffix(BELOW) + "%2Esbd"
    return text


def unescaped(name: str) -> str:
    """Return the level a file's name means."""
    for escape, meant in _ESCAPES:
        name = name.replace(escape, meant)
    return name


@contextmanager
def mapped(path: Path) -> Iterator[Octets]:
    """Lend the octets of a file, mapped.

    Raises:
        SourceError: It cannot be read.
    """
    try:
        with path.open("rb") as file:
            if not os.fstat(file.fileno()).st_size:
                yield b""
                return
            with mmap.mmap(file.fileno(), 0, prot=mmap.PROT_READ) as octets:
                yield octets
    except OSError as error:
        raise SourceError(f"cannot read {path}: {error.strerror}") from error
