"""``pabal dig``: a resolution from an empty cache, explained."""

import asyncio
import contextlib

import dns.name
import dns.rdatatype

from pabal.admin.layout import Layout
from pabal.app import outlooks, parts, resolving
from pabal.app.office import enter
from pabal.base.clock import SystemClock
from pabal.config.settings import Settings
from pabal.dns.resolver.explanation import Explanation, explain


async def explain_name(
    settings: Settings,
    name: dns.name.Name,
    rdtype: dns.rdatatype.RdataType,
    view: str = "",
) -> Explanation:
    """Resolve a name as the server would, from an empty cache.

    Args:
        view: For whose clients; empty: for those that are in none.

    Raises:
        OperatorError: There is no such view.
    """
    section = outlooks.section_of(settings, view) if view else None
    enter(Layout(settings.data))
    clock = SystemClock()
    with contextlib.closing(parts.open_directory(settings, clock)) as book:
        zones = parts.zones(settings, book, clock)
        seen = outlooks.views_by_name(settings, clock).get(view)
        resolver = parts.resolver(settings, clock, seen or zones, section)
        try:
            await asyncio.to_thread(zones.reload)
            await resolving.anchor_keeper(settings, resolver, clock).restore()
            if seen is None:
                found = outlooks.for_clients(settings, resolver, zones, clock)
                asked = found.resolver
            else:
                await asyncio.to_thread(seen.rebuild, zones.owners, zones.by_apex)
                asked = outlooks.for_view(settings, resolver, zones, clock, seen)
            return await explain(asked, name, rdtype, clock, resolver.cache)
        finally:
            await resolver.stop()
