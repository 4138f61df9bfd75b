"""What every keyring does is in ``contract``; here is what it refuses."""

import pytest

from pabal.directory.book import Book
from pabal.directory.memory import MemoryTables
from pabal.directory.ports import DirectoryError, PublicKey
from pabal.message.address import Mailbox
from tests.directory.clock import FakeClock
from tests.directory.contract import CHEAP

ALICE = "alice@a.test"


@pytest.fixture
def book() -> Book:
    made = Book(MemoryTables(), FakeClock(), CHEAP)
    made.add_domain("a.test")
    made.add_account(Mailbox.parse(ALICE), "a long password 42")
    return made


def test_whose_they_are(book: Book) -> None:
    for wrong, complaint in (("bob@a.test", "no account"), ("alice", "not an address")):
        with pytest.raises(DirectoryError, match=complaint):
            book.keyring.change(wrong, lambda keys: keys)


def test_a_change_that_is_refused_changes_nothing(book: Book) -> None:
    key = PublicKey("ssh-ed25519", b"k")
    account = book.keyring.change(ALICE, lambda _: [key])

    def refuse(keys: object) -> list[PublicKey]:
        raise DirectoryError("no")

    with pytest.raises(DirectoryError, match="no"):
        book.keyring.change(ALICE, refuse)
    assert list(book.keyring.public_keys(account.id)) == [key]
