"""``pabal account undelete``: expunged messages come back."""

from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

import click

from pabal.app.moving import Household, at_home
from pabal.base.errors import OperatorError
from pabal.cli import output
from pabal.cli.moving import size_text
from pabal.cli.options import config_option, json_option
from pabal.config.load import load_or_raise
from pabal.store.names import normalise
from pabal.store.ports import Column, MailboxExistsError, OverQuotaError
from pabal.store.room import fitting
from pabal.store.undelete import Gone

SUBJECT_COLUMNS: Final = 50
"""Of a subject, how much a line shows."""

UNITS: Final = {"m": 60.0, "h": 3_600.0, "d": 86_400.0, "w": 604_800.0}


@dataclass(frozen=True, slots=True)
class Asked:
    """What was typed."""

    address: str
    mailbox: str
    since: str
    to: str
    directory: Path | None
    list_only: bool
    as_json: bool

    async def work(self, home: Household) -> Sequence[tuple[Gone, str]]:
        """Return what is, or was, gone, and its subjects; bring it back."""
        since = since_of(self.since, home.clock.now()) if self.since else 0.0
        name = normalise(self.mailbox) if self.mailbox else ""
        found = []
        async for some in _slices(home, since):
            wanted = [one for one in some if not name or one.mailbox == name]
            rows = await home.mailboxes.read(
                [one.email_id for one in wanted], (Column.BASE_SUBJECT,)
            )
            found += [
                (one, str(row[0]) if row else "")
                for one, row in zip(wanted, rows, strict=True)
            ]
        if self.list_only:
            return found
        back = await self._bring_back(home, [one for one, _ in found])
        return [(one, subject) for one, subject in found if one.email_id in back]

    async def _bring_back(self, home: Household, found: Sequence[Gone]) -> set[int]:
        room = await fitting(
            home.mailboxes,
            [one.size for one in found],
            octets=home.quota.octets,
            messages=home.quota.messages,
        )
        if room < len(found):
            # All or none: who asks for a mailbox back does not want a part of it.
            raise OverQuotaError(
                f"the account has room for {room} of {len(found)} messages and got"
                " none: raise its quota (pabal account quota), or ask for fewer"
                " (--mailbox, --since)"
            )
        by_target: dict[str, list[int]] = {}
        for one in found:
            target = self.to or one.mailbox or "INBOX"
            by_target.setdefault(target, []).append(one.email_id)
        back: set[int] = set()
        for target, emails in by_target.items():
            try:
                box = await home.mailboxes.create(target)
            except MailboxExistsError:
                box = await home.mailboxes.mailbox(target)
            back.update(await home.mailboxes.undeletion.restore(emails, box.id))
        return back


@click.command()
@click.argument("address")
@click.option("--mailbox", default="", metavar="NAME", help="Only from this mailbox.")
@click.option(
    "--since",
    default="",
    metavar="WHEN",
    help="Only what was expunged since: 30m, 2h, 3d, 2026-01-31, 2026-01-31T12:00.",
)
@click.option(
    "--to",
    default="",
    metavar="NAME",
    help="Into this mailbox; otherwise each goes back where it was.",
)
@click.option(
    "--list", "list_only", is_flag=True, help="Only show what could come back."
)
@config_option
@json_option
@click.pass_context
def undelete(ctx: click.Context, /, **_: object) -> None:
    """Bring expunged messages of ADDRESS back.

    As long as [store] undelete_days keeps them. They come under new UIDs; a mailbox
    that was removed is made again. Messages that are in a mailbox, Trash for example,
    are not gone. Nothing comes back into an account whose quota has no room for all of
    it. The server may run.
    """
    asked = Asked(**ctx.params)
    found = at_home(load_or_raise(asked.directory), asked.address, asked.work)
    if asked.as_json:
        output.emit({"ok": True, "messages": [_facts(*one) for one in found]})
    elif not asked.list_only:
        click.echo(f"{len(found)} came back.")
    elif not found:
        click.echo("Nothing that could come back.")
    else:
        _table(found)


def _table(found: Sequence[tuple[Gone, str]]) -> None:
    output.table(
        ("EXPUNGED", "MAILBOX", "UID", "SIZE", "SUBJECT"),
        [
            (
                _text(one.expunged_at),
                one.mailbox,
                str(one.uid),
                size_text(one.size),
                subject[:SUBJECT_COLUMNS],
            )
            for one, subject in found
        ],
    )


def _facts(one: Gone, subject: str) -> dict[str, output.Json]:
    return {
        "mailbox": one.mailbox,
        "uid": one.uid,
        "size": one.size,
        "flags": sorted(one.flags),
        "expunged_at": one.expunged_at,
        "subject": subject,
    }


async def _slices(home: Household, since: float) -> AsyncIterator[Sequence[Gone]]:
    after = 0
    while some := await home.mailboxes.undeletion.gone(since=since, after=after):
        yield some
        after = some[-1].email_id


def since_of(text: str, now: float) -> float:
    """Return the moment ``text`` means, seconds since 1970.

    Raises:
        OperatorError: It means none.
    """
    number, unit = text[:-1], text[-1:]
    if unit in UNITS and number.isascii() and number.isdigit() and len(number) < 7:
        return now - int(number) * UNITS[unit]
    try:
        then = datetime.fromisoformat(text)
    except ValueError:
        raise OperatorError(
            f"{text!r} is no time.", "Like 2h, 3d, 2026-01-31 or 2026-01-31T12:00."
        ) from None
    return then.astimezone().timestamp()


def _text(seconds: float) -> str:
    then = datetime.fromtimestamp(seconds, UTC).astimezone()
    return then.strftime("%Y-%m-%d %H:%M")
