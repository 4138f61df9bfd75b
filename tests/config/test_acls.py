"""[dns.acl.NAME]: lists that have a name."""

from pathlib import Path

import dns.name
import pytest

from pabal.config.acls import EXAMPLE, acls_in, built_in, holds_everybody
from pabal.config.load import Loaded, options, parse
from pabal.dns.server.access import parse_access_list
from pabal.net.endpoint import plain_address
from pabal.net.interfaces import Own

LISTS = (
    '[dns.acl.guests]\nnetworks = ["192.0.2.66", "192.0.2.67"]\n'
    '[dns.acl.office]\nnetworks = ["!guests", "192.0.2.0/24", "2001:db8::/32"]\n'
)


def loaded(text: str) -> Loaded:
    return parse(f'hostname = "a.test"\n{text}', Path("/somewhere/pabal.toml"))


@pytest.mark.parametrize(
    ("host", "allowed"),
    [
        ("192.0.2.1", True),
        ("2001:db8::1", True),
        ("192.0.2.66", False),
        ("198.51.100.1", False),
    ],
)
def test_a_list_stands_for_what_it_holds(host: str, *, allowed: bool) -> None:
    text = '[dns]\nallow_query = "office"\nallow_transfer = ["office"]\n'
    found = loaded(text + LISTS)
    assert found.settings is not None, [p.render() for p in found.problems]
    names = found.settings.dns
    assert names.allow_query == names.allow_transfer
    access = parse_access_list(names.allow_query, "x")
    assert access.allows(plain_address(host)) is allowed


def test_it_may_be_excluded() -> None:
    text = (
        '[dns]\nallow_query = ["!office", "any"]\n[dns.view.in]\nclients = "office"\n'
    )
    found = loaded(text + LISTS)
    assert found.settings is not None, [p.render() for p in found.problems]
    access = parse_access_list(found.settings.dns.allow_query, "x")
    assert not access.allows(plain_address("192.0.2.1"))
    assert access.allows(plain_address("192.0.2.66"))
    (view,) = found.settings.dns.views
    assert view.who.clients == (
        "{!{192.0.2.66; 192.0.2.67}; 192.0.2.0/24; 2001:db8::/32}",
    )


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ('[dns]\nallow_query = "ofice"\n' + LISTS, "did you mean `office`?"),
        ('[dns]\nallow_transfer = "nobody"\n' + LISTS, "not a network"),
        ('[dns.acl.a]\nnetworks = ["b"]\n[dns.acl.b]\nnetworks = "any"\n', "network"),
        ('[dns.acl.a]\nnetworks = ["a"]\n', "not a network"),
        ('[dns.acl.a]\nnetwork = "any"\n', "did you mean `networks`?"),
        ('[dns.acl.any]\nnetworks = "any"\n', "unknown table"),
        (
            '[dns]\nallow_recursion = "all"\n[dns.acl.all]\nnetworks = "any"\n',
            "open_resolver",
        ),
    ],
)
def test_mistakes(text: str, words: str) -> None:
    (problem,) = loaded(text).problems
    assert words in problem.render()


KEYS = 'keys = ["hmac-sha256:k.test:c2VjcmV0", "hmac-sha256:bad.test:b3RoZXI="]'


def test_a_list_may_have_keys() -> None:
    text = (
        f'[dns]\n{KEYS}\nallow_query = ["!key bad.test", "ours"]\n'
        'allow_recursion = ["ours"]\nallow_transfer = ["!192.0.2.9", "key k.test"]\n'
        '[dns.acl.ours]\nnetworks = ["!192.0.2.66", "key k.test", "192.0.2.0/24"]\n'
    )
    found = loaded(text)
    assert found.settings is not None, [p.render() for p in found.problems]
    names = found.settings.dns
    key, bad = dns.name.from_text("k.test"), dns.name.from_text("bad.test")
    for elements in (names.allow_query, names.allow_recursion):
        access = parse_access_list(elements, "x")
        assert access.allows(plain_address("198.51.100.1"), key)
        assert not access.allows(plain_address("198.51.100.1"))
        assert not access.allows(plain_address("192.0.2.66"), key)
        is_asked = elements is names.allow_query
        assert access.allows(plain_address("192.0.2.1"), bad) is not is_asked
    transfers = parse_access_list(names.allow_transfer, "x")
    assert not transfers.allows(plain_address("192.0.2.9"), key)
    assert transfers.allows(plain_address("192.0.2.8"), key)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ('[dns]\nallow_query = "key nobody"\n', "there is no key nobody"),
        ('[dns]\nallow_recursion = "!key nobody"\n', "there is no key nobody"),
        ('[dns.acl.a]\nnetworks = ["10.0.0.0/8", "!key no"]\n', "there is no key no"),
        (
            (
                f'[dns]\n{KEYS}\nforward_updates = "a"\n'
                '[dns.acl.a]\nnetworks = "key k.test"\n'
            ),
            "only addresses count here",
        ),
        ('[dns]\nallow_query = "{10.0.0.0/8}"\n', "give the list a name"),
        (
            (
                '[dns.view.x]\nclients = "any"\nallow_recursion = "all"\n'
                '[dns.acl.all]\nnetworks = "any"\n'
            ),
            "anybody could use this resolver",
        ),
    ],
)
def test_mistakes_about_keys(text: str, words: str) -> None:
    (problem,) = loaded(text).problems
    assert words in problem.render()


def test_a_list_of_nothing_holds_nobody() -> None:
    found = loaded('[dns]\nallow_query = "a"\n[dns.acl.a]\nnetworks = []\n')
    assert found.settings is not None
    assert found.settings.dns.allow_query == ("{none}",)


@pytest.mark.parametrize(
    ("element", "everybody"),
    [
        ("any", True),
        ("::/0", True),
        ("!none", True),
        ("{!10.0.0.1; any}", True),
        ("{ {0.0.0.0/0}; none }", True),
        ("!any", False),
        ("!{any}", False),
        ("{!0.0.0.0/0; 10.0.0.0/8}", False),
        ("10.0.0.0/8", False),
        ("none", False),
    ],
)
def test_who_lets_everybody_in(element: str, *, everybody: bool) -> None:
    assert holds_everybody(element) is everybody


def test_it_is_in_the_manual() -> None:
    assert acls_in(["dns", "dns.acl.", "dns.acl.a", "dns.pool.b"]) == ["dns.acl.a"]
    assert [option.key for option in options()[EXAMPLE]] == ["networks"]


def test_this_machine_and_its_networks_are_lists_that_are_there() -> None:
    own = Own(("127.0.0.1", "192.0.2.2"), ("127.0.0.0/8", "192.0.2.0/24"))
    assert built_in(own) == {
        "localhost": "{127.0.0.1; 192.0.2.2}",
        "localnets": "{127.0.0.0/8; 192.0.2.0/24}",
    }
    found = loaded('[dns]\nallow_recursion = ["!localhost", "localnets"]\n')
    assert found.settings is not None
    first, second = found.settings.dns.allow_recursion
    assert first.startswith("!{127.0.0.1; ::1")
    assert second.startswith("{127.0.0.0/8; ::1")


def test_no_list_takes_the_name_of_those() -> None:
    found = loaded('[dns.acl.localnets]\nnetworks = ["any"]\n')
    assert found.settings is None
