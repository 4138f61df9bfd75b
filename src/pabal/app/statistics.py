"""What the running processes counted, for commands."""

import contextlib
from collections.abc import Sequence

from pabal.admin.layout import Layout
from pabal.app.measures import collect
from pabal.app.office import enter, open_bell
from pabal.base.errors import UnavailableError
from pabal.base.metrics import Extent, Family
from pabal.config.settings import Settings


async def statistics(
    settings: Settings, extent: Extent = Extent.USUAL
) -> list[tuple[str, Sequence[Family]]]:
    """Return what each running process counted, by its name.

    Raises:
        UnavailableError: None runs, or none answers.
    """
    layout = Layout(settings.data)
    enter(layout)
    with contextlib.closing(open_bell(layout)) as bell:
        found = await collect(layout, bell, extent)
    if not found:
        raise UnavailableError("no server runs here: nothing is counted")
    return found
