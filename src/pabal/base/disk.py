"""Waiting for the disk without a thread.

Whoever promises something waits for ``fdatasync``. On a thread that wait hands the
interpreter's lock over twice, which costs more than all the rest of a short write; so
the kernel is asked to do it behind our back and to ring an eventfd when it is done
(io_submit(2), IOCB_CMD_FDSYNC, Linux 4.18). Where it will not, threads wait as ever.
"""

import asyncio
import ctypes
import os
import platform
import struct
import threading
from collections.abc import Callable
from contextlib import suppress
from functools import partial
from queue import SimpleQueue
from typing import Final, NamedTuple, Protocol

Done = Callable[[OSError | None], None]
"""Called on the event loop when everything written is on disk, or why it is not."""

EVENTS_MAX: Final = 256
"""Files the kernel syncs for us at the same time; more wait on threads."""

THREADS: Final = 4
"""Files that threads sync at the same time."""

_FDSYNC: Final = 3
"""IOCB_CMD_FDSYNC of linux/aio_abi.h."""

_RING_EVENTFD: Final = 1
"""IOCB_FLAG_RESFD of linux/aio_abi.h."""

_COMMAND: Final = struct.Struct("=QIiHhIQQqQII")
"""``struct iocb``: data, key, flags, opcode, priority, file, buffer, size, offset,
reserved, flags, eventfd."""

_EVENT: Final = struct.Struct("=QQqq")
"""``struct io_event``: data, command, result, second result."""


class _Calls(NamedTuple):
    """Numbers of the system calls on one kind of machine."""

    io_setup: int
    io_destroy: int
    io_getevents: int
    io_submit: int


_CALLS: Final = {"x86_64": _Calls(206, 207, 208, 209), "aarch64": _Calls(0, 1, 4, 2)}
"""By machine."""


class Disk(Protocol):
    """Syncs files in the background."""

    def sync(self, descriptor: int, done: Done) -> None:
        """Call ``done`` once what was written to ``descriptor`` so far is on disk.

        Called on the event loop. The descriptor may be closed meanwhile.
        """
        ...

    def close(self) -> None:
        """Stop; nothing is being synced any more."""
        ...


class ThreadDisk:
    """Implements ``Disk`` with threads: everywhere, and slower."""

    def __init__(self) -> None:
        self._works: SimpleQueue[Callable[[], None] | None] = SimpleQueue()
        self._threads: list[threading.Thread] = []

    def sync(self, descriptor: int, done: Done) -> None:
        """Call ``done`` once what was written to ``descriptor`` so far is on disk."""
        if not self._threads:
            self._threads = [
                threading.Thread(target=self._run, name=f"disk-{number}", daemon=True)
                for number in range(THREADS)
            ]
            for thread in self._threads:
                thread.start()
        try:
            own = os.dup(descriptor)
        except OSError as error:
            asyncio.get_running_loop().call_soon(done, error)
            return
        loop = asyncio.get_running_loop()
        self._works.put(partial(self._sync, own, loop, done))

    def close(self) -> None:
        """Finish what was handed over and end the threads."""
        for _ in self._threads:
            self._works.put(None)
        for thread in self._threads:
            thread.join()
        self._threads = []

    def _sync(
        self, descriptor: int, loop: asyncio.AbstractEventLoop, done: Done
    ) -> None:
        failure: OSError | None = None
        try:
            os.fdatasync(descriptor)
        except OSError as error:
            failure = error
        finally:
            os.close(descriptor)
        with suppress(RuntimeError):  # the loop was closed: nobody waits
            loop.call_soon_threadsafe(done, failure)

    def _run(self) -> None:
        while (work := self._works.get()) is not None:
            work()


class KernelDisk:
    """Implements ``Disk`` with the kernel's own threads.

    Raises:
        OSError: This kernel, machine or sandbox has no asynchronous sync.
    """

    def __init__(self) -> None:
        machine = platform.machine()
        if machine not in _CALLS:
            raise OSError(f"system calls of {machine} are not known")
        self._calls = _CALLS[machine]
        # Calls that never wait, so the interpreter's lock is kept: PyDLL, not CDLL.
        self._call = ctypes.PyDLL(None, use_errno=True).syscall
        self._context = ctypes.c_ulong(0)
        self._checked(self._calls.io_setup, EVENTS_MAX, ctypes.byref(self._context))
        self._bell = os.eventfd(0, os.EFD_NONBLOCK | os.EFD_CLOEXEC)
        self._command = ctypes.create_string_buffer(_COMMAND.size)
        self._commands = (ctypes.c_void_p * 1)(ctypes.addressof(self._command))
        self._events = ctypes.create_string_buffer(_EVENT.size * EVENTS_MAX)
        self._waiting: dict[int, Done] = {}
        self._last = 0
        self._loop: asyncio.AbstractEventLoop | None = None
        self._rest = ThreadDisk()

    def sync(self, descriptor: int, done: Done) -> None:
        """Call ``done`` once what was written to ``descriptor`` so far is on disk."""
        if self._loop is None:
            self._loop = asyncio.get_running_loop()
            self._loop.add_reader(self._bell, self._rung)
        self._last += 1
        _COMMAND.pack_into(
            self._command,
            0,
            *(self._last, 0, 0, _FDSYNC, 0, descriptor),
            *(0, 0, 0, 0, _RING_EVENTFD, self._bell),
        )
        # The kernel copies the command and holds the file.
        if self._call(self._calls.io_submit, self._context, 1, self._commands) == 1:
            self._waiting[self._last] = done
        else:
            # No room, or a file system that cannot: a thread always can.
            self._rest.sync(descriptor, done)

    def close(self) -> None:
        """Give everything back to the kernel. Idempotent."""
        if self._bell < 0:
            return
        if self._loop is not None and not self._loop.is_closed():
            self._loop.remove_reader(self._bell)
        self._call(self._calls.io_destroy, self._context)
        os.close(self._bell)
        self._bell = -1
        self._rest.close()

    def _rung(self) -> None:
        with suppress(BlockingIOError):
            os.eventfd_read(self._bell)
        count = EVENTS_MAX
        while count == EVENTS_MAX:  # the kernel holds more than it was asked for
            count = self._checked(
                self._calls.io_getevents,
                self._context,
                0,
                EVENTS_MAX,
                self._events,
                None,
            )
            found = memoryview(self._events)[: count * _EVENT.size]
            for number, _, result, _ in tuple(_EVENT.iter_unpack(found)):
                error = OSError(-result, os.strerror(-result)) if result < 0 else None
                self._waiting.pop(number)(error)

    def _checked(self, number: int, *arguments: object) -> int:
        result: int = self._call(number, *arguments)
        if result < 0:
            code = ctypes.get_errno()
            raise OSError(code, os.strerror(code))
        return result


def open_disk() -> Disk:
    """Return the best way to wait for the disk there is on this machine."""
    try:
        return KernelDisk()
    except OSError:
        return ThreadDisk()
