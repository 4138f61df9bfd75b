"""What is a book's alone: how often it asks its tables. The rules: ``contract.py``."""

import pytest

from pabal.directory.book import VERSION_CHECK_S, Book
from pabal.directory.memory import MemoryTables
from pabal.directory.ports import Credentials
from pabal.message.address import Mailbox
from tests.directory.clock import FakeClock
from tests.directory.contract import CHEAP


def test_an_answer_given_before_asks_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    clock = FakeClock()
    tables = MemoryTables()
    book = Book(tables, clock, CHEAP)
    book.add_domain("example.com")
    answer = book.resolve(Mailbox.parse("a@example.org"))
    with monkeypatch.context() as patch:
        patch.setattr(tables, "version", lambda: pytest.fail("asked"))
        patch.setattr(MemoryTables, "rows", property(lambda _: pytest.fail("asked")))
        assert book.resolve(Mailbox.parse("a@example.org")) is answer
    clock.time += VERSION_CHECK_S
    monkeypatch.setattr(tables, "version", lambda: -1)
    assert book.resolve(Mailbox.parse("a@example.org")) is not answer


def test_a_failed_password_is_refused_before_it_is_hashed(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    book = Book(MemoryTables(), FakeClock(), CHEAP)
    asked: Credentials = book
    assert asked.cost == CHEAP
    monkeypatch.setattr(Book, "_hash", lambda *_: pytest.fail("hashed"))
    with pytest.raises(Exception, match="add the domain first"):
        book.add_account(Mailbox.parse("a@example.com"), "x")
