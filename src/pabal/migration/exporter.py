"""Takes the mailboxes of an account out to files, and reads them back.

Cost: memory for some messages, and 16 octets for each; a long one goes through a file.
"""

import asyncio
import hashlib
from collections import Counter
from collections.abc import AsyncIterator, Mapping, Sequence
from itertools import pairwise
from typing import Final

from pabal.base.errors import PabalError
from pabal.message.spool import Spool
from pabal.migration.batches import batches
from pabal.migration.mbox_files import field
from pabal.migration.ports import Folder, NoProgress, Progress, Source
from pabal.migration.report import DIGEST_OCTETS, FolderReport, Report
from pabal.migration.targets import Outgoing, OutgoingFolder, Sink, Target
from pabal.store.imports import ImportAccount
from pabal.store.ports import (
    INBOX,
    SEPARATOR,
    Column,
    MailboxInfo,
    MailboxView,
    Row,
    StoreError,
)

READ_AT_ONCE: Final = 32
"""Messages read from the store, and written, in one go."""

_COLUMNS: Final = (Column.RECEIVED, Column.HEADER, Column.OCTETS)


class Exporter:
    """One export.

    Args (of the constructor):
        account: Whose mail.
        target: Where it goes.
        progress: Who wants to see.
    """

    def __init__(
        self,
        account: ImportAccount,
        target: Target,
        progress: Progress | None = None,
    ) -> None:
        self._account = account
        self._target = target
        self._progress = progress or NoProgress()
        self._digests: dict[tuple[str, ...], bytearray] = {}

    async def run(self, boxes: Sequence[MailboxInfo]) -> Report:
        """Write ``boxes``.

        Raises:
            StorageFullError: No room.
        """
        reports = [await self._box(box) for box in boxes]
        await asyncio.to_thread(self._target.close)
        return Report(reports)

    async def check(self, source: Source, report: Report) -> None:
        """Read what was written back from ``source``, and note it in ``report``."""
        folders = {folder.levels: folder for folder in await source.folders()}
        for done in report.folders:
            folder = folders.get(tuple(done.mailbox.split(SEPARATOR)))
            if folder is not None:
                await self._check(source, folder, done)
            done.gone = done.added - done.verified - len(done.wrong)

    async def _box(self, box: MailboxInfo) -> FolderReport:
        view = await self._account.view(box.id)
        try:
            # Arrivals extend these, an expunge replaces them: a copy stays as it is.
            columns = view.uids[:], view.emails[:], view.flags[:]
            folder = self._folder(view)
        finally:
            view.close()
        uids, emails, flags = columns
        report = FolderReport(box.name, box.name, listed=len(uids))
        self._progress.begin(box.name, len(uids))
        digests = self._digests[folder.levels] = bytearray()
        sink = await asyncio.to_thread(self._target.open, folder)
        bounds = [*range(0, len(uids), READ_AT_ONCE), len(uids)]
        for start, stop in pairwise(bounds):
            facts = list(zip(uids[start:stop], flags[start:stop], strict=True))
            uidls = await self._uidls(box, uids[start:stop])
            async for message in self._messages(facts, emails[start:stop], uidls):
                with message.spool:
                    digests += await asyncio.to_thread(_put, sink, message)
                    report.octets += message.spool.size
                report.added += 1
            self._progress.advance(stop - start)
        await asyncio.to_thread(sink.close)
        return report

    async def _uidls(self, box: MailboxInfo, uids: Sequence[int]) -> Mapping[int, str]:
        """Return what POP3 shows of messages: who serves them next must show that."""
        if box.name != INBOX:
            return {}
        known = await self._account.imports.uidls(box.id, uids)
        return {uid: known.get(uid) or f"{box.uid_validity}.{uid}" for uid in uids}

    def _folder(self, view: MailboxView) -> OutgoingFolder:
        box = view.mailbox
        keywords: Counter[str] = Counter()
        for flag_set, count in Counter(view.flags).items():
            for flag in self._account.flags_of(flag_set):
                if not flag.startswith("\\"):
                    keywords[flag] += count
        return OutgoingFolder(
            tuple(box.name.split(SEPARATOR)),
            box.uid_validity,
            box.uid_next,
            box.subscribed,
            tuple(name for name, _ in keywords.most_common()),
        )

    async def _messages(
        self,
        facts: Sequence[tuple[int, int]],
        emails: Sequence[int],
        uidls: Mapping[int, str],
    ) -> AsyncIterator[Outgoing]:
        rows = await self._account.read(emails, _COLUMNS)
        for (uid, flag_set), email, row in zip(facts, emails, rows, strict=True):
            if row is None:
                continue  # expunged, and its octets thrown away, meanwhile
            received_at, header = row[0], row[1]
            if not isinstance(received_at, float) or not isinstance(header, bytes):
                raise StoreError(f"email {email} has lost its header")
            yield Outgoing(
                uid,
                uidls.get(uid, ""),
                self._account.flags_of(flag_set),
                received_at,
                field(header, b"Return-Path").strip(b"<>").decode("utf-8", "replace"),
                await self._spool(email, row),
            )

    async def _spool(self, email: int, row: Row) -> Spool:
        spool = Spool()
        try:
            if isinstance(row[2], bytes):
                spool.write(row[2])
            else:
                async for piece in self._account.octets(email):
                    spool.write(piece)
        except PabalError:
            spool.close()
            raise
        return spool

    async def _check(
        self, source: Source, folder: Folder, report: FolderReport
    ) -> None:
        written = self._digests[folder.levels]
        at = 0
        async for listed in source.listing(folder):
            async for batch in batches(source, folder, listed):
                digests = await batch.digests()
                for letter, digest in zip(batch.letters, digests, strict=True):
                    there = bytes(written[at : at + DIGEST_OCTETS])
                    report.compared(letter.listed.uid, there, digest)
                    at += DIGEST_OCTETS


def _put(sink: Sink, message: Outgoing) -> bytes:
    sink.put(message)
    running = hashlib.blake2b(digest_size=DIGEST_OCTETS)
    for chunk in message.spool.chunks():
        running.update(chunk)
    return running.digest()
