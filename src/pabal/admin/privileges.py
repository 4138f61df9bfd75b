"""Who a process is, and who owns the data: root only binds ports and hands over.

Security: a tool that root types must not leave files in the data that the server cannot
write, so it works as their owner.
"""

import os
import pwd
import sys
from collections.abc import Callable
from pathlib import Path

from pabal.base.errors import OperatorError, PabalError


def drop_privileges(user: pwd.struct_passwd) -> None:
    """Become ``user`` for good, with its groups."""
    os.setgroups(os.getgrouplist(user.pw_name, user.pw_gid))
    os.setgid(user.pw_gid)
    os.setuid(user.pw_uid)


def hand_over(directory: Path, user: pwd.struct_passwd) -> None:
    """Give ``directory`` to ``user``, with all that is in it if it is another's.

    What lies directly in it is always looked at: root may just have made it.
    """
    whole = directory.stat().st_uid != user.pw_uid
    for path in [*(directory.rglob("*") if whole else directory.iterdir()), directory]:
        if path.lstat().st_uid != user.pw_uid:
            os.chown(path, user.pw_uid, user.pw_gid, follow_symlinks=False)


def work_as_owner(data: Path) -> None:
    """Become the owner of ``data`` if we are root and the owner is not."""
    if os.geteuid() != 0:
        return
    owner = data.stat().st_uid
    if owner != 0:
        drop_privileges(pwd.getpwuid(owner))


def answer_as_owner(data: Path, work: Callable[[], str]) -> str:
    """Return what ``work`` does, a text, with the rights of the owner of ``data``.

    For tools that root uses on files of its own before and after.

    Raises:
        OperatorError: It failed in the process that was made for it; said there.
    """
    owner = data.stat().st_uid if data.exists() else os.geteuid()
    if os.geteuid() != 0 or owner == 0:
        return work()
    reading, writing = os.pipe2(os.O_CLOEXEC)
    pid = os.fork()
    if pid == 0:
        code = 1
        try:
            os.close(reading)
            drop_privileges(pwd.getpwuid(owner))
            with os.fdopen(writing, "w", encoding="utf-8") as stream:
                stream.write(work())
            code = 0
        except PabalError as error:
            sys.stderr.write(f"pabal: {error}\n")
        finally:
            sys.stderr.flush()
            os._exit(code)
    os.close(writing)
    with os.fdopen(reading, encoding="utf-8") as stream:
        answer = stream.read()
    if os.waitpid(pid, 0)[1]:
        raise OperatorError(f"{data} could not be used as its owner.")
    return answer
