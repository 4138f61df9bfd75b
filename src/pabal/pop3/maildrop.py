"""The maildrop: INBOX as it was at log-in, numbered from 1, whatever happens to it.

Source: RFC 1939 §4 (lock, numbers), §5 (DELE marks, QUIT removes).
Cost: 20 octets a message; sizes are read in slices when they are asked for; retrieval
reads ahead when the client goes through it in order.
"""

from array import array
from collections.abc import AsyncIterator, Callable, Iterable, Iterator, Sequence
from typing import Final, Self

from pabal.pop3 import surrogate
from pabal.pop3.large import LargeBody
from pabal.pop3.ports import Tools
from pabal.pop3.wire import (
    END,
    CommandError,
    LineCounter,
    Stuffer,
    ok,
    retrieved,
    scan_lines,
    stuffed,
)
from pabal.store.imports import ImportAccount
from pabal.store.ports import INBOX, Column, EmailId, MailboxInfo, Row

SLICE: Final = 500
"""Messages whose facts are read at once: bounds memory and how long the loop waits."""

AHEAD_MAX: Final = 64
"""Messages read ahead of a client that retrieves in order."""

AHEAD_MAX_OCTETS: Final = 1024 * 1024
"""Octets kept for such a client."""

TOGETHER_OCTETS: Final = 64 * 1024
"""Octets after which no more responses are joined."""

TOOLS: Final = Tools()
"""Such as do all at once."""

_UNKNOWN: Final = -1


class Maildrop:
    """What one session sees of INBOX.

    Args (of the constructor):
        store: The account's mailboxes.
        mailbox: INBOX when it was looked at.
        columns: Its UIDs and email ids.
        release: Gives the lock back.
        utf8: Whether the client said UTF8; else headers are told in ASCII.
        tools: For large messages.
    """

    def __init__(
        self,
        store: ImportAccount,
        mailbox: MailboxInfo,
        columns: "tuple[array[int], array[int]]",
        release: Callable[[], None],
        *,
        utf8: bool = False,
        tools: Tools = TOOLS,
    ) -> None:
        self._utf8 = utf8
        self._tools = tools
        self._store = store
        self._mailbox = mailbox
        self._uids, self._emails = columns
        self._release = release
        self._sizes = array("q", [_UNKNOWN]) * len(self._uids)
        self._deleted: set[int] = set()
        self._ahead = _Ahead()
        self.retrieved: list[EmailId] = []

    @classmethod
    async def open(
        cls, store: ImportAccount, *, utf8: bool = False, tools: Tools = TOOLS
    ) -> Self | None:
        """Return the maildrop, locked, or ``None`` if another session has it."""
        release = store.try_lock("pop3")
        if release is None:
            return None
        try:
            mailbox = await store.mailbox(INBOX)
            view = await store.view(mailbox.id)
            try:
                # A copy of the numbers only: the view's arrays go on growing.
                columns = view.uids[:], view.emails[:]
                return cls(
                    *(store, view.mailbox, columns, release), utf8=utf8, tools=tools
                )
            finally:
                view.close()
        except BaseException:
            release()
            raise

    def __len__(self) -> int:
        return len(self._uids)

    def close(self) -> None:
        """Give the lock back. Idempotent."""
        self._release()
        self._release = _released

    def check(self, number: int) -> int:
        """Return the position of message ``number``.

        Raises:
            CommandError: There is none, or it is marked as deleted.
        """
        position = number - 1
        if not 0 <= position < len(self._uids):
            raise CommandError("no such message")
        if position in self._deleted:
            raise CommandError("message is deleted")
        return position

    def delete(self, number: int) -> None:
        """Mark a message; it goes at ``update``."""
        self._deleted.add(self.check(number))

    def reset(self) -> None:
        """Unmark every message."""
        self._deleted.clear()

    async def update(self) -> None:
        """Remove the marked messages, durably."""
        if self._deleted:
            uids = [self._uids[position] for position in sorted(self._deleted)]
            await self._store.expunge(self._mailbox.id, uids)
            self._deleted.clear()

    async def uidl(self, number: int) -> str:
        """Return the unique-id of a message: the same in every session, never reused.

        One it had on another server stays, so that nobody downloads it again.
        RFC 1939 §7: 1 to 70 printable characters; RFC 9051 §2.3.1.1 makes the pair of
        UIDVALIDITY and UID unique.
        """
        return (await self._unique_ids([self.check(number)]))[0]

    async def uidl_listing(self) -> AsyncIterator[bytes]:
        """Yield the response to UIDL in pieces."""
        yield ok()
        for positions in self._slices():
            values = await self._unique_ids(positions)
            yield scan_lines([position + 1 for position in positions], values)
        yield END

    async def size(self, number: int) -> int:
        """Return the octets of a message."""
        position = self.check(number)
        await self._know_sizes(position, position + 1)
        return self._sizes[position]

    async def stat(self) -> tuple[int, int]:
        """Return how many messages are not marked, and their octets."""
        count = len(self._uids)
        if not self._deleted and self._mailbox.message_count == count:
            return count, self._mailbox.size_octets
        total = 0
        for positions in self._slices():
            await self._know_sizes(positions[0], positions[-1] + 1)
            total += sum(self._sizes[position] for position in positions)
        return count - len(self._deleted), total

    async def size_listing(self) -> AsyncIterator[bytes]:
        """Yield the response to LIST in pieces."""
        count, total = await self.stat()
        yield ok(f"{count} messages ({total} octets)")
        for positions in self._slices():
            await self._know_sizes(positions[0], positions[-1] + 1)
            values = [self._sizes[position] for position in positions]
            yield scan_lines([position + 1 for position in positions], values)
        yield END

    async def retrieve(self, number: int) -> bytes | AsyncIterator[bytes]:
        """Return the response to RETR; a large message comes in pieces.

        Raises:
            CommandError: There is no such message any more.
        """
        position = self.check(number)
        octets = self._ahead.take(position)
        if octets is None:
            octets = await self._read(position)
        self.retrieved.append(self._emails[position])
        if octets is None:
            return self._streamed(position)
        return self.told([octets])

    @property
    def has_ahead(self) -> bool:
        """Whether messages were read ahead."""
        return bool(self._ahead.kept)

    def retrieve_ahead(self, numbers: Iterable[int]) -> Sequence[bytes]:
        """Return messages that were read ahead, as many as leave together.

        Ends at the first that was not, or is marked as deleted.
        """
        found: list[bytes] = []
        octets_left = TOGETHER_OCTETS
        for number in numbers:
            position = number - 1
            octets = None if position in self._deleted else self._ahead.take(position)
            if octets is None:
                break
            self.retrieved.append(self._emails[position])
            found.append(octets)
            octets_left -= len(octets)
            if octets_left <= 0:
                break
        return found

    def told(self, messages: Sequence[bytes]) -> bytes:
        """Return the responses to RETR of whole messages."""
        if not self._utf8:
            messages = list(map(surrogate.of_message, messages))
        return retrieved(messages)

    async def top(self, number: int, lines: int) -> bytes | AsyncIterator[bytes]:
        """Return the response to TOP: the header and some lines of the body."""
        position = self.check(number)
        columns = (Column.HEADER, Column.OCTETS) if lines else (Column.HEADER,)
        header, *rest = await self._row(position, columns)
        if not isinstance(header, bytes):
            raise CommandError("message is gone")
        if not rest:
            return ok() + stuffed(self._told(header))
        octets = rest[0]
        if not isinstance(octets, bytes):
            return self._streamed_top(position, header, lines)
        body = octets[len(header) :]
        if not self._utf8:
            header, body = surrogate.top_of(octets)
        return ok() + stuffed(header + LineCounter(lines).feed(body))

    def _told(self, header: bytes) -> bytes:
        return header if self._utf8 else surrogate.of_header(header)

    async def _read(self, position: int) -> bytes | None:
        """Return a message, and keep those the client will ask for next.

        ``None``: it is too large to have in one piece.
        """
        window = self._ahead.window(position, len(self._uids))
        wanted, total = [position], 0
        if len(window) > 1:
            await self._know_sizes(window.start, window.stop)
            total = self._sizes[position]
        for following in window[1:]:
            total += self._sizes[following]
            if total > AHEAD_MAX_OCTETS:
                break
            if following not in self._deleted:
                wanted.append(following)
        emails = [self._emails[one] for one in wanted]
        rows = await self._store.read(emails, (Column.OCTETS,))
        first, *others = rows
        if first is None:
            raise CommandError("message is gone")
        self._ahead.keep(zip(wanted[1:], map(_octets, others), strict=True))
        return _octets(first)

    async def _streamed(self, position: int) -> AsyncIterator[bytes]:
        await self._know_sizes(position, position + 1)
        (header,) = await self._row(position, (Column.HEADER,))
        head = header if isinstance(header, bytes) else b""
        told = self._told(head)
        with await self._body(position, len(head)) as body:
            extra = len(told) - len(head) + body.extra
            yield ok(f"{self._sizes[position] + extra} octets")
            stuffer = Stuffer()
            yield stuffer.feed(told)
            async for piece in body.pieces():
                yield stuffer.feed(piece)
            yield stuffer.end()

    async def _streamed_top(
        self, position: int, header: bytes, lines: int
    ) -> AsyncIterator[bytes]:
        stuffer, counter = Stuffer(), LineCounter(lines)
        yield ok() + stuffer.feed(self._told(header))
        with await self._body(position, len(header)) as body:
            async for piece in body.pieces():
                yield stuffer.feed(counter.feed(piece))
                if counter.done:
                    break
        yield stuffer.end()

    async def _body(self, position: int, start: int) -> LargeBody:
        email, utf8 = self._emails[position], self._utf8
        return await LargeBody.open(self._store, email, start, self._tools, utf8=utf8)

    async def _row(self, position: int, columns: Sequence[Column]) -> Row:
        (row,) = await self._store.read([self._emails[position]], columns)
        if row is None:
            raise CommandError("message is gone")
        return row

    async def _unique_ids(self, positions: Sequence[int]) -> Sequence[str]:
        prefix = f"{self._mailbox.uid_validity}."
        uids = [self._uids[position] for position in positions]
        known = await self._store.imports.uidls(self._mailbox.id, uids)
        if not known:
            return [f"{prefix}{uid}" for uid in uids]
        return [known.get(uid) or f"{prefix}{uid}" for uid in uids]

    async def _know_sizes(self, start: int, stop: int) -> None:
        """Read the sizes of positions ``start`` to ``stop``, a slice at most."""
        if _UNKNOWN not in self._sizes[start:stop]:
            return
        unknown = [p for p in range(start, stop) if self._sizes[p] == _UNKNOWN]
        emails = [self._emails[position] for position in unknown]
        rows = await self._store.read(emails, (Column.SIZE,))
        for position, row in zip(unknown, rows, strict=True):
            size = row[0] if row else 0
            self._sizes[position] = size if isinstance(size, int) else 0

    def _slices(self) -> Iterator[Sequence[int]]:
        """Yield the positions not marked, in slices."""
        count, deleted = len(self._uids), self._deleted
        for start in range(0, count, SLICE):
            positions: Sequence[int] = range(start, min(start + SLICE, count))
            if deleted:
                positions = [p for p in positions if p not in deleted]
            if positions:
                yield positions


class _Ahead:
    """Messages read before they are asked for: more and more while it pays.

    Attributes:
        kept: By position.
    """

    __slots__ = ("_next", "_size", "kept")

    def __init__(self) -> None:
        self.kept: dict[int, bytes] = {}
        self._next = 0
        self._size = 1

    def take(self, position: int) -> bytes | None:
        """Return the message, if it was read ahead."""
        octets = self.kept.pop(position, None)
        if octets is not None:
            self._next = position + 1
        return octets

    def window(self, position: int, count: int) -> range:
        """Return the positions to read when ``position`` is asked for."""
        # A message or two may be left out: deleted, or known already.
        in_order = 0 <= position - self._next <= self._size
        self._size = min(2 * self._size, AHEAD_MAX) if in_order else 1
        self._next = position + 1
        return range(position, min(position + self._size, count))

    def keep(self, messages: "zip[tuple[int, bytes | None]]") -> None:
        """Keep what was read ahead; forget what was not asked for after all."""
        self.kept = {p: octets for p, octets in messages if octets is not None}


def _octets(row: Row | None) -> bytes | None:
    value = row[0] if row else None
    return value if isinstance(value, bytes) else None


def _released() -> None:
    """Do nothing: the lock was given back."""
