"""Who a process is, and who owns the data: root only binds ports and hands over.

Security: a tool that root types must not leave files in the data that the server cannot
write, so it works as their owner.
"""

import os
import pwd
from pathlib import Path


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
