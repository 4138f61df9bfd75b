"""Where mail for an address goes: the rules, asked of whoever has the entries.

Sans-IO.
Source: RFC 5321 §3.9 (aliases), §4.5.1 (postmaster); RFC 5233 §4 (subaddress).
"""

from collections.abc import Sequence
from typing import Final

from pabal.directory.ports import Account, Lookup, Resolution, Route, Target
from pabal.message.address import Mailbox, split_subaddress

POSTMASTER: Final = "postmaster"
"""The mailbox every domain has (RFC 5321 §4.5.1)."""

UNKNOWN: Final = Resolution(Route.UNKNOWN)


def resolve(lookup: Lookup, address: Mailbox) -> Resolution:
    """Return where mail for ``address`` goes.

    An alias that leads nowhere (a loop, accounts that are gone) is UNKNOWN: refusing
    mail is better than losing it. Every address is followed once.
    """
    if not lookup.hosts(address.ascii_domain):
        return Resolution(Route.REMOTE, (Target(Route.REMOTE, address),))
    found: dict[tuple[int, str], Target] = {}
    seen: set[str] = set()
    waiting = [(address, "")]
    while waiting:
        step, detail = waiting.pop()
        if not lookup.hosts(step.ascii_domain):
            # Their local parts are theirs to compare (RFC 5321 §2.4): case is kept.
            key = (0, f"{step.local_part}@{step.ascii_domain}")
            found.setdefault(key, Target(Route.REMOTE, step))
            continue
        if step.canonical in seen:
            continue
        seen.add(step.canonical)
        entry, own_detail = _look_up(lookup, step)
        detail = own_detail or detail
        if isinstance(entry, Account):
            if entry.enabled:
                final = Mailbox.parse(entry.address)
                target = Target(Route.LOCAL, final, entry.id, detail)
                found.setdefault((entry.id, ""), target)
            continue
        waiting.extend((Mailbox.parse(text), detail) for text in reversed(entry))
    return Resolution(Route.LOCAL, tuple(found.values())) if found else UNKNOWN


def _look_up(lookup: Lookup, address: Mailbox) -> tuple[Account | Sequence[str], str]:
    """Return the account or the alias's targets, and the subaddress used.

    The more exact entry wins: the address, the address without its subaddress, the
    catch-all, and for postmaster the domain's first account.
    """
    canonical = address.canonical
    domain = address.ascii_domain
    entry = lookup.account_at(canonical) or lookup.targets_at(canonical)
    if entry:
        return entry, ""
    user, detail = split_subaddress(address.local_part)
    if detail:
        base = Mailbox(user, address.domain).canonical
        entry = lookup.account_at(base) or lookup.targets_at(base)
        if entry:
            return entry, detail
    entry = lookup.targets_at(f"@{domain}")
    if not entry and canonical == f"{POSTMASTER}@{domain}":
        entry = lookup.first_account_in(domain) or ()
    return entry, ""
