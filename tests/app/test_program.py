import subprocess
import sys
from pathlib import Path

from pabal.app.program import interpreter, modules


def test_nothing_is_imported_from_where_a_command_runs() -> None:
    words = [*interpreter(), "-c", "import sys; print(sys.path[0], sys.pycache_prefix)"]
    done = subprocess.run(words, capture_output=True, text=True, check=True)
    first, prefix = done.stdout.split()
    assert first not in {"", str(Path.cwd())}
    assert prefix == str(sys.pycache_prefix)


def test_what_is_installed_is_found_and_no_other_directory() -> None:
    first, *others = modules()
    assert Path(first, "pabal", "app", "console.py").is_file()
    assert all(path.endswith("-packages") for path in others)
