import os
import pwd
from pathlib import Path

import pytest

from pabal.admin.privileges import (
    answer_as_owner,
    drop_privileges,
    hand_over,
    work_as_owner,
)
from pabal.base.errors import OperatorError

needs_root = pytest.mark.skipif(os.geteuid() != 0, reason="only root can hand over")


def identities(tmp_path: Path, work: str) -> list[str]:
    """Return the identity of a child after ``work``, and whether it can return."""
    reading, writing = os.pipe()
    pid = os.fork()
    if pid == 0:
        try:
            if work == "drop":
                drop_privileges(pwd.getpwnam("nobody"))
            else:
                work_as_owner(tmp_path)
            back = "yes"
            try:
                os.setuid(0)
            except PermissionError:
                back = "no"
            os.write(writing, f"{os.geteuid()} {back}".encode())
        finally:
            os._exit(0)
    os.close(writing)
    os.waitpid(pid, 0)
    answer = os.read(reading, 100).decode()
    os.close(reading)
    return answer.split()


@needs_root
def test_dropping_is_for_good(tmp_path: Path) -> None:
    nobody = pwd.getpwnam("nobody").pw_uid
    assert identities(tmp_path, "drop") == [str(nobody), "no"]


@needs_root
def test_a_tool_works_as_the_owner_of_the_data(tmp_path: Path) -> None:
    assert identities(tmp_path, "work") == ["0", "yes"]
    (tmp_path / "mail").mkdir()
    (tmp_path / "mail" / "db").write_text("x")
    nobody = pwd.getpwnam("nobody")
    hand_over(tmp_path, nobody)
    assert (tmp_path / "mail" / "db").stat().st_uid == nobody.pw_uid
    assert identities(tmp_path, "work") == [str(nobody.pw_uid), "no"]


def test_who_is_nobody_special_stays(tmp_path: Path) -> None:
    before = os.geteuid()
    hand_over(tmp_path, pwd.getpwuid(tmp_path.stat().st_uid))
    if before != 0:
        work_as_owner(tmp_path)
    assert os.geteuid() == before


def test_an_answer_of_ones_own(tmp_path: Path) -> None:
    assert answer_as_owner(tmp_path, lambda: str(os.geteuid())) == str(os.geteuid())
    assert answer_as_owner(tmp_path / "none", lambda: "x") == "x"


@needs_root
def test_an_answer_of_the_owner_of_the_data(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    nobody = pwd.getpwnam("nobody").pw_uid
    os.chown(tmp_path, nobody, -1)
    assert answer_as_owner(tmp_path, lambda: f"{os.geteuid()} 회의") == f"{nobody} 회의"
    assert os.geteuid() == 0

    def fail() -> str:
        raise OperatorError("no room.")

    with pytest.raises(OperatorError, match="could not be used"):
        answer_as_owner(tmp_path, fail)
    assert "no room" in capfd.readouterr().err
