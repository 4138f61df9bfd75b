"""Messages in a Maildir, with folders as of Dovecot and Courier.

Source: cr.yp.to/proto/maildir.html; Maildir++ (folders are ``.Name.Below``), or
directories below one another (Dovecot's ``LAYOUT=fs``). Modified UTF-7 or UTF-8 names.
"""

import asyncio
import os
from collections.abc import AsyncIterator, Iterator, Sequence
from itertools import chain
from pathlib import Path
from typing import Final

from pabal.migration.maildir_files import (
    EXTRA_KEYWORDS,
    UidList,
    base_name,
    flags_of,
    level_of,
    read_courier_uidls,
    read_extra_keywords,
    read_keywords,
    read_subscriptions,
    read_uidlist,
    read_validity,
    sizes_of,
)
from pabal.migration.ports import Folder, Letter, Listed
from pabal.migration.reading import spooled
from pabal.migration.source import SLICE, SourceError, key_of
from pabal.store.flags import NO_FLAGS
from pabal.store.ports import INBOX

PARTS: Final = ("cur", "new")
UIDLISTS: Final = ("dovecot-uidlist", "courierimapuiddb")
SUBSCRIPTIONS: Final = ("subscriptions", "courierimapsubscribed")

CONTROL_MAX_OCTETS: Final = 512 * 1024 * 1024
"""Longest file of UIDs that is read: some million messages."""

HEAD_MAX_OCTETS: Final = 4_096
"""Longest first line of such a file."""

_LAST: Final = 2**32
"""In place of a UID: above them all."""

DEPTH_MAX: Final = 32
"""Directories below one another that are looked into."""

READ_AT_ONCE: Final = 64
"""Messages read in one go on a thread."""


class MaildirSource:
    """A Maildir and its folders.

    Args (of the constructor):
        directory: Has ``cur`` and ``new``, or folders that do.

    Raises:
        SourceError: From the constructor: it is no Maildir.
    """

    def __init__(self, directory: Path) -> None:
        self._directory = directory
        if not any(_is_maildir(path) for path, _ in _walk(directory)):
            raise SourceError(f"{directory} is no Maildir: no folder has cur and new")

    @property
    def identity(self) -> str:
        """What tells this source from others."""
        return f"maildir:{self._directory.resolve()}"

    async def folders(self) -> Sequence[Folder]:
        """Return every folder, INBOX first."""
        return await asyncio.to_thread(self._folders)

    async def listing(self, folder: Folder) -> AsyncIterator[Sequence[Listed]]:
        """Yield the messages of a folder, those with a UID first, ascending."""
        listing = await asyncio.to_thread(_Listing, Path(folder.place))
        for listed in listing.slices():
            yield listed

    async def letters(
        self, folder: Folder, listed: Sequence[Listed]
    ) -> AsyncIterator[Letter]:
        """Yield those of ``listed`` that are still there."""
        for start in range(0, len(listed), READ_AT_ONCE):
            some = listed[start : start + READ_AT_ONCE]
            for letter in await asyncio.to_thread(_read, Path(folder.place), some):
                yield letter

    def _folders(self) -> list[Folder]:
        subscribed = _subscriptions(self._directory)
        found = []
        for path, levels in _walk(self._directory):
            if not _is_maildir(path):
                continue
            found.append(
                Folder(
                    str(path),
                    levels,
                    subscribed=levels in subscribed,
                    uid_validity=_validity(path),
                    count=sum(1 for _ in _files(path)),
                )
            )
        return found


def _walk(root: Path) -> Iterator[tuple[Path, tuple[str, ...]]]:
    """Yield every directory that may be a folder, and its name."""
    yield root, (INBOX,)
    flat = sorted(_below(root))
    for path in flat:
        if path.name.startswith("."):
            octets = os.fsencode(path.name)[1:]
            yield path, tuple(map(level_of, octets.split(b".")))
    for path in flat:
        if not path.name.startswith("."):
            yield from _nested(path, (), 0)


def _nested(
    path: Path, above: tuple[str, ...], depth: int
) -> Iterator[tuple[Path, tuple[str, ...]]]:
    levels = (*above, level_of(os.fsencode(path.name)))
    yield path, levels
    if depth < DEPTH_MAX:
        for below in sorted(_below(path)):
            if not below.name.startswith("."):
                yield from _nested(below, levels, depth + 1)


def _below(path: Path) -> Iterator[Path]:
    try:
        entries = list(os.scandir(path))
    except OSError as error:
        raise SourceError(f"cannot read {path}: {error.strerror}") from error
    for entry in entries:
        # A link may lead in a circle.
        is_part = entry.name in {*PARTS, "tmp"}
        if not is_part and entry.is_dir(follow_symlinks=False):
            yield path / entry.name


def _is_maildir(path: Path) -> bool:
    return all((path / part).is_dir() for part in PARTS)


def _files(path: Path) -> Iterator[tuple[str, str]]:
    """Yield (base name, path below ``path``) of each message."""
    for part in PARTS:
        try:
            with os.scandir(path / part) as entries:
                for entry in entries:
                    if not entry.name.startswith("."):
                        yield base_name(entry.name), f"{part}/{entry.name}"
        except OSError as error:
            raise SourceError(f"cannot read {path}: {error.strerror}") from error


class _Listing:
    """The messages of a folder in order: those with a UID, then as they came."""

    def __init__(self, path: Path) -> None:
        self._uids = _uid_list(path)
        self._keywords = read_keywords(_control(path / "dovecot-keywords"))
        self._extra = read_extra_keywords(_control(path / EXTRA_KEYWORDS))
        files = self._uids.files
        # One short tuple a message: a folder may have a million.
        self._order = sorted(
            (files.get(base, _LAST), _age(place), place) for base, place in _files(path)
        )

    def slices(self) -> Iterator[list[Listed]]:
        """Yield them, some at a time."""
        for start in range(0, len(self._order), SLICE):
            yield [
                self._listed(uid if uid != _LAST else 0, place)
                for uid, _, place in self._order[start : start + SLICE]
            ]

    def _listed(self, uid: int, place: str) -> Listed:
        base = base_name(place.rpartition("/")[2])
        return Listed(
            key_of(os.fsencode(base)),
            flags_of(place, self._keywords) | self._extra.get(uid, NO_FLAGS),
            uid,
            self._uids.uidl(base),
            sizes_of(place).get("S", 0),
            place,
        )


def _age(place: str) -> int:
    """Return when a message came, by its file's name; 0: that does not say."""
    seconds = place.rpartition("/")[2].partition(".")[0]
    is_number = seconds.isascii() and seconds.isdigit() and len(seconds) < 16
    return int(seconds) if is_number else 0


def _uid_list(path: Path) -> UidList:
    for name in UIDLISTS:
        found = read_uidlist(_control(path / name))
        if found.validity:
            courier = read_courier_uidls(_control(path / "courierpop3dsizelist"))
            if not courier:
                return found
            return UidList(found.validity, found.files, {**courier, **found.uidls})
    return UidList()


def _validity(path: Path) -> int:
    for name in UIDLISTS:
        try:
            with (path / name).open("rb") as file:
                validity = read_validity(file.readline(HEAD_MAX_OCTETS))
        except FileNotFoundError:
            continue
        except OSError as error:
            raise SourceError(f"cannot read {path}: {error.strerror}") from error
        if validity:
            return validity
    return 0


def _control(path: Path) -> bytes:
    try:
        if path.stat().st_size > CONTROL_MAX_OCTETS:
            raise SourceError(f"{path} is too large")
        return path.read_bytes()
    except FileNotFoundError:
        return b""
    except OSError as error:
        raise SourceError(f"cannot read {path}: {error.strerror}") from error


def _subscriptions(path: Path) -> frozenset[tuple[str, ...]]:
    for name in SUBSCRIPTIONS:
        octets = _control(path / name)
        if octets:
            return read_subscriptions(octets)
    return frozenset()


def _read(path: Path, listed: Sequence[Listed]) -> list[Letter]:
    letters = []
    try:
        for one in listed:
            letter = _read_one(path, one)
            if letter is not None:
                letters.append(letter)
    except BaseException:
        for letter in letters:
            letter.spool.close()
        raise
    return letters


def _read_one(path: Path, listed: Listed) -> Letter | None:
    for place in chain((listed.place,), _moved(path, listed)):
        try:
            with (path / place).open("rb") as file:
                status = os.fstat(file.fileno())
                # Where both sizes are the same the file has CRLF already.
                as_it_is = sizes_of(place).get("W") == status.st_size
                spool = spooled(file, as_it_is=as_it_is)
                return Letter(listed, spool, status.st_mtime)
        except FileNotFoundError:
            continue
        except OSError as error:
            raise SourceError(f"cannot read {path / place}: {error}") from error
    return None


def _moved(path: Path, listed: Listed) -> Iterator[str]:
    """Yield where a message is now, if its flags changed since it was listed."""
    base = base_name(listed.place.rpartition("/")[2])
    for now, place in _files(path):
        if now == base:
            yield place
