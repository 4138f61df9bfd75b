"""What BIND's own tools say of mistakes, and what ``pabal check`` says beside them.

Source: table 3.2 of FEATURES, a test a row. Each asks both programs, so a BIND that has
become better is seen as well.
"""

import re
import shutil
import subprocess
from pathlib import Path

import pytest
from click.testing import CliRunner

from pabal.cli.main import build

CONF = shutil.which("named-checkconf")
ZONE = shutil.which("named-checkzone")
pytestmark = pytest.mark.skipif(
    CONF is None or ZONE is None, reason="bind9-utils is not installed"
)

HEAD = "$TTL 3600\n@ IN SOA ns hostmaster 1 7200 3600 1209600 300\n@ IN NS ns\n"

CONFS = {
    "a semicolon behind a value": (
        'options {\n    directory "/tmp"\n    recursion no;\n};\n',
        "named.conf:3: missing ';' before 'recursion'",
        (
            '2:21: a `;` is missing after "/tmp"; insert `;`\n'
            '    2 |     directory "/tmp"\n'
            "      |                     ^"
        ),
    ),
    "a semicolon behind a brace": (
        "options {\n    recursion no;\n}\n\nacl a { any; };\n",
        "named.conf:5: missing ';' before 'acl'",
        "3:2: a `;` is missing after `}`; insert `;`\n    3 | }\n      |  ^",
    ),
    "a brace that is never closed": (
        '// a\noptions {\n    recursion no;\nzone "a.test" {\n    type forward;\n};\n',
        "named.conf:4: unknown option 'zone'",
        (
            "2:9: this `{` is never closed; insert `};` before line 4\n"
            "    2 | options {\n      |         ^"
        ),
    ),
    "a statement misspelt": (
        "options {\n    allow-qurey { any; };\n};\n",
        "named.conf:2: unknown option 'allow-qurey'",
        (
            "2:5: unknown statement `allow-qurey` in `options`; "
            "did you mean `allow-query`?\n    2 |     allow-qurey"
        ),
    ),
    "one typo is one mistake": (
        "options {\n    rrset-ordr { order cyclic; };\n};\n",
        "named.conf:2: unknown option 'rrset-ordr'",
        "2:5: unknown statement `rrset-ordr` in `options`; did you mean `rrset-order`?",
    ),
}

ZONES = {
    "a parenthesis that is never closed": (
        "$TTL 3600\n@ IN SOA ns hostmaster (\n  1 7200 3600 1209600 300\n@ IN NS ns\n",
        "near '@': extra input text",
        ["2:24: this parenthesis is never closed; insert ')'"],
    ),
    "a dot that is forgotten": (
        HEAD + "@ MX 10 mail.example.com\nns A 192.0.2.1\nmail A 192.0.2.2\n",
        "'mail.example.com.example.com' has no address records",
        [
            (
                "4:9: warning: this means mail.example.com.example.com.: a dot is"
                " missing at the end; did you mean `mail.example.com.`?"
            )
        ],
    ),
    "several mistakes": (
        HEAD + "ns A 192.0.2.300\nx AAAA 2001:zz::1\ny A 192.0.2\n",
        "bad dotted quad",
        [
            "4:6: 192.0.2.300 is not an address: 300 is more than 255",
            "5:8: `2001:zz::1` is not an address",
            "6:5: `192.0.2` is not an address: it needs four numbers",
        ],
    ),
}


def ours(file: Path) -> str:
    """Return what we say, without the name of the file."""
    return (
        CliRunner().invoke(build(), ["check", str(file)]).stdout.replace(f"{file}:", "")
    )


def theirs(*command: str | Path | None) -> str:
    made = [str(each) for each in command if each]
    run = subprocess.run(made, capture_output=True, text=True, timeout=20, check=False)
    return run.stdout + run.stderr


@pytest.mark.parametrize("row", CONFS)
def test_a_configuration(row: str, tmp_path: Path) -> None:
    text, bind, pabal = CONFS[row]
    file = tmp_path / "named.conf"
    file.write_text(text)
    assert bind in theirs(CONF, file)
    said = ours(file)
    assert pabal in said
    assert "1 error(s)" in said


@pytest.mark.parametrize("row", ZONES)
def test_a_zone(row: str, tmp_path: Path) -> None:
    text, bind, pabal = ZONES[row]
    file = tmp_path / "example.com.zone"
    file.write_text(text)
    assert bind in theirs(ZONE, "example.com", file)
    said = ours(file)
    assert re.findall(r"^(\d+:\d+: .*)", said, re.M) == pabal
