from pabal.store import acl
from pabal.store.flags import EVERY_FLAG, FlagScope


def test_entries_are_annotations_no_client_can_name() -> None:
    entry = acl.written("17", frozenset("srl"))
    assert entry == {"acl:17": b"lrs"}
    assert acl.written("anyone", acl.NO_RIGHTS) == {"acl:anyone": None}
    there = {"acl:17": b"lrs", "acl:-17": b"s", "/private/comment": b"x"}
    assert acl.read(there) == {"17": frozenset("lrs"), "-17": frozenset("s")}


def test_rights_are_given_and_taken() -> None:
    lists = {
        "17": frozenset("lrw"),
        "anyone": frozenset("lp"),
        "-17": frozenset("w"),
        "-anyone": frozenset("p"),
        "18": frozenset("a"),
    }
    assert acl.rights_of(lists, 17) == frozenset("lr")
    assert acl.rights_of(lists, 18) == frozenset("la")
    assert acl.rights_of(lists, 19) == frozenset("l")
    assert acl.rights_of({}, 17) == acl.NO_RIGHTS
    assert acl.shared_with(lists) == {"17", "18", "anyone"}


def test_flags_that_may_be_changed() -> None:
    assert acl.scope(acl.ALL_RIGHTS) == EVERY_FLAG
    assert acl.scope(frozenset("lrst")) == FlagScope.SEEN | FlagScope.DELETED
    assert not acl.scope(frozenset("lri"))
