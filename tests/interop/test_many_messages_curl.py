"""10,000 messages by curl, there and back."""

from pathlib import Path

import pytest

from tests.interop.many import MANY, SECRET, add, here, run, same, unix
from tests.interop.peer import needs
from tests.support.server import Server

pytestmark = [pytest.mark.slow, pytest.mark.timeout(900)]


@needs("curl")
def test_curl(full: Server, sent: frozenset[bytes], tmp_path: Path) -> None:
    inbox = f"imap://{full.address}:{full.port(143)}/INBOX"
    names = f";UID=[1-{MANY}]"
    run(
        "curl",
        "-sS",
        "-u",
        f"all@a.test:{SECRET}",
        inbox + names,
        "-o",
        tmp_path / "#1",
    )
    paths = [tmp_path / str(uid) for uid in range(1, MANY + 1)]
    same([unix(path.read_bytes()) for path in paths], sent)
    add(full, "curl")
    files = f"{tmp_path}/[1-{MANY}]"
    run("curl", "-sS", "-u", f"curl@a.test:{SECRET}", "-T", files, inbox)
    same(here(full, "curl", tmp_path), sent)
