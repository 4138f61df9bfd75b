import stat
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from pabal.app.cookie import cookie_secret


def test_it_is_made_once_and_nobody_else_reads_it(tmp_path: Path) -> None:
    path = tmp_path / "secret"
    first = cookie_secret(path)
    assert len(first) == 16
    assert cookie_secret(path) == first
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert list(tmp_path.iterdir()) == [path]


def test_whoever_comes_first_makes_it(tmp_path: Path) -> None:
    path = tmp_path / "secret"
    made = path.with_name("other")
    cookie_secret(made)
    made.rename(path)
    with ThreadPoolExecutor(2) as pool:
        found = set(pool.map(cookie_secret, [path] * 4))
    assert len(found) == 1


def test_a_half_written_one_is_replaced(tmp_path: Path) -> None:
    path = tmp_path / "secret"
    path.write_bytes(b"short")
    assert len(cookie_secret(path)) == 16
    assert cookie_secret(path) == path.read_bytes()
