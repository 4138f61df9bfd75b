"""What is said about the mistakes people make in a named.conf."""

import pytest

from pabal.config.named.check import check
from pabal.config.problem import Problem, Span
from tests.support.configuration import MemoryFiles, checked, problems, said

GOOD = """
// a server
acl lan { 10.0.0.0/8; !10.0.0.1; localhost; };
options {
    directory "/var/cache/bind";   # here
    allow-query { lan; key "k"; ! 192.0.2.1; { 2001:db8::/32; any; }; };
    forwarders port 5353 { 192.0.2.53; 2001:db8::53 port 53; };
    listen-on-v6 { none; };
    rrset-order { type A name "www.example.com" order fixed; order cyclic; };
    max-cache-size 90%; max-cache-ttl 1h30m; stale-answer-ttl P1D;
};
key k { algorithm hmac-sha256; secret "c2VjcmV0"; };
logging {
    channel q { file "q.log" versions 3 size 5m; severity dynamic; print-time yes; };
    category queries { q; default_debug; };
};
zone "example.com" IN { type primary; file "example.com.zone"; };
zone "example.org" { type slave; masters { 192.0.2.1 key k; }; };
controls { inet 127.0.0.1 port 953 allow { localhost; } keys { k; }; };
"""
HERE = {"/var/cache/bind/example.com.zone": ""}


def test_a_good_configuration_is_good() -> None:
    assert said(GOOD, HERE) == []
    assert checked(GOOD, HERE).files == 1


# Table 3.2: what BIND, NSD and Unbound say today, and what we say.


def test_missing_semicolon_is_shown_behind_its_token() -> None:
    """BIND: ``b.conf:3: missing ';' before 'recursion'``, one line late."""
    text = 'options {\n    directory "/x"\n    recursion yes;\n};\n'
    assert said(text) == ['2:19: a `;` is missing after "/x"; insert `;`']
    (problem,) = problems(text)
    assert problem.render() == (
        'named.conf:2:19: a `;` is missing after "/x"; insert `;`\n'
        '    2 |     directory "/x"\n'
        "      |                   ^"
    )


def test_missing_semicolon_after_a_brace() -> None:
    """BIND: ``c.conf:6: missing ';' before 'zone'``, two lines late."""
    text = (
        'options {\n  directory "/x";\n  recursion yes;\n}\n\n'
        'zone "a" { type secondary; primaries { 192.0.2.1; }; };\n'
    )
    assert said(text) == ["4:2: a `;` is missing after `}`; insert `;`"]


def test_unclosed_brace_is_shown_at_its_opening() -> None:
    """BIND: ``unknown option 'zone'`` and ``'}' expected near end of file``."""
    text = (
        "// a\n// b\n\noptions {\n  recursion yes;\n\n"
        'zone "a" { type forward; };\nzone "b" { type forward; };\n'
    )
    assert said(text) == ["4:9: this `{` is never closed; insert `};` before line 7"]


def test_misspelt_statement() -> None:
    """BIND: ``d.conf:3: unknown option 'allow-qurey'``, no suggestion."""
    text = "options {\n    recursion yes;\n    allow-qurey { any; };\n};\n"
    assert said(text) == [
        "3:5: unknown statement `allow-qurey` in `options`; did you mean `allow-query`?"
    ]
    assert problems(text)[0].span.length == len("allow-qurey")


def test_one_typo_is_one_mistake() -> None:
    """Unbound: three errors for ``rrset-roundrobbin: yes``."""
    text = "options {\n    rrset-oder: { order fixed; };\n};\n"
    assert said(text) == [
        "2:5: unknown statement `rrset-oder:` in `options`; did you mean `rrset-order`?"
    ]
    text = "options {\n    rrset-roundrobbin: yes;\n    recursion yes;\n};\n"
    assert said(text) == [
        (
            "2:5: unknown statement `rrset-roundrobbin:` in `options`; "
            "names stand without `:` here"
        )
    ]


# More mistakes

SYNTAX = [
    (
        "options { listen-on { 127.0.0.1, 10.0.0.1; }; };",
        ["1:32: `,` separates nothing here; write `;`"],
    ),
    (
        "options ( recursion yes; );",
        ["1:9: `(` is no brace; write `{`", "1:26: `)` is no brace; write `}`"],
    ),
    (
        "options { allow-query { any; ]; };",
        ["1:30: `]` is no brace; write `}`"],
    ),
    (
        "options {\n  -- a comment\n  recursion yes;\n};",
        [("2:3: `--` begins no statement; a comment begins with `//` or `#`")],
    ),
    (
        "options { directory '/x'; };",
        ['1:21: only double quotes make a text; write "/x"'],
    ),
    (
        "options { recursion on; };",
        ["1:21: `on` is neither yes nor no; did you mean `yes`?"],
    ),
    (
        "options { recursion = yes; };",
        ["1:21: `=` does not belong here; remove it"],
    ),
    (
        "options { recursion; };",
        ["1:20: `recursion` needs yes or no behind it; write `recursion yes;`"],
    ),
    (
        "options {\n recursion\n version none;\n};",
        ["2:11: `recursion` needs yes or no behind it; write `recursion yes;`"],
    ),
    (
        'options { directory "/x" recursion yes; };',
        ['1:25: a `;` is missing after "/x"; insert `;`'],
    ),
    (
        'options { directory "/x" yes; };',
        ["1:26: `yes` is left over after `directory`; remove it"],
    ),
    (
        "options { directory /var/bind; };",
        ['1:21: this text needs quotes; write "/var/bind"'],
    ),
    (
        "options { listen-on { 192.0.2.300; }; };",
        ["1:23: 192.0.2.300 is not an address: 300 is more than 255"],
    ),
    (
        "options { allow-query { 10.0.0.1/8; 10.1; }; };",
        [
            (
                "1:25: 10.0.0.1 has more digits than a prefix of 8 bits keeps; "
                "write 10.0.0.0/8"
            ),
            "1:37: `10.1` is not an address: it needs four numbers",
        ],
    ),
    (
        "options { allow-query { 10.0.0.1 10.0.0.2; }; };",
        ["1:33: a `;` is missing after `10.0.0.1`; insert `;`"],
    ),
    (
        "options { allow-query { any }; };",
        ["1:28: a `;` is missing after `any`; insert `;`"],
    ),
    (
        "options { allow-query any; };",
        ["1:23: `allow-query` takes a list in braces; write `{ any; }`"],
    ),
    (
        "options { allow-query any; }; };",
        ["1:22: a `{` is missing; insert `{`"],
    ),
    ("options\n recursion yes;\n};", ["1:8: a `{` is missing; insert `{`"]),
    (
        "options { recursion { yes; }; };",
        ["1:21: `recursion` takes yes or no here, no braces"],
    ),
    (
        "options { forwarders { 192.0.2.1 prot 53; }; };",
        ["1:34: unknown word `prot`; did you mean `port`?"],
    ),
    (
        "options { listen-on port 70000 { any; }; };",
        ["1:26: 70000 is not a port; a port is at most 65535"],
    ),
    (
        "options { max-cache-ttl 3x; max-cache-size 12Q; };",
        [
            "1:25: `3x` is not a length of time; like 3600, 1h30m or P1D",
            (
                "1:44: `max-cache-size` takes `default`, `unlimited`, a size like 64M "
                "or a percentage, not `12Q`"
            ),
        ],
    ),
    (
        'options { version "x" ; ; };',
        ["1:25: `;` stands here without a statement; remove it"],
    ),
    ("options { };\n};\n", ["2:1: nothing is open here; remove it"]),
    (
        'zone "a" { type forward; }; forwarders { 192.0.2.1; }; };',
        [
            (
                "1:26: `zone` ends here, but `forwarders` in line 1 is its own; "
                "remove this `}`"
            )
        ],
    ),
    (
        (
            "options {\n  allow-query { any;\n  recursion yes;\n};\n"
            'zone "a" { type forward; };'
        ),
        ["2:15: this `{` is never closed; insert `};` before line 3"],
    ),
    (
        (
            "options {\n  allow-query { any;\n};\n"
            'zone "a" { type forward; };\nzone "b" { type forward; };'
        ),
        ["2:15: this `{` is never closed; insert `};`"],
    ),
    ("options {\n  recursion yes;\n", ["1:9: this `{` is never closed; insert `};`"]),
    (
        "options { recursion yes; recursion no; };",
        ["1:26: `recursion` was set before, in line 1; keep one"],
    ),
    (
        "options { };\noptions { };",
        ["2:1: `options` was set before, in line 1; keep one"],
    ),
    (
        'file "x";',
        [
            (
                "1:1: `file` does not belong at the top level; "
                "it belongs in `zone` or `channel`"
            )
        ],
    ),
    (
        "options { dnssec-enable yes; };",
        [
            (
                "1:11: `dnssec-enable` no longer exists; "
                "remove it: DNSSEC is always answered"
            )
        ],
    ),
    (
        "options { glue-cache yes; };",
        ["1:11: warning: `glue-cache` is deprecated and will go; remove it"],
    ),
    (
        "options { dscp 3; };",
        ["1:11: warning: `dscp` is obsolete and does nothing; remove it"],
    ),
    ("/* options { };", ["1:1: this comment is never closed; insert `*/`"]),
    (
        'zone "a" { type frobs; };',
        [
            (
                "1:17: `type` takes `primary`, `master`, `secondary`, `slave`, "
                "`mirror` or `hint`, not `frobs`"
            )
        ],
    ),
    (
        'zone "a" { type primry; file "x"; };',
        [
            (
                "1:17: `type` takes `primary`, `master`, `secondary`, `slave`, "
                "`mirror` or `hint`, not `primry`; did you mean `primary`?"
            )
        ],
    ),
    (
        '"options" { };',
        ["1:1: a statement belongs here, not a text"],
    ),
    (
        "options { rrset-order { type A order fixed; }; };",
        [
            (
                "1:11: warning: sets of records that no line here fits are not turned "
                "at all; add `order random;` as the last line"
            )
        ],
    ),
    (
        "options { forward only; };",
        ["1:11: `forward` without `forwarders`; add forwarders"],
    ),
    (
        'tls t { key-file "k"; };',
        ["1:1: `cert-file` and `key-file` belong together; add `cert-file`"],
    ),
]


@pytest.mark.parametrize(("text", "expected"), SYNTAX, ids=[s[0] for s in SYNTAX])
def test_mistakes(text: str, expected: list[str]) -> None:
    errors = [line for line in said(text) if "does not exist" not in line]
    assert errors == expected


def test_all_mistakes_at_once() -> None:
    text = (
        "options {\n"
        '    directory "/x"\n'
        "    recursion maybe;\n"
        "    allow-qurey { 300.0.0.1; lan; };\n"
        "}\n"
        'zone "a" { type primary };\n'
    )
    assert [(p.span.line, p.span.column) for p in problems(text)] == [
        (2, 19),
        (3, 15),
        (4, 5),
        (4, 19),
        (4, 30),
        (5, 2),
        (6, 6),
        (6, 24),
    ]


def test_includes_are_read_in_their_place() -> None:
    files = {
        "/etc/bind/zones.conf": 'zone "a" { type forward }\n',
        "/etc/bind/more.conf": "recursion maybe;",
    }
    text = (
        'options { include "/etc/bind/more.conf"; directory "/etc/bind"; };\n'
        'include "zones.conf";\ninclude "nope.conf";'
    )
    assert said(text, files) == [
        (
            "3:9: the file `/etc/bind/nope.conf` does not exist; make it,"
            " or remove this line"
        ),
        "/etc/bind/more.conf:1:11: `maybe` is neither yes nor no; write yes or no",
        "/etc/bind/zones.conf:1:24: a `;` is missing after `forward`; insert `;`",
        "/etc/bind/zones.conf:1:26: a `;` is missing after `}`; insert `;`",
    ]


def test_includes_by_pattern() -> None:
    files = {"d/a.conf": "acl a { any; };", "d/b.conf": "acl b { any; };"}
    text = 'include "d/*.conf"; include "e/*.conf"; options { allow-query { a; b; }; };'
    assert said(text, files) == [
        "1:29: no file fits `e/*.conf`; make one, or remove this line"
    ]
    assert checked(text, files).files == 3


def test_an_include_of_itself_ends() -> None:
    files = {"named.conf": "", "a": 'include "b";', "b": 'include "a";'}
    assert said('include "a";', files) == ["b:1:9: `a` includes itself; remove it"]


def test_files_of_zones_are_checked_by_those_who_can() -> None:
    asked: list[tuple[str, str]] = []

    def check_zone(name: str, path: str, base: str) -> list[Problem]:
        assert base == ""
        asked.append((name, path))
        return [Problem(path, Span(3, 1), "wrong")]

    text = (
        'zone "a" { type primary; file "a.zone"; };\n'
        'zone "B." { type master; file "b.zone"; };\n'
        'zone "c" { type primary; file "c.raw"; masterfile-format raw; };\n'
        'zone "d" { type secondary; primaries { 192.0.2.1; }; file "d.zone"; };\n'
    )
    files = MemoryFiles({"a.zone": "", "c.raw": "", "d.zone": ""})
    found = check("named.conf", text, files, check_zone)
    assert asked == [("a", "a.zone")]
    assert [(p.file, p.span.line, p.reason, p.warning) for p in found.problems] == [
        ("named.conf", 2, "the file `b.zone` of the zone `B.` does not exist", True),
        ("a.zone", 3, "wrong", False),
    ]
    assert found.files == 2
    assert not found.is_good


def test_a_file_full_of_mistakes_is_not_listed_without_end() -> None:
    assert len(problems("x;\n" * 5000)) == 1000


def test_braces_without_end() -> None:
    found = problems("acl a " + "{ " * 20_000)
    assert 1 <= len(found) <= 1000


def test_no_secret_is_shown() -> None:
    text = 'key k { algorithm hmac-sha256; secret "geheim!"; };'
    (problem,) = problems(text)
    assert problem.reason == "this secret is not base64"
    assert "geheim" not in problem.render()
