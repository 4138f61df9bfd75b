import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import dns.name
import pytest

from pabal.dns.dnssec.keys import generate
from pabal.dns.dnssec.keystate import Policy, Ring, Role
from pabal.dns.zone.keystore import LOCK, STATE, KeyStore, KeyStoreError

NAME = dns.name.from_text("Example.test.")


def test_a_state_is_written_and_read(tmp_path: Path) -> None:
    keys = KeyStore(tmp_path).of(NAME)
    assert keys.read() is None
    assert keys.stamp() is None
    with keys.locked():
        keys.write(Ring(Policy(split=True)))
    assert keys.read() == Ring(Policy(split=True))
    assert keys.stamp() is not None
    (found,) = KeyStore(tmp_path).all()
    assert found == keys
    (keys.path / STATE).write_text("{")
    with pytest.raises(KeyStoreError, match=STATE):
        keys.read()


def test_nobody_else_can_read_a_private_key(tmp_path: Path) -> None:
    keys = KeyStore(tmp_path).of(NAME)
    with keys.locked():
        made = keys.make(Role.KSK, 15, Ring(Policy()), 5)
    assert keys.path.stat().st_mode & 0o777 == 0o700
    for path in keys.path.iterdir():
        assert path.stat().st_mode & 0o777 == 0o600
    assert made.created == 5
    private = keys.private(made)
    assert (private.tag, private.is_sep, private.algorithm) == (made.tag, True, 15)
    keys.forget(made)
    with pytest.raises(KeyStoreError, match="pem"):
        keys.private(made)
    assert {path.name for path in keys.path.iterdir()} == {LOCK}


def test_the_private_half_of_another_key_is_not_taken(tmp_path: Path) -> None:
    keys = KeyStore(tmp_path).of(NAME)
    with keys.locked():
        made = keys.make(Role.CSK, 13, Ring(Policy()), 5)
    (keys.path / f"{made.tag}.pem").write_bytes(generate().pem())
    with pytest.raises(KeyStoreError, match="not the private half"):
        keys.private(made)


def test_tags_are_told_apart(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    keys = KeyStore(tmp_path).of(NAME)
    with keys.locked():
        first = keys.make(Role.CSK, 13, Ring(Policy()), 0)
        twin, other = keys.private(first), generate()
        made = iter([twin, twin, other])
        monkeypatch.setattr(
            "pabal.dns.zone.keystore.generate", lambda *_, **__: next(made)
        )
        second = keys.make(Role.CSK, 13, Ring(Policy(), (first,)), 0)
        assert second.tag == other.tag
        monkeypatch.setattr("pabal.dns.zone.keystore.generate", lambda *_, **__: twin)
        with pytest.raises(KeyStoreError, match="tag"):
            keys.make(Role.CSK, 13, Ring(Policy(), (replace(first),)), 0)


def test_a_writer_waits_for_the_other(tmp_path: Path) -> None:
    keys = KeyStore(tmp_path).of(NAME)
    program = (
        "import fcntl, sys\n"
        "fcntl.flock(open(sys.argv[1]), fcntl.LOCK_EX | fcntl.LOCK_NB)\n"
    )
    words = [sys.executable, "-c", program, str(keys.path / LOCK)]
    with keys.locked():
        assert subprocess.run(words, capture_output=True, check=False).returncode == 1
    assert subprocess.run(words, capture_output=True, check=False).returncode == 0


def test_a_folder_that_cannot_be_made_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    keys = KeyStore(tmp_path / "file").of(NAME)
    with pytest.raises(KeyStoreError, match="cannot be written"), keys.locked():
        pass
    with pytest.raises(KeyStoreError):
        keys.write(Ring(Policy()))
    with pytest.raises(KeyStoreError):
        keys.make(Role.CSK, 13, Ring(Policy()), 0)
