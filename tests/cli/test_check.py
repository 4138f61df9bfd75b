import json

from tests.cli.desk import Desk, pabal
from tests.support import sshkeys


def test_a_new_server_is_well(desk: Desk) -> None:
    key = sshkeys.keys()["ssh-rsa"]
    desk.ok("account", "key", "add", "alice@a.test", "-", stdin=key)
    assert desk.ok("check").endswith("2 files: all well.\n")
    assert desk.json("check") == {"ok": True, "problems": []}


def test_a_console_nobody_can_use(desk: Desk) -> None:
    text = desk.ok("check")  # it works all the same
    assert "warning: nobody can log in to the console: alice@a.test, but" in text
    assert "it has no key; `pabal account key add alice@a.test FILE.pub`\n" in text
    assert "^" * len('"alice@a.test"') in text
    assert text.endswith("2 files: 0 error(s), 1 warning(s).\n")


def test_every_mistake_at_once_under_its_caret(desk: Desk) -> None:
    file = desk.directory / "pabal.toml"
    file.write_text('recieve = 1\nhostname = "x y"\n[mta]\nport = 0\n')
    found = desk.run("check")
    assert found.exit_code == 2
    assert f"{file}:1:1: unknown key `recieve`" in found.stdout
    assert "    1 | recieve = 1\n      | ^^^^^^^\n" in found.stdout
    assert "'x y' is not a host name" in found.stdout
    assert f"{file}:4:8: " in found.stdout
    assert "3 error(s)" in found.stdout
    problems = desk.json("check")["problems"]
    assert isinstance(problems, list)
    assert len(problems) == 3


def test_mistakes_in_zones_too(desk: Desk) -> None:
    zone = desk.directory / "zones" / "a.test.zone"
    zone.write_text("$TTL 60\nwww IN A 300.1.1.1\n")
    found = desk.run("check")
    assert found.exit_code == 2
    assert f"{zone}:2:" in found.stdout


def test_single_files(desk: Desk) -> None:
    zone = desk.directory / "zones" / "b.test.zone"
    zone.write_text("@ IN SOA ns hostmaster 1 2 3 4 5\n@ IN NS ns\nns IN A 192.0.2.1\n")
    good = pabal("check", desk.directory / "pabal.toml", zone)
    assert good.exit_code == 0, good.output
    zone.write_text("@ IN FROB x\n")
    bad = pabal("check", zone, "--json")
    assert bad.exit_code == 2
    assert json.loads(bad.stdout)["ok"] is False


def test_no_file_says_where_it_looked(desk: Desk) -> None:
    found = pabal("check", "-c", desk.directory / "nowhere")
    assert found.exit_code == 2
    assert "pabal init" in found.stderr
