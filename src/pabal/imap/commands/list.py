"""LIST in both forms, and LSUB.

Source: RFC 9051 §6.3.9, RFC 3501 §6.3.9 (LSUB); RFC 5258 (extended), RFC 3348
(CHILDREN), RFC 5819 (STATUS), RFC 6154 (SPECIAL-USE), RFC 9590 (METADATA).
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final

from pabal.imap.commands import places
from pabal.imap.commands.acl import my_rights
from pabal.imap.commands.context import Context
from pabal.imap.commands.metadata import told_in_list
from pabal.imap.commands.places import Place
from pabal.imap.commands.status import status_line
from pabal.imap.wire.mailbox_name import NameEncodingError
from pabal.imap.wire.mailboxes import ListMailboxes
from pabal.imap.wire.pattern import Pattern
from pabal.imap.wire.response import Tagged
from pabal.store.ports import INBOX, SEPARATOR, MailboxInfo


@dataclass(frozen=True, slots=True)
class _Shown:
    """A name to show.

    Attributes:
        name: The name.
        place: The mailbox; ``None`` if only those below it exist.
        below: Whether there are mailboxes below it.
        subscribed: Whether the name is; one without a mailbox can be.
        why_shown: Criteria met by mailboxes below it (RFC 5258 §3.5).
        met: Whether it meets them itself.
    """

    name: str
    place: Place | None
    below: bool = False
    subscribed: bool = False
    why_shown: tuple[str, ...] = ()
    met: bool = True

    @property
    def info(self) -> MailboxInfo | None:
        """The mailbox's facts."""
        return self.place.info if self.place is not None else None

    def meets(self, selection: frozenset[bytes]) -> bool:
        """Return whether it is what the selection options ask for."""
        if b"SUBSCRIBED" in selection:
            if not self.subscribed:
                return False
        elif self.info is None and not self.below:
            return False
        use = self.info.special_use if self.info else ""
        return bool(use) or b"SPECIAL-USE" not in selection


_WITH_SUBSCRIBED: Final = ListMailboxes(b"", (), returns=frozenset((b"SUBSCRIBED",)))


async def run(context: Context, command: ListMailboxes) -> Tagged:
    """List mailboxes."""
    if not command.extended and command.patterns == (b"",):
        # RFC 9051 §6.3.9: only the separator is asked for.
        context.send(b'* LIST (\\Noselect) "/" ""\r\n')
        return Tagged(b"List completed")
    shown = await _matching(context, command)
    if b"HIGHESTMODSEQ" in command.status:
        context.enable_condstore()
    for one in shown:
        context.send(_line(context, command, one))
        if one.place is not None and one.met:
            # RFC 5819 §3, RFC 8440 §4, RFC 9590 §4: of those that match themselves.
            context.send(await _besides(context, command, one.place))
    await context.breathe()
    return Tagged(b"List completed")


async def _besides(context: Context, command: ListMailboxes, place: Place) -> bytes:
    """Return what else is told of a mailbox."""
    told = b""
    if command.status and "r" in place.rights:
        told += await status_line(context, place, command.status)
    if command.metadata:
        told += await told_in_list(context, place, command.metadata)
    if b"MYRIGHTS" in command.returns:
        # RFC 8440 §3: after the mailbox's LIST response.
        told += my_rights(context, place)
    return told


async def lsub(context: Context, command: ListMailboxes) -> Tagged:
    """List subscribed mailboxes as IMAP4rev1 does."""
    if any(b"%" in pattern for pattern in command.patterns):
        # RFC 3501 §6.3.9: a name above subscribed ones, which % hides, is shown.
        command = replace(command, selection=command.selection | {b"RECURSIVEMATCH"})
    lines = [
        b'* LSUB (%b) "/" %b\r\n'
        % (
            b"" if one.subscribed else b"\\Noselect",
            context.written(one.name),
        )
        for one in await _matching(context, command)
    ]
    context.send(b"".join(lines))
    return Tagged(b"Lsub completed")


async def _matching(context: Context, command: ListMailboxes) -> Sequence[_Shown]:
    """Return the names to show, by name."""
    infos = await places.visible(context)
    patterns = _patterns(context, command)
    lost = await context.mailboxes.lost_subscriptions()
    if b"SUBSCRIBED" not in command.selection:
        # RFC 5258 §3.1: names that are subscribed are told even if they are none;
        # otherwise only what is there, among it what others share.
        lost = [name for name in lost if name in infos]
    names = _with_parents(infos, lost)
    matching = [
        one for one in names if any(pattern.matches(one.name) for pattern in patterns)
    ]
    if b"RECURSIVEMATCH" not in command.selection:
        return [one for one in matching if one.meets(command.selection)]
    return _recursive(names, matching, command)


async def lines_of(
    context: Context,
    names: Sequence[str],
    renamed: Mapping[str, str],
    hidden: frozenset[str] = frozenset(),
) -> bytes:
    """Return LIST responses for ``names`` as they are now (RFC 5465 §5.4).

    Args:
        renamed: What some of them were called before.
        hidden: Those there is no right to watch (§3.1, §5.9).
    """
    if not names:
        return b""
    infos = await places.visible(context)
    lost = await context.mailboxes.lost_subscriptions()
    shown = {one.name: one for one in _with_parents(infos, lost)}
    lines = []
    for name in names:
        line = _line(context, _WITH_SUBSCRIBED, shown.get(name) or _Shown(name, None))
        if name in hidden:
            line = line.replace(b"(", b"(\\NoAccess ", 1)
        old = renamed.get(name)
        if old is not None:
            item = b' ("OLDNAME" (%b))\r\n' % context.written(old)
            line = line.removesuffix(b"\r\n") + item
        lines.append(line)
    return b"".join(lines)


def _recursive(
    names: Sequence[_Shown], matching: Sequence[_Shown], command: ListMailboxes
) -> Sequence[_Shown]:
    """Return those of ``matching`` that meet the criteria, or have names below that do.

    RFC 5258 §3.5: a name that does not meet them itself is shown only if something
    below it does that is not shown.
    """
    criteria = command.selection - {b"RECURSIVEMATCH", b"REMOTE"}
    why = tuple(sorted(name.decode("ascii") for name in criteria))
    met = {one.name for one in names if one.meets(criteria)}
    above = _parents(met)
    above_hidden = _parents(met.difference(one.name for one in matching))
    return [
        replace(one, why_shown=why if one.name in above else (), met=one.name in met)
        for one in matching
        if one.name in met or one.name in above_hidden
    ]


def _with_parents(infos: Mapping[str, Place], lost: Sequence[str]) -> Sequence[_Shown]:
    """Return every mailbox and every name above one, INBOX first, then by name.

    Args:
        lost: Subscribed names that no mailbox of the account has; others' may.
    """
    below, parents = _parents(infos), _parents([*infos, *lost])
    subscribed = {name for name in infos if infos[name].info.subscribed}.union(lost)
    names = sorted(parents.union(infos, lost), key=lambda name: (name != INBOX, name))
    return [
        _Shown(name, infos.get(name), name in below, name in subscribed)
        for name in names
    ]


def _parents(names: Iterable[str]) -> set[str]:
    """Return every name above one of ``names``."""
    parents = set()
    for name in names:
        head, slash, _ = name.rpartition(SEPARATOR)
        while slash and head not in parents:
            parents.add(head)
            head, slash, _ = head.rpartition(SEPARATOR)
    return parents


def _patterns(context: Context, command: ListMailboxes) -> Sequence[Pattern]:
    patterns = []
    for octets in command.patterns:
        try:
            reference = context.name_of(command.reference) if command.reference else ""
            pattern = context.name_of(octets) if octets else ""
        except NameEncodingError:
            continue  # what no mailbox can be called matches none
        absolute = pattern.startswith(SEPARATOR)
        patterns.append(Pattern(pattern if absolute else reference + pattern))
    return patterns


def _line(context: Context, command: ListMailboxes, one: _Shown) -> bytes:
    name = context.written(one.name)
    attributes = b" ".join(_attributes(command, one))
    line = b'* LIST (%b) "/" %b' % (attributes, name)
    if one.why_shown:
        criteria = " ".join(f'"{criterion}"' for criterion in one.why_shown)
        line += b' ("CHILDINFO" (%b))' % criteria.encode("ascii")
    return line + b"\r\n"


def _attributes(command: ListMailboxes, one: _Shown) -> list[bytes]:
    attributes = []
    if one.info is None:
        attributes.append(b"\\NonExistent")
        if not command.extended:
            # RFC 9051 §7.3.1: that one implies this one, which old clients know.
            attributes.append(b"\\Noselect")
    attributes.append(b"\\HasChildren" if one.below else b"\\HasNoChildren")
    wanted = command.returns | command.selection
    if one.subscribed and b"SUBSCRIBED" in wanted:
        attributes.append(b"\\Subscribed")
    if one.info is not None and one.info.special_use:
        attributes.append(one.info.special_use.encode("ascii"))
    return attributes
