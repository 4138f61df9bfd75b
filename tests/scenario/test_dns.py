"""Plays every resolver scenario."""

from pathlib import Path

import pytest

from tests.scenario.dns.player import Player

SCENARIOS = sorted((Path(__file__).parent / "dns").glob("*.scn"))


@pytest.mark.parametrize("path", SCENARIOS, ids=lambda path: path.stem)
async def test_scenario(path: Path) -> None:
    await Player().play(path)


def test_there_are_scenarios() -> None:
    assert len(SCENARIOS) >= 15
