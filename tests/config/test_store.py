from pathlib import Path

import pytest

from pabal.config.load import BadConfigurationError, load_or_raise
from pabal.config.store import StoreSection

FIRST = (
    ("\\Drafts", "Drafts"),
    ("\\Sent", "Sent"),
    ("\\Junk", "Junk"),
    ("\\Trash", "Trash"),
    ("\\Archive", "Archive"),
)


def test_defaults_and_bounds(tmp_path: Path) -> None:
    file = tmp_path / "pabal.toml"
    file.write_text('hostname = "mail.a.test"\n')
    assert load_or_raise(tmp_path).store == StoreSection(7, 0, 0, FIRST)
    file.write_text(
        'hostname = "mail.a.test"\n[store]\nundelete_days = 0\ntrash_days = 30\n'
        "junk_days = 14\n"
    )
    assert load_or_raise(tmp_path).store == StoreSection(0, 30, 14, FIRST)
    file.write_text('hostname = "mail.a.test"\n[store]\nundelete_days = 91\n')
    with pytest.raises(BadConfigurationError) as caught:
        load_or_raise(tmp_path)
    assert "0 to 90" in caught.value.render()


def test_first_mailboxes_have_names_of_ones_own(tmp_path: Path) -> None:
    file = tmp_path / "pabal.toml"
    file.write_text(
        'hostname = "mail.a.test"\n[store]\nsent = "보낸편지함"\njunk = ""\n'
        'archive = "Old/Archive"\n'
    )
    assert load_or_raise(tmp_path).store.first_mailboxes == (
        ("\\Drafts", "Drafts"),
        ("\\Sent", "보낸편지함"),
        ("\\Trash", "Trash"),
        ("\\Archive", "Old/Archive"),
    )


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        ('sent = "inbox"', "another mailbox already"),
        ('sent = "Drafts"', "another mailbox already"),
        ('drafts = "Archive"', "another mailbox already"),
        ('drafts = "x"\nsent = "x"', "another mailbox already"),
        ('sent = "#news"', "is no mailbox"),
        ('sent = "a//b"', "a level of the name is empty"),
    ],
)
def test_names_that_cannot_be_are_shown(tmp_path: Path, line: str, reason: str) -> None:
    file = tmp_path / "pabal.toml"
    file.write_text(f'hostname = "mail.a.test"\n[store]\n{line}\n')
    with pytest.raises(BadConfigurationError) as caught:
        load_or_raise(tmp_path)
    assert reason in caught.value.render()
