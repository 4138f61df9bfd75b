"""Tests of lists of addresses on their way from BIND."""

import ipaddress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pabal.config.named.access import Flat, Lists
from pabal.config.named.grammar import names_in
from pabal.dns.server.access import parse_access_list
from tests.support.configuration import checked

LISTS = (
    "acl lan { !10.0.0.1; 10.0.0.0/8; };\n"
    "acl deep { lan; 192.168/16; };\nacl loop { loop; 192.0.2.1; };\n"
    "acl in { !key out; key k; 10/8; };\nacl nobody { none; };\n"
    "acl far { geoip country KR; 192.0.2.7; };\n"
)
KEYS = frozenset(("k", "out"))


def read(
    elements: str, lists: str = LISTS, *, with_keys: bool = True
) -> tuple[Flat, Lists]:
    parsed = checked(f"{lists}options {{ allow-query {{ {elements} }}; }};").parsed
    acls = {s.value().lower(): s for s in names_in(parsed.statements, "acl")}
    (options,) = names_in(parsed.statements, "options")
    made = Lists(acls)
    body = options.body()[0].body()
    return made.flatten(body, KEYS, with_keys=with_keys), made


@pytest.mark.parametrize(
    ("elements", "expected"),
    [
        ("any;", ["any"]),
        ("none;", ["none"]),
        ("!any;", ["none"]),
        ("!none;", ["any"]),
        ("", ["none"]),
        ("!10/8; any;", ["!10.0.0.0/8", "any"]),
        ("192.0.2.1; 2001:db8::/32;", ["192.0.2.1", "2001:db8::/32"]),
        ("localhost; !localnets;", ["localhost", "!localnets"]),
        ("lan; 192.0.2.0/24;", ["lan", "192.0.2.0/24"]),
        ("!lan; any;", ["!lan", "any"]),
        ("Lan;", ["lan"]),
        ("{ 192.0.2.1; 192.0.2.2; };", ["192.0.2.1", "192.0.2.2"]),
        ("!{ 192.0.2.1; 192.0.2.2; }; any;", ["!192.0.2.1", "!192.0.2.2", "any"]),
        ("{ any; };", ["any"]),
        ("{ none; };", ["none"]),
        ("{ none; any; }; 192.0.2.1;", ["192.0.2.1"]),
        ("key k; !key out; key gone;", ["key k", "!key out"]),
        ("!key gone; 192.0.2.1;", ["192.0.2.1"]),
    ],
)
def test_lists(elements: str, expected: list[str]) -> None:
    assert read(elements)[0].elements == expected


def test_a_list_stays_one_with_those_in_it_before_it() -> None:
    _, lists = read("deep; !{ lan; !192.0.2.1; any; }; in;")
    assert lists.tables == {
        "lan": ("!10.0.0.1", "10.0.0.0/8"),
        "deep": ("lan", "192.168.0.0/16"),
        "list": ("lan", "!192.0.2.1", "any"),
        "in": ("!key out", "key k", "10.0.0.0/8"),
    }
    assert lists.written_out(["!deep"]) == [
        "!{{!10.0.0.1; 10.0.0.0/8}; 192.168.0.0/16}"
    ]


def test_a_list_that_holds_itself_holds_the_rest() -> None:
    flat, lists = read("loop;")
    assert flat.elements == ["loop"]
    assert lists.tables["loop"] == ("192.0.2.1",)
    assert any(
        "holds itself" in lost for _, _, made in lists.made for lost in made.lost
    )


def test_names_that_a_table_cannot_have() -> None:
    lists = 'acl "a b" { 192.0.2.1; };\nacl "a.b" { 192.0.2.2; };\n'
    found, made = read('"a b"; "a.b";', lists)
    assert found.elements == ["a-b", "a-b-2"]
    assert set(made.tables) == {"a-b", "a-b-2"}


def test_where_no_keys_count_a_list_has_none() -> None:
    found, made = read("in; lan;", with_keys=False)
    assert made.tables["in"] == ("!key out", "key k", "10.0.0.0/8")
    assert found.elements == ["in-addresses", "lan"]
    # Who is kept out by key comes first: without that nothing behind it holds.
    assert made.tables["in-addresses"] == ("none",)
    assert read("key k; 10/8;", with_keys=False)[0].elements == ["10.0.0.0/8"]


def test_what_cannot_be_kept_is_said_and_lets_nobody_in() -> None:
    found, _ = read("geoip country KR; missing; 192.0.2.1;")
    assert found.elements == ["192.0.2.1"]
    assert len(found.lost) == 2
    for elements in ("!geoip country KR; any;", "!missing; any;", "!far; any;"):
        found, _ = read(elements)
        assert found.elements == ["none"]
        assert "nothing behind it is taken over" in " ".join(found.lost)


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


@given(ELEMENTS, ELEMENTS, ELEMENTS, st.booleans())
def test_the_list_means_the_same(
    first: list[str], second: list[str], top: list[str], inline: bool
) -> None:
    plain = [
        [e for e in each if e[-1] not in "ab"] or ["any"] for each in (first, second)
    ]
    lists = dict(zip("ab", plain, strict=True))
    text = "".join(f"acl {n} {{ {'; '.join(e)}; }};\n" for n, e in lists.items())
    said = "; ".join(top) + ";"
    if inline:
        for name, inner in lists.items():
            braces = f"{{ {'; '.join(inner)}; }};"
            said = said.replace(f"!{name};", f"!{braces}").replace(f"{name};", braces)
    found, made = read(said, text)
    parsed = parse_access_list(made.written_out(found.elements), "test")
    for host in (0, 1, 3, 4, 7, 8, 15, 16, 200):
        address = ipaddress.IPv4Address(0x0A00_0000 + host)
        assert parsed.allows(address) is (allows(top, lists, host) is True)


def test_many_lists_in_lists_are_no_trap() -> None:
    chain = "".join(f"acl a{n} {{ a{n + 1}; a{n + 1}; }};\n" for n in range(2000))
    found, made = read("a0;", chain + "acl a2000 { any; };\n")
    assert found.elements == ["a0"]
    assert len(made.tables) == 50
    assert made.tables["a49"] == ("none",)
    deep = "{ " * 200 + "any; " + "}; " * 200
    assert read(deep)[0].elements == ["none"]


def test_long_lists() -> None:
    hosts = [f"10.{n >> 8}.{n & 255}.0/24" for n in range(3000)]
    assert read("; ".join(hosts) + ";")[0].elements == hosts
    assert len(read("192.0.2.1; " * 10_001)[0].lost) == 1
