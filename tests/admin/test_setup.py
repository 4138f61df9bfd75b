import tomllib
from dataclasses import replace
from pathlib import Path

import pytest

from pabal.admin.setup import SERVICES, Plan, configuration, own_address, write_files
from pabal.base.clock import SystemClock
from pabal.base.errors import OperatorError
from pabal.config.load import load_or_raise
from pabal.config.settings import SERVICE_PORTS

WILDCARD = "0.0.0.0"


def plan(directory: Path, address: str = "127.0.0.1", offset: int = 0) -> Plan:
    return Plan(directory, "mail.a.test", "a.test", address, offset)


def test_ports_are_those_of_the_configuration() -> None:
    assert all(SERVICE_PORTS[service] == port for service, port in SERVICES.items())


def test_what_is_written_is_a_configuration(tmp_path: Path) -> None:
    made = plan(tmp_path / "s", offset=20_000)
    made.check()
    write_files(made, SystemClock())
    settings = load_or_raise(made.directory)
    assert settings.hostname == "mail.a.test"
    assert settings.dns.addresses == ("127.0.0.1",)
    for service, port in SERVICES.items():
        assert [e.port for e in settings.listen[service]] == [port + 20_000]
    assert settings.tls.key.stat().st_mode & 0o077 == 0
    for folder in ("zones", "www", "tls"):
        assert (made.directory / folder).is_dir()


def test_the_console_leaves_the_machines_own_port_alone(tmp_path: Path) -> None:
    listen = tomllib.loads(configuration(plan(tmp_path)))["listen"]
    assert listen["ssh"] == []
    made = replace(plan(tmp_path, offset=20_000), administrator="you@a.test")
    text = tomllib.loads(configuration(made))
    assert text["listen"]["ssh"] == ["127.0.0.1:20022"]
    assert text["ssh"] == {"administrators": ["you@a.test"]}


def test_a_certificate_that_is_there_stays(tmp_path: Path) -> None:
    tls = tmp_path / "tls"
    tls.mkdir()
    (tls / "key.pem").write_text("mine")
    write_files(plan(tmp_path), SystemClock())
    assert (tls / "key.pem").read_text() == "mine"
    assert not (tls / "cert.pem").exists()


def test_the_wildcard_listens_on_both_families(tmp_path: Path) -> None:
    listen = tomllib.loads(configuration(plan(tmp_path, WILDCARD)))["listen"]
    assert listen["smtp"] == ["0.0.0.0:25", "[::]:25"]
    only_six = tomllib.loads(configuration(plan(tmp_path, "::1")))["listen"]
    assert only_six["smtp"] == ["[::1]:25"]


def test_what_a_mail_program_elsewhere_types(tmp_path: Path) -> None:
    assert plan(tmp_path, WILDCARD).address_shown == "mail.a.test"
    assert plan(tmp_path, "192.0.2.1").address_shown == "192.0.2.1"


def test_a_name_in_hangul(tmp_path: Path) -> None:
    made = replace(plan(tmp_path / "s"), hostname="우편.test", domain="한글.test")
    made.check()


@pytest.mark.parametrize(
    ("wrong", "complaint"),
    [
        ({"hostname": "a b"}, "host name"),
        ({"domain": ""}, "domain"),
        ({"address": "mail.a.test"}, "not an IP address"),
    ],
)
def test_mistakes_are_seen_first(
    tmp_path: Path, wrong: dict[str, str], complaint: str
) -> None:
    fields = {"hostname": "mail.a.test", "domain": "a.test", "address": "127.0.0.1"}
    fields |= wrong
    made = Plan(tmp_path, fields["hostname"], fields["domain"], fields["address"], 0)
    with pytest.raises(OperatorError, match=complaint):
        made.check()


def test_what_is_there_is_not_overwritten(tmp_path: Path) -> None:
    made = plan(tmp_path)
    made.file.write_text("mine")
    with pytest.raises(OperatorError, match="nothing was changed"):
        made.check()


def test_a_place_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(OperatorError, match="cannot write .*file"):
        write_files(plan(tmp_path / "file" / "s"), SystemClock())


def test_the_own_address_is_one_or_nothing() -> None:
    found = own_address()
    assert found == "" or found.count(".") == 3
