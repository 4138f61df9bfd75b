"""Compares a source with what an import made of it, octet for octet."""

from bisect import bisect_left
from collections.abc import Mapping, Sequence

from pabal.migration.batches import Batch, batches, stored_digests
from pabal.migration.importer import source_id
from pabal.migration.ports import Folder, NoProgress, Progress, Source
from pabal.migration.report import FolderReport, Report
from pabal.store.imports import ImportAccount, Key, Origin
from pabal.store.ports import EmailId


class Checker:
    """Reads everything at the source again; writes nothing.

    Messages that somebody moved or removed here since are passed over.
    """

    def __init__(
        self, source: Source, account: ImportAccount, progress: Progress | None = None
    ) -> None:
        self._source = source
        self._account = account
        self._progress = progress or NoProgress()

    async def run(self, folders: Sequence[Folder]) -> Report:
        """Compare ``folders``.

        Raises:
            SourceError: The source cannot be read (any more).
        """
        return Report([await self._folder(folder) for folder in folders])

    async def _folder(self, folder: Folder) -> FolderReport:
        source = source_id(self._source, folder)
        report = FolderReport("/".join(folder.levels), "")
        self._progress.begin(report.name, folder.count)
        async for listed in self._source.listing(folder):
            report.listed += len(listed)
            keys = [one.key for one in listed]
            known = await self._account.imports.known(source, keys)
            report.known += len(known)
            emails = await self._emails(known)
            wanted = [one for one in listed if one.key in emails]
            self._progress.advance(len(listed) - len(wanted))
            async for batch in batches(self._source, folder, wanted):
                await self._compare(batch, known, emails, report)
                self._progress.advance(len(batch.letters), batch.octets)
        return report

    async def _emails(self, known: Mapping[Key, Origin]) -> Mapping[Key, EmailId]:
        """Return the emails that are still where they were put."""
        found: dict[Key, EmailId] = {}
        there = {box.id: box.name for box in await self._account.mailboxes()}
        for mailbox_id in there.keys() & {one.mailbox_id for one in known.values()}:
            view = await self._account.view(mailbox_id)
            for key, origin in known.items():
                at = bisect_left(view.uids, origin.uid)
                is_there = at < len(view.uids) and view.uids[at] == origin.uid
                if is_there and origin.mailbox_id == mailbox_id:
                    found[key] = view.emails[at]
            view.close()
        return found

    async def _compare(
        self,
        batch: Batch,
        known: Mapping[Key, Origin],
        emails: Mapping[Key, EmailId],
        report: FolderReport,
    ) -> None:
        keys = [letter.listed.key for letter in batch.letters]
        stored = await stored_digests(self._account, [emails[key] for key in keys])
        digests = await batch.digests()
        for key, digest, found in zip(keys, digests, stored, strict=True):
            report.compared(known[key].uid, digest, found)
