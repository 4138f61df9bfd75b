import pytest

from pabal.trace.memory import MemoryTrace, bare
from tests.trace.contract import Settle, TraceContract, event


class TestMemory(TraceContract):
    @pytest.fixture
    def tracer(self) -> MemoryTrace:
        return MemoryTrace()

    @pytest.fixture
    def reader(self, tracer: MemoryTrace) -> MemoryTrace:
        return tracer

    @pytest.fixture
    def settle(self) -> Settle:
        return lambda: None


def test_the_oldest_go_first() -> None:
    trace = MemoryTrace(events_max=2)
    for number in range(3):
        trace.record(event(number, trace_id=f"t{number}"))
    assert [way[0].trace_id for way in trace.last(5)] == ["t2", "t1"]


def test_brackets() -> None:
    assert bare("<a@b>\r\n") == bare("a@b") == "a@b"
