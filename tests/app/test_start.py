import resource
from dataclasses import replace
from pathlib import Path

import pytest

from pabal.app.start import preload, prepare
from pabal.base.errors import OperatorError
from pabal.config.names import ResolverSection
from pabal.config.settings import Settings


def test_left_overs_of_dead_processes_go(settings: Settings) -> None:
    run = settings.data / "run"
    (run / "mail-0-123").write_text("")
    prepare(settings, None)
    assert list(run.iterdir()) == []


def test_open_files_are_allowed_as_far_as_may_be(settings: Settings) -> None:
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    try:
        resource.setrlimit(resource.RLIMIT_NOFILE, (min(256, soft), hard))
        prepare(settings, None)
        assert resource.getrlimit(resource.RLIMIT_NOFILE)[0] > 256
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


def test_a_certificate_that_is_none_is_named(settings: Settings) -> None:
    settings.tls.key.write_text("nonsense")
    with pytest.raises(OperatorError, match=r"key\.pem"):
        prepare(settings, None)


def test_a_policy_nobody_has_is_named(settings: Settings) -> None:
    resolver = ResolverSection(policy_zones=("rpz.test",))
    names = replace(settings.dns, resolver=resolver)
    with pytest.raises(OperatorError, match=r"rpz\.test"):
        prepare(replace(settings, dns=names), None)


def test_data_that_cannot_be_made_is_named(settings: Settings, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(OperatorError, match="file"):
        prepare(replace(settings, data=tmp_path / "file" / "data"), None)


def test_zones_are_read_once_for_several_processes(settings: Settings) -> None:
    prepare(settings, None)
    settings.dns.zones.mkdir(exist_ok=True)
    zone = "$TTL 60\n@ SOA ns h 1 2 3 4 5\n@ NS ns\nns A 192.0.2.1\n"
    (settings.dns.zones / "b.test.zone").write_text(zone)
    assert preload(replace(settings, workers=1)) is None
    found = preload(replace(settings, workers=2))
    assert found is not None
    assert found.state.served[b"\x01b\x04test\x00"].serial == 1
