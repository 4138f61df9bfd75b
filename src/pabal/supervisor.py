"""The parent process: sockets, privileges, one process a role, restarts.

It binds every socket (the only thing that needs root), forks the roles, drops
privileges in each, starts again what dies, passes SIGTERM and SIGHUP on and says
``ready`` once every role does. It has no threads and no event loop, so a fork at any
time is safe, and what it imported is shared memory for all.

Security: root only here, and only until the roles are started; reads no octet from
any peer.
"""

import math
import os
import pwd
import select
import signal
import socket
import sys
import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

from pabal.admin.privileges import drop_privileges
from pabal.base.clock import Clock
from pabal.base.errors import OperatorError
from pabal.base.log import Log
from pabal.config.settings import DEFAULT_USER, Settings
from pabal.net.sockets import bind, bind_shared, close_all

log = Log("supervisor")

MAIL_SERVICES: Final = (
    "smtp",
    "submission",
    "submissions",
    "imap",
    "imaps",
    "pop3",
    "pop3s",
)
WEB_SERVICES: Final = ("http", "https", "ssh", "metrics")
TRANSFERS: Final = "transfers"
"""Follows primary name servers and tells secondaries: the duty of one process."""

ROLES: Final = ("dns", TRANSFERS, "mail", "queue", "web")

RESTART_FIRST_SECONDS: Final = 0.5
RESTART_MAX_SECONDS: Final = 30.0
"""Back-off of a role that dies at once again and again."""

HEALTHY_SECONDS: Final = 60.0
"""A role that lived this long starts its back-off anew."""

STOP_SECONDS: Final = 20.0
"""How long roles may drain after SIGTERM before they are killed."""


@dataclass(frozen=True, slots=True)
class RoleSpec:
    """What one process is to do.

    Attributes:
        name: Of the process: ``mail-0``; unique in this server.
        roles: One, or all of ``ROLES`` in one process.
        sockets: By service; ``dns/udp`` and ``dns/tcp`` for names.
    """

    name: str
    roles: frozenset[str]
    sockets: Mapping[str, Sequence[socket.socket]]


Worker = Callable[[RoleSpec, Callable[[], None]], int]
"""Runs one process until SIGTERM: calls the given function when every listener is up,
returns the exit code."""


@dataclass(slots=True)
class Child:
    """A running role."""

    spec: RoleSpec
    pid: int
    ready_pipe: int
    started_at: float
    ready: bool = False


@dataclass(slots=True)
class Pause:
    """A role that died and waits for its next start."""

    spec: RoleSpec
    until: float


@dataclass(slots=True)
class Supervisor:
    """Runs ``specs`` until SIGTERM.

    Attributes:
        specs: The processes.
        worker: What runs in each.
        user: Whom to become, ``None`` to stay.
        clock: Where the time comes from.
        say_ready: Called once, when every role is up.
    """

    specs: Sequence[RoleSpec]
    worker: Worker
    user: pwd.struct_passwd | None
    clock: Clock
    say_ready: Callable[[], None]
    _children: dict[int, Child] = field(default_factory=dict, init=False)
    _pauses: list[Pause] = field(default_factory=list, init=False)
    _failures: dict[str, int] = field(default_factory=dict, init=False)
    _stopping_since: float | None = field(default=None, init=False)
    _said_ready: bool = field(default=False, init=False)
    _exit_code: int = field(default=0, init=False)
    _lifeline: tuple[int, int] = field(default=(-1, -1), init=False)

    def run(self) -> int:
        """Start, watch, stop; return the exit code."""
        wake, sleep = os.pipe2(os.O_NONBLOCK | os.O_CLOEXEC)
        signal.set_wakeup_fd(sleep, warn_on_full_buffer=False)
        self._lifeline = os.pipe2(os.O_CLOEXEC)
        for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP, signal.SIGCHLD):
            signal.signal(number, _noted)
        try:
            for spec in self.specs:
                self._start(spec)
            while self._children or (self._pauses and self._stopping_since is None):
                self._wait(wake)
        finally:
            signal.set_wakeup_fd(-1)
            for descriptor in (wake, sleep, *self._lifeline):
                os.close(descriptor)
        return self._exit_code

    def _start(self, spec: RoleSpec) -> None:
        reading, writing = os.pipe2(os.O_CLOEXEC)
        pid = os.fork()
        if pid == 0:
            os.close(reading)
            self._become_worker(spec, writing)
        os.close(writing)
        os.set_blocking(reading, False)
        self._children[pid] = Child(spec, pid, reading, self.clock.monotonic())

    def _become_worker(self, spec: RoleSpec, ready_pipe: int) -> None:
        """Never returns."""
        code = 1
        try:
            signal.set_wakeup_fd(-1)
            os.close(self._lifeline[1])
            threading.Thread(
                target=_end_with_parent, args=(self._lifeline[0],), daemon=True
            ).start()
            for number in (signal.SIGCHLD, signal.SIGHUP):
                signal.signal(number, signal.SIG_DFL)
            keep = {id(sock) for group in spec.sockets.values() for sock in group}
            for other in self.specs:
                for group in other.sockets.values():
                    close_all([sock for sock in group if id(sock) not in keep])
            if self.user:
                drop_privileges(self.user)
            code = self.worker(spec, lambda: _write_ready(ready_pipe))
        except OperatorError as error:
            sys.stderr.write(f"pabal: {error}\n")
            code = 2
        except BaseException:
            log.exception("role failed", role=spec.name)
        finally:
            sys.stderr.flush()
            os._exit(code)

    def _wait(self, wake: int) -> None:
        waiting = [c.ready_pipe for c in self._children.values() if not c.ready]
        readable, _, _ = select.select([wake, *waiting], [], [], self._timeout())
        signals = os.read(wake, 4096) if wake in readable else b""
        for child in self._children.values():
            if child.ready_pipe in readable and os.read(child.ready_pipe, 1):
                child.ready = True
        self._reap()
        if signal.SIGTERM in signals or signal.SIGINT in signals:
            self._stop()
        if signal.SIGHUP in signals:
            self._signal_all(signal.SIGHUP)
        self._after_wait()

    def _after_wait(self) -> None:
        now = self.clock.monotonic()
        for pause in [p for p in self._pauses if p.until <= now]:
            self._pauses.remove(pause)
            if self._stopping_since is None:
                self._start(pause.spec)
        everything_up = len(self._children) == len(self.specs) and all(
            child.ready for child in self._children.values()
        )
        if everything_up and not self._said_ready:
            self._said_ready = True
            self.say_ready()
        stopping = self._stopping_since
        if stopping is not None and now - stopping > STOP_SECONDS:
            log.warning("roles did not stop in time", count=len(self._children))
            self._signal_all(signal.SIGKILL)
            self._stopping_since = math.inf  # said once; what is left is to reap them

    def _timeout(self) -> float | None:
        now = self.clock.monotonic()
        times = [pause.until - now for pause in self._pauses]
        if self._stopping_since is not None and math.isfinite(self._stopping_since):
            times.append(self._stopping_since + STOP_SECONDS - now + 0.1)
        return max(0.0, min(times)) if times else None

    def _reap(self) -> None:
        for pid in tuple(self._children):
            found, status = os.waitpid(pid, os.WNOHANG)
            if found:
                child = self._children.pop(pid)
                os.close(child.ready_pipe)
                self._ended(child, os.waitstatus_to_exitcode(status))

    def _ended(self, child: Child, code: int) -> None:
        name = child.spec.name
        if self._stopping_since is not None:
            return
        if code == 2 or (code != 0 and not self._said_ready and not child.ready):
            # It cannot start as things are; saying so beats trying for ever.
            self._exit_code = code if code == 2 else 1
            self._stop()
            return
        now = self.clock.monotonic()
        if now - child.started_at > HEALTHY_SECONDS:
            self._failures[name] = 0
        failures = self._failures[name] = self._failures.get(name, 0) + 1
        delay = min(RESTART_FIRST_SECONDS * 2 ** (failures - 1), RESTART_MAX_SECONDS)
        log.error("role died, starting it again", role=name, code=code, in_s=delay)
        self._pauses.append(Pause(child.spec, now + delay))

    def _stop(self) -> None:
        if self._stopping_since is None:
            self._stopping_since = self.clock.monotonic()
        self._pauses.clear()
        self._signal_all(signal.SIGTERM)

    def _signal_all(self, number: signal.Signals) -> None:
        for pid in self._children:
            os.kill(pid, number)


def role_count(settings: Settings) -> int:
    """Return how many processes the roles ``dns`` and ``mail`` have."""
    return settings.workers or len(os.sched_getaffinity(0))


def bind_roles(settings: Settings) -> list[RoleSpec]:
    """Bind every socket of [listen] and return the processes to run.

    Raises:
        OperatorError: A socket cannot be bound; the others are closed again.
    """
    count = role_count(settings)
    bound: list[socket.socket] = []
    try:
        shared = {
            service: _bind_tcp(settings, service, bound)
            for service in (*MAIL_SERVICES, *WEB_SERVICES, "dns-tls")
        }
        dns_tcp = _bind_tcp(settings, "dns", bound)
        dns_udp = [
            bind_shared(endpoint, "dns", count) for endpoint in settings.listen["dns"]
        ]
    except OperatorError:
        close_all(bound)
        raise
    if count == 1:
        everything = {
            **shared,
            "dns/tcp": dns_tcp,
            "dns/udp": [group[0] for group in dns_udp],
        }
        return [RoleSpec("all", frozenset(ROLES), everything)]
    return _many(shared, dns_tcp, dns_udp, count)


def _many(
    shared: Mapping[str, Sequence[socket.socket]],
    dns_tcp: Sequence[socket.socket],
    dns_udp: Sequence[Sequence[socket.socket]],
    count: int,
) -> list[RoleSpec]:
    mail = {service: shared[service] for service in MAIL_SERVICES}
    web = {service: shared[service] for service in WEB_SERVICES}
    dns_tls = shared["dns-tls"]
    specs = [
        RoleSpec(f"mail-{i}", frozenset({"mail"}), mail)
        for i in range(count)
        if any(mail.values())
    ]
    specs += [
        RoleSpec(
            f"dns-{i}",
            frozenset({"dns"} if i else {"dns", TRANSFERS}),
            {
                "dns/tcp": dns_tcp,
                "dns/udp": [group[i] for group in dns_udp],
                "dns-tls": dns_tls,
            },
        )
        for i in range(count)
        if dns_udp or dns_tls
    ]
    specs.append(RoleSpec("queue", frozenset({"queue"}), {}))
    if any(web.values()):
        specs.append(RoleSpec("web", frozenset({"web"}), web))
    return specs


def _bind_tcp(
    settings: Settings, service: str, bound: list[socket.socket]
) -> list[socket.socket]:
    sockets = [bind(endpoint, service) for endpoint in settings.listen[service]]
    bound += sockets
    return sockets


def whom_to_become(settings: Settings, *, is_root: bool) -> pwd.struct_passwd | None:
    """Return the user the roles run as; ``None``: stay who we are.

    Where the default user does not exist, it is the owner of the data.

    Raises:
        OperatorError: The configuration names a user this machine does not have.
    """
    if not is_root or not settings.user:
        return None
    try:
        return pwd.getpwnam(settings.user)
    except KeyError:
        if settings.user != DEFAULT_USER:
            raise OperatorError(
                f"there is no user {settings.user!r} on this machine.",
                f"`useradd --system {settings.user}` makes one,"
                " or change `user` in pabal.toml.",
            ) from None
    owner = settings.data.stat().st_uid if settings.data.exists() else 0
    if owner == 0:
        log.warning(
            "staying root: there is no user pabal",
            fix="useradd --system pabal && chown -R pabal " + str(settings.data),
        )
        return None
    return pwd.getpwuid(owner)


def _noted(number: int, frame: object) -> None:
    """Do nothing: the wakeup descriptor has the signal already."""


def _end_with_parent(lifeline: int) -> None:
    """End this process at once when the supervisor is gone, however it went.

    An orphan would keep the ports, and nobody could start the server again. Nothing
    is lost: what was acknowledged is on disk.
    """
    os.read(lifeline, 1)
    os._exit(1)


def _write_ready(pipe: int) -> None:
    os.write(pipe, b"r")
