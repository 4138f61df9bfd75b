from pathlib import Path

import pytest

from pabal.admin.setup import Plan
from pabal.app.furnish import set_up
from pabal.app.office import administration
from pabal.base.errors import OperatorError
from pabal.config.load import load_or_raise


def plan(directory: Path) -> Plan:
    return Plan(directory, "mail.b.test", "b.test", "127.0.0.1", 20_000)


def test_a_directory_is_ready_to_serve(tmp_path: Path) -> None:
    set_up(plan(tmp_path / "s"), "you@b.test", "secret")
    settings = load_or_raise(tmp_path / "s")
    with administration(settings) as office:
        assert list(office.directory.domains()) == ["b.test"]
        assert [a.address for a in office.directory.accounts()] == ["you@b.test"]
        types = {record.rdtype for record in office.derived.records("b.test")}
    assert {"MX", "TXT", "SRV", "A"} <= types
    keys = sorted(p.name for p in (settings.data / "dkim" / "b.test").iterdir())
    assert len(keys) == 2


@pytest.mark.parametrize("account", ["nonsense", "you@elsewhere.test"])
def test_a_wrong_account_is_seen_before_anything_is_written(
    tmp_path: Path, account: str
) -> None:
    with pytest.raises(OperatorError):
        set_up(plan(tmp_path / "s"), account, "secret")
    assert not (tmp_path / "s").exists()
