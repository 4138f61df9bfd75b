import pytest

from pabal.mta.queue.memory import MemoryQueue
from pabal.mta.queue.ports import Queue
from tests.mta.queue.contract import QueueContract


class TestMemory(QueueContract):
    @pytest.fixture
    def queue(self) -> Queue:
        return MemoryQueue()
