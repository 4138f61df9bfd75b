from pabal.app.people import DirectoryPeople
from pabal.directory.book import Book
from pabal.directory.memory import MemoryTables
from pabal.imap.ports import People
from pabal.message.address import Mailbox
from tests.directory.clock import FakeClock
from tests.directory.contract import CHEAP


def test_accounts_by_address_and_id() -> None:
    book = Book(MemoryTables(), FakeClock(), CHEAP)
    book.add_domain("example.com")
    alice = book.add_account(Mailbox.parse("alice@example.com"), "sesame")
    people: People = DirectoryPeople(book)
    assert people.account_of("Alice@EXAMPLE.com") == alice.id
    assert people.address_of(alice.id) == "alice@example.com"
    assert people.account_of("bob@example.com") is None
    assert people.account_of("no address") is None
    book.remove_account("alice@example.com")
    assert people.address_of(alice.id) is None
