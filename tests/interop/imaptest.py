"""Dovecot's imaptest: where it is, or built from a checkout of its source."""

import os
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

import pytest

HEADERS = "/usr/include/dovecot"
"""Where Debian's dovecot-dev puts them."""
LIBRARIES = Path("/usr/lib/dovecot")
BUILD_SECONDS = 120.0


@dataclass(frozen=True)
class Imaptest:
    """The program, and the folder of its scripted tests."""

    program: Path
    scripts: Path

    @property
    def messages(self) -> Path:
        """The mailbox that its random clients take messages from."""
        return self.scripts / "default.mbox"


def find(directory: Path) -> Imaptest:
    """Return imaptest, built in ``directory`` if only its source is here.

    Skips the test, with the reason, where neither is.
    """
    named = os.environ.get("IMAPTEST_TESTS")
    installed, source = shutil.which("imaptest"), os.environ.get("IMAPTEST_SOURCE")
    if installed:
        found = Imaptest(Path(installed), Path(installed).parent / "tests")
    elif source:
        found = Imaptest(
            built(Path(source) / "src", directory), Path(source, "src/tests")
        )
    else:
        pytest.skip("no imaptest on the path, no checkout of it in IMAPTEST_SOURCE")
    found = Imaptest(found.program, Path(named) if named else found.scripts)
    if not found.messages.is_file():
        pytest.skip(f"imaptest's tests are not in {found.scripts}")
    return found


def built(source: Path, directory: Path) -> Path:
    """Compile imaptest as its makefile would, without autoconf; return the program."""
    headers = os.environ.get("DOVECOT_INCLUDE", HEADERS)
    program = directory / "imaptest"
    names = ("libdovecot.so.0", "libdovecot-compression.so.0")
    done = subprocess.run(
        [
            *("cc", "-std=gnu99", "-w", "-DHAVE_CONFIG_H", "-DSTATIC_OPENSSL=1"),
            *('-DPACKAGE_NAME="imaptest"', '-DPACKAGE_VERSION="source"'),
            *(f"-I{headers}", f"-I{source}", "-o", str(program)),
            *(str(p) for p in source.glob("*.c") if p.name != "test-test-parser.c"),
            *(str(p) for name in names if (p := LIBRARIES / name).exists()),
            *(f"-Wl,-rpath,{LIBRARIES}", "-lm"),
        ],
        capture_output=True,
        text=True,
        check=False,
        timeout=BUILD_SECONDS,
    )
    if done.returncode:
        errors = [line for line in done.stderr.splitlines() if "error" in line]
        pytest.skip(f"imaptest does not compile with {headers}: {errors[:1]}")
    return program
