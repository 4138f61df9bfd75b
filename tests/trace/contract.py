"""What every trace does, wherever it keeps its events."""

from collections.abc import Callable

from pabal.trace.ports import Fact, Stage, TraceEvent, Tracer, TraceReader


def event(
    at: float,
    stage: Stage = Stage.RECEIVED,
    trace_id: str = "t1",
    message_id: str = "",
    recipient: str = "",
    *,
    host: str = "mail.a.test",
    facts: dict[str, Fact] | None = None,
) -> TraceEvent:
    return TraceEvent(
        at, host, trace_id, stage, message_id, recipient, 1.5, facts or {}
    )


Settle = Callable[[], None]
"""Makes what was recorded readable."""


class TraceContract:
    def fill(self, tracer: Tracer, settle: Settle, *events: TraceEvent) -> None:
        for one in events:
            tracer.record(one)
        settle()

    def test_whole_events_come_back(
        self, tracer: Tracer, reader: TraceReader, settle: Settle
    ) -> None:
        facts: dict[str, Fact] = {"reply": "250 좋다", "n": 1, "ok": True, "x": None}
        one = event(1.25, Stage.SENT, "t1", "m@a.test", "bob@b.test", facts=facts)
        self.fill(tracer, settle, one)
        assert list(reader.by_message_id("m@a.test")) == [one]
        assert list(reader.by_message_id(" <m@a.test> ")) == [one]
        assert list(reader.by_message_id("other@a.test")) == []
        assert list(reader.by_message_id("")) == []

    def test_a_message_id_joins_all_its_traces(
        self, tracer: Tracer, reader: TraceReader, settle: Settle
    ) -> None:
        events = [
            event(1, Stage.RECEIVED, "t1"),
            event(2, Stage.QUEUED, "t1", "m@a"),
            event(3, Stage.RECEIVED, "t2", "m@a"),
            event(4, Stage.DELIVERED, "t2"),
            event(5, Stage.RECEIVED, "t3", "n@a"),
        ]
        self.fill(tracer, settle, *reversed(events))
        assert list(reader.by_message_id("m@a")) == events[:4]

    def test_last(self, tracer: Tracer, reader: TraceReader, settle: Settle) -> None:
        first = [event(1, trace_id="t1", message_id="m@a")]
        second = [event(2, trace_id="t2"), event(3, trace_id="t2")]
        more = event(4, trace_id="t3", message_id="m@a")
        self.fill(tracer, settle, *first, *second, more)
        assert [list(way) for way in reader.last(10)] == [[*first, more], second]
        assert [list(way) for way in reader.last(1)] == [[*first, more]]
        assert list(reader.last(0)) == []

    def test_to(self, tracer: Tracer, reader: TraceReader, settle: Settle) -> None:
        self.fill(
            tracer,
            settle,
            event(1, trace_id="t1", message_id="m@a"),
            event(2, Stage.SENT, trace_id="t1", recipient="Bob@b.test"),
            event(3, Stage.SENT, trace_id="t2", recipient="carol@b.test"),
            event(4, Stage.SENT, trace_id="t3", recipient="bob@b.test"),
        )
        ways = reader.to("bob@B.test", 10)
        assert [[e.at for e in way] for way in ways] == [[4], [1, 2]]
        assert [[e.at for e in way] for way in reader.to("bob@b.test", 1)] == [[4]]
        assert list(reader.to("dave@b.test", 1)) == []
