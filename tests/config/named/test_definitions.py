import pytest

from tests.support.configuration import said

KEY = 'key k { algorithm hmac-sha256; secret "c2VjcmV0"; };\n'


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (
            "acl lan { any; };\noptions { allow-query { lna; }; };",
            ["2:25: no acl named `lna` is defined; did you mean `lan`?"],
        ),
        (
            "options { allow-query { office; }; };",
            ["1:25: no acl named `office` is defined; define it: acl office { … };"],
        ),
        (
            "acl a { any; };\nacl A { any; };",
            ["2:5: the acl `A` was defined before, in named.conf:1; keep one"],
        ),
        ("acl any { none; };", ["1:5: `any` is built in; take another name"]),
        (
            "options { allow-transfer { key nobody; }; };",
            [
                (
                    "1:32: warning: no key named `nobody` is defined;"
                    " define it: `tsig-keygen nobody` prints it"
                )
            ],
        ),
        (
            "server 192.0.2.1 { keys other; };\n" + KEY,
            [
                (
                    "1:25: no key named `other` is defined; define it:"
                    " `tsig-keygen other` prints it"
                )
            ],
        ),
        (
            "controls { inet * allow { any; } keys { kk; }; };",
            [
                (
                    "1:41: no key named `kk` is defined; define it:"
                    " `tsig-keygen kk` prints it"
                )
            ],
        ),
        (
            "key k { algorithm hmac-sha265; };",
            [
                "1:5: the key `k` has no secret; add `secret …;`",
                "1:19: unknown algorithm `hmac-sha265`; did you mean `hmac-sha256`?",
            ],
        ),
        (
            "logging { category querys { qq; }; };",
            [
                "1:20: unknown category `querys`; did you mean `queries`?",
                (
                    "1:29: no channel named `qq` is defined; define it in"
                    " `logging`: channel qq { … };"
                ),
            ],
        ),
        (
            'zone "a" { type secondary; primaries { mine; }; };',
            [
                (
                    "1:40: no list of primaries named `mine` is defined;"
                    " define it: primaries mine { … };"
                )
            ],
        ),
        (
            "options { dnssec-policy strict; };",
            [
                (
                    "1:25: no DNSSEC policy named `strict` is defined;"
                    " define it, or write `default`"
                )
            ],
        ),
        (
            "options { listen-on tls mine { any; }; };",
            ["1:25: no tls named `mine` is defined; define it: tls mine { … };"],
        ),
        (
            'view v { zone "a" { in-view w; }; };',
            ["1:29: no view named `w` is defined; define that view before this one"],
        ),
    ],
)
def test_names(text: str, expected: list[str]) -> None:
    assert said(text) == expected


def test_what_is_defined_may_be_used_before() -> None:
    text = (
        "options { allow-query { lan; localnets; key k; }; dnssec-policy p; };\n"
        "server 192.0.2.1 { keys { k; }; };\n"
        "acl lan { 10/8; };\ndnssec-policy p { };\n" + KEY
    )
    assert said(text) == []


def test_keys_of_views() -> None:
    assert said("view v { server 192.0.2.1 { keys k; }; " + KEY + "};") == []


def test_a_policy_that_is_used_is_not_defined() -> None:
    assert said("view v { dnssec-policy default; };") == []
