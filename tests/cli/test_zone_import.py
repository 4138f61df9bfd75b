import json
import stat
from pathlib import Path

import pytest

from pabal.config.load import load_or_raise
from tests.cli.desk import Desk, pabal

ZONE = """\
$TTL 60
@ IN SOA ns hostmaster 1 7200 900 604800 60
@ IN NS ns
ns IN A 192.0.2.1
"""

CONF = """\
options {
    allow-query { any; };
    allow-recursion { 10.0.0.0/8; };
    version none;
};
zone "b.test" { type primary; file "db.b"; };
zone "c.test" { type secondary; primaries { 192.0.2.1; }; };
"""


@pytest.fixture
def conf(tmp_path: Path) -> Path:
    (tmp_path / "bind").mkdir()
    (tmp_path / "bind" / "db.b").write_text(ZONE)
    file = tmp_path / "bind" / "named.conf"
    file.write_text(CONF)
    return file


def test_zones_are_copied_and_the_rest_is_said(desk: Desk, conf: Path) -> None:
    said = desk.ok("zone", "import", str(conf))
    assert "zone b.test" in said
    assert 'allow_recursion = ["10.0.0.0/8"]' in said
    assert "zone c.test (secondary)" in said
    assert f"{conf}:4" in said
    assert (desk.directory / "zones" / "b.test.zone").read_text() == ZONE
    assert "b.test." in desk.ok("zone", "list")


def test_what_is_printed_is_a_configuration(desk: Desk, conf: Path) -> None:
    found = desk.json("zone", "import", str(conf))
    assert found["ok"] is True
    toml = desk.directory / "pabal.toml"
    kept = toml.read_text().split("[dns]")[0]
    toml.write_text(f"{kept}\n{found['toml']}\n")
    assert " 0 error(s), 1 warning(s)." in desk.ok("check")  # the console's


SERVERS = """
key "xfr" { algorithm hmac-sha256; secret "c2hhcmVkIHdpdGggbm9ib2R5"; };
key "old" { algorithm hmac-md5; secret "c2hhcmVkIHdpdGggbm9ib2R5"; };
primaries up { 192.0.2.1 key xfr; 2001:db8::1 port 5353; };
acl ours { 192.0.2.0/24; };
options {
    allow-transfer { ours; key xfr; key old; };
    also-notify { 192.0.2.9 key xfr; };
};
zone "b.test" { type primary; file "db.b"; };
zone "c.test" { type secondary; primaries { up; }; };
"""


def test_other_servers_and_their_keys_come_along(desk: Desk, conf: Path) -> None:
    conf.write_text(SERVERS)
    found = desk.run("zone", "import", str(conf))
    assert found.exit_code == 0, found.output
    assert "c2hhcmVkIHdpdGggbm9ib2R5" not in found.output
    keys = desk.directory / "tsig.keys"
    assert stat.S_IMODE(keys.stat().st_mode) == 0o600
    toml = desk.directory / "pabal.toml"
    lines = desk.json("zone", "import", str(conf))["toml"]
    toml.write_text(toml.read_text().split("[dns]")[0] + f"\n{lines}\n")
    assert " 0 error(s), 1 warning(s)." in desk.ok("check")  # the console's
    dns = load_or_raise(desk.directory).dns
    assert dns.keys == ("hmac-sha256:xfr:c2hhcmVkIHdpdGggbm9ib2R5",)
    assert dns.allow_transfer == ("{192.0.2.0/24}", "key xfr")
    assert dns.notify == ("192.0.2.9 key xfr",)
    assert dns.secondary == (
        "c.test 192.0.2.1 key xfr",
        "c.test [2001:db8::1]:5353",
    )
    keys.write_text("hmac-sha256:xfr:AAAA\n")
    again = desk.run("zone", "import", str(conf))
    assert again.exit_code == 2
    assert "holds other keys" in again.output
    assert keys.read_text() == "hmac-sha256:xfr:AAAA\n"


def test_a_dry_run_changes_nothing(desk: Desk, conf: Path) -> None:
    said = desk.ok("zone", "import", str(conf), "--dry-run")
    assert "To be taken over:" in said
    assert not (desk.directory / "zones" / "b.test.zone").exists()


def test_mistakes_are_shown_and_nothing_is_done(desk: Desk, conf: Path) -> None:
    conf.write_text(CONF.replace("none;", "none"))
    found = desk.run("zone", "import", str(conf))
    assert found.exit_code == 2
    assert f"{conf}:4:17: a `;` is missing after `none`; insert `;`" in found.stdout
    assert not (desk.directory / "zones" / "b.test.zone").exists()
    assert desk.json("zone", "import", str(conf))["ok"] is False


def test_a_zone_with_mistakes_is_left_out(desk: Desk, conf: Path) -> None:
    (conf.parent / "db.b").write_text(ZONE + "x IN A 192.0.2.300\n")
    found = desk.run("zone", "import", str(conf))
    assert found.exit_code == 1
    assert "db.b:5:" in found.stdout
    assert "it has mistakes" in found.stdout
    assert not (desk.directory / "zones" / "b.test.zone").exists()


def test_check_understands_it(conf: Path) -> None:
    good = pabal("check", conf)
    assert good.exit_code == 0, good.output
    assert "2 files: all well." in good.stdout
    conf.write_text(CONF.replace("allow-query", "allow-qurey"))
    bad = pabal("check", conf, "--json")
    assert bad.exit_code == 2
    (problem,) = json.loads(bad.stdout)["problems"]
    assert (problem["line"], problem["column"]) == (2, 5)
    assert problem["suggestion"] == "did you mean `allow-query`?"


@pytest.mark.parametrize(
    ("lines", "place", "words"),
    [
        ("@ IN MX 10 mail.b.test\n", "5:", "dot"),
        ("x IN A 192.0.2.300\ny IN A 192.0.2.301\n", "6:", "192.0.2.301"),
        ("@ IN TXT ( a\nx IN A 192.0.2.2\n", "5:10", "("),
    ],
)
def test_zones_it_names(conf: Path, lines: str, place: str, words: str) -> None:
    """The rows of what BIND and NSD say about zones: a dot, one error a run, `(`."""
    (conf.parent / "db.b").write_text(ZONE + lines)
    found = pabal("check", conf)
    assert f"db.b:{place}" in found.stdout, found.stdout
    assert words in found.stdout
