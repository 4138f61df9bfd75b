"""BIND master files: text in, records and every problem out.

Sans-IO: the caller reads files. dnspython parses the RDATA of each record; directives,
owners, TTLs and classes are read here, so that one mistake does not hide the next and
each is shown at its place.

Source: RFC 1035 §5.1 (format), RFC 2308 §4 ($TTL), RFC 3597 §5 (unknown types).
"""

import difflib
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Final

import dns.exception
import dns.name
import dns.rdata
import dns.rdataclass
import dns.rdatatype
import dns.tokenizer
import dns.ttl
from typing_extensions import override

from pabal.dns.wire import codes
from pabal.dns.wire.rrset import rdata_octets
from pabal.dns.zone.entry import Entries, Entry, Token
from pabal.dns.zone.problem import Place, Problem, Severity

INCLUDE_DEPTH_MAX: Final = 8
"""Files that include files that include files: deeper is a loop."""

PROBLEMS_MAX: Final = 200
"""A file that is no zone at all need not be listed line by line."""

TTL_FALLBACK_S: Final = 3600
"""TTL of a record in a file that never says one; BIND refuses, we warn."""

_CLASSES: Final = frozenset(("IN", "CH", "HS", "CS"))

_TYPE_WORDS: Final = (
    "A",
    "AAAA",
    "CAA",
    "CNAME",
    "DNAME",
    "DNSKEY",
    "DS",
    "HINFO",
    "HTTPS",
    "LOC",
    "MX",
    "NAPTR",
    "NS",
    "PTR",
    "SOA",
    "SRV",
    "SSHFP",
    "SVCB",
    "TLSA",
    "TXT",
    "URI",
)
"""What a misspelt type is compared with."""

ReadFile = Callable[[str], str]
"""Returns the text of an included file. Raises OSError or UnicodeDecodeError."""


@dataclass(frozen=True, slots=True)
class Record:
    """One record of a master file.

    Attributes:
        owner: Absolute name.
        ttl_s: Seconds.
        rdata: The parsed value.
        place: Where it stands.
        words: The words of its RDATA as written.
    """

    owner: dns.name.Name
    ttl_s: int
    rdata: dns.rdata.Rdata
    place: Place
    words: tuple[str, ...]


@dataclass(slots=True)
class MasterFile:
    """Reads one zone's files.

    Attributes:
        origin: The zone's name, absolute.
        read_file: How to get at included files.
        records: What was found, in order.
        problems: What was wrong, in order.
    """

    origin: dns.name.Name
    read_file: ReadFile
    records: list[Record] = field(default_factory=list)
    problems: list[Problem] = field(default_factory=list)
    _ttl_s: int | None = field(default=None, init=False)
    _last_ttl_s: int | None = field(default=None, init=False)
    _ttl_missed: bool = field(default=False, init=False)

    def read(self, file: str, text: str) -> None:
        """Read ``text``, which ``file`` holds, and what it includes."""
        self._read(file, text, self.origin, 0)

    def _read(self, file: str, text: str, origin: dns.name.Name, depth: int) -> None:
        entries = Entries(file, text, self.problems)
        reader = _FileReader(self, entries, origin, depth)
        for entry in entries:
            if len(self.problems) >= PROBLEMS_MAX:
                return
            try:
                reader.entry(entry)
            except _WrongError as wrong:
                place = entries.place(wrong.token)
                self.problems.append(
                    Problem(Severity.ERROR, place, wrong.reason, wrong.fix)
                )

    def include(self, file: str, origin: dns.name.Name, depth: int) -> str | None:
        """Read included ``file``; return what kept it from being read."""
        if depth >= INCLUDE_DEPTH_MAX:
            return f"files include each other more than {INCLUDE_DEPTH_MAX} deep"
        try:
            text = self.read_file(file)
        except (OSError, UnicodeDecodeError) as error:
            return f"cannot read {file}: {error}"
        self._read(file, text, origin, depth + 1)
        return None

    def set_default_ttl(self, ttl_s: int) -> None:
        """Note a $TTL (RFC 2308 §4)."""
        self._ttl_s = ttl_s

    def add(self, record: Record) -> None:
        """Take ``record``; its TTL is the next record's if no $TTL says otherwise."""
        self._last_ttl_s = record.ttl_s
        self.records.append(record)

    def ttl_without_word(self, place: Place, rdata: dns.rdata.Rdata) -> int:
        """Return the TTL, seconds, of a record that does not say its own."""
        if self._ttl_s is not None:
            return self._ttl_s
        if self._last_ttl_s is not None:
            return self._last_ttl_s  # RFC 1035 §5.1: the last stated
        if rdata.rdtype == dns.rdatatype.SOA:
            return int.from_bytes(rdata_octets(rdata)[-4:], "big")
        if not self._ttl_missed:
            self._ttl_missed = True
            reason = f"no TTL is given; {TTL_FALLBACK_S} seconds are assumed"
            fix = f"put `$TTL {TTL_FALLBACK_S}` before the first record"
            self.problems.append(Problem(Severity.WARNING, place, reason, fix))
        return TTL_FALLBACK_S


class _WrongError(Exception):
    """An entry cannot be understood."""

    def __init__(self, token: Token, reason: str, fix: str = "") -> None:
        super().__init__(reason)
        self.token = token
        self.reason = reason
        self.fix = fix


class _FileReader:
    """Turns the entries of one file into records of ``master``."""

    def __init__(
        self, master: MasterFile, entries: Entries, origin: dns.name.Name, depth: int
    ) -> None:
        self._master = master
        self._entries = entries
        self._origin = origin
        self._depth = depth
        self._owner: dns.name.Name | None = None

    def entry(self, entry: Entry) -> None:
        """Read a directive or a record."""
        first = entry.tokens[0]
        if first.text.startswith("$") and not entry.indented:
            self._directive(first, entry.tokens[1:])
            return
        if entry.indented:
            rest = entry.tokens
        else:
            self._owner = self._name(first)
            rest = entry.tokens[1:]
        if self._owner is None:
            raise _WrongError(first, "the first record has no owner name")
        self._record(self._owner, first, rest)

    def _directive(self, word: Token, arguments: Sequence[Token]) -> None:
        name = word.text.upper()
        if name not in ("$TTL", "$ORIGIN", "$INCLUDE"):
            near = difflib.get_close_matches(name, ("$TTL", "$ORIGIN", "$INCLUDE"), 1)
            fix = f"did you mean `{near[0]}`?" if near else ""
            raise _WrongError(word, f"unknown directive `{word.text}`", fix)
        if not arguments:
            raise _WrongError(word, f"`{word.text}` needs an argument")
        if name == "$TTL":
            self._master.set_default_ttl(_ttl(arguments[0]))
        elif name == "$ORIGIN":
            self._origin = self._name(arguments[0])
        else:
            origin = self._name(arguments[1]) if len(arguments) > 1 else self._origin
            file = arguments[0].text.strip('"')
            reason = self._master.include(file, origin, self._depth)
            if reason is not None:
                raise _WrongError(arguments[0], reason)

    def _record(
        self, owner: dns.name.Name, first: Token, tokens: Sequence[Token]
    ) -> None:
        """Read ``[TTL] [class] type RDATA``, TTL and class in either order."""
        ttl_s: int | None = None
        position = 0
        while position < len(tokens) and position < 2:
            word = tokens[position].text.upper()
            if word in _CLASSES:
                if word != "IN":
                    raise _WrongError(tokens[position], f"class {word} is not served")
            elif word[0] in "0123456789" and ttl_s is None:
                ttl_s = _ttl(tokens[position])
            else:
                break
            position += 1
        if position >= len(tokens):
            raise _WrongError(tokens[-1] if tokens else first, "the record has no type")
        rdtype = _rdtype(tokens[position])
        rest = tokens[position + 1 :]
        rdata = self._rdata(tokens[position], rdtype, rest)
        place = self._entries.place(tokens[position])
        if ttl_s is None:
            ttl_s = self._master.ttl_without_word(place, rdata)
        words = tuple(token.text for token in rest)
        self._master.add(Record(owner, ttl_s, rdata, place, words))

    def _rdata(
        self, word: Token, rdtype: dns.rdatatype.RdataType, tokens: Sequence[Token]
    ) -> dns.rdata.Rdata:
        words = _Words(" ".join(token.text for token in tokens))
        try:
            return dns.rdata.from_text(
                dns.rdataclass.IN, rdtype, words, self._origin, relativize=False
            )
        except (dns.exception.DNSException, ValueError) as error:
            message = str(error) or type(error).__name__
            reason = f"wrong data for {word.text.upper()}: {message}"
            last = min(words.taken, len(tokens)) - 1
            raise _WrongError(tokens[last] if tokens else word, reason) from error

    def _name(self, token: Token) -> dns.name.Name:
        try:
            return dns.name.from_text(token.text, self._origin)
        except (dns.exception.DNSException, ValueError) as error:
            reason = f"`{token.text}` is not a name: {error}"
            raise _WrongError(token, reason) from error


def _ttl(token: Token) -> int:
    try:
        return dns.ttl.from_text(token.text)
    except (dns.exception.DNSException, ValueError) as error:
        reason = f"`{token.text}` is not a TTL"
        raise _WrongError(token, reason, "write seconds, or `1h30m`") from error


def _rdtype(token: Token) -> dns.rdatatype.RdataType:
    word = token.text.upper()
    try:
        rdtype = dns.rdatatype.from_text(word)
    except (dns.exception.DNSException, ValueError) as error:
        near = difflib.get_close_matches(word, _TYPE_WORDS, 1)
        fix = f"did you mean `{near[0]}`?" if near else ""
        raise _WrongError(token, f"unknown type `{token.text}`", fix) from error
    is_meta = codes.FIRST_META_TYPE <= int(rdtype) <= codes.LAST_META_TYPE
    if is_meta or int(rdtype) in (0, codes.OPT):
        raise _WrongError(token, f"{word} is not a type of data")
    return rdtype


class _Words(dns.tokenizer.Tokenizer):
    """Counts what dnspython has taken, so that an error has its place."""

    def __init__(self, text: str) -> None:
        super().__init__(text)
        self.taken = 0

    @override
    def get(
        self, want_leading: bool = False, want_comment: bool = False
    ) -> dns.tokenizer.Token:
        self.taken += 1
        return super().get(want_leading, want_comment)

    @override
    def unget(self, token: dns.tokenizer.Token) -> None:
        self.taken -= 1
        super().unget(token)
