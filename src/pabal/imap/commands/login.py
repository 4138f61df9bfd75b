"""LOGIN, and what follows every successful log-in.

Source: RFC 9051 §6.2.3; RFC 5530 (AUTHENTICATIONFAILED, PRIVACYREQUIRED).

Security: the failures of a connection are counted, those of an address and an account
by the authenticator, which also slows them down.
"""

from pabal.base.log import Log
from pabal.imap.commands.capability import capabilities, login_allowed
from pabal.imap.commands.context import Context
from pabal.imap.commands.refusal import RefusedError
from pabal.imap.session import State
from pabal.imap.wire.login import Login
from pabal.imap.wire.response import Tagged
from pabal.net.sasl import Denied, Granted

log = Log("imap")


async def run(context: Context, command: Login) -> Tagged:
    """Log in with a user name and a password."""
    if not login_allowed(context):
        raise RefusedError("Passwords need TLS here", b"PRIVACYREQUIRED")
    try:
        user = command.user.decode("utf-8")
        password = command.password.decode("utf-8")
    except UnicodeDecodeError as error:
        raise RefusedError("Log-in failed", b"AUTHENTICATIONFAILED") from error
    outcome = await context.services.authenticator.login(
        user, password, peer_address=context.stream.peer.address
    )
    return await settle(context, outcome)


async def settle(context: Context, outcome: Granted | Denied) -> Tagged:
    """Enter the account, or say that it failed.

    Raises:
        RefusedError: It failed.
    """
    peer = str(context.stream.peer)
    if isinstance(outcome, Denied):
        context.failures += 1
        log.info("log-in failed", peer=peer, reason=outcome.reason)
        if outcome.temporary:
            raise RefusedError("Try again later", b"UNAVAILABLE")
        raise RefusedError("Log-in failed", b"AUTHENTICATIONFAILED")
    identity = outcome.identity
    context.account = await context.services.store.account(identity.account_id)
    context.identity = identity
    context.session.state = State.AUTHENTICATED
    log.info("logged in", peer=peer, account=identity.address)
    code = b"CAPABILITY " + capabilities(context)
    return Tagged(b"Logged in", code)
