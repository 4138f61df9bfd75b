import hashlib
import stat
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric import ec

from pabal.admin.hostkey import host_key, known_host_key
from pabal.base.errors import OperatorError
from tests.support import sshkeys


def test_it_is_made_once_and_nobody_else_reads_it(tmp_path: Path) -> None:
    path = tmp_path / "key"
    assert known_host_key(path) is None
    made = host_key(path)
    assert host_key(path) == made == known_host_key(path)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert list(tmp_path.iterdir()) == [path]
    assert path.read_bytes() == made.private
    assert b"PRIVATE" not in repr(made).encode()


def test_the_record_is_the_digest_of_what_clients_get(tmp_path: Path) -> None:
    key = host_key(tmp_path / "key")
    assert key.blob.startswith(sshkeys.joined(b"ssh-ed25519"))
    assert len(key.blob) == 51
    assert key.sshfp == "4 2 " + hashlib.sha256(key.blob).hexdigest()


def test_whoever_comes_first_makes_it(tmp_path: Path) -> None:
    path = tmp_path / "key"
    with ThreadPoolExecutor(4) as pool:
        found = set(pool.map(host_key, [path] * 8))
    assert len(found) == 1


def test_one_that_is_broken_is_never_replaced(tmp_path: Path) -> None:
    path = tmp_path / "key"
    path.write_text("nonsense")
    with pytest.raises(OperatorError, match="not a host key"):
        host_key(path)
    assert known_host_key(path) is None
    assert path.read_text() == "nonsense"
    path.write_text(sshkeys.private_text(ec.generate_private_key(ec.SECP256R1())))
    with pytest.raises(OperatorError, match="backup"):
        host_key(path)


def test_a_place_that_cannot_be_written(tmp_path: Path) -> None:
    with pytest.raises(OperatorError, match="cannot use"):
        host_key(tmp_path / "missing" / "key")
    assert known_host_key(tmp_path) is None
