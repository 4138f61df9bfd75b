from pabal.store.counts import Counts, count
from pabal.store.flags import DELETED, SEEN
from pabal.store.flagtable import FlagTable
from pabal.store.ports import MailboxInfo

INFO = MailboxInfo(1, "a", "\\Sent", True, 5, 7, 9, 10, 4, 2, 1_000)  # subscribed


def test_counting() -> None:
    table = FlagTable()
    seen = table.intern(frozenset({SEEN}))
    deleted = table.intern(frozenset({DELETED}))
    counted = count([0, seen, seen, deleted], table, 77)
    assert counted == Counts(4, 2, 1, 77)
    assert counted - counted == Counts()


def test_added_to() -> None:
    added = Counts(1, 1, 0, 50).added_to(INFO, 10, 8)
    assert (added.uid_next, added.highest_modseq) == (8, 10)
    assert (added.message_count, added.unseen_count) == (11, 5)
    assert (added.deleted_count, added.size_octets) == (2, 1_050)
    assert (added.name, added.special_use, added.uid_validity) == ("a", "\\Sent", 5)
    gone = (-Counts(1, 1, 0, 50)).added_to(added, 9)
    assert (gone.message_count, gone.unseen_count, gone.uid_next) == (10, 4, 8)
