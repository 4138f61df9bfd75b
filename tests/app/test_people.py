from pabal.app.people import DirectoryPeople, DirectoryQuotas
from pabal.directory.book import Book
from pabal.directory.memory import MemoryTables
from pabal.directory.ports import NO_QUOTA, Quota
from pabal.imap.ports import People, QuotaDesk
from pabal.message.address import Mailbox
from pabal.store.limits import Limits
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


async def test_administrators_set_quotas() -> None:
    book = Book(MemoryTables(), FakeClock(), CHEAP)
    book.add_domain("example.com")
    alice = book.add_account(Mailbox.parse("alice@example.com"), "sesame")
    bob = book.add_account(Mailbox.parse("bob@example.com"), "sesame")
    desk: QuotaDesk = DirectoryQuotas(book, frozenset(("bob@example.com",)))
    assert desk.may_set(bob.id)
    assert not desk.may_set(alice.id)
    assert not DirectoryQuotas(book).may_set(bob.id)
    await desk.set_limits(alice.id, Limits(1024, 7))
    assert book.quota(alice.id) == Quota(1024, 7)
    await desk.set_limits(alice.id, Limits())
    assert book.quota(alice.id) is NO_QUOTA
    await desk.set_limits(99, Limits(1, 1))
    book.remove_account("bob@example.com")
    assert not desk.may_set(bob.id)
