import json
import tomllib
from pathlib import Path

import pytest
from click.testing import Result

from pabal.config.load import load_or_raise
from tests.cli.desk import Desk, pabal


def init(directory: Path, *more: str, stdin: str = "") -> Result:
    return pabal(
        "init",
        directory,
        *("--hostname", "mail.a.test", "--domain", "a.test"),
        *more,
        stdin=stdin,
    )


def test_everything_a_server_needs(desk: Desk) -> None:
    settings = load_or_raise(desk.directory)
    assert settings.hostname == "mail.a.test"
    assert str(settings.listen["smtp"][0]) == "127.0.0.1:20025"
    assert settings.tls.certificate.exists()
    assert settings.tls.key.stat().st_mode & 0o077 == 0
    assert (desk.directory / "data" / "dkim" / "a.test").is_dir()
    assert (desk.directory / "zones").is_dir()
    assert "alice@a.test" in desk.ok("account", "list")


def test_never_overwrites(desk: Desk) -> None:
    before = (desk.directory / "pabal.toml").read_bytes()
    again = init(desk.directory)
    assert again.exit_code == 2
    assert "nothing was changed" in again.stderr
    assert (desk.directory / "pabal.toml").read_bytes() == before


def test_next_steps_and_the_standard_ports(tmp_path: Path) -> None:
    made = init(tmp_path / "s")
    assert made.exit_code == 0
    assert f"pabal serve -c {tmp_path / 's'}" in made.stdout
    assert "account add you@a.test" in made.stdout
    listen = tomllib.loads((tmp_path / "s" / "pabal.toml").read_text())["listen"]
    assert listen["imaps"] == ["0.0.0.0:993", "[::]:993"]


def test_for_programs(tmp_path: Path) -> None:
    made = init(tmp_path / "s", "--json", "--address", "127.0.0.1")
    assert json.loads(made.stdout) == {
        "ok": True,
        "directory": str(tmp_path / "s"),
        "hostname": "mail.a.test",
    }


@pytest.mark.parametrize(
    ("option", "value", "complaint"),
    [
        ("--hostname", "a b", "is not a host name"),
        ("--domain", "..", "is not a domain"),
        ("--address", "localhost", "is not an IP address"),
        ("--account", "you@b.test", "is not in a.test"),
        ("--account", "you", "is not an address"),
        ("--port-offset", "70000", "not in the range"),
    ],
)
def test_mistakes_leave_nothing_behind(
    tmp_path: Path, option: str, value: str, complaint: str
) -> None:
    made = init(tmp_path / "s", option, value, "--password-stdin", stdin="secret\n")
    assert made.exit_code == 2
    assert complaint in made.stderr
    assert not (tmp_path / "s").exists()
