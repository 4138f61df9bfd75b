"""Arguments of ESEARCH.

Sans-IO.
Source: RFC 7377 §4.
"""

from dataclasses import dataclass
from typing import Final

from pabal.imap.wire.grammar import Reader
from pabal.imap.wire.notify import Watched, parse_mailboxes
from pabal.imap.wire.search import (
    Options,
    Return,
    Search,
    parse_keys,
    parse_returns,
    searching,
)

SOURCES_MAX: Final = 100
"""Mailbox specifiers in one ESEARCH."""


@dataclass(frozen=True, slots=True)
class Source:
    """Mailboxes to search, with their names where they have some."""

    watched: Watched
    names: tuple[bytes, ...] = ()


@dataclass(frozen=True, slots=True)
class MultiSearch:
    """ESEARCH: a search, and where."""

    sources: tuple[Source, ...]
    search: Search


def parse_multisearch(reader: Reader) -> MultiSearch:
    """Return the ESEARCH whose arguments come next."""
    reader.sp()
    sources = [Source(Watched.SELECTED)]
    if reader.take_word(b"IN "):
        reader.expect(b"(", "mailboxes")
        sources = [_source(reader)]
        while reader.take_sp():
            sources.append(_source(reader))
            if len(sources) > SOURCES_MAX:
                raise reader.fail("fewer mailboxes")
        reader.expect(b")", "a closing parenthesis")
        reader.sp()
    options = parse_returns(reader)
    returns = options.returns or frozenset((Return.ALL,))
    if Return.SAVE in returns and sources != [Source(Watched.SELECTED)]:
        # RFC 7377 §2.2: only what is selected has a saved result.
        raise reader.fail("SAVE with the selected mailbox alone")
    charset = b""
    if reader.take_word(b"CHARSET "):
        charset = reader.astring("a charset").upper()
        reader.sp()
    # RFC 7377 §2.1: the response tells UIDs alone.
    options = Options(returns, options.partial)
    search = searching(parse_keys(reader), charset, options, by_uid=True)
    return MultiSearch(tuple(sources), search)


def _source(reader: Reader) -> Source:
    watched, names = parse_mailboxes(reader)
    if watched is Watched.SELECTED_DELAYED:
        # RFC 7377 §2.2: not valid here.
        raise reader.fail("SELECTED")
    return Source(watched, names)
