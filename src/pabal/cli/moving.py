"""How imports and exports look: a bar while they run, a table when they are done."""

from types import TracebackType
from typing import Self

import click
from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    TaskID,
    TextColumn,
    TimeElapsedColumn,
)

from pabal.cli import output
from pabal.migration.report import FolderReport, Report


class Bar:
    """A progress bar on standard error; on no terminal, nothing.

    Args (of the constructor):
        hidden: Show nothing at all.
    """

    def __init__(self, *, hidden: bool) -> None:
        console = Console(stderr=True)
        self._progress = Progress(
            TextColumn("{task.description}"),
            BarColumn(),
            MofNCompleteColumn(),
            TextColumn("{task.fields[rate]}"),
            TimeElapsedColumn(),
            console=console,
            disable=hidden or not console.is_terminal,
        )
        self._task: TaskID | None = None
        self._octets = 0

    def __enter__(self) -> Self:
        self._progress.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._progress.stop()

    def begin(self, name: str, messages: int) -> None:
        """Show a bar for a folder."""
        self._octets = 0
        self._task = self._progress.add_task(name, total=messages or None, rate="")

    def advance(self, messages: int, octets: int = 0) -> None:
        """Move it on."""
        if self._task is None:
            return
        self._octets += octets
        self._progress.update(
            self._task, advance=messages, rate=size_text(self._octets)
        )


def size_text(octets: int) -> str:
    """Return octets as people say them: ``3.2 MB``."""
    if octets < 1_000:
        return f"{octets} B"
    number = octets / 1_000
    for unit in ("kB", "MB"):
        if number < 1_000:
            return f"{number:.1f} {unit}"
        number /= 1_000
    return f"{number:.1f} GB"


def tell(report: Report, *, checked_only: bool = False) -> None:
    """Print what was done, a line a folder."""
    output.table(
        ("FOLDER", "MAILBOX", "THERE", "KNOWN", "NEW", "VERIFIED", "SIZE", "NOTES"),
        [
            (
                folder.name,
                folder.mailbox or "-",
                str(folder.listed),
                str(folder.known),
                str(folder.added),
                str(folder.verified),
                size_text(folder.octets),
                _notes(folder, checked_only=checked_only),
            )
            for folder in report.folders
        ],
    )
    if report.complete:
        word = "Compared" if checked_only else "All there"
        click.echo(f"{word}: nothing is missing, every octet read back is the same.")
    else:
        click.echo("NOT complete: run it again.", err=True)


def _notes(folder: FolderReport, *, checked_only: bool) -> str:
    notes = []
    if folder.wrong:
        notes.append(f"{len(folder.wrong)} differ: UID {folder.wrong[0]} …")
    if folder.gone:
        notes.append(f"{folder.gone} cannot be read")
    if folder.flags_changed:
        notes.append(f"flags of {folder.flags_changed} changed")
    if not checked_only and folder.added:
        notes.append("UIDs kept" if folder.uids_kept else "new UIDs")
    return ", ".join(notes)


def facts(report: Report) -> dict[str, output.Json]:
    """Return what was done, for programs."""
    return {
        "ok": report.complete,
        "added": report.added,
        "octets": report.octets,
        "folders": [
            {
                "name": folder.name,
                "mailbox": folder.mailbox,
                "listed": folder.listed,
                "known": folder.known,
                "added": folder.added,
                "gone": folder.gone,
                "octets": folder.octets,
                "flags_changed": folder.flags_changed,
                "uids_kept": folder.uids_kept,
                "uid_validity_kept": folder.uid_validity_kept,
                "verified": folder.verified,
                "digest": folder.digest,
                "wrong_uids": folder.wrong,
            }
            for folder in report.folders
        ],
    }
