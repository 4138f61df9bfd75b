"""What a client asked to be told of, and what of it happened since.

Sans-IO. Changes of the account come in as they happen and wait here, put together a
mailbox, until the connection may speak.
Source: RFC 5465 §5, §6.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from pabal.imap.wire.fetch import Item
from pabal.imap.wire.metadata import ENTRIES
from pabal.imap.wire.notify import OF_SELECTED, Event, Watched
from pabal.store.names import is_below
from pabal.store.ports import (
    ACCOUNT,
    SEPARATOR,
    AccountStore,
    Added,
    Annotated,
    Change,
    Expunged,
    MailboxChanged,
    MailboxEvent,
    MailboxId,
    MailboxInfo,
    Reflagged,
)

WAITING_MAX: Final = 5_000
"""Changes kept for a client that does not read; above it it is told so (§5.8)."""

_MESSAGE_EVENTS: Final[Mapping[type[Change], Event]] = {
    Added: Event.MESSAGE_NEW,
    Expunged: Event.MESSAGE_EXPUNGE,
    Reflagged: Event.FLAG_CHANGE,
}


@dataclass(frozen=True, slots=True)
class Watch:
    """A group of NOTIFY, its names read."""

    watched: Watched
    names: frozenset[str]
    events: frozenset[Event]
    items: tuple[Item, ...] = ()

    def matches(self, name: str, *, subscribed: bool) -> bool:
        """Return whether a mailbox, not as the selected one, is meant."""
        match self.watched:
            case Watched.SELECTED | Watched.SELECTED_DELAYED:
                return False
            case Watched.SUBSCRIBED:
                return subscribed
            case Watched.MAILBOXES:
                return name in self.names
            case Watched.SUBTREE_ONE:
                return name in self.names or name.rpartition(SEPARATOR)[0] in (
                    self.names
                )
            case Watched.SUBTREE:
                return name in self.names or any(
                    is_below(name, above) for above in self.names
                )
            case _:
                # RFC 5465 §6.3: what cannot be told from PERSONAL is the same.
                return True


@dataclass(frozen=True, slots=True)
class News:
    """What happened.

    Attributes:
        messages: Events of messages, a mailbox.
        boxes: What happened to mailboxes as a whole, in order.
        annotated: Annotations, a mailbox.
        overflow: Whether there was more than could be kept: all is lost.
    """

    messages: Mapping[MailboxId, frozenset[Event]]
    boxes: Sequence[MailboxChanged]
    annotated: Mapping[MailboxId, Sequence[str]]
    overflow: bool = False


class Notices:
    """Gathers changes of an account for one client.

    Attributes:
        selected_events: Of the selected mailbox.
        items: What is told of its new messages.
        delayed: Whether its expunges wait for a command.
    """

    def __init__(
        self,
        account: AccountStore,
        watches: Sequence[Watch],
        on_change: Callable[[], None],
    ) -> None:
        of_selected = [one for one in watches if one.watched in OF_SELECTED]
        self.selected_events = of_selected[0].events if of_selected else frozenset()
        self.items = of_selected[0].items if of_selected else ()
        self.delayed = any(
            one.watched is Watched.SELECTED_DELAYED for one in of_selected
        )
        self._watches = watches
        self._on_change = on_change
        self._messages: dict[MailboxId, set[Event]] = {}
        self._boxes: list[MailboxChanged] = []
        self._annotated: dict[MailboxId, dict[str, None]] = {}
        self._overflow = False
        self._stop = account.watch(self._changed)

    def close(self) -> None:
        """Stop gathering."""
        self._stop()

    def events(self, name: str, *, subscribed: bool) -> frozenset[Event]:
        """Return the events a client wants to hear of a mailbox not selected."""
        found: frozenset[Event] = frozenset()
        for watch in self._watches:
            if watch.matches(name, subscribed=subscribed):
                found |= watch.events
        return found

    def wants(self, event: Event) -> bool:
        """Return whether any group has ``event``."""
        return any(event in watch.events for watch in self._watches)

    def events_of(self, info: MailboxInfo) -> frozenset[Event]:
        """Return the events a client wants to hear of a mailbox not selected."""
        return self.events(info.name, subscribed=info.subscribed)

    @property
    def waiting(self) -> bool:
        """Whether there is something to tell."""
        return bool(self._messages or self._boxes or self._annotated or self._overflow)

    def take(self) -> News:
        """Return what happened since the last time."""
        messages = {one: frozenset(events) for one, events in self._messages.items()}
        annotated = {one: tuple(names) for one, names in self._annotated.items()}
        news = News(messages, self._boxes, annotated, self._overflow)
        self._messages, self._boxes, self._annotated = {}, [], {}
        return news

    def _changed(self, change: Change) -> None:
        if self._overflow:
            return
        if isinstance(change, MailboxChanged):
            if self._is_wanted(change):
                self._boxes.append(change)
        elif isinstance(change, Annotated):
            event = Event.MAILBOX_METADATA
            if change.mailbox_id == ACCOUNT:
                event = Event.SERVER_METADATA
            # Whatever else is kept there is ours: rights, rules of expiry.
            told = [name for name in change.names if name.startswith(ENTRIES)]
            if told and self.wants(event):
                names = self._annotated.setdefault(change.mailbox_id, {})
                names.update(dict.fromkeys(told))
        else:
            event = _MESSAGE_EVENTS[type(change)]
            if self.wants(event):
                self._messages.setdefault(change.mailbox_id, set()).add(event)
        if self.waiting:
            self._overflow = (
                len(self._boxes) + sum(map(len, self._annotated.values())) > WAITING_MAX
            )
            self._on_change()

    def _is_wanted(self, change: MailboxChanged) -> bool:
        if change.event in {MailboxEvent.SUBSCRIBED, MailboxEvent.UNSUBSCRIBED}:
            # What is not subscribed any more was, which counts (RFC 5465 §6.4).
            events = self.events(change.name, subscribed=True)
            return Event.SUBSCRIPTION in events
        events = self.events(change.name, subscribed=False)
        if change.old_name:
            events |= self.events(change.old_name, subscribed=False)
        return Event.MAILBOX_NAME in events
