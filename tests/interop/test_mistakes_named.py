"""Mistakes people make in a named.conf: what BIND says of them, and what pabal does.

Each is one mistake, or as many as are shown: with its line and column, why it is one
and what to write, and no word about what only follows from it.
"""

import subprocess
from dataclasses import dataclass
from pathlib import Path

import pytest

from pabal.app.named import check_named
from tests.interop.peer import needs, path_of
from tests.support.configuration import problems

pytestmark = needs("named-checkconf")


@dataclass(frozen=True)
class Mistake:
    """A configuration, and what pabal says of it, warnings about files aside.

    Attributes:
        accepted: Whether BIND has nothing against it.
    """

    text: str
    ours: tuple[str, ...]
    accepted: bool = False


KEY = 'key k { algorithm hmac-sha256; secret "c2VjcmV0"; };\n'
COMMENT = "a comment begins with `//` or `#`"
PRIMARY = 'type primary; file "a";'

MISTAKES = {
    "a comment as in zone files": Mistake(
        "; options of this server\noptions {\n    recursion no;\n};\n",
        (f"1:1: `;` begins no comment here; {COMMENT}",),
    ),
    "such a comment behind a statement": Mistake(
        "options {\n    recursion no; ; nobody may\n};\n",
        (f"2:19: `;` begins no comment here; {COMMENT}",),
    ),
    "such a comment with a semicolon": Mistake(
        'zone "a.test" {\n    ; the main zone; "do not" touch {\n    type forward;'
        " forwarders { 192.0.2.1; };\n};\n",
        (f"2:5: `;` begins no comment here; {COMMENT}",),
    ),
    "many such comments": Mistake(
        ";\n; named.conf\n; ==========\noptions { recursion no; };\n",
        (f"1:1: `;` begins no comment here, nor in the 2 lines after it; {COMMENT}",),
    ),
    "a statement with its end and such a comment": Mistake(
        'options {\n    version "none" ; tell nobody\n    recursion no;\n};\n',
        (f"2:20: `;` begins no comment here; {COMMENT}",),
    ),
    "an include that is missing": Mistake(
        'include "/nowhere/named.conf.local";\n',
        (
            (
                "1:9: the file `/nowhere/named.conf.local` does not exist; make it, or"
                " remove this line"
            ),
        ),
    ),
    "an include without quotes": Mistake(
        "include named.conf.local;\n",
        ('1:9: this text needs quotes; write "named.conf.local"',),
    ),
    "a list that holds itself": Mistake(
        "acl lan { 10/8; lan; };\noptions { allow-query { lan; }; };\n",
        ("1:17: the acl `lan` holds itself; remove `lan` here",),
    ),
    "a key that is not there": Mistake(
        f'zone "a.test" {{ {PRIMARY}\n    allow-transfer {{ key xfer; }};\n}};\n',
        (
            (
                "2:26: warning: no key named `xfer` is defined; define it: `tsig-keygen"
                " xfer` prints it"
            ),
        ),
        accepted=True,
    ),
    "a zone twice": Mistake(
        'zone "a.test" { type forward; forwarders { 192.0.2.1; }; };\n'
        'zone "A.test." { type forward; forwarders { 192.0.2.2; }; };\n',
        ("2:6: the zone `A.test.` was defined before, in named.conf:1; keep one",),
    ),
    "primaries without a type": Mistake(
        'zone "a.test" {\n    masters { 192.0.2.1; };\n    file "a";\n};\n',
        ("1:6: the zone `a.test` has no type; add `type secondary;`",),
    ),
    "a primary without a file": Mistake(
        'zone "a.test" {\n    type primary;\n};\n',
        ('1:6: the primary zone `a.test` has no file; add `file "a.test.zone";`',),
    ),
    "an algorithm": Mistake(
        'key k { algorithm hmac-sha265; secret "c2VjcmV0"; };\n',
        ("1:19: unknown algorithm `hmac-sha265`; did you mean `hmac-sha256`?",),
    ),
    "a file without quotes": Mistake(
        "zone a.test {\n    type primary;\n    file /etc/bind/a.zone;\n};\n",
        ('3:10: this text needs quotes; write "/etc/bind/a.zone"',),
    ),
    "a quote that is never closed": Mistake(
        f'zone "a.test {{\n    {PRIMARY}\n}};\n',
        ('1:6: this text is never closed; insert `"`',),
    ),
    "such a quote in options": Mistake(
        'options {\n    directory "/tmp;\n    recursion no;\n};\n',
        ('2:15: this text is never closed; insert `"`',),
    ),
    "quotes of a word processor": Mistake(
        "options {\n    directory \u201c/tmp\u201d;\n};\n",
        ('2:15: only straight double quotes make a text; write "/tmp"',),
    ),
    "a brace without a semicolon": Mistake(
        "options {\n    allow-query { any; }\n    recursion no;\n};\n",
        ("2:25: a `;` is missing after `}`; insert `;`",),
    ),
    "parentheses": Mistake(
        "options {\n    allow-query ( any; );\n};\n",
        (
            "2:17: `(` is no brace; write `{`",
            "2:24: `)` is no brace; write `}`",
        ),
    ),
    "a network with digits of a host": Mistake(
        "options {\n    allow-query { 10.0.0.1/8; };\n};\n",
        (
            (
                "2:19: 10.0.0.1 has more digits than a prefix of 8 bits keeps; write"
                " 10.0.0.0/8"
            ),
        ),
    ),
    "a prefix that is too long": Mistake(
        "acl a { 10.0.0.0/33; };\n",
        ("1:9: `/33` is not the length of a prefix; 0 to 32",),
    ),
    "a port that is too large": Mistake(
        "options {\n    listen-on port 66000 { any; };\n};\n",
        ("2:20: 66000 is not a port; a port is at most 65535",),
    ),
    "a port by name": Mistake(
        "options {\n    listen-on port domain { any; };\n};\n",
        ("2:20: `domain` is not a number; like 53",),
    ),
    "a class": Mistake(
        'zone "a.test" INN {\n    type forward; forwarders { 192.0.2.1; };\n};\n',
        ("1:15: `INN` is no class; did you mean `in`?",),
    ),
    "zones in and outside of views": Mistake(
        f'zone "a.test" {{ {PRIMARY} }};\nview "v" {{\n    zone "b.test" {{'
        ' type primary; file "b"; };\n};\n',
        ("1:1: where there are views, every zone is in one; move it into a view",),
    ),
    "a view after zones": Mistake(
        f'zone "a.test" {{ {PRIMARY} }};\n'
        'zone "b.test" { type primary; file "b"; };\n'
        'view "v" { match-clients { any; }; };\n',
        (
            (
                "1:1: where there are views, every zone is in one (2 are not); move it"
                " into a view"
            ),
        ),
    ),
    "options twice": Mistake(
        "options { recursion no; };\noptions { version none; };\n",
        ("2:1: `options` was set before, in line 1; keep one",),
    ),
    "a list without braces": Mistake(
        "options {\n    allow-transfer 192.0.2.1;\n};\n",
        ("2:20: `allow-transfer` takes a list in braces; write `{ 192.0.2.1; }`",),
    ),
    "commas": Mistake(
        "options {\n    forwarders { 192.0.2.1, 192.0.2.2; };\n};\n",
        ("2:27: `,` separates nothing here; write `;`",),
    ),
    "signs of another language": Mistake(
        "options {\n    recursion = yes;\n    minimal-any: no;\n};\n",
        (
            "2:15: `=` does not belong here; remove it",
            (
                "3:5: unknown statement `minimal-any:` in `options`; did you mean"
                " `minimal-any`?"
            ),
        ),
    ),
    "yes in quotes": Mistake(
        'options { recursion "yes"; };\n',
        ("1:21: yes and no stand without quotes; write yes",),
    ),
    "a secret": Mistake(
        'key k { algorithm hmac-sha256; secret "not base64!"; };\n',
        ("1:39: this secret is not base64; make one: tsig-keygen NAME",),
    ),
    "a key without its secret": Mistake(
        "key k { algorithm hmac-sha256; };\n",
        ("1:5: the key `k` has no secret; add `secret …;`",),
    ),
    "a network where an address belongs": Mistake(
        "options { forwarders { 192.0.2.0/24; }; };\n",
        (
            (
                "1:24: `192.0.2.0/24` is not an address: it has no length of a prefix;"
                " write 192.0.2.0"
            ),
        ),
    ),
    "a port behind a colon": Mistake(
        "options { forwarders { 192.0.2.1:5353; }; };\n",
        (
            (
                "1:24: `192.0.2.1:5353` is not an address: it has no port; write"
                " 192.0.2.1 port 5353"
            ),
        ),
    ),
    "a name where an address belongs": Mistake(
        "options { forwarders { ns.example.com; }; };\n",
        (
            (
                "1:24: `ns.example.com` is not an address; write its address: names are"
                " not looked up here"
            ),
        ),
    ),
    "a name in a list": Mistake(
        "options { allow-query { ns.example.com; eth0; }; };\n",
        (
            (
                "1:25: no acl named `ns.example.com` is defined; write its addresses:"
                " names are not looked up here"
            ),
            (
                "1:41: no acl named `eth0` is defined; write the addresses of the"
                " interface, or localhost"
            ),
        ),
    ),
    "a word for not": Mistake(
        "options { allow-query { not 10/8; any; }; };\n",
        ("1:25: `not` is written `!` here; write `!10/8`",),
    ),
    "not twice": Mistake(
        "options { allow-query { !!10/8; }; };\n",
        ("1:26: `!` stands twice; remove it",),
    ),
    "a brace too many": Mistake(
        "options {\n    recursion no;\n};\n};\nacl a { 10/8; };\n",
        ("4:1: nothing is open here; remove it",),
    ),
    "two ways to say who may update": Mistake(
        f'{KEY}zone "a.test" {{ {PRIMARY}\n    allow-update {{ key k; }};\n'
        "    update-policy { grant k zonesub ANY; }; };\n",
        ("3:5: `allow-update` is nothing beside `update-policy`; keep one",),
    ),
    "a zone's name": Mistake(
        f'zone "a..test" {{ {PRIMARY} }};\n',
        ("1:6: `a..test` is not the name of a zone; write `a.test`",),
    ),
    "a channel that is not there": Mistake(
        "logging { category queries { qlog; }; };\n",
        (
            (
                "1:30: no channel named `qlog` is defined; define it in `logging`:"
                " channel qlog { … };"
            ),
        ),
    ),
    "one file for two": Mistake(
        'zone "a.test" { type secondary; primaries { 192.0.2.1; }; file "x"; };\n'
        'zone "b.test" { type secondary; primaries { 192.0.2.1; }; file "x"; };\n',
        (
            (
                "2:64: `x` is the file of the zone `a.test` as well, in named.conf:1;"
                " give each a file of its own"
            ),
        ),
    ),
    "many at once": Mistake(
        '; my server\noptions {\n    directory "/tmp"\n    allow-qurey { any; };\n'
        "    forwarders { 192.0.2.300; };\n    listen-on port 0x35 { any; };\n};\n"
        'zone "a.test" { type primray; file "a" };\n',
        (
            f"1:1: `;` begins no comment here; {COMMENT}",
            '3:21: a `;` is missing after "/tmp"; insert `;`',
            (
                "4:5: unknown statement `allow-qurey` in `options`; did you mean"
                " `allow-query`?"
            ),
            "5:18: 192.0.2.300 is not an address: 300 is more than 255; like 192.0.2.1",
            "6:20: `0x35` is not a number; like 53",
            (
                "8:22: `type` takes `primary`, `master`, `secondary`, `slave`, `mirror`"
                " or `hint`, not `primray`; did you mean `primary`?"
            ),
            '8:39: a `;` is missing after "a"; insert `;`',
        ),
    ),
}


@pytest.mark.parametrize("name", MISTAKES)
def test_a_mistake(name: str, tmp_path: Path) -> None:
    mistake = MISTAKES[name]
    (tmp_path / "named.conf").write_text(mistake.text)
    bind = subprocess.run(
        [path_of("named-checkconf"), "named.conf"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
        timeout=20,
    )
    assert (bind.returncode == 0) is mistake.accepted, bind.stdout
    found = [
        problem
        for problem in problems(mistake.text)
        if not (problem.warning and problem.reason.startswith("the file `"))
    ]
    told = [
        f"{each.span.line}:{each.span.column}: {'warning: ' * each.warning}"
        f"{each.reason}" + (f"; {each.suggestion}" if each.suggestion else "")
        for each in found
    ]
    assert tuple(told) == mistake.ours
    assert all("^" in each.render() for each in found)


def test_a_file_with_nearly_that_name_is_named(tmp_path: Path) -> None:
    (tmp_path / "named.conf.options").write_text("options { };")
    (tmp_path / "db.example").write_text("")
    text = (
        'include "named.conf.option";\nzone "a" { type primary; file "db.exmaple"; };\n'
    )
    (tmp_path / "named.conf").write_text(text)
    hints = [each.suggestion for each in check_named(tmp_path / "named.conf").problems]
    assert hints == ["did you mean `named.conf.options`?", "did you mean `db.example`?"]
