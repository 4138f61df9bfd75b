"""What a client asked to be told of, and what of it happened since.

Sans-IO. Changes of the account come in as they happen and wait here, put together a
mailbox, until the connection may speak.
Source: RFC 5465 §5, §6.
"""

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Final, NamedTuple

from pabal.imap.wire.fetch import Item
from pabal.imap.wire.metadata import ENTRIES, SHARED
from pabal.imap.wire.notify import OF_SELECTED, Event, Watched
from pabal.store.acl import PREFIX, Rights
from pabal.store.names import is_below
from pabal.store.ports import (
    ACCOUNT,
    SEPARATOR,
    AccountId,
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

    def matches(self, name: str, *, subscribed: bool, personal: bool = True) -> bool:
        """Return whether a mailbox, not as the selected one, is meant.

        Args:
            subscribed: Whether the client is subscribed to it.
            personal: Whether it is the client's own.
        """
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
                return personal


Where = tuple[AccountId, MailboxId]
"""A mailbox of anybody."""


class Seen(NamedTuple):
    """A mailbox of another account as the client was told of it.

    Attributes:
        name: What the client calls it.
        rights: What the client may do with it.
    """

    name: str
    rights: Rights


@dataclass(frozen=True, slots=True)
class News:
    """What happened.

    Attributes:
        messages: Events of messages, a mailbox.
        boxes: What happened to own mailboxes as a whole, in order.
        annotated: Annotations, a mailbox.
        owners: Other accounts whose mailboxes, or rights to them, are others now.
        overflow: Whether there was more than could be kept: all is lost.
    """

    messages: Mapping[Where, frozenset[Event]]
    boxes: Sequence[MailboxChanged]
    annotated: Mapping[Where, Sequence[str]]
    owners: Collection[AccountId]
    overflow: bool = False


@dataclass(slots=True)
class _Waiting:
    """What happened and was not taken; see ``News``."""

    messages: dict[Where, set[Event]] = field(default_factory=dict)
    boxes: list[MailboxChanged] = field(default_factory=list)
    annotated: dict[Where, dict[str, None]] = field(default_factory=dict)
    owners: dict[AccountId, None] = field(default_factory=dict)

    def __bool__(self) -> bool:
        return bool(self.messages or self.boxes or self.annotated or self.owners)

    @property
    def size(self) -> int:
        """How much is kept, but for what the number of mailboxes bounds."""
        return len(self.boxes) + sum(map(len, self.annotated.values()))


class Notices:
    """Gathers changes of an account, and of others that share, for one client.

    Attributes:
        selected_events: Of the selected mailbox.
        items: What is told of its new messages.
        delayed: Whether its expunges wait for a command.
        known: Mailboxes of others the client may look up, as it was told.
    """

    def __init__(
        self,
        owner: AccountId,
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
        self.known: dict[AccountId, Mapping[MailboxId, Seen]] = {}
        self._watches = watches
        self._on_change = on_change
        self._waiting = _Waiting()
        self._overflow = False
        changed = partial(self._changed, owner, own=True)
        self._stops = [account.watch(changed)] if watches else []

    def listen(self, owner: AccountId, account: AccountStore) -> None:
        """Gather changes of another account as well."""
        changed = partial(self._changed, owner, own=False)
        self._stops.append(account.watch(changed))

    def close(self) -> None:
        """Stop gathering."""
        for stop in self._stops:
            stop()

    def events(
        self, name: str, *, subscribed: bool, personal: bool = True
    ) -> frozenset[Event]:
        """Return the events a client wants to hear of a mailbox not selected."""
        found: frozenset[Event] = frozenset()
        for watch in self._watches:
            if watch.matches(name, subscribed=subscribed, personal=personal):
                found |= watch.events
        return found

    def wants(self, event: Event) -> bool:
        """Return whether any group has ``event``."""
        return any(event in watch.events for watch in self._watches)

    def events_of(self, info: MailboxInfo) -> frozenset[Event]:
        """Return the events a client wants to hear of an own mailbox not selected."""
        return self.events(info.name, subscribed=info.subscribed)

    @property
    def waiting(self) -> bool:
        """Whether there is something to tell."""
        return bool(self._waiting) or self._overflow

    def take(self) -> News:
        """Return what happened since the last time."""
        waiting, self._waiting = self._waiting, _Waiting()
        return News(
            {one: frozenset(events) for one, events in waiting.messages.items()},
            waiting.boxes,
            {one: tuple(names) for one, names in waiting.annotated.items()},
            tuple(waiting.owners),
            self._overflow,
        )

    def forget(self, event: MailboxEvent, names: Collection[str]) -> None:
        """Take back what the client itself did to own mailboxes (RFC 5465 §5).

        What lies below a renamed one goes with it. Not what it did to messages: their
        counters may have changed otherwise as well.
        """

        def told(one: MailboxChanged) -> bool:
            if one.event is not event:
                return False
            moved = event is MailboxEvent.RENAMED
            return one.name in names or (
                moved and any(is_below(one.name, name) for name in names)
            )

        self._waiting.boxes = [one for one in self._waiting.boxes if not told(one)]

    def _changed(self, owner: AccountId, change: Change, *, own: bool) -> None:
        if self._overflow:
            return
        if isinstance(change, MailboxChanged):
            if not own:
                self._waiting.owners[owner] = None
            elif self._is_wanted(change):
                self._waiting.boxes.append(change)
        elif isinstance(change, Annotated):
            if not own and any(name.startswith(PREFIX) for name in change.names):
                self._waiting.owners[owner] = None
            self._annotated(owner, change, ENTRIES if own else SHARED)
        else:
            event = _MESSAGE_EVENTS[type(change)]
            if self.wants(event):
                where = owner, change.mailbox_id
                self._waiting.messages.setdefault(where, set()).add(event)
        if self.waiting:
            self._overflow = self._waiting.size > WAITING_MAX
            self._on_change()

    def _annotated(
        self, owner: AccountId, change: Annotated, told: str | tuple[str, ...]
    ) -> None:
        """Note changed entries; whatever else is kept there is ours: rights, rules."""
        event = Event.MAILBOX_METADATA
        if change.mailbox_id == ACCOUNT:
            event = Event.SERVER_METADATA
        new = [name for name in change.names if name.startswith(told)]
        if new and self.wants(event):
            where = owner, change.mailbox_id
            names = self._waiting.annotated.setdefault(where, {})
            names.update(dict.fromkeys(new))

    def _is_wanted(self, change: MailboxChanged) -> bool:
        """Return whether somebody may want it; who, is seen when it is told."""
        if change.event in {MailboxEvent.SUBSCRIBED, MailboxEvent.UNSUBSCRIBED}:
            return self.wants(Event.SUBSCRIPTION)
        return self.wants(Event.MAILBOX_NAME)
