import ipaddress
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pabal.config.named.access import Flat, flatten
from pabal.config.named.grammar import names_in
from tests.support.configuration import checked

LISTS = (
    "acl lan { !10.0.0.1; 10.0.0.0/8; };\n"
    "acl deep { lan; 192.168/16; };\nacl loop { loop; 192.0.2.1; };\n"
)


def flat(elements: str, lists: str = LISTS, *, with_keys: bool = True) -> Flat:
    parsed = checked(f"{lists}options {{ allow-query {{ {elements} }}; }};").parsed
    acls = {s.value(): s for s in names_in(parsed.statements, "acl")}
    (options,) = names_in(parsed.statements, "options")
    return flatten(options.body()[0].body(), acls, with_keys=with_keys)


@pytest.mark.parametrize(
    ("elements", "expected"),
    [
        ("any;", ["any"]),
        ("none;", ["none"]),
        ("!any;", ["none"]),
        ("", ["none"]),
        ("!10/8; any;", ["!10.0.0.0/8", "any"]),
        ("192.0.2.1; 2001:db8::/32;", ["192.0.2.1", "2001:db8::/32"]),
        ("localhost;", ["localhost"]),
        ("lan; 192.0.2.0/24;", ["!10.0.0.1", "10.0.0.0/8", "192.0.2.0/24"]),
        ("{ 192.0.2.1; 192.0.2.2; };", ["192.0.2.1", "192.0.2.2"]),
        ("!{ 192.0.2.1; 192.0.2.2; }; any;", ["!192.0.2.1", "!192.0.2.2", "any"]),
        ("loop;", ["192.0.2.1"]),
        ("{ any; };", ["0.0.0.0/0", "::/0"]),
        ("{ none; };", ["none"]),
    ],
)
def test_lists(elements: str, expected: list[str]) -> None:
    assert flat(elements).elements == expected


def test_a_list_that_is_held_excludes_only_from_itself() -> None:
    """``{ lan; any; }`` lets 10.0.0.1 in: `any` does, whatever `lan` says."""
    elements = flat("lan; any;").elements
    assert "!10.0.0.1" not in elements
    assert elements[-1] == "any"
    assert "10.0.0.0" in elements
    assert "10.128.0.0/9" in elements


def test_what_cannot_be_kept_is_said() -> None:
    elements = 'key k; localnets; geoip country KR; nobody; "192.0.2.1"; localhost;'
    found = flat(elements, with_keys=False)
    assert found.elements == ["localhost"]
    assert len(found.lost) == 6
    assert "`key k`" in " ".join(found.lost)
    found = flat(f"!key k2; {elements}")
    assert found.elements == ["!key k2", "key k", "localhost"]
    assert len(found.lost) == 5


ELEMENT = st.sampled_from(
    ["10.0.0.1", "10.0.0.0/30", "10.0.0.4/30", "10.0.0.0/28", "any", "none", "a", "b"]
)
SIGNED = st.tuples(st.sampled_from(["", "!"]), ELEMENT).map("".join)
ELEMENTS = st.lists(SIGNED, min_size=1, max_size=4).map(lambda each: [*each])


def allows(elements: list[str], lists: dict[str, list[str]], host: int) -> bool | None:
    """Return what BIND's rule says, from its description; ``None``: nothing fits."""
    for element in elements:
        negated, word = element.startswith("!"), element.removeprefix("!")
        if word in lists:
            fits = allows(lists[word], {}, host) is True
        elif word in {"any", "none"}:
            fits, negated = True, negated is (word == "any")
        else:
            address = ipaddress.IPv4Address(0x0A00_0000 + host)
            fits = address in ipaddress.ip_network(word)
        if fits:
            return not negated
    return None


@given(ELEMENTS, ELEMENTS, ELEMENTS)
def test_the_flat_list_means_the_same(
    first: list[str], second: list[str], top: list[str]
) -> None:
    plain = [
        [e for e in each if e[-1] not in "ab"] or ["any"] for each in (first, second)
    ]
    lists = dict(zip("ab", plain, strict=True))
    text = "".join(f"acl {n} {{ {'; '.join(e)}; }};\n" for n, e in lists.items())
    found = flat("; ".join(top) + ";", text).elements
    for host in (0, 1, 3, 4, 7, 8, 15, 16, 200):
        assert allows(found, {}, host) is True or allows(top, lists, host) is not True
        assert allows(found, {}, host) is not True or allows(top, lists, host) is True


def test_pairs_of_places_are_not_mixed_up() -> None:
    elements = flat("192.0.2.3; 192.0.2.1; 192.0.2.2;").elements
    assert [a < b for a, b in pairwise(elements)] == [False, True]


def test_many_lists_in_lists_are_no_trap() -> None:
    chain = "".join(f"acl a{n} {{ a{n + 1}; a{n + 1}; }};\n" for n in range(2000))
    assert flat("a0;", chain + "acl a2000 { any; };\n").elements == ["none"]
    assert flat("a1980;", chain + "acl a2000 { any; };\n").elements == [
        "0.0.0.0/0",
        "::/0",
    ]


def test_long_lists() -> None:
    hosts = [f"10.{n >> 8}.{n & 255}.0/24" for n in range(3000)]
    assert flat("; ".join(hosts) + ";").elements == hosts


KEYED = (
    "acl in { !key out; key in; 10/8; };\nacl self { self; self; key in; };\n"
    "acl outer { in; };\nacl none-behind { key in; none; 10/8; };\n"
)


def keyed(elements: str) -> Flat:
    parsed = checked(f"{KEYED}options {{ allow-query {{ {elements} }}; }};").parsed
    acls = {s.value(): s for s in names_in(parsed.statements, "acl")}
    (options,) = names_in(parsed.statements, "options")
    return flatten(options.body()[0].body(), acls, with_keys=True)


@pytest.mark.parametrize(
    ("elements", "expected"),
    [
        ("key k; any;", ["key k", "any"]),
        ("!key k; any;", ["!key k", "any"]),
        ("in;", ["!key out", "key in", "10.0.0.0/8"]),
        ("outer;", ["!key out", "key in", "10.0.0.0/8"]),
        ("self;", ["key in"]),
        ("none-behind;", ["key in"]),
        ("{ !key k; 10/8; };", ["!key k", "10.0.0.0/8"]),
    ],
)
def test_keys_are_kept_where_there_may_be_some(
    elements: str, expected: list[str]
) -> None:
    found = keyed(elements)
    assert found.elements == expected
    assert not found.lost


def test_a_key_that_an_inner_list_excludes_is_out_altogether() -> None:
    found = keyed("in; 192.0.2.0/24;")
    assert found.elements[0] == "!key out"
    assert found.elements[-1] == "192.0.2.0/24"
    assert any("more follows" in each for each in found.lost)
