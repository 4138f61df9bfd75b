"""The lab's files are an ordinary pabal's."""

from pathlib import Path

import pytest
from click.testing import CliRunner

from pabal.cli.main import build as program
from pabal.config.load import load_or_raise
from pabal.lab.command import prepare
from pabal.lab.world import World, build, write_files


@pytest.fixture
def world(tmp_path: Path) -> World:
    made = build(tmp_path)
    write_files(made)
    return made


def test_every_host_passes_pabal_check(tmp_path: Path) -> None:
    world = build(tmp_path)
    prepare(world)
    for host in world.hosts:
        found = CliRunner().invoke(program(), ["check", "-c", str(host.directory)])
        assert found.exit_code == 0, found.output
        assert "all well" in found.output


def test_hosts_share_no_address_and_no_directory(world: World) -> None:
    assert len({host.address for host in world.hosts}) == len(world.hosts)
    assert len({host.directory for host in world.hosts}) == len(world.hosts)


def test_only_mail_hosts_have_mail_services(world: World) -> None:
    assert world.root.services == world.registry.services == ("dns",)
    settings = load_or_raise(world.root.directory)
    assert settings.listen["smtp"] == ()
    assert settings.listen["dns"][0] == world.root.endpoint("dns")
    assert load_or_raise(world.server.directory).listen["smtp"] != ()


def test_another_ground_is_another_network(tmp_path: Path) -> None:
    for here, there in zip(
        build(tmp_path).hosts, build(tmp_path, 7).hosts, strict=True
    ):
        assert here.address.startswith("127.0.")
        assert there.address == here.address.replace("127.0.", "127.7.", 1)


def test_passwords_are_new_in_every_lab_and_not_shown(tmp_path: Path) -> None:
    one, two = build(tmp_path).server.person, build(tmp_path).server.person
    assert one is not None
    assert two is not None
    assert one.password != two.password
    assert one.password not in repr(one)


def test_hosts_have_names_for_people(world: World) -> None:
    assert world.label("mail.busan.test") == "server-b"
    assert world.label("elsewhere.test") == "elsewhere.test"
