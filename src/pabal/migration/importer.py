"""Brings the folders of a source into an account.

May be stopped at any moment and run again: what came from where is noted in the
transaction that adds the messages. A run after that brings what is new, and what
changed of the flags: one that was set or taken away *there* is here too, one that was
changed here stays.

Cost: memory for some hundred messages, whatever the folder has.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace

from pabal.base.clock import Clock
from pabal.directory.ports import NO_QUOTA, Quota
from pabal.migration.batches import Batch, batches, stored_digests
from pabal.migration.keywords import changed, fit, plain
from pabal.migration.naming import target_name, target_of, unused_twin
from pabal.migration.ports import Folder, Letter, Listed, NoProgress, Progress, Source
from pabal.migration.report import FolderReport, Report
from pabal.migration.source import key_of
from pabal.store.flags import FlagAction, FlagChange, Flags
from pabal.store.flagtable import TooManyKeywordsError
from pabal.store.imports import ImportAccount, Imported, Key, Origin
from pabal.store.limits import Limits
from pabal.store.ports import (
    INBOX,
    SEPARATOR,
    Appended,
    MailboxExistsError,
    MailboxId,
    MailboxInfo,
    OverQuotaError,
    Uid,
)
from pabal.store.room import fitting


class Importer:
    """One import.

    Args (of the constructor):
        source: Where messages come from.
        account: Where they go.
        clock: For messages without a date of their own.
        progress: Who wants to see.
        quota: What the account may have.
    """

    def __init__(
        self,
        source: Source,
        account: ImportAccount,
        clock: Clock,
        progress: Progress | None = None,
        quota: Quota = NO_QUOTA,
    ) -> None:
        self._source = source
        self._account = account
        self._clock = clock
        self._progress = progress or NoProgress()
        self._quota = quota

    async def run(self, folders: Sequence[Folder]) -> Report:
        """Bring ``folders`` here.

        Raises:
            SourceError: The source cannot be read (any more).
            OverQuotaError: The account has no room for the next one.
            StoreError: The account takes no more; what was noted stays.
        """
        names = {SEPARATOR.join(folder.levels) for folder in folders}
        return Report([await self._folder(folder, names) for folder in folders])

    async def _folder(self, folder: Folder, names: Collection[str]) -> FolderReport:
        box = await self._mailbox(folder, names)
        report = FolderReport("/".join(folder.levels), box.name)
        self._progress.begin(report.name, folder.count)
        if folder.uid_validity:
            kept = await self._account.imports.adopt(box.id, folder.uid_validity)
            report.uid_validity_kept = report.uids_kept = kept
        await self._bring(folder, box, report)
        if report.gone:
            # Gone, or could it not be read? Those still listed are tried once more.
            added, report.listed, report.known, report.gone = report.added, 0, 0, 0
            await self._bring(folder, box, report)
            report.known -= added
        if folder.subscribed:
            await self._account.subscribe(box.name, subscribed=True)
        return report

    async def _bring(
        self, folder: Folder, box: MailboxInfo, report: FolderReport
    ) -> None:
        source = source_id(self._source, folder)
        async for listed in self._source.listing(folder):
            report.listed += len(listed)
            keys = [one.key for one in listed]
            known = await self._account.imports.known(source, keys)
            report.known += len(known)
            self._progress.advance(len(known))
            await self._reflag(source, listed, known, report)
            wanted = [one for one in listed if one.key not in known]
            came = 0
            async for batch in batches(self._source, folder, wanted):
                came += len(batch.letters)
                await self._put(source, box, batch, report)
                self._progress.advance(len(batch.letters), batch.octets)
            report.gone += len(wanted) - came

    async def _mailbox(self, folder: Folder, names: Collection[str]) -> MailboxInfo:
        boxes = await self._account.mailboxes()
        twin = unused_twin(folder, boxes, names)
        if twin is not None:
            name = target_name(folder.levels)
            await self._account.rename(twin.id, name)
            return await self._account.mailbox(name)
        name, use = target_of(folder, boxes)
        try:
            return await self._account.create(name, use)
        except MailboxExistsError:
            return await self._account.mailbox(name)

    async def _put(
        self, source: int, box: MailboxInfo, batch: Batch, report: FolderReport
    ) -> None:
        limits = Limits(self._quota.octets, self._quota.messages)
        room = await fitting(
            self._account,
            [letter.spool.size for letter in batch.letters],
            octets=limits.octets,
            messages=limits.messages,
        )
        while room:
            try:
                await self._put_some(source, box, batch.first(room), limits, report)
            except OverQuotaError:
                # Mail that came in between has their place. Fewer may still fit.
                room //= 2
            else:
                break
        if room < len(batch.letters):
            raise OverQuotaError(
                f"the account is full, with more to come into {box.name}: raise its"
                " quota (pabal account quota) and run the same command again; what"
                " is here does not come twice"
            )

    async def _put_some(
        self,
        source: int,
        box: MailboxInfo,
        batch: Batch,
        limits: Limits,
        report: FolderReport,
    ) -> None:
        letters = batch.letters
        emails = [self._imported(letter, box, report) for letter in letters]
        imports = self._account.imports
        try:
            put = await imports.put(box.id, source, emails, limits)
        except TooManyKeywordsError:
            # Rather without its keywords than not at all.
            emails = [replace(email, flags=plain(email.flags)) for email in emails]
            put = await imports.put(box.id, source, emails, limits)
        await self._verify(put, await batch.digests(), report)
        for letter, email, appended in zip(letters, emails, put, strict=True):
            if appended is None:  # another import was faster
                report.known += 1
                continue
            report.added += 1
            report.octets += letter.spool.size
            if appended.uid != email.uid:
                report.uids_kept = False

    def _imported(
        self, letter: Letter, box: MailboxInfo, report: FolderReport
    ) -> Imported:
        listed = letter.listed
        return Imported(
            letter.spool,
            letter.received_at or self._clock.now(),
            listed.key,
            fit(listed.flags),
            listed.uid if report.uid_validity_kept else 0,
            # POP3 shows nothing but INBOX (RFC 1939 §4 knows one maildrop).
            listed.uidl if box.name == INBOX else "",
        )

    async def _verify(
        self,
        put: Sequence[Appended | None],
        digests: Sequence[bytes],
        report: FolderReport,
    ) -> None:
        """Read back what was written and compare it with what came."""
        there = [
            (appended, digest)
            for appended, digest in zip(put, digests, strict=True)
            if appended is not None
        ]
        emails = [appended.email_id for appended, _ in there]
        stored = await stored_digests(self._account, emails)
        for (appended, digest), found in zip(there, stored, strict=True):
            report.compared(appended.uid, digest, found)

    async def _reflag(
        self,
        source: int,
        listed: Sequence[Listed],
        known: Mapping[Key, Origin],
        report: FolderReport,
    ) -> None:
        """Make here what happened to flags there since they were looked at."""
        changes: dict[tuple[MailboxId, FlagAction, Flags], list[Uid]] = {}
        noted: dict[Key, Flags] = {}
        for one in listed:
            origin = known.get(one.key)
            if origin is None:
                continue
            came, went = changed(origin.flags, fit(one.flags))
            if came or went:
                noted[one.key] = fit(one.flags)
            for action, some in ((FlagAction.ADD, came), (FlagAction.REMOVE, went)):
                if some:
                    change = (origin.mailbox_id, action, some)
                    changes.setdefault(change, []).append(origin.uid)
        for (mailbox_id, action, some), uids in changes.items():
            flag_change = FlagChange(action, some)
            await self._account.set_flags(mailbox_id, sorted(uids), flag_change)
        await self._account.imports.note_flags(source, noted)
        report.flags_changed += len(noted)


def source_id(source: Source, folder: Folder) -> int:
    """Return what the store notes messages of ``folder`` under."""
    name = f"{source.identity}\0{folder.place}\0{folder.uid_validity}"
    return key_of(name.encode("utf-8", "surrogateescape"))


def inbox_first(folders: Sequence[Folder]) -> Sequence[Folder]:
    """Return ``folders`` in the order they are brought: INBOX, then by name."""
    return sorted(folders, key=lambda one: (one.levels != (INBOX,), one.levels))
