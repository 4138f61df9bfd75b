import dataclasses

from pabal.directory.settings import AuthSettings, Cleartext


def test_every_setting_is_explained() -> None:
    for setting in dataclasses.fields(AuthSettings):
        assert setting.metadata["help"]


def test_passwords_do_not_travel_by_default() -> None:
    assert AuthSettings().cleartext is Cleartext.LOOPBACK
