"""What the console reads of strangers: keys, terminals, commands; and its listener."""

import asyncio
import contextlib
import tempfile
from pathlib import Path

from hypothesis import given, settings
from hypothesis import strategies as st

from pabal.cli.console import words_of
from pabal.directory.ports import DirectoryError, PublicKey
from pabal.directory.publickey import bits, checked, line, parse_public_key
from pabal.ssh.channel import loggable
from pabal.ssh.terminal import described
from tests.ssh.test_server import connect, console
from tests.support import sshkeys

WHOLE = [parse_public_key(text) for text in sshkeys.keys().values()]


@given(st.text(max_size=300) | st.sampled_from(sorted(sshkeys.keys().values())))
def test_any_text_is_a_key_or_refused(text: str) -> None:
    with contextlib.suppress(DirectoryError):
        key = parse_public_key(text)
        assert parse_public_key(line(key)) == key


@given(st.sampled_from(WHOLE), st.data())
def test_no_damaged_key_is_taken_for_another_kind(
    key: PublicKey, data: st.DataObject
) -> None:
    blob = bytearray(key.blob)
    for _ in range(data.draw(st.integers(1, 4))):
        where = data.draw(st.integers(0, len(blob) - 1))
        change = data.draw(st.sampled_from(["set", "cut", "add"]))
        if change == "set":
            blob[where] = data.draw(st.integers(0, 255))
        elif change == "cut" and len(blob) > 1:
            del blob[where]
        else:
            blob.insert(where, data.draw(st.integers(0, 255)))
    try:
        found = checked(PublicKey(key.algorithm, bytes(blob)))
    except DirectoryError:
        return
    assert bits(found) >= 256
    name = key.algorithm.encode()
    assert found.blob.startswith(sshkeys.joined(name))


@given(st.text(max_size=100), st.integers(0, 2**32 - 1), st.integers(0, 2**32 - 1))
def test_any_terminal(kind: str, columns: int, rows: int) -> None:
    found = described(kind, columns, rows)
    assert "/" not in found.kind
    assert found.kind.isascii()
    assert 0 < found.columns <= 1000
    assert 0 < found.rows <= 1000


@given(st.text(max_size=300))
def test_any_command(text: str) -> None:
    with contextlib.suppress(ValueError):
        assert all(isinstance(word, str) for word in words_of(text))
    assert len(loggable(text)) <= 300


@given(st.lists(st.binary(min_size=1, max_size=200), max_size=5), st.booleans())
@settings(max_examples=30, deadline=None)
def test_any_octets_at_the_listener(pieces: list[bytes], greets: bool) -> None:
    with tempfile.TemporaryDirectory() as directory:
        asyncio.run(_said(Path(directory), pieces, greets=greets))


async def _said(directory: Path, pieces: list[bytes], *, greets: bool) -> None:
    """Say octets; afterwards a client is served as before."""
    async with console(directory) as running:
        reader, writer = await asyncio.open_connection("127.0.0.1", running.port)
        if greets:
            writer.write(b"SSH-2.0-fuzz\r\n")
        with contextlib.suppress(ConnectionError):
            for piece in pieces:
                writer.write(piece)
                await writer.drain()
            writer.write_eof()
            async with asyncio.timeout(5):
                while await reader.read(65_536):
                    pass
        writer.close()
        with contextlib.suppress(ConnectionError):
            await writer.wait_closed()
        async with await connect(running) as client:
            assert (await client.run("echo", input="x")).stdout == "X"
