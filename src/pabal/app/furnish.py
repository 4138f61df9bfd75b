"""Makes a server's directory ready: ``pabal init`` and the lab."""

from dataclasses import replace

from pabal.admin.setup import Plan, write_files
from pabal.app.office import administration
from pabal.base.clock import SystemClock
from pabal.base.errors import OperatorError
from pabal.config.load import load_or_raise
from pabal.message.address import AddressError, Mailbox


def set_up(plan: Plan, account: str, password: str) -> None:
    """Write everything a new server needs.

    Args:
        plan: What to make.
        account: An address to create an account for; may be empty.
        password: Its password.

    Raises:
        OperatorError: It cannot be made; says which part.
    """
    mailbox = _mailbox(plan, account) if account else None
    owner = mailbox.canonical if mailbox else ""
    write_files(replace(plan, administrator=owner), SystemClock())
    furnish(plan, mailbox, password)


def furnish(plan: Plan, account: Mailbox | None, password: str) -> None:
    """Host the domain of a directory that has its configuration; add the account."""
    with administration(load_or_raise(plan.directory)) as office:
        if plan.domain:
            office.add_domain(plan.domain)
        if account:
            office.directory.add_account(account, password)


def _mailbox(plan: Plan, account: str) -> Mailbox:
    try:
        mailbox = Mailbox.parse(account)
    except AddressError as error:
        raise OperatorError(f"{account!r} is not an address: {error}.") from error
    wanted = Mailbox("x", plan.domain).ascii_domain
    if mailbox.ascii_domain != wanted:
        raise OperatorError(
            f"{account} is not in {plan.domain}.",
            f"Like --account you@{plan.domain}; `pabal domain add` hosts more domains.",
        )
    return mailbox
