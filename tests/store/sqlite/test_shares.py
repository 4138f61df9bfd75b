from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from pabal.base.errors import UnavailableError
from pabal.store.sqlite.shares import SqliteShares


async def test_nothing_is_made_before_the_first_share(tmp_path: Path) -> None:
    with ThreadPoolExecutor(1) as executor:
        shares = SqliteShares(tmp_path / "mail" / "shares.db", executor)
        assert list(await shares.owners(("1",))) == []
        await shares.forget(1)
        assert not (tmp_path / "mail").exists()
        await shares.note(1, ("2",))
        assert list(await shares.owners(("2",))) == [1]
        shares.close()


async def test_other_processes_see_it_at_once(tmp_path: Path) -> None:
    with ThreadPoolExecutor(1) as executor:
        ours, theirs = (
            SqliteShares(tmp_path / "shares.db", executor) for _ in range(2)
        )
        await ours.note(1, ("2",))
        assert list(await theirs.owners(("2",))) == [1]
        await ours.note(1, ())
        assert list(await theirs.owners(("2",))) == []
        ours.close()
        theirs.close()


async def test_a_file_that_is_none(tmp_path: Path) -> None:
    path = tmp_path / "shares.db"
    path.write_bytes(b"nonsense" * 1000)
    with ThreadPoolExecutor(1) as executor, pytest.raises(UnavailableError):
        await SqliteShares(path, executor).owners(("1",))
