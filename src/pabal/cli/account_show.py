"""``pabal account show`` and ``pabal account expiry``."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import click

from pabal.admin.expiry import DAYS_MAX, Rule, rule_of, set_rule
from pabal.app.moving import Household, at_home
from pabal.app.parts import expiry_policy
from pabal.base.errors import OperatorError
from pabal.cli import output
from pabal.cli.moving import size_text
from pabal.cli.options import config_option, json_option
from pabal.config.load import load_or_raise
from pabal.directory.ports import Account
from pabal.store.ports import INBOX, MailboxInfo
from pabal.store.undelete import Kept


@dataclass(frozen=True, slots=True)
class Shown:
    """An account with its mailboxes."""

    account: Account
    boxes: Sequence[tuple[MailboxInfo, Rule]]
    kept: Kept


@click.command()
@click.argument("address")
@config_option
@json_option
def show(address: str, directory: Path | None, *, as_json: bool) -> None:
    """Show the mailboxes of ADDRESS and what they hold.

    Also when messages expire, and how much is kept of what was expunged.
    """
    settings = load_or_raise(directory)
    policy = expiry_policy(settings)

    async def work(home: Household) -> Shown:
        boxes = await home.mailboxes.mailboxes()
        boxes = sorted(boxes, key=lambda box: box.name != INBOX)
        rules = [await rule_of(home.mailboxes, box, boxes, policy) for box in boxes]
        kept = await home.mailboxes.undeletion.kept()
        return Shown(home.account, list(zip(boxes, rules, strict=True)), kept)

    shown = at_home(settings, address, work)
    days = settings.store.undelete_days
    if as_json:
        output.emit(_facts(shown, days))
        return
    state = "enabled" if shown.account.enabled else "disabled"
    click.echo(f"{shown.account.address}  id {shown.account.id}, {state}\n")
    output.table(
        ("MAILBOX", "MESSAGES", "UNSEEN", "SIZE", "USE", "EXPIRES"),
        [
            (
                box.name,
                str(box.message_count),
                str(box.unseen_count),
                size_text(box.size_octets),
                box.special_use or "-",
                _rule_text(rule),
            )
            for box, rule in shown.boxes
        ],
    )
    total = sum(box.size_octets for box, _ in shown.boxes)
    click.echo(
        f"\n{size_text(total)} in all. Expunged and still kept ({days} days):"
        f" {shown.kept.messages} messages, {size_text(shown.kept.octets)}."
    )


@click.command()
@click.argument("address")
@click.argument("mailbox")
@click.argument("days", metavar="DAYS|never|default")
@config_option
@json_option
def expiry(
    address: str, mailbox: str, days: str, directory: Path | None, *, as_json: bool
) -> None:
    """Let messages go from MAILBOX of ADDRESS after DAYS.

    Instead of what [store] says of Trash and Junk; `default` follows it again. Days
    count from when a message came into the mailbox. The server looks every hour.
    """
    wanted = _days(days)

    async def work(home: Household) -> None:
        box = await home.mailboxes.mailbox(mailbox)
        await set_rule(home.mailboxes, box, wanted)

    at_home(load_or_raise(directory), address, work)
    output.done(f"{mailbox} of {address}: {days}.", as_json=as_json)


def _days(text: str) -> int | None:
    if text == "default":
        return None
    if text == "never":
        return 0
    if text.isascii() and text.isdigit() and 0 < int(text[:9]) <= DAYS_MAX:
        return int(text)
    raise OperatorError(
        f"{text!r} is no number of days.", f"1 to {DAYS_MAX}, never or default."
    )


def _rule_text(rule: Rule) -> str:
    if not rule.days:
        return "never (own rule)" if rule.own else "-"
    return f"{rule.days} days" + (" (own rule)" if rule.own else "")


def _facts(shown: Shown, undelete_days: int) -> dict[str, output.Json]:
    return {
        "id": shown.account.id,
        "address": shown.account.address,
        "enabled": shown.account.enabled,
        "mailboxes": [
            {
                "name": box.name,
                "messages": box.message_count,
                "unseen": box.unseen_count,
                "octets": box.size_octets,
                "special_use": box.special_use,
                "uid_validity": box.uid_validity,
                "uid_next": box.uid_next,
                "expiry_days": rule.days,
                "expiry_own_rule": rule.own,
            }
            for box, rule in shown.boxes
        ],
        "expunged": {
            "messages": shown.kept.messages,
            "octets": shown.kept.octets,
            "kept_days": undelete_days,
        },
    }
