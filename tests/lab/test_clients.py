"""The clients' own logic; that they speak the protocols, the whole lab shows."""

import pytest

from pabal.lab import clients
from pabal.lab.clients import parsed, patiently, unverified


def test_patience_waits_for_what_comes() -> None:
    looks = iter([None, None, "there"])
    assert patiently(lambda: next(looks), "it") == "there"


def test_patience_ends_with_the_name_of_what_did_not_come(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(clients, "PATIENCE_SECONDS", 0.1)
    with pytest.raises(LookupError, match="the letter: not there after"):
        patiently(lambda: None, "the letter")


def test_messages_are_read_by_another_parser() -> None:
    message = parsed(b"Subject: =?utf-8?b?7YyM67Cc?=\r\n\r\nx\r\n")
    assert message["Subject"] == "파발"


def test_self_signed_certificates_are_taken() -> None:
    assert not unverified().check_hostname
