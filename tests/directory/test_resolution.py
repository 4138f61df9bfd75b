"""The rules without any table; ``contract.py`` asks them through every adapter."""

from pabal.directory.memory import MemoryRows
from pabal.directory.ports import Route
from pabal.directory.resolution import UNKNOWN, resolve
from pabal.message.address import Mailbox


def rows() -> MemoryRows:
    made = MemoryRows()
    made.add_domain("example.com")
    made.add_account("alice@example.com")
    return made


def test_one_account_reached_two_ways_gets_one_copy() -> None:
    made = rows()
    made.set_targets("both@example.com", ("alice+a@example.com", "alice+b@example.com"))
    found = resolve(made, Mailbox.parse("both@example.com")).targets
    assert [(t.account_id, t.detail) for t in found] == [(1, "a")]


def test_remote_targets_keep_their_case() -> None:
    made = rows()
    made.set_targets("x@example.com", ("Bob@Example.org", "bob@example.org"))
    found = resolve(made, Mailbox.parse("x@example.com")).targets
    assert [str(t.address) for t in found] == ["Bob@Example.org", "bob@example.org"]
    assert {t.route for t in found} == {Route.REMOTE}


def test_a_catch_all_catches_no_detail() -> None:
    made = rows()
    made.set_targets("@example.com", ("alice@example.com",))
    assert resolve(made, Mailbox.parse("x+y@example.com")).targets[0].detail == ""


def test_a_lone_plus_is_part_of_the_name() -> None:
    assert resolve(rows(), Mailbox.parse("alice+@example.com")) == UNKNOWN
    assert resolve(rows(), Mailbox.parse("+alice@example.com")) == UNKNOWN
