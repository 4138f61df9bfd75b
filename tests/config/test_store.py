from pathlib import Path

import pytest

from pabal.config.load import BadConfigurationError, load_or_raise
from pabal.config.store import StoreSection


def test_defaults_and_bounds(tmp_path: Path) -> None:
    file = tmp_path / "pabal.toml"
    file.write_text('hostname = "mail.a.test"\n')
    assert load_or_raise(tmp_path).store == StoreSection(7, 0, 0)
    file.write_text(
        'hostname = "mail.a.test"\n[store]\nundelete_days = 0\ntrash_days = 30\n'
        "junk_days = 14\n"
    )
    assert load_or_raise(tmp_path).store == StoreSection(0, 30, 14)
    file.write_text('hostname = "mail.a.test"\n[store]\nundelete_days = 91\n')
    with pytest.raises(BadConfigurationError) as caught:
        load_or_raise(tmp_path)
    assert "0 to 90" in caught.value.render()
