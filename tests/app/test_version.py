import importlib.metadata

import pytest

from pabal.app.version import version


def test_a_source_tree_has_none(monkeypatch: pytest.MonkeyPatch) -> None:
    def missing(name: str) -> str:
        raise importlib.metadata.PackageNotFoundError(name)

    monkeypatch.setattr(importlib.metadata, "version", missing)
    assert version() == "of the source tree"
    monkeypatch.setattr(importlib.metadata, "version", lambda name: "1.2")
    assert version() == "1.2"
