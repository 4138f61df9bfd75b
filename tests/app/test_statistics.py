import pytest

from pabal.app.measures import Measures
from pabal.app.statistics import statistics
from pabal.base.errors import UnavailableError
from pabal.config.settings import Settings
from tests.app.rig import opened


async def test_who_runs_is_asked(settings: Settings) -> None:
    with pytest.raises(UnavailableError, match="no server runs here"):
        await statistics(settings)
    async with opened(settings, name="dns-0") as shared:
        measures = Measures(shared.registry, shared.layout, shared.bell)
        shared.bell.listen(measures.heard)
        ((process, families),) = await statistics(settings)
        assert process == "dns-0"
        assert "pabal_mail_events_total" in {family.name for family in families}
        await measures.stop()
