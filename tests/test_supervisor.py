"""The parent process, with real small children: forks, signals, restarts.

Each supervisor runs in a child of its own, because it takes the signals.
"""

import contextlib
import os
import pwd
import signal
import socket
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from types import FrameType

import pytest

from pabal import supervisor
from pabal.base.clock import SystemClock
from pabal.base.errors import OperatorError
from pabal.config.load import parse
from pabal.config.settings import Settings
from pabal.net.endpoint import Endpoint
from pabal.supervisor import (
    MAIL_SERVICES,
    TRANSFERS,
    RoleSpec,
    Supervisor,
    Worker,
    bind_roles,
    role_count,
    whom_to_become,
)

PATIENCE_SECONDS = 15.0


def spec(name: str) -> RoleSpec:
    return RoleSpec(name, frozenset({name}), {})


def until_sigterm() -> int:
    """What a worker does when it has nothing to do."""
    done: list[int] = []

    def stop(number: int, frame: FrameType | None) -> None:
        done.append(number)

    signal.signal(signal.SIGTERM, stop)
    while not done:
        time.sleep(0.01)
    return 0


class Story:
    """A supervisor in a child process; what happens there is lines of a file."""

    def __init__(self, path: Path) -> None:
        self.file = path / "story"
        self.file.touch()
        self.pid = 0

    def note(self, line: str) -> None:
        with self.file.open("a") as file:
            file.write(line + "\n")

    @property
    def lines(self) -> list[str]:
        return self.file.read_text().splitlines()

    def start(self, worker: Worker, *names: str) -> None:
        self.pid = os.fork()
        if self.pid:
            return
        code = 99
        try:
            code = Supervisor(
                [spec(name) for name in names],
                worker,
                None,
                SystemClock(),
                lambda: self.note("ready"),
            ).run()
        finally:
            os._exit(code)

    def wait_for(self, line: str, count: int = 1) -> None:
        end = time.monotonic() + PATIENCE_SECONDS
        while self.lines.count(line) < count:
            assert time.monotonic() < end, self.lines
            time.sleep(0.01)

    def stop(self, number: signal.Signals = signal.SIGTERM) -> int:
        os.kill(self.pid, number)
        return self.end()

    def end(self) -> int:
        """Return the exit code, once it ended by itself."""
        end = time.monotonic() + PATIENCE_SECONDS
        while time.monotonic() < end:
            found, status = os.waitpid(self.pid, os.WNOHANG)
            if found:
                self.pid = 0
                return os.waitstatus_to_exitcode(status)
            time.sleep(0.01)
        raise AssertionError(f"it goes on: {self.lines}")


@pytest.fixture
def story(tmp_path: Path) -> Iterator[Story]:
    told = Story(tmp_path)
    yield told
    if told.pid:
        os.kill(told.pid, signal.SIGKILL)
        os.waitpid(told.pid, 0)


def test_ready_is_said_once_when_all_are(story: Story) -> None:
    def worker(role: RoleSpec, ready: Callable[[], None]) -> int:
        time.sleep(0.2 if role.name == "slow" else 0.0)
        story.note(f"up {role.name}")
        ready()
        return until_sigterm()

    story.start(worker, "slow", "fast")
    story.wait_for("ready")
    assert story.lines == ["up fast", "up slow", "ready"]
    assert story.stop() == 0


def test_what_dies_is_started_again_with_a_pause(story: Story) -> None:
    def worker(role: RoleSpec, ready: Callable[[], None]) -> int:
        story.note(f"start {role.name} {time.monotonic():.3f}")
        story.note(f"start {role.name}")
        ready()
        if role.name == "weak" and story.lines.count("start weak") < 3:
            time.sleep(0.05)
            os.kill(os.getpid(), signal.SIGKILL)
        return until_sigterm()

    story.start(worker, "strong", "weak")
    story.wait_for("start weak", 3)
    assert story.lines.count("start strong") == 1
    assert story.lines.count("ready") == 1
    at = [
        float(line.split()[2]) for line in story.lines if line.startswith("start weak ")
    ]
    assert at[1] - at[0] >= supervisor.RESTART_FIRST_SECONDS
    assert at[2] - at[1] >= 2 * supervisor.RESTART_FIRST_SECONDS, "the pause doubles"
    assert story.stop() == 0


def test_what_cannot_start_ends_all_with_its_code(story: Story) -> None:
    def worker(role: RoleSpec, ready: Callable[[], None]) -> int:
        if role.name == "bad":
            raise OperatorError("the certificate is none.")
        ready()
        code = until_sigterm()
        story.note("stopped in order")
        return code

    story.start(worker, "good", "bad")
    assert story.end() == 2
    assert story.lines in ([], ["stopped in order"])


def test_a_bug_at_the_start_ends_it(story: Story) -> None:
    def worker(role: RoleSpec, ready: Callable[[], None]) -> int:
        raise ZeroDivisionError

    story.start(worker, "bad")
    assert story.end() == 1


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_children_drain_before_it_ends(story: Story, number: signal.Signals) -> None:
    def worker(role: RoleSpec, ready: Callable[[], None]) -> int:
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        ready()
        code = until_sigterm()
        time.sleep(0.1)
        story.note(f"drained {role.name}")
        return code

    story.start(worker, "a", "b")
    story.wait_for("ready")
    assert story.stop(number) == 0
    assert sorted(story.lines) == ["drained a", "drained b", "ready"]


def test_a_hang_up_is_passed_on(story: Story) -> None:
    def worker(role: RoleSpec, ready: Callable[[], None]) -> int:
        def heard(number: int, frame: FrameType | None) -> None:
            story.note(f"hup {role.name}")

        signal.signal(signal.SIGHUP, heard)
        ready()
        return until_sigterm()

    story.start(worker, "a", "b")
    story.wait_for("ready")
    os.kill(story.pid, signal.SIGHUP)
    story.wait_for("hup a")
    story.wait_for("hup b")
    assert story.stop() == 0


def test_who_does_not_drain_is_killed(
    story: Story, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(supervisor, "STOP_SECONDS", 0.2)

    def worker(role: RoleSpec, ready: Callable[[], None]) -> int:
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
        ready()
        while True:
            time.sleep(1)

    story.start(worker, "stubborn")
    story.wait_for("ready")
    assert story.stop() == 0


def settings(workers: int, **listen: tuple[Endpoint, ...]) -> Settings:
    loaded = parse(f'hostname = "a.test"\nworkers = {workers}\n', Path("/x/pabal.toml"))
    assert loaded.settings is not None
    return replace(
        loaded.settings,
        listen={s: listen.get(s.replace("-", "_"), ()) for s in loaded.settings.listen},
    )


LOOPBACK = (Endpoint("127.0.0.1", 0),)


@contextlib.contextmanager
def bound(given: Settings) -> Iterator[Mapping[str, RoleSpec]]:
    specs = bind_roles(given)
    try:
        yield {each.name: each for each in specs}
    finally:
        for each in specs:
            for group in each.sockets.values():
                for sock in group:
                    sock.close()


def test_one_worker_is_one_process_with_everything() -> None:
    given = settings(1, smtp=LOOPBACK, dns=LOOPBACK, http=LOOPBACK)
    with bound(given) as specs:
        assert set(specs) == {"all"}
        sockets = specs["all"].sockets
        assert [len(sockets[s]) for s in ("smtp", "dns/udp", "dns/tcp", "http")] == [
            *(1, 1, 1, 1)
        ]
        assert sockets["imap"] == []


def test_several_workers_share_tcp_and_split_udp() -> None:
    names = ("smtp", "dns", "http", "https", "ssh", "dns_tls")
    listen: dict[str, tuple[Endpoint, ...]] = dict.fromkeys(names, LOOPBACK)
    given = settings(2, **listen)
    with bound(given) as specs:
        services = ("http", "https", "ssh")
        assert [len(specs["web"].sockets[s]) for s in services] == [1, 1, 1]
        tls = [specs[f"dns-{i}"].sockets["dns-tls"] for i in range(2)]
        assert tls[0] == tls[1]
        assert len(tls[0]) == 1
        assert set(specs) == {"mail-0", "mail-1", "dns-0", "dns-1", "queue", "web"}
        assert specs["mail-0"].sockets["smtp"] == specs["mail-1"].sockets["smtp"]
        first, second = (specs[f"dns-{i}"].sockets["dns/udp"][0] for i in range(2))
        assert first is not second
        assert first.getsockname() == second.getsockname()
        assert specs["queue"].sockets == {}
        assert set(specs["mail-0"].sockets) == set(MAIL_SERVICES)
        duty = [name for name, spec in specs.items() if TRANSFERS in spec.roles]
        assert duty == ["dns-0"], "two would fetch the same zone twice"


def test_what_is_off_has_no_process() -> None:
    with bound(settings(2)) as specs:
        assert set(specs) == {"queue"}


def test_a_port_in_use_closes_what_was_bound() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        busy = Endpoint("127.0.0.1", taken.getsockname()[1])
        free = socket.create_server(("127.0.0.1", 0))
        smtp = Endpoint("127.0.0.1", free.getsockname()[1])
        free.close()
        with pytest.raises(OperatorError, match="http cannot listen"):
            bind_roles(settings(1, smtp=(smtp,), http=(busy,)))
        socket.create_server((smtp.address, smtp.port)).close()


def test_auto_is_a_process_a_core() -> None:
    assert role_count(settings(3)) == 3
    assert role_count(replace(settings(3), workers=0)) == len(os.sched_getaffinity(0))


def test_only_root_becomes_somebody_else(tmp_path: Path) -> None:
    given = replace(settings(1), user="nobody", data=tmp_path)
    nobody = whom_to_become(given, is_root=True)
    assert nobody == pwd.getpwnam("nobody")
    assert whom_to_become(given, is_root=False) is None
    assert whom_to_become(replace(given, user=""), is_root=True) is None


def test_a_user_who_is_not_there_is_named(tmp_path: Path) -> None:
    given = replace(settings(1), user="nosuchuser", data=tmp_path)
    with pytest.raises(OperatorError, match="useradd --system nosuchuser"):
        whom_to_become(given, is_root=True)


def test_without_the_default_user_it_is_the_owner_of_the_data(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def no_pabal(name: str) -> pwd.struct_passwd:
        raise KeyError(name)

    monkeypatch.setattr(pwd, "getpwnam", no_pabal)
    given = replace(settings(1), data=tmp_path)
    found = whom_to_become(given, is_root=True)
    owner = tmp_path.stat().st_uid
    assert found == (pwd.getpwuid(owner) if owner else None)
