"""Every command with its properties: the one place to look, and to add one.

Sans-IO.
Source: RFC 9051 §6 (where each is allowed), §7.5.1 (what may tell EXPUNGE).
"""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from functools import partial
from types import MappingProxyType
from typing import Final, TypeVar

from pabal.base.errors import LocalProtocolError
from pabal.imap.commands import (
    acl,
    append,
    authenticate,
    capability,
    close,
    comparator,
    compress,
    contexts,
    copy,
    enable,
    expunge,
    identify,
    idle,
    language,
    limits,
    list,  # noqa: A004 - the command's name; nobody here needs the built-in
    login,
    logout,
    mailbox_changes,
    metadata,
    multisearch,
    namespace,
    noop,
    notify,
    quota,
    replace,
    select,
    starttls,
    status,
    store,
    unauthenticate,
)
from pabal.imap.commands.context import Context, Run
from pabal.imap.session import ANY_STATE, LOGGED_IN, Rule, State
from pabal.imap.wire import acl as acl_grammar
from pabal.imap.wire import batches as batch_grammar
from pabal.imap.wire import fetch as fetch_grammar
from pabal.imap.wire import login as login_grammar
from pabal.imap.wire import mailboxes as mailbox_grammar
from pabal.imap.wire import messages as message_grammar
from pabal.imap.wire import metadata as metadata_grammar
from pabal.imap.wire import multisearch as multisearch_grammar
from pabal.imap.wire import notify as notify_grammar
from pabal.imap.wire import quota as quota_grammar
from pabal.imap.wire import search as search_grammar
from pabal.imap.wire import sort as sort_grammar
from pabal.imap.wire.grammar import Reader
from pabal.imap.wire.response import Tagged

Value = TypeVar("Value")


@dataclass(frozen=True, slots=True)
class Spec:
    """A command's properties.

    Attributes:
        rule: Where it is allowed and how its arguments are read.
        run: What it does.
        expunges: Whether EXPUNGE may be told before it ends: not by what takes message
            numbers, which another command in the pipe may count on (RFC 9051 §7.5.1).
        removes: Whether it takes messages away itself, which its client must hear.
        adds: Whether it brings messages, which their own client knows.
        after: What is done once its tagged response was sent.
    """

    rule: Rule
    run: Run
    expunges: bool = True
    removes: bool = False
    adds: bool = False
    after: Callable[[Context], Awaitable[None]] | None = None


@dataclass(frozen=True, slots=True)
class _Options:
    """What few commands differ in."""

    expunges: bool = True
    removes: bool = False
    adds: bool = False
    after: Callable[[Context], Awaitable[None]] | None = None
    message_next: Callable[[bytes], bool] | None = None


_USUAL: Final = _Options()
_USES_NUMBERS: Final = _Options(expunges=False)
_REMOVES: Final = _Options(removes=True)
_ADDS: Final = _Options(adds=True)


def _spec(
    kind: type[Value],
    run: Callable[[Context, Value], Awaitable[Tagged]],
    parse: Callable[[Reader], Value],
    states: State,
    options: _Options = _USUAL,
) -> Spec:
    async def checked(context: Context, value: object) -> Tagged:
        if not isinstance(value, kind):
            raise LocalProtocolError(f"{value!r} is not a {kind.__name__}")
        return await run(context, value)

    rule = Rule(states, parse, options.message_next)
    return Spec(
        *(rule, checked, options.expunges),
        removes=options.removes,
        adds=options.adds,
        after=options.after,
    )


def _bare(
    run: Callable[[Context, login_grammar.Bare], Awaitable[Tagged]],
    states: State,
    options: _Options = _USUAL,
) -> Spec:
    return _spec(login_grammar.Bare, run, login_grammar.parse_bare, states, options)


def _mailbox(
    run: Callable[[Context, mailbox_grammar.MailboxName], Awaitable[Tagged]],
) -> Spec:
    return _spec(
        mailbox_grammar.MailboxName, run, mailbox_grammar.parse_mailbox, LOGGED_IN
    )


def _select(
    run: Callable[[Context, mailbox_grammar.Select], Awaitable[Tagged]],
) -> Spec:
    return _spec(mailbox_grammar.Select, run, mailbox_grammar.parse_select, LOGGED_IN)


def _fetch(*, by_uid: bool) -> Spec:
    parse = partial(fetch_grammar.parse_fetch, by_uid=by_uid)
    options = _USUAL if by_uid else _USES_NUMBERS
    return _spec(fetch_grammar.Fetch, limits.fetch, parse, State.SELECTED, options)


def _store(*, by_uid: bool) -> Spec:
    parse = partial(message_grammar.parse_store, by_uid=by_uid)
    options = _USUAL if by_uid else _USES_NUMBERS
    return _spec(message_grammar.Store, store.run, parse, State.SELECTED, options)


def _search(*, by_uid: bool) -> Spec:
    parse = partial(search_grammar.parse_search, by_uid=by_uid)
    # RFC 7162 §3.2.10.2: a UID SEARCH may have message numbers among its keys.
    return _spec(
        search_grammar.Search, limits.search, parse, State.SELECTED, _USES_NUMBERS
    )


def _sort(*, by_uid: bool) -> Spec:
    parse = partial(sort_grammar.parse_sort, by_uid=by_uid)
    return _spec(sort_grammar.Sort, limits.sort, parse, State.SELECTED, _USES_NUMBERS)


def _thread(*, by_uid: bool) -> Spec:
    parse = partial(sort_grammar.parse_thread, by_uid=by_uid)
    return _spec(
        sort_grammar.Thread, limits.thread, parse, State.SELECTED, _USES_NUMBERS
    )


def _transfer(
    run: Callable[[Context, message_grammar.Transfer], Awaitable[Tagged]],
    options: _Options,
    *,
    by_uid: bool,
) -> Spec:
    parse = partial(message_grammar.parse_transfer, by_uid=by_uid)
    return _spec(message_grammar.Transfer, run, parse, State.SELECTED, options)


def _replace(*, by_uid: bool) -> Spec:
    parse = partial(message_grammar.parse_replace, by_uid=by_uid)
    options = _Options(
        removes=True, adds=True, message_next=message_grammar.replace_message_next
    )
    return _spec(message_grammar.Replace, replace.run, parse, State.SELECTED, options)


def _expunge_all(reader: Reader) -> message_grammar.Expunge:
    _ = reader
    return message_grammar.Expunge()


COMMANDS: Final[Mapping[bytes, Spec]] = MappingProxyType(
    {
        # Any state
        b"CAPABILITY": _bare(capability.run, ANY_STATE),
        b"NOOP": _bare(noop.run, ANY_STATE),
        b"LOGOUT": _bare(logout.run, ANY_STATE),
        b"ID": _spec(
            login_grammar.Identify, identify.run, login_grammar.parse_id, ANY_STATE
        ),
        b"LANGUAGE": _spec(
            login_grammar.Languages,
            language.run,
            login_grammar.parse_languages,
            ANY_STATE,
        ),
        # Not authenticated
        b"STARTTLS": _bare(
            starttls.run, State.NOT_AUTHENTICATED, _Options(after=starttls.after)
        ),
        b"LOGIN": _spec(
            login_grammar.Login,
            login.run,
            login_grammar.parse_login,
            State.NOT_AUTHENTICATED,
        ),
        b"AUTHENTICATE": _spec(
            login_grammar.Authenticate,
            authenticate.run,
            login_grammar.parse_authenticate,
            State.NOT_AUTHENTICATED,
        ),
        # Authenticated
        b"ENABLE": _spec(
            login_grammar.Enable,
            enable.run,
            login_grammar.parse_enable,
            # RFC 9051 §6.3.1: before any mailbox is selected.
            State.AUTHENTICATED,
        ),
        b"COMPRESS": _spec(
            login_grammar.Compress,
            compress.run,
            login_grammar.parse_compress,
            LOGGED_IN,
            _Options(after=compress.after),
        ),
        b"COMPARATOR": _spec(
            login_grammar.Comparators,
            comparator.run,
            login_grammar.parse_comparators,
            LOGGED_IN,
        ),
        b"UNAUTHENTICATE": _bare(
            unauthenticate.run, LOGGED_IN, _Options(after=unauthenticate.after)
        ),
        b"SELECT": _select(select.run),
        b"EXAMINE": _select(select.examine),
        b"CREATE": _spec(
            mailbox_grammar.Create,
            mailbox_changes.create,
            mailbox_grammar.parse_create,
            LOGGED_IN,
        ),
        b"DELETE": _mailbox(mailbox_changes.delete),
        b"RENAME": _spec(
            mailbox_grammar.Rename,
            mailbox_changes.rename,
            mailbox_grammar.parse_rename,
            LOGGED_IN,
        ),
        b"SUBSCRIBE": _mailbox(mailbox_changes.subscribe),
        b"UNSUBSCRIBE": _mailbox(mailbox_changes.unsubscribe),
        b"LIST": _spec(
            mailbox_grammar.ListMailboxes,
            list.run,
            mailbox_grammar.parse_list,
            LOGGED_IN,
        ),
        b"LSUB": _spec(
            mailbox_grammar.ListMailboxes,
            list.lsub,
            mailbox_grammar.parse_lsub,
            LOGGED_IN,
        ),
        b"NAMESPACE": _bare(namespace.run, LOGGED_IN),
        b"STATUS": _spec(
            mailbox_grammar.Status,
            status.run,
            mailbox_grammar.parse_status,
            LOGGED_IN,
        ),
        b"APPEND": _spec(
            mailbox_grammar.Append,
            append.run,
            mailbox_grammar.parse_append,
            LOGGED_IN,
            _Options(adds=True, message_next=mailbox_grammar.append_message_next),
        ),
        b"GETACL": _mailbox(acl.get),
        b"MYRIGHTS": _mailbox(acl.mine),
        b"SETACL": _spec(
            acl_grammar.AclEntry, acl.change, acl_grammar.parse_set, LOGGED_IN
        ),
        b"DELETEACL": _spec(
            acl_grammar.AclEntry, acl.remove, acl_grammar.parse_entry, LOGGED_IN
        ),
        b"LISTRIGHTS": _spec(
            acl_grammar.AclEntry, acl.list_rights, acl_grammar.parse_entry, LOGGED_IN
        ),
        b"GETQUOTA": _spec(
            quota_grammar.QuotaRoot, quota.get, quota_grammar.parse_get, LOGGED_IN
        ),
        b"SETQUOTA": _spec(
            quota_grammar.SetQuota, quota.set_limits, quota_grammar.parse_set, LOGGED_IN
        ),
        b"GETQUOTAROOT": _mailbox(quota.get_root),
        b"GETMETADATA": _spec(
            metadata_grammar.GetMetadata,
            metadata.get,
            metadata_grammar.parse_get,
            LOGGED_IN,
        ),
        b"SETMETADATA": _spec(
            metadata_grammar.SetMetadata,
            metadata.set_entries,
            metadata_grammar.parse_set,
            LOGGED_IN,
        ),
        b"ESEARCH": _spec(
            multisearch_grammar.MultiSearch,
            multisearch.run,
            multisearch_grammar.parse_multisearch,
            LOGGED_IN,
            _USES_NUMBERS,
        ),
        b"NOTIFY": _spec(
            notify_grammar.Notify, notify.run, notify_grammar.parse_notify, LOGGED_IN
        ),
        b"IDLE": _bare(idle.run, LOGGED_IN),
        # Selected
        b"CHECK": _bare(noop.run, State.SELECTED),
        b"CLOSE": _bare(close.run, State.SELECTED),
        b"UNSELECT": _bare(close.unselect, State.SELECTED),
        b"EXPUNGE": _spec(
            message_grammar.Expunge,
            expunge.run,
            _expunge_all,
            State.SELECTED,
            _REMOVES,
        ),
        b"UID EXPUNGE": _spec(
            message_grammar.Expunge,
            expunge.run,
            message_grammar.parse_uid_expunge,
            State.SELECTED,
            _REMOVES,
        ),
        b"SEARCH": _search(by_uid=False),
        b"UID SEARCH": _search(by_uid=True),
        b"CANCELUPDATE": _spec(
            search_grammar.CancelUpdate,
            contexts.cancel,
            search_grammar.parse_cancel,
            State.SELECTED,
        ),
        b"UIDBATCHES": _spec(
            batch_grammar.Batches,
            limits.batches,
            batch_grammar.parse_batches,
            State.SELECTED,
        ),
        b"SORT": _sort(by_uid=False),
        b"UID SORT": _sort(by_uid=True),
        b"THREAD": _thread(by_uid=False),
        b"UID THREAD": _thread(by_uid=True),
        b"FETCH": _fetch(by_uid=False),
        b"UID FETCH": _fetch(by_uid=True),
        b"STORE": _store(by_uid=False),
        b"UID STORE": _store(by_uid=True),
        b"COPY": _transfer(copy.run, _ADDS, by_uid=False),
        b"UID COPY": _transfer(copy.run, _ADDS, by_uid=True),
        b"REPLACE": _replace(by_uid=False),
        b"UID REPLACE": _replace(by_uid=True),
        b"MOVE": _transfer(copy.move, _REMOVES, by_uid=False),
        b"UID MOVE": _transfer(copy.move, _REMOVES, by_uid=True),
    }
)
"""Every command by its name in upper case."""

NUMBERED: Final = frozenset(
    (
        *(b"FETCH", b"STORE", b"SEARCH", b"SORT", b"THREAD"),
        *(b"COPY", b"MOVE", b"REPLACE"),
    )
)
"""Commands that take or tell message numbers; each has a form for UIDs."""

RULES: Final[Mapping[bytes, Rule]] = MappingProxyType(
    {name: spec.rule for name, spec in COMMANDS.items()}
)
"""What the state machine is given of it."""
