"""The console of a process: how commands run there, and what is said at the start."""

import sys
from dataclasses import replace

import asyncssh
import pytest

from pabal.app.console import ConsoleRole, PabalPrograms
from pabal.app.process import Process
from pabal.app.shared import Shared
from pabal.config.settings import Settings, SshSection
from pabal.directory.publickey import fingerprint, with_key
from tests.app.rig import listening, opened, port
from tests.support import sshkeys

ALICE = "alice@a.test"


def test_a_command_runs_with_this_configuration_and_nothing_of_ours(
    settings: Settings,
) -> None:
    program = PabalPrograms(settings).program("account list", 7)
    assert program.words[0] == sys.executable
    assert list(program.words[-5:]) == [
        *("-c", str(settings.directory / "pabal.toml")),
        *("--leash", "7", "--command=account list"),
    ]
    assert PabalPrograms(settings).program(None, 7).words[-1] == "7"
    assert set(program.environment) == {"PATH", "LANG", "HOME", "PYTHONPATH"}
    assert program.directory == settings.data


async def run(shared: Shared, command: str) -> tuple[str, str, int | None]:
    private, public = sshkeys.ed25519_key()
    shared.book.keyring.change(ALICE, lambda keys: with_key(keys, public))
    role, sock = ConsoleRole(shared), listening()
    await role.start({"ssh": [sock]})
    try:
        async with asyncssh.connect(
            "127.0.0.1",
            port(sock),
            username="alice",
            client_keys=[asyncssh.import_private_key(private)],
            known_hosts=None,
            config=None,
        ) as client:
            done = await client.run(command)
            return str(done.stdout), str(done.stderr), done.exit_status
    finally:
        await role.stop()


async def test_a_real_command(settings: Settings) -> None:
    async with opened(settings) as shared:
        out, error, code = await run(shared, "queue show nosuch")
    assert (out, code) == ("", 1)
    assert "nosuch is not in the queue" in error


async def test_what_an_operator_is_told(
    settings: Settings,
    caplog: pytest.LogCaptureFixture,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    nobody = replace(settings, ssh=SshSection(), file=settings.directory / "missing")
    monkeypatch.setattr(sys, "executable", "/root/python")
    async with opened(nobody) as shared:
        role = ConsoleRole(shared)
        await role.start({})
        await role.stop()
    events = [record.getMessage() for record in caplog.records]
    assert events.count("nobody may log in to the console") == 1
    assert events.count("commands of the console cannot read the configuration") == 1
    assert events.count("commands of the console cannot be started") == 1


async def test_a_process_has_one_where_there_is_a_socket(settings: Settings) -> None:
    process, sock = Process(settings, "web", frozenset({"web"})), listening()
    await process.start({"ssh": [sock]})
    try:
        key = await asyncssh.get_server_host_key("127.0.0.1", port(sock), config=None)
    finally:
        await process.stop()
    assert key is not None
    assert fingerprint(key.public_data).startswith("SHA256:")
