"""A name server for tests that answers every question in the same wrong way."""

import socket
import threading
from typing import Self

SERVFAIL = 2


class WrongNames:
    """Everything below ``silent.`` gets no answer, the rest SERVFAIL; over UDP.

    Attributes:
        questions: How many it was asked.
    """

    def __init__(self, address: str, port: int) -> None:
        self.questions = 0
        self._socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._socket.bind((address, port))
        self._socket.settimeout(0.1)
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._run)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *exc: object) -> None:
        self._over.set()
        self._thread.join()
        self._socket.close()

    def _run(self) -> None:
        while not self._over.is_set():
            try:
                query, client = self._socket.recvfrom(4096)
            except TimeoutError:
                continue
            self.questions += 1
            if b"\x06silent" in query.lower():
                continue
            flags = bytes([query[2] | 0x80, SERVFAIL])
            self._socket.sendto(query[:2] + flags + query[4:], client)
