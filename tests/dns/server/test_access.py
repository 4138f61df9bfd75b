from ipaddress import ip_address

import dns.name
import pytest
from typing_extensions import override

from pabal.base.errors import OperatorError
from pabal.dns.server.access import (
    CLIENTS_MAX,
    Access,
    AccessList,
    Arrival,
    Rights,
    ViewAccess,
    parse_access_list,
)
from tests.support.zones import octets


def access(query: list[str], recursion: list[str]) -> Access:
    return Access(parse_access_list(query, "q"), parse_access_list(recursion, "r"))


@pytest.mark.parametrize(
    ("elements", "host", "allowed"),
    [
        (["any"], "192.0.2.1", True),
        (["any"], "2001:db8::1", True),
        (["none"], "192.0.2.1", False),
        ([], "192.0.2.1", False),
        (["localhost"], "127.9.9.9", True),
        (["localhost"], "::1", True),
        (["localhost"], "192.0.2.1", False),
        (["192.0.2.0/24"], "192.0.2.200", True),
        (["192.0.2.0/24"], "::ffff:192.0.2.200", True),
        (["2001:db8::/32"], "2001:db8::1%eth0", True),
        (["192.0.2.7"], "192.0.2.7", True),
        (["!192.0.2.7", "192.0.2.0/24"], "192.0.2.7", False),
        (["! 192.0.2.7", "192.0.2.0/24"], "192.0.2.8", True),
        (["192.0.2.0/24", "!192.0.2.7"], "192.0.2.7", True),
        (["!none"], "192.0.2.7", True),
        (["any"], "not an address", False),
        (["{192.0.2.0/24; !198.51.100.1; 198.51.100.0/24}"], "198.51.100.2", True),
        (["{192.0.2.0/24; !198.51.100.1; 198.51.100.0/24}"], "198.51.100.1", False),
        # What the inner list excludes it does not hold: the next element decides.
        (["{!198.51.100.1; any}", "198.51.100.1"], "198.51.100.1", True),
        (["!{!198.51.100.1; 198.51.100.0/24}", "any"], "198.51.100.1", True),
        (["!{!198.51.100.1; 198.51.100.0/24}", "any"], "198.51.100.2", False),
        (["{ {192.0.2.1; 192.0.2.2}; !any }"], "192.0.2.2", True),
        (["{none}"], "192.0.2.1", False),
    ],
)
def test_lists(elements: list[str], host: str, allowed: bool) -> None:
    assert access(elements, []).rights(host).query is allowed


def test_recursion_needs_query() -> None:
    lists = access(["192.0.2.0/24"], ["any"])
    assert lists.rights("192.0.2.1") == Rights(query=True, recursion=True)
    assert lists.rights("198.51.100.1") == Rights(query=False, recursion=False)


@pytest.mark.parametrize(
    "element", ["192.0.2.1/24", "everybody", "", "!", "{any", "{192.0.2.1/24}"]
)
def test_what_is_no_network_names_the_key(element: str) -> None:
    with pytest.raises(OperatorError, match=r"dns\.allow_query"):
        parse_access_list([element], "dns.allow_query")


def test_forged_addresses_do_not_grow_memory() -> None:
    lists = access(["any"], [])
    for number in range(CLIENTS_MAX + 10):
        lists.rights(f"10.{number >> 16}.{number >> 8 & 255}.{number & 255}")
    assert len(lists._known) <= CLIENTS_MAX


def test_a_client_sees_the_first_view_it_is_in() -> None:
    inside = ViewAccess(
        parse_access_list(["!10.0.0.66", "10.0.0.0/8"], "x"),
        parse_access_list(["10.0.0.0/24"], "x"),
    )
    everybody = ViewAccess(parse_access_list(["any"], "x"))
    none = parse_access_list(["none"], "x")
    access = Access(parse_access_list(["any"], "x"), none, [inside, everybody])
    assert access.rights("10.0.0.1") == Rights(query=True, recursion=True, view=1)
    assert access.rights("10.1.0.1") == Rights(query=True, recursion=False, view=1)
    assert access.rights("10.0.0.66") == Rights(query=True, recursion=False, view=2)
    alone = Access(parse_access_list(["any"], "x"), none, [inside])
    assert alone.rights("192.0.2.1").view == 0


KEY = dns.name.from_text("k.test")


def those(*elements: str) -> AccessList:
    return parse_access_list(elements, "x")


def viewing(*views: ViewAccess) -> Access:
    return Access(those("any"), those("127.0.0.0/8"), views)


@pytest.mark.parametrize(
    ("elements", "unsigned", "signed"),
    [
        (["key k.test"], False, True),
        (["key K.Test."], False, True),
        (["key other.test"], False, False),
        (["!key k.test", "any"], True, False),
        (["192.0.2.0/24", "key k.test"], True, True),
        (["{key k.test; 198.51.100.1}"], False, True),
        (["!{key k.test}", "any"], True, False),
    ],
)
def test_keys_in_lists(elements: list[str], unsigned: bool, signed: bool) -> None:
    address = ip_address("192.0.2.1")
    found = those(*elements)
    assert found.allows(address) is unsigned
    assert found.allows(address, KEY) is signed
    assert len(found.keys) == ("key" in " ".join(elements))


def test_a_view_by_key() -> None:
    access = viewing(ViewAccess(those("key k.test")), ViewAccess(those("192.0.2.0/24")))
    assert access.rights("192.0.2.1").view == 2
    assert access.rights("192.0.2.1", Arrival(key=KEY)).view == 1
    assert access.rights("198.51.100.1", Arrival(key=KEY)).view == 1
    # Nothing that is ready is signed: the driver need not ask.
    assert access.settled("192.0.2.1") == access.rights("192.0.2.1")


def test_a_view_by_the_address_asked() -> None:
    access = viewing(ViewAccess(those("any"), destinations=those("127.0.0.2")))
    assert access.by_destination
    assert access.rights("127.9.9.9", Arrival("127.0.0.2")).view == 1
    assert access.rights("127.9.9.9", Arrival("127.0.0.3")).view == 0
    assert access.rights("127.9.9.9").view == 0
    assert access.settled("127.9.9.9") is None
    settled = access.settled("127.9.9.9", "127.0.0.2")
    assert settled is not None
    assert settled.view == 1


def test_a_view_for_those_who_want_recursion() -> None:
    inside = ViewAccess(those("127.0.0.0/8"), recursive_only=True)
    access = viewing(inside)
    assert access.rights("127.0.0.1", recursive=True).view == 1
    assert access.rights("127.0.0.1").view == 0
    assert access.settled("127.0.0.1") is None
    assert access.settled("192.0.2.1") == access.rights("192.0.2.1")


def test_who_of_a_view_may_ask() -> None:
    shut = ViewAccess(those("10.0.0.0/8"), query=those("!10.0.0.9", "any"))
    access = Access(those("none"), those("any"), [shut])
    assert access.rights("10.0.0.1") == Rights(query=True, recursion=True, view=1)
    assert access.rights("10.0.0.9") == Rights(query=False, recursion=False, view=1)
    assert not access.rights("192.0.2.1").query


ONE, TWO = octets("one.test"), octets("two.test")


def test_single_zones_have_lists_of_their_own() -> None:
    wide, narrow = those("any"), those("!10.0.0.9", "10.0.0.0/8", "key k.test")
    inside = ViewAccess(those("10.1.0.0/16"))
    zones = {(0, ONE): narrow, (0, TWO): wide, (1, ONE): wide}
    held = Access(narrow, those("none"), [inside], zones=zones)
    stranger, friend = held.rights("192.0.2.1"), held.rights("10.0.0.1")
    assert stranger == Rights(query=False, recursion=False, others=frozenset({TWO}))
    assert stranger.any_query
    assert stranger.may_see(TWO)
    assert not stranger.may_see(ONE)
    assert not stranger.may_see(octets("three.test"))
    assert friend == Rights(query=True, recursion=False)
    # In a view its own list goes first.
    assert held.rights("10.1.0.1").may_see(ONE)
    key = dns.name.from_text("k.test")
    assert held.rights("192.0.2.1", Arrival(key=key)).may_see(ONE)
    assert held.rights("10.0.0.9").others is stranger.others


def test_a_thousand_zones_with_one_list_ask_it_once() -> None:
    asked = []

    class Counting(AccessList):
        @override
        def allows(self, address: object, key: object = None) -> bool:
            asked.append(address)
            return False

    zones = {(0, octets(f"z{n}.test")): Counting(()) for n in range(1000)}
    held = Access(those("any"), those("none"), zones=zones)
    assert len(held.rights("192.0.2.1").others) == 1000
    assert len(asked) == 1
