"""The secret of DNS cookies: one for all processes, and the same after a restart.

Security: who knows it can forge cookies, which lift the rate limits (RFC 7873).
"""

import contextlib
import os
import secrets
from pathlib import Path
from typing import Final

from pabal.base.errors import OperatorError
from pabal.dns.wire.siphash import KEY_OCTETS

MODE: Final = 0o600


def cookie_secret(path: Path) -> bytes:
    """Return the secret kept at ``path``, made if there is none.

    Whoever of several processes comes first makes it.

    Raises:
        OperatorError: It cannot be read or written.
    """
    try:
        return _kept(path)
    except OSError as error:
        raise OperatorError(
            f"cannot use {path}: {error.strerror}.",
            "It must belong to the user pabal runs as: chown it, or remove it.",
        ) from error


def _kept(path: Path) -> bytes:
    found = _read(path)
    if len(found) == KEY_OCTETS:
        return found
    temporary = path.with_name(f".{path.name}.{os.getpid()}.new")
    temporary.unlink(missing_ok=True)
    try:
        temporary.touch(MODE)
        temporary.write_bytes(secrets.token_bytes(KEY_OCTETS))
        if found:
            # Cut short by a full disk: nobody can use it as it is.
            temporary.replace(path)
        else:
            with contextlib.suppress(FileExistsError):
                path.hardlink_to(temporary)
    finally:
        temporary.unlink(missing_ok=True)
    return _read(path)


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except FileNotFoundError:
        return b""
