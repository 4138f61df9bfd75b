"""The listener, with asyncssh's own client over loopback."""

import asyncio
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import asyncssh
import pytest

from pabal.admin.hostkey import HostKey, host_key
from pabal.ssh import server as module
from pabal.ssh.server import ConsoleParts, ConsoleServer
from tests.app.rig import listening, port
from tests.ssh.programs import Scripts, until
from tests.ssh.test_login import Rig


class Console:
    """A running console, and clients of it."""

    def __init__(self, rig: Rig, key: HostKey) -> None:
        self.rig, self.key = rig, key
        self.sock = listening()
        self.port = port(self.sock)
        self.server = ConsoleServer(
            ConsoleParts(key.private, rig.access, rig.log_ins, Scripts(), rig.clock)
        )

    async def client(self, user: str = "admin", **options: object) -> object:
        chosen = {
            "client_keys": [asyncssh.import_private_key(self.rig.private)],
            "known_hosts": None,
            "config": None,
            "agent_path": None,
            "username": user,
            **options,
        }
        return await asyncssh.connect("127.0.0.1", self.port, **chosen)


@asynccontextmanager
async def console(tmp_path: Path) -> AsyncIterator[Console]:
    running = Console(Rig(), host_key(tmp_path / "key"))
    await running.server.start(running.sock)
    try:
        yield running
    finally:
        await running.server.stop()
        running.rig.log_ins.close()


async def connect(running: Console, **options: object) -> asyncssh.SSHClientConnection:
    found = await running.client(**options)  # type: ignore[arg-type]
    assert isinstance(found, asyncssh.SSHClientConnection)
    return found


async def test_commands_over_one_connection(tmp_path: Path) -> None:
    async with console(tmp_path) as running, await connect(running) as client:
        done = await client.run("echo", input="안녕 abc")
        assert (done.stdout, done.stderr, done.exit_status) == ("안녕 ABC", "", 0)
        done = await client.run("fail")
        assert (done.stdout, done.stderr, done.exit_status) == ("", "no\n", 7)
        done = await client.run("much")
        assert len(str(done.stdout)) == 3_000_000
        key = client.get_server_host_key()
        assert key is not None
        assert key.public_data == running.key.blob
        assert client.get_extra_info("server_version") == "SSH-2.0-pabal"


async def test_a_password_and_a_wrong_one(tmp_path: Path) -> None:
    async with console(tmp_path) as running:
        options = {"client_keys": None, "password": "a long password 42"}
        async with await connect(running, **options) as client:
            assert (await client.run("echo", input="x")).stdout == "X"
        for user, password in (("admin", "wrong"), ("user", "a long password 42")):
            with pytest.raises(asyncssh.PermissionDenied):
                await connect(running, user=user, client_keys=None, password=password)


async def test_strangers(tmp_path: Path) -> None:
    async with console(tmp_path) as running:
        with pytest.raises(asyncssh.PermissionDenied):
            await connect(running, user="user")
        other = asyncssh.generate_private_key("ssh-ed25519")
        with pytest.raises(asyncssh.PermissionDenied):
            await connect(running, client_keys=[other])


async def test_an_agent_full_of_keys(tmp_path: Path) -> None:
    async with console(tmp_path) as running:
        others = [asyncssh.generate_private_key("ssh-ed25519") for _ in range(21)]
        good = asyncssh.import_private_key(running.rig.private)
        async with await connect(running, client_keys=[*others[:19], good]):
            pass
        with pytest.raises(asyncssh.DisconnectError, match="too many tries"):
            await connect(running, client_keys=[*others, good])


@pytest.mark.parametrize(
    "weak",
    [
        {"kex_algs": ["diffie-hellman-group14-sha256"]},
        {"kex_algs": ["diffie-hellman-group14-sha1"]},
        {"encryption_algs": ["aes256-cbc"]},
        {"encryption_algs": ["3des-cbc"]},
        {"encryption_algs": ["chacha20-poly1305@openssh.com"]},
        {"encryption_algs": ["aes256-ctr"], "mac_algs": ["hmac-sha1"]},
        {"encryption_algs": ["aes256-ctr"], "mac_algs": ["hmac-sha2-256"]},
        {"compression_algs": ["zlib@openssh.com"]},
    ],
    ids=str,
)
async def test_weak_algorithms_are_not_spoken(
    tmp_path: Path, weak: dict[str, list[str]]
) -> None:
    async with console(tmp_path) as running:
        with pytest.raises(asyncssh.KeyExchangeFailed):
            await connect(running, **weak)


async def test_only_sessions(tmp_path: Path) -> None:
    async with console(tmp_path) as running, await connect(running) as client:
        with pytest.raises(asyncssh.ChannelOpenError):
            await client.open_connection("127.0.0.1", running.port)
        with pytest.raises(asyncssh.ChannelListenError):
            await client.forward_remote_port("", 0, "127.0.0.1", 1)
        with pytest.raises(asyncssh.ChannelOpenError):
            await client.open_unix_connection("/tmp/x")
        with pytest.raises(asyncssh.ChannelOpenError):
            await client.start_sftp_client()
        done = await client.run("environment", env={"PYTHONPATH": "/evil"})
        assert str(done.stdout).startswith("['LANG']")


async def test_something_that_is_not_ssh_is_sent_away(tmp_path: Path) -> None:
    async with console(tmp_path) as running:
        reader, writer = await asyncio.open_connection("127.0.0.1", running.port)
        writer.write(b"GET / HTTP/1.1\r\nHost: a.test\r\n\r\n")
        async with asyncio.timeout(5):
            answer = await reader.read()
        assert answer.startswith(b"SSH-2.0-pabal\r\n")
        writer.close()
        await writer.wait_closed()
        async with await connect(running) as client:
            assert (await client.run("echo", input="x")).stdout == "X"


async def test_strangers_are_few_at_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "STRANGERS_A_CLIENT_MAX", 2)
    async with console(tmp_path) as running:
        address = ("127.0.0.1", running.port)
        with socket.create_connection(address), socket.create_connection(address):
            await asyncio.sleep(0.05)
            reader, writer = await asyncio.open_connection(*address)
            assert await reader.read() == b"", "closed before a word"
            writer.close()
        await asyncio.sleep(0.05)
        async with (
            await connect(running) as client,
            await connect(running),
            await connect(running),  # who is in is no stranger
        ):
            assert (await client.run("echo", input="x")).stdout == "X"


async def test_who_does_not_log_in_has_to_go(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "LOGIN_SECONDS", 0.1)
    async with console(tmp_path) as running:
        reader, writer = await asyncio.open_connection("127.0.0.1", running.port)
        async with asyncio.timeout(5):
            await reader.read()
        writer.close()


async def test_stopping_ends_what_runs(tmp_path: Path) -> None:
    async with console(tmp_path) as running:
        client = await connect(running)
        process = await client.create_process("sleep")
        assert await process.stdout.readline() == "asleep\n"
        await running.server.stop()
        async with asyncio.timeout(5):
            await client.wait_closed()
        await until(lambda: not running.server._workshop.children)
