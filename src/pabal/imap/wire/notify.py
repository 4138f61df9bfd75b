"""Arguments of NOTIFY.

Sans-IO.
Source: RFC 5465 §5, §6, §8.
"""

import enum
from dataclasses import dataclass
from typing import Final

from pabal.imap.wire.fetch import Item, parse_items
from pabal.imap.wire.grammar import Reader

GROUPS_MAX: Final = 100
"""Event groups in one NOTIFY; each is matched against every change."""


class Event(enum.Enum):
    """What a client can be told of (RFC 5465 §5)."""

    MESSAGE_NEW = b"MessageNew"
    MESSAGE_EXPUNGE = b"MessageExpunge"
    FLAG_CHANGE = b"FlagChange"
    MAILBOX_NAME = b"MailboxName"
    SUBSCRIPTION = b"SubscriptionChange"
    MAILBOX_METADATA = b"MailboxMetadataChange"
    SERVER_METADATA = b"ServerMetadataChange"


class Watched(enum.Enum):
    """Which mailboxes (RFC 5465 §6)."""

    SELECTED = b"SELECTED"
    SELECTED_DELAYED = b"SELECTED-DELAYED"
    INBOXES = b"INBOXES"
    PERSONAL = b"PERSONAL"
    SUBSCRIBED = b"SUBSCRIBED"
    SUBTREE = b"SUBTREE"
    SUBTREE_ONE = b"SUBTREE-ONE"
    MAILBOXES = b"MAILBOXES"


OF_MESSAGES: Final = frozenset(
    (Event.MESSAGE_NEW, Event.MESSAGE_EXPUNGE, Event.FLAG_CHANGE)
)
OF_SELECTED: Final = frozenset((Watched.SELECTED, Watched.SELECTED_DELAYED))
_NAMED: Final = frozenset((Watched.SUBTREE, Watched.SUBTREE_ONE, Watched.MAILBOXES))
_EVENTS: Final = {event.value.upper(): event for event in Event}


@dataclass(frozen=True, slots=True)
class Group:
    """Events of some mailboxes.

    Attributes:
        watched: Which mailboxes.
        names: Their names for SUBTREE and MAILBOXES, as sent.
        events: Which events; none for NONE.
        items: What is told of new messages of the selected mailbox.
        unknown: Whether an event nobody here knows was among them.
    """

    watched: Watched
    names: tuple[bytes, ...]
    events: frozenset[Event]
    items: tuple[Item, ...] = ()
    unknown: bool = False


@dataclass(frozen=True, slots=True)
class Notify:
    """NOTIFY: what to tell; no group at all for NOTIFY NONE.

    Attributes:
        status: Whether STATUS is told at once.
    """

    groups: tuple[Group, ...]
    status: bool = False


def parse_notify(reader: Reader) -> Notify:
    """Return the NOTIFY whose arguments come next (RFC 5465 §8, notify)."""
    reader.sp()
    if reader.take_word(b"NONE"):
        return Notify(())
    if not reader.take_word(b"SET "):
        raise reader.fail("SET or NONE")
    status = reader.take_word(b"STATUS ")
    groups = [_group(reader)]
    while reader.take_sp():
        groups.append(_group(reader))
        if len(groups) > GROUPS_MAX:
            raise reader.fail("fewer event groups")
    if sum(group.watched in OF_SELECTED for group in groups) > 1:
        raise reader.fail("SELECTED once")
    return Notify(tuple(groups), status)


def _group(reader: Reader) -> Group:
    reader.expect(b"(", "an event group")
    watched, names = parse_mailboxes(reader)
    if watched is Watched.SUBTREE_ONE:
        # RFC 7377 §2.2 has it for ESEARCH alone.
        raise reader.fail("SUBTREE")
    reader.sp()
    events: list[Event | None] = []
    items: list[Item] = []
    if reader.peek() == ord("(") or not reader.take_word(b"NONE"):
        reader.list_of(lambda: events.append(_event(reader, items)), "events")
        if not events:
            raise reader.fail("NONE or an event")
    reader.expect(b")", "a closing parenthesis")
    known = frozenset(event for event in events if event is not None)
    if items and watched not in OF_SELECTED:
        # RFC 5465 §8: elsewhere nothing but STATUS is told of new messages.
        raise reader.fail("data items for the selected mailbox alone")
    _check(reader, watched, known)
    return Group(watched, names, known, tuple(items), None in events)


def parse_mailboxes(reader: Reader) -> tuple[Watched, tuple[bytes, ...]]:
    """Consume a mailbox specifier and its names (RFC 5465 §8, filter-mailboxes)."""
    try:
        watched = Watched(reader.word("mailboxes"))
    except ValueError:
        raise reader.fail("a mailbox specifier") from None
    if watched not in _NAMED:
        return watched, ()
    reader.sp()
    if reader.peek() == ord("("):
        names = reader.list_of(reader.mailbox, "mailboxes")
        if not names:
            raise reader.fail("a mailbox")
        return watched, tuple(names)
    return watched, (reader.mailbox(),)


def _event(reader: Reader, items: list[Item]) -> Event | None:
    event = _EVENTS.get(reader.word("an event"))
    if event is Event.MESSAGE_NEW and reader.take(b" ("):
        reader.position -= 1
        items.extend(parse_items(reader))
    return event


def _check(reader: Reader, watched: Watched, events: frozenset[Event]) -> None:
    both = {Event.MESSAGE_NEW, Event.MESSAGE_EXPUNGE}
    if events & OF_MESSAGES and not events >= both:
        # RFC 5465 §5: they only come together.
        raise reader.fail("MessageNew and MessageExpunge together")
    if watched in OF_SELECTED and events - OF_MESSAGES:
        # RFC 5465 §6.1: message events alone.
        raise reader.fail("message events for the selected mailbox")
