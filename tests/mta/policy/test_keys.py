import stat
from pathlib import Path

import pytest

from pabal.base.errors import OperatorError
from pabal.mta.policy import keys


def test_keys_are_made_once(tmp_path: Path) -> None:
    made = keys.generate(tmp_path, "here.test")
    assert [(k.selector, k.algorithm) for k in made] == [
        ("ed1", "ed25519-sha256"),
        ("rsa1", "rsa-sha256"),
    ]
    again = keys.generate(tmp_path, "HERE.test")
    assert [k.public_text() for k in again] == [k.public_text() for k in made]
    path = tmp_path / "here.test" / "rsa1.pem"
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert made[1].owner == "rsa1._domainkey.here.test"
    assert "private" not in repr(made[1])


def test_records_fit_into_strings(tmp_path: Path) -> None:
    ed1, rsa1 = keys.generate(tmp_path, "here.test")
    assert ed1.public_record() == f'"{ed1.public_text()}"'
    pieces = rsa1.public_record().split(' "')
    assert len(pieces) == 2
    text = rsa1.public_record().replace('" "', "").strip('"')
    assert text == rsa1.public_text()
    assert all(len(piece.strip('"')) <= 255 for piece in pieces)


def test_public_halves_check_signatures(tmp_path: Path) -> None:
    for key in keys.generate(tmp_path, "here.test"):
        kind, _, p = key.public_text().partition("k=")[2].partition("; p=")
        public = keys.public_key(kind, p)
        assert public is not None
        assert keys.is_signed(public, key.sign(b"0" * 32), b"0" * 32)
        assert not keys.is_signed(public, key.sign(b"0" * 32), b"1" * 32)
        assert not keys.is_signed(public, b"", b"0" * 32)


@pytest.mark.parametrize("text", ["", "!!", "AAAA", "가"])
def test_what_is_no_key(text: str) -> None:
    assert keys.public_key("rsa", text) is None
    assert keys.public_key("ed25519", text) is None


def test_no_keys_is_no_error(tmp_path: Path) -> None:
    assert keys.load(tmp_path, "here.test") == []


def test_a_bad_file_is_named(tmp_path: Path) -> None:
    (tmp_path / "here.test").mkdir()
    (tmp_path / "here.test" / "x.pem").write_text("nothing")
    with pytest.raises(OperatorError, match=r"x\.pem is not a private key"):
        keys.load(tmp_path, "here.test")


def test_a_directory_that_cannot_be_written(tmp_path: Path) -> None:
    (tmp_path / "here.test").write_text("in the way")
    with pytest.raises(OperatorError, match="cannot write DKIM keys"):
        keys.generate(tmp_path, "here.test")
