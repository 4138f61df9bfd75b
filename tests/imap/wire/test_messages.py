import pytest

from pabal.base.scan import ScanError
from pabal.imap.wire.grammar import Reader
from pabal.imap.wire.messages import (
    Expunge,
    Store,
    Transfer,
    parse_store,
    parse_transfer,
    parse_uid_expunge,
)
from pabal.imap.wire.sequence import SequenceSet
from pabal.store.flags import FlagAction, FlagChange

ONE = SequenceSet(((1, 1),))


@pytest.mark.parametrize(
    ("octets", "action", "flags", "silent", "since"),
    [
        (b" 1 FLAGS ()", FlagAction.REPLACE, (), False, None),
        (b" 1 +flags.silent (\\Seen)", FlagAction.ADD, ("\\Seen",), True, None),
        (b" 1 -FLAGS a b", FlagAction.REMOVE, ("a", "b"), False, None),
        (b" 1 (UNCHANGEDSINCE 9) FLAGS (a)", FlagAction.REPLACE, ("a",), False, 9),
    ],
)
def test_store(
    octets: bytes,
    action: FlagAction,
    flags: tuple[str, ...],
    silent: bool,
    since: int | None,
) -> None:
    change = FlagChange(action, frozenset(flags))
    assert parse_store(Reader(octets), by_uid=True) == Store(
        ONE, change, silent, by_uid=True, unchanged_since=since
    )


@pytest.mark.parametrize(
    "octets", [b" 1", b" 1 FLAG ()", b" 1 +FLAGS", b" 1 (X 1) FLAGS ()", b" FLAGS ()"]
)
def test_no_store(octets: bytes) -> None:
    with pytest.raises(ScanError):
        parse_store(Reader(octets), by_uid=False)


def test_the_rest() -> None:
    assert parse_transfer(Reader(b" 1 box"), by_uid=False) == Transfer(
        ONE, b"box", by_uid=False
    )
    assert parse_uid_expunge(Reader(b" 1")) == Expunge(ONE)
