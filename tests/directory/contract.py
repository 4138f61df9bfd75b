"""What every directory does, whatever it keeps its rows in."""

from collections.abc import Callable, Iterator

import pytest

from pabal.directory.book import Book
from pabal.directory.credential import HashCost, matches
from pabal.directory.ports import (
    NO_QUOTA,
    Directory,
    DirectoryAdmin,
    DirectoryError,
    PublicKey,
    Quota,
    Route,
    Tables,
    Target,
)
from pabal.message.address import Mailbox
from tests.directory.clock import FakeClock

CHEAP = HashCost(memory_kib=8, passes=1, scram_iterations=4096)
"""Tests hash hundreds of passwords."""

Opener = Callable[[], Tables]


def box(text: str) -> Mailbox:
    return Mailbox.parse(text)


class DirectoryContract:
    @pytest.fixture
    def clock(self) -> FakeClock:
        return FakeClock()

    @pytest.fixture
    def book(self, opener: Opener, clock: FakeClock) -> Iterator[Book]:
        book = Book(opener(), clock, CHEAP)
        book.add_domain("example.com")
        yield book
        book.close()

    @pytest.fixture
    def other(self, book: Book, opener: Opener, clock: FakeClock) -> Iterator[Book]:
        """The same directory as another process sees it."""
        other = Book(opener(), clock, CHEAP)
        yield other
        other.close()

    def finals(self, book: Book, address: str) -> list[str]:
        return [
            f"{t.address}{'/' * bool(t.detail)}{t.detail}"
            for t in book.resolve(box(address)).targets
        ]

    def test_public_keys_are_an_accounts_own(
        self, book: Book, other: Book, clock: FakeClock
    ) -> None:
        one = book.add_account(box("a@example.com"), "a long password 42")
        two = book.add_account(box("b@example.com"), "a long password 42")
        keys = [PublicKey("ssh-ed25519", bytes([n]) * 51, f"k{n}") for n in range(3)]
        changed = book.keyring.change("A@example.com", lambda old: (*old, *keys))
        assert changed == one
        book.keyring.change("b@example.com", lambda _: keys[:1])
        assert list(other.keyring.public_keys(one.id)) == keys
        book.keyring.change("a@example.com", lambda old: old[1:])
        assert list(other.keyring.public_keys(one.id)) == keys[1:]
        assert list(other.keyring.public_keys(two.id)) == keys[:1]
        with pytest.raises(DirectoryError, match="no account"):
            book.keyring.change("c@example.com", lambda old: old)

    def test_public_keys_go_with_their_account(self, book: Book) -> None:
        account = book.add_account(box("a@example.com"), "a long password 42")
        key = PublicKey("ssh-ed25519", b"k" * 51)
        book.keyring.change("a@example.com", lambda old: (*old, key))
        book.remove_account("a@example.com")
        assert list(book.keyring.public_keys(account.id)) == []

    def test_quotas_are_in_force_everywhere_at_once(
        self, book: Book, other: Book, clock: FakeClock
    ) -> None:
        account = book.add_account(box("a@example.com"), "a long password 42")
        assert book.quota(account.id) is NO_QUOTA
        assert book.quota(99) is NO_QUOTA
        assert other.quota(account.id) is NO_QUOTA
        changed = book.change_account("a@example.com", quota_messages=5)
        assert (changed.quota_octets, changed.quota_messages) == (0, 5)
        assert book.quota(account.id) == Quota(0, 5)
        clock.time += 1
        assert other.quota(account.id) == Quota(0, 5)
        book.change_account("a@example.com", quota_octets=10)
        assert book.quota(account.id) == Quota(10, 5)
        book.change_account("a@example.com", quota_octets=0, quota_messages=0)
        assert book.quota(account.id) is NO_QUOTA
        with pytest.raises(DirectoryError, match="not negative"):
            book.change_account("a@example.com", quota_messages=-1)

    def test_is_what_the_ports_say(self, book: Book) -> None:
        asked: Directory = book
        changed: DirectoryAdmin = book
        assert asked.domains() == ["example.com"]
        assert changed.aliases() == []

    def test_domains_in_any_spelling(self, book: Book) -> None:
        book.add_domain("한국.test")
        assert book.is_hosted("EXAMPLE.com")
        assert book.is_hosted("한국.TEST")
        assert not book.is_hosted("example.org")
        assert not book.is_hosted("..")
        assert book.domains() == ["example.com", "xn--3e0b707e.test"]

    def test_account(self, book: Book) -> None:
        account = book.add_account(box("Alice@Example.COM"), "correct horse")
        assert account.address == "alice@example.com"
        assert book.account(account.id) == account
        assert book.account_of("ALICE@example.com") == account
        assert book.account_of("not an address") is None
        assert book.account(account.id + 1) is None
        assert book.accounts() == [account]

    def test_resolves_an_account(self, book: Book) -> None:
        account = book.add_account(box("alice@example.com"), "x")
        resolution = book.resolve(box("ALICE@example.COM"))
        assert resolution.route is Route.LOCAL
        assert list(resolution.targets) == [
            Target(Route.LOCAL, box("alice@example.com"), account.id)
        ]

    def test_korean_local_part_in_any_composition(self, book: Book) -> None:
        account = book.add_account(box("한글@example.com"), "x")
        decomposed = "\u1112\u1161\u11ab\u1100\u1173\u11af@example.com"
        assert book.resolve(box(decomposed)).targets[0].account_id == account.id

    def test_subaddress(self, book: Book) -> None:
        book.add_account(box("alice@example.com"), "x")
        assert self.finals(book, "alice+News.Daily@example.com") == [
            "alice@example.com/News.Daily"
        ]

    def test_the_more_exact_entry_wins(self, book: Book) -> None:
        book.add_account(box("alice@example.com"), "x")
        book.add_account(box("bob@example.com"), "x")
        book.add_alias("@example.com", ["bob@example.com"])
        book.add_alias("alice+work@example.com", ["bob@example.com"])
        assert self.finals(book, "alice+work@example.com") == ["bob@example.com"]
        assert self.finals(book, "alice+home@example.com") == ["alice@example.com/home"]
        assert self.finals(book, "nobody@example.com") == ["bob@example.com"]

    def test_unknown_and_remote(self, book: Book) -> None:
        assert book.resolve(box("x@example.com")).route is Route.UNKNOWN
        assert book.resolve(box("x@example.com")).targets == ()
        elsewhere = book.resolve(box("X@example.org"))
        assert elsewhere.route is Route.REMOTE
        assert [t.address for t in elsewhere.targets] == [box("X@example.org")]
        assert book.resolve(box("x@[192.0.2.1]")).route is Route.REMOTE

    def test_alias_chain_to_many(self, book: Book) -> None:
        book.add_account(box("alice@example.com"), "x")
        book.add_account(box("bob@example.com"), "x")
        book.add_alias("team@example.com", ["alice@example.com", "all@example.com"])
        book.add_alias("all@example.com", ["Bob@example.com", "Case@example.org"])
        book.add_alias("all@example.com", ["alice@example.com"])
        resolution = book.resolve(box("TEAM@example.com"))
        assert resolution.route is Route.LOCAL
        assert self.finals(book, "team@example.com") == [
            "alice@example.com",
            "bob@example.com",
            "Case@example.org",
        ]

    def test_alias_carries_the_subaddress(self, book: Book) -> None:
        book.add_account(box("alice@example.com"), "x")
        book.add_alias("shop@example.com", ["alice@example.com"])
        book.add_alias("list@example.com", ["alice+list@example.com"])
        assert self.finals(book, "shop+a@example.com") == ["alice@example.com/a"]
        assert self.finals(book, "list+a@example.com") == ["alice@example.com/list"]

    def test_loops_end(self, book: Book) -> None:
        book.add_account(box("alice@example.com"), "x")
        book.add_alias("a@example.com", ["b@example.com"])
        book.add_alias("b@example.com", ["a@example.com"])
        assert book.resolve(box("a@example.com")).route is Route.UNKNOWN
        book.add_alias("b@example.com", ["alice@example.com"])
        assert self.finals(book, "a@example.com") == ["alice@example.com"]

    def test_a_chain_deeper_than_python(self, book: Book) -> None:
        book.add_account(box("alice@example.com"), "x")
        with book._change() as rows:
            for step in range(1200):
                rows.set_targets(f"a{step}@example.com", (f"a{step + 1}@example.com",))
            rows.set_targets("a1200@example.com", ("alice@example.com",))
        assert self.finals(book, "a0@example.com") == ["alice@example.com"]

    def test_postmaster_is_always_there(self, book: Book) -> None:
        assert book.resolve(box("postmaster@example.com")).route is Route.UNKNOWN
        first = book.add_account(box("zoe@example.com"), "x")
        book.add_account(box("alice@example.com"), "x")
        assert self.finals(book, "PostMaster@example.com") == ["zoe@example.com"]
        book.change_account(first.address, enabled=False)
        assert self.finals(book, "postmaster@example.com") == ["alice@example.com"]
        book.add_alias("postmaster@example.com", ["x@example.org"])
        assert self.finals(book, "postmaster@example.com") == ["x@example.org"]

    def test_disabled_account_receives_nothing(self, book: Book) -> None:
        book.add_account(box("alice@example.com"), "x")
        book.add_alias("@example.com", ["y@example.org"])
        changed = book.change_account("Alice@example.com", enabled=False)
        assert not changed.enabled
        assert book.account_of("alice@example.com") == changed
        assert book.resolve(box("alice@example.com")).route is Route.UNKNOWN

    def test_quota(self, book: Book) -> None:
        book.add_account(box("alice@example.com"), "x")
        assert book.change_account("alice@example.com", quota_octets=5).enabled
        assert book.accounts()[0].quota_octets == 5
        with pytest.raises(DirectoryError, match="negative"):
            book.change_account("alice@example.com", quota_octets=-1)

    def test_may_send_as(self, book: Book) -> None:
        alice = book.add_account(box("alice@example.com"), "x").id
        bob = book.add_account(box("bob@example.com"), "x").id
        book.add_alias("team@example.com", ["alice@example.com", "z@example.org"])
        assert book.may_send_as(alice, box("Alice+x@example.com"))
        assert book.may_send_as(alice, box("team@example.com"))
        assert not book.may_send_as(bob, box("team@example.com"))
        assert not book.may_send_as(bob, box("alice@example.com"))
        assert not book.may_send_as(alice, box("alice@example.org"))
        assert not book.may_send_as(alice, box("nobody@example.com"))

    def test_ids_are_never_reused(self, book: Book) -> None:
        first = book.add_account(box("alice@example.com"), "x")
        assert book.remove_account("alice@example.com") == first
        second = book.add_account(box("alice@example.com"), "x")
        assert second.id > first.id
        assert book.credential(first.id) is None

    def test_password(self, book: Book) -> None:
        account = book.add_account(box("alice@example.com"), "first")
        before = book.credential(account.id)
        book.set_password("alice@example.com", "비밀번호")
        after = book.credential(account.id)
        assert before
        assert after
        assert matches(before.argon2, "first")
        assert matches(after.argon2, "비밀번호")
        assert not matches(after.argon2, "first")
        assert after.scram.iterations == CHEAP.scram_iterations

    @pytest.mark.parametrize("bad", ["", "a\x07b", "x" * 1025])
    def test_bad_password_changes_nothing(self, book: Book, bad: str) -> None:
        with pytest.raises(DirectoryError, match="The password"):
            book.add_account(box("alice@example.com"), bad)
        assert book.accounts() == []

    def test_refuses_what_is_there_or_missing(self, book: Book) -> None:
        book.add_account(box("alice@example.com"), "x")
        book.add_alias("info@example.com", ["alice@example.com"])
        with pytest.raises(DirectoryError, match="hosted already"):
            book.add_domain("Example.com")
        with pytest.raises(DirectoryError, match="not a domain"):
            book.add_domain("a..b")
        with pytest.raises(DirectoryError, match="already"):
            book.add_account(box("ALICE@example.com"), "x")
        with pytest.raises(DirectoryError, match="is an alias"):
            book.add_account(box("info@example.com"), "x")
        with pytest.raises(DirectoryError, match="add the domain first"):
            book.add_account(box("a@example.org"), "x")
        with pytest.raises(DirectoryError, match="no account"):
            book.set_password("b@example.com", "x")
        with pytest.raises(DirectoryError, match="no account"):
            book.remove_account("info@example.com")
        with pytest.raises(DirectoryError, match="not an address"):
            book.remove_account("alice")

    def test_refuses_aliases_that_make_no_sense(self, book: Book) -> None:
        book.add_account(box("alice@example.com"), "x")
        with pytest.raises(DirectoryError, match="is an account"):
            book.add_alias("alice@example.com", ["b@example.com"])
        with pytest.raises(DirectoryError, match="itself"):
            book.add_alias("a@example.com", ["A@example.com"])
        with pytest.raises(DirectoryError, match="at least one"):
            book.add_alias("a@example.com", [])
        with pytest.raises(DirectoryError, match="not an address"):
            book.add_alias("a@example.com", ["@example.com"])
        with pytest.raises(DirectoryError, match="add the domain"):
            book.add_alias("@example.org", ["a@example.com"])
        with pytest.raises(DirectoryError, match="more than"):
            book.add_alias("a@example.com", [f"b{i}@example.org" for i in range(1001)])
        with pytest.raises(DirectoryError, match="no alias"):
            book.remove_alias("a@example.com")

    def test_aliases_are_listed_and_removed(self, book: Book) -> None:
        book.add_alias("B@example.com", ["X@example.org", "a@example.com"])
        book.add_alias("@Example.com", ["a@example.org"])
        assert [(a.address, tuple(a.targets)) for a in book.aliases()] == [
            ("@example.com", ("a@example.org",)),
            ("b@example.com", ("X@example.org", "a@example.com")),
        ]
        book.remove_alias("b@EXAMPLE.com")
        book.remove_alias("@example.com")
        assert book.aliases() == []

    def test_a_domain_goes_when_it_is_empty(self, book: Book) -> None:
        book.add_account(box("alice@example.com"), "x")
        book.add_alias("@example.com", ["alice@example.com"])
        with pytest.raises(DirectoryError, match="still has 1 account:"):
            book.remove_domain("example.com")
        book.remove_account("alice@example.com")
        book.remove_domain("example.com")
        assert book.domains() == []
        assert book.aliases() == []
        assert book.resolve(box("alice@example.com")).route is Route.REMOTE
        with pytest.raises(DirectoryError, match="not hosted"):
            book.remove_domain("example.com")

    def test_own_change_is_seen_at_once(self, book: Book) -> None:
        assert book.resolve(box("alice@example.com")).route is Route.UNKNOWN
        book.add_account(box("alice@example.com"), "x")
        assert book.resolve(box("alice@example.com")).route is Route.LOCAL

    def test_a_change_elsewhere_is_seen_within_a_second(
        self, book: Book, other: Book, clock: FakeClock
    ) -> None:
        account = book.add_account(box("alice@example.com"), "x")
        assert other.resolve(box("alice@example.com")).route is Route.LOCAL
        before = other.credential(account.id)
        book.set_password("alice@example.com", "y")
        book.add_alias("b@example.com", ["alice@example.com"])
        clock.time += 1
        assert other.credential(account.id) != before
        assert other.may_send_as(account.id, box("b@example.com"))
        book.remove_account("alice@example.com")
        clock.time += 1
        assert other.resolve(box("alice@example.com")).route is Route.UNKNOWN
        assert other.secret == book.secret

    def test_strangers_cannot_fill_memory(
        self, book: Book, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr("pabal.directory.book.ANSWERS_MAX", 10)
        for number in range(25):
            book.resolve(box(f"x{number}@example.com"))
            book.credential(number)
        assert len(book._answers) <= 10
        assert len(book._credentials) <= 10
