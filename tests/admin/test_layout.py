from pathlib import Path

from pabal.admin.layout import Layout


def test_what_is_missing_is_made_for_the_owner_alone(tmp_path: Path) -> None:
    layout = Layout(tmp_path / "deep" / "data")
    layout.make()
    layout.make()
    assert layout.data.stat().st_mode & 0o777 == 0o700
    for path in (layout.mail, layout.dkim, layout.spool, layout.run):
        assert path.is_dir()
    assert {layout.directory.parent, layout.queue.parent, layout.trace.parent} == {
        layout.data
    }
