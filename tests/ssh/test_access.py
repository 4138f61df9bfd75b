from dataclasses import replace

import pytest

from pabal.directory.book import Book
from pabal.directory.memory import MemoryTables
from pabal.directory.publickey import fingerprint, with_key
from pabal.message.address import Mailbox
from pabal.ssh.access import Access, Visitor
from pabal.ssh.settings import ConsoleSettings
from tests.directory.clock import FakeClock
from tests.directory.contract import CHEAP
from tests.support import sshkeys

ADMIN, SECOND, USER = "admin@a.test", "admin@b.test", "user@a.test"


@pytest.fixture
def book() -> Book:
    book = Book(MemoryTables(), FakeClock(), CHEAP)
    for address in (ADMIN, SECOND, USER):
        if not book.is_hosted(address.partition("@")[2]):
            book.add_domain(address.partition("@")[2])
        book.add_account(Mailbox.parse(address), "a long password 42")
    return book


def access(book: Book, *administrators: str) -> Access:
    return Access(book, book.keyring, ConsoleSettings(frozenset(administrators)))


def who(book: Book, user: str, *administrators: str) -> str:
    account = access(book, *administrators).administrator(user)
    return account.address if account else ""


def test_the_address_or_what_stands_before_the_at(book: Book) -> None:
    for user in ("admin@a.test", "Admin@A.test", "admin", "ADMIN"):
        assert who(book, user, ADMIN) == ADMIN
    for user in ("user", USER, "", "@a.test", "admin@", "a" * 1000, "root"):
        assert who(book, user, ADMIN) == ""


def test_a_short_name_that_two_have_is_nobodys(book: Book) -> None:
    assert who(book, "admin", ADMIN, SECOND) == ""
    assert who(book, SECOND, ADMIN, SECOND) == SECOND


def test_who_is_gone_or_disabled_does_not_come_in(book: Book) -> None:
    book.change_account(ADMIN, enabled=False)
    assert who(book, "admin", ADMIN) == ""
    assert who(book, "gone", "gone@a.test") == ""


def test_a_key_lets_in_whom_it_belongs_to(book: Book) -> None:
    mine, other = sshkeys.ed25519_key()[1], sshkeys.ed25519_key()[1]
    book.keyring.change(ADMIN, lambda keys: with_key(keys, mine))
    book.keyring.change(USER, lambda keys: with_key(keys, other))
    console = access(book, ADMIN)
    account = book.account_of(ADMIN)
    assert account is not None
    assert console.by_key("admin", mine.blob) == Visitor(
        account, fingerprint(mine.blob)
    )
    assert console.by_key("admin", other.blob) is None
    assert console.by_key("user", other.blob) is None, "no administrator"
    assert console.by_key("admin", replace(mine, blob=b"").blob) is None
