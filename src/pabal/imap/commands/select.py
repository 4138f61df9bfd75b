"""SELECT and EXAMINE.

Source: RFC 9051 §6.3.2, §6.3.3; RFC 3501 §6.3.1 (RECENT, UNSEEN); RFC 7162 §3.1.2
(HIGHESTMODSEQ); RFC 8474 §4.2 (MAILBOXID).
"""

from typing import Final

from pabal.imap.commands import places
from pabal.imap.commands.context import CONDSTORE, Context
from pabal.imap.commands.refusal import bad, uid_required
from pabal.imap.commands.resync import resynchronise
from pabal.imap.commands.selected import Access, Selected
from pabal.imap.session import State
from pabal.imap.wire.mailboxes import Select
from pabal.imap.wire.response import Tagged
from pabal.store.flags import SEEN
from pabal.store.view import distinct

SURVEY_SLICE: Final = 100_000
"""Messages whose flags are looked through at once: 0.2 ms, with many flags 3 ms."""


async def run(context: Context, command: Select) -> Tagged:
    """Open a mailbox for reading and writing."""
    return await _open(context, command, read_only=False)


async def examine(context: Context, command: Select) -> Tagged:
    """Open a mailbox for reading."""
    return await _open(context, command, read_only=True)


async def _open(context: Context, command: Select, *, read_only: bool) -> Tagged:
    if command.resync is not None and not context.qresync:
        raise bad("QRESYNC is not enabled")
    if context.uid_only and command.resync is not None and command.resync.numbers:
        # RFC 9586 §3.7: what is known of numbers is not to be said any more.
        raise uid_required()
    if context.selected is not None:
        # RFC 9051 §7.1: what follows is about the other mailbox.
        context.unselect()
        context.say(b"CLOSED", b"The previous mailbox is closed")
    place = await places.find(context, command.mailbox, "r")
    account = place.account
    access = Access(
        *(account, place.owner, place.rights), examined=read_only, name=place.info.name
    )
    view = await account.view(place.id)
    selected = Selected(access, view, context.dialogue.changed)
    try:
        first_recent = None
        if not context.rev2:
            # RFC 9051 §6.3.3: who only looks leaves it to another to be the first.
            claim, known = not selected.read_only, view.uids[-1] if view.uids else 0
            first_recent = await account.claim_recent(place.id, claim=claim)
            selected.recency.claim(first_recent, known)
    except BaseException:
        selected.close()
        raise
    context.selected = selected
    context.session.state = State.SELECTED
    if command.condstore:
        context.enabled |= {CONDSTORE}
    selected.manner.condstore = CONDSTORE in context.enabled
    selected.manner.uid_only = context.uid_only
    selected.manner.vanished = context.qresync or context.uid_only
    selected.names.says = context.word
    selected.numbers.advance(expunges=True)
    if first_recent is not None:
        selected.recency.told = True
        selected.recency.grow(selected.numbers.last_uid)
    survey = await _survey(context, selected)
    selected.names.remembered = await account.keywords.lost(place.id)
    context.send(_shown(context, selected, survey, place.info.name))
    if command.resync is not None:
        await resynchronise(context, command.resync)
    mode = b"READ-ONLY" if selected.read_only else b"READ-WRITE"
    return Tagged(b"Selected", mode)


async def _survey(context: Context, selected: Selected) -> tuple[set[int], int]:
    r"""Return the flag sets in use, and the number of the first message not ``\\Seen``.

    0 if there is none. In slices: a million messages take 2 ms or 30.
    """
    # An expunge replaces the array: this one stays in step with the numbers told.
    flags, count = selected.view.flags, selected.numbers.count
    flags_of = selected.access.account.flags_of
    used: set[int] = set()
    first = 0
    for start in range(0, count, SURVEY_SLICE):
        if start:
            await context.services.pause()
        part = flags[start : min(start + SURVEY_SLICE, count)]
        here = distinct(part)
        used |= here
        if not first:
            unseen = [part.index(one) for one in here if SEEN not in flags_of(one)]
            first = start + min(unseen) + 1 if unseen else 0
    return used, first


def _shown(
    context: Context, selected: Selected, survey: tuple[set[int], int], name: str
) -> bytes:
    """Return the responses that describe the mailbox just opened."""
    info = selected.view.mailbox
    used, unseen = survey
    # Every flag in use is told, and none of them is news afterwards.
    for flag_set in sorted(used):
        selected.names.octets(flag_set)
    lines = [
        selected.names.shown().removesuffix(b"\r\n"),
        b"* %d EXISTS" % selected.numbers.count,
    ]
    if context.rev2:
        # RFC 9051 §6.3.2: the name as the server spells it.
        lines.append(b'* LIST () "/" %b' % context.written(name))
    else:
        lines.append(b"* %d RECENT" % selected.recent_count)
        if unseen and not context.uid_only:
            lines.append(_told(context, b"UNSEEN %d" % unseen, b"First unseen"))
    lines += [
        _told(context, b"UIDVALIDITY %d" % info.uid_validity, b"UIDs are valid"),
        _told(context, b"UIDNEXT %d" % info.uid_next, b"Next UID"),
        _told(context, b"HIGHESTMODSEQ %d" % info.highest_modseq, b"Highest"),
        _told(context, b"MAILBOXID (F%d)" % info.id, b"Id"),
    ]
    return b"\r\n".join(lines) + b"\r\n"


def _told(context: Context, code: bytes, text: bytes) -> bytes:
    return b"* OK [%b] %b" % (code, context.word(text))
