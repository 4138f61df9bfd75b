import logging

import pytest

from pabal.dns.server.reporting import Reporter
from pabal.dns.zone.batch import Report
from pabal.dns.zone.problem import Place, Problem, Severity

WRONG = Report(
    kept=("a.test.",), problems=(Problem(Severity.ERROR, Place("a.test.zone"), "bad"),)
)


def said(caplog: pytest.LogCaptureFixture) -> list[str]:
    """Return what was logged for operators since the last look."""
    found = [
        record.getMessage()
        for record in caplog.records
        if record.levelno > logging.DEBUG
    ]
    caplog.clear()
    return found


@pytest.fixture(autouse=True)
def _levels(caplog: pytest.LogCaptureFixture) -> None:
    logging.getLogger("pabal").propagate = True
    caplog.set_level(logging.DEBUG, "pabal")


def test_nothing_is_said_of_nothing(caplog: pytest.LogCaptureFixture) -> None:
    Reporter().tell(Report(unchanged=("a.test.",)), asked=False)
    assert not said(caplog)


def test_who_asks_is_told(caplog: pytest.LogCaptureFixture) -> None:
    Reporter().tell(Report(unchanged=("a.test.",)), asked=True)
    assert said(caplog) == ["zones reloaded"]


@pytest.mark.parametrize(
    "report", [Report(loaded=("a.test.",)), Report(removed=("a.test.",))]
)
def test_changes_are_told(report: Report, caplog: pytest.LogCaptureFixture) -> None:
    Reporter().tell(report, asked=False)
    assert said(caplog) == ["zones reloaded"]


def test_a_mistake_is_told_once(caplog: pytest.LogCaptureFixture) -> None:
    """The directory changes often; each time wrong zones are looked at again."""
    reporter = Reporter()
    every = [
        "zone problem",
        "zone is wrong, its last good version is served",
        "zones reloaded",
    ]
    reporter.tell(WRONG, asked=False)
    assert said(caplog) == every
    reporter.tell(WRONG, asked=False)
    assert not said(caplog)
    reporter.tell(WRONG, asked=True)
    assert said(caplog) == every
    reporter.tell(Report(loaded=("a.test.",)), asked=False)
    assert said(caplog) == ["zones reloaded"]
    reporter.tell(WRONG, asked=False)
    assert said(caplog) == every, "wrong again"


def test_one_of_all_processes_speaks(caplog: pytest.LogCaptureFixture) -> None:
    reporter = Reporter()
    reporter.is_heard = False
    reporter.tell(WRONG, asked=True)
    reporter.tell(Report(refused=("b.test.",)), asked=False)
    assert not said(caplog)
