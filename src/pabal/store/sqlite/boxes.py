"""What happens to mailboxes as a whole, inside a transaction."""

from collections.abc import Sequence
from dataclasses import replace

from pabal.store.delta import Delta
from pabal.store.names import (
    LOST_SUBSCRIPTIONS_MAX,
    children,
    is_below,
    moved,
    normalise,
    parents,
)
from pabal.store.ports import (
    INBOX,
    MailboxChanged,
    MailboxEvent,
    MailboxExistsError,
    MailboxId,
    MailboxInfo,
    MailboxNameError,
    NoSuchMailboxError,
    StoreError,
    Uid,
)
from pabal.store.sqlite.ledger import Ledger
from pabal.store.sqlite.messages import expunge_all, transfer_all


def create(ledger: Ledger, name: str, special_use: str) -> list[Delta]:
    """Create ``name`` and what is missing above it; it comes last.

    Raises:
        MailboxExistsError: There is one.
        MailboxNameError: No such name can be.
    """
    name = normalise(name)
    if ledger.find(name) is not None:
        raise MailboxExistsError(f"there is a mailbox {name!r}")
    ledger.next_modseq()
    deltas = _create_parents(ledger, name)
    return [*deltas, _created(ledger, name, special_use)]


def rename(ledger: Ledger, mailbox_id: MailboxId, new: str) -> list[Delta]:
    """Rename a mailbox and those below it; INBOX only gives its messages.

    Raises:
        NoSuchMailboxError: It is gone.
        MailboxExistsError: A name is taken.
        MailboxNameError: No such name can be.
    """
    info = ledger.box(mailbox_id)
    new = normalise(new)
    if info.name == INBOX:
        deltas = create(ledger, new, "")
        target = deltas[-1].change.mailbox_id
        return deltas + transfer_all(ledger, mailbox_id, target)
    renames = _renames(ledger, info, new)
    ledger.next_modseq()
    deltas = _create_parents(ledger, new)
    # In this order no name is ever there twice, which the table insists on.
    ledger.flush()
    for box, name in renames:
        change = MailboxChanged(
            ledger.modseq, box.id, MailboxEvent.RENAMED, name, box.name
        )
        subscribed = ledger.take_subscription(name) or box.subscribed
        renamed = replace(box, name=name, subscribed=subscribed)
        deltas.append(Delta(change, ledger.put(renamed)))
        ledger.flush()
    return deltas


def remove(ledger: Ledger, mailbox_id: MailboxId) -> list[Delta]:
    """Remove a mailbox and its messages.

    Raises:
        NoSuchMailboxError: It is gone.
        MailboxNameError: INBOX stays.
    """
    info = ledger.box(mailbox_id)
    if info.name == INBOX:
        raise MailboxNameError("INBOX cannot be removed")
    modseq = ledger.next_modseq()
    expunge_all(ledger, mailbox_id)
    ledger.drop_box(info)
    ledger.connection.execute(
        "INSERT INTO removed (mailbox, name, modseq) VALUES (?, ?, ?)",
        (mailbox_id, info.name, modseq),
    )
    change = MailboxChanged(modseq, mailbox_id, MailboxEvent.REMOVED, info.name)
    return [Delta(change, None)]


def subscribe(ledger: Ledger, name: str, *, subscribed: bool) -> list[Delta]:
    """Set whether ``name`` is subscribed.

    Raises:
        NoSuchMailboxError: There is neither a mailbox nor a subscription to end.
        StoreError: Too many names without a mailbox.
    """
    name = normalise(name)
    info = ledger.find(name)
    if info is None:
        return _subscribe_lost(ledger, name, subscribed=subscribed)
    if info.subscribed == subscribed:
        return []
    event = MailboxEvent.SUBSCRIBED if subscribed else MailboxEvent.UNSUBSCRIBED
    change = MailboxChanged(ledger.next_modseq(), info.id, event, info.name)
    return [Delta(change, ledger.put(replace(info, subscribed=subscribed)))]


def _subscribe_lost(ledger: Ledger, name: str, *, subscribed: bool) -> list[Delta]:
    if not subscribed:
        if not ledger.take_subscription(name):
            raise NoSuchMailboxError(f"no mailbox {name!r}")
        return []
    execute = ledger.connection.execute
    execute("INSERT OR IGNORE INTO subscription VALUES (?)", (name,))
    count = execute("SELECT count(*) FROM subscription").fetchall()[0][0]
    if isinstance(count, int) and count > LOST_SUBSCRIPTIONS_MAX:
        raise StoreError("too many subscriptions without a mailbox")
    return []


def claim_recent(ledger: Ledger, mailbox_id: MailboxId) -> Uid:
    """Return the first UID nobody was told of; from now on everybody was.

    Raises:
        NoSuchMailboxError: The mailbox is gone.
    """
    uid_next = ledger.box(mailbox_id).uid_next
    ledger.flush()
    rows = ledger.connection.execute(
        "SELECT recent_from FROM mailbox WHERE id = ?", (mailbox_id,)
    ).fetchall()
    ledger.connection.execute(
        "UPDATE mailbox SET recent_from = ? WHERE id = ?", (uid_next, mailbox_id)
    )
    first = rows[0][0]
    return first if isinstance(first, int) else uid_next


def _renames(
    ledger: Ledger, info: MailboxInfo, new: str
) -> Sequence[tuple[MailboxInfo, str]]:
    """Return each mailbox that changes its name, parents first, and the new name."""
    if is_below(new, info.name):
        raise MailboxNameError("a mailbox cannot move below itself")
    by_name = {box.name: box for box in ledger.boxes.values()}
    affected = [info.name, *children(info.name, by_name)]
    renames = [(by_name[name], moved(name, info.name, new)) for name in affected]
    taken = by_name.keys() - set(affected)
    if new == info.name or taken & {name for _, name in renames}:
        raise MailboxExistsError(f"there is a mailbox {new!r}")
    return renames


def _create_parents(ledger: Ledger, name: str) -> list[Delta]:
    missing = [one for one in parents(name) if ledger.find(one) is None]
    return [_created(ledger, one, "") for one in missing]


def _created(ledger: Ledger, name: str, special_use: str) -> Delta:
    info = ledger.add_box(name, special_use)
    change = MailboxChanged(ledger.modseq, info.id, MailboxEvent.CREATED, name)
    return Delta(change, info)
