"""BIND master files: text in, records and every problem out.

Sans-IO: the caller reads files. ``plain`` takes the common lines in bulk; everything
else is read here with care, dnspython parsing the RDATA, so that one mistake does not
hide the next and each is shown at its place.

Source: RFC 1035 §5.1 (format), RFC 2308 §4 ($TTL), RFC 3597 §5 (unknown types).
"""

import bisect
import difflib
import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from types import MappingProxyType
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
from pabal.dns.wire.name import is_below, to_text
from pabal.dns.wire.rrset import name_octets, rdata_octets
from pabal.dns.zone.entry import Entries, Entry, Token, column_of
from pabal.dns.zone.gathering import Gathering
from pabal.dns.zone.generate import GenerateError, generate
from pabal.dns.zone.mistaken import TIME_MAX_S, doubts, is_address, wrong_data
from pabal.dns.zone.plain import PlainLines
from pabal.dns.zone.problem import Place, Problem, Severity
from pabal.dns.zone.source import Text

INCLUDE_DEPTH_MAX: Final = 8
"""Files that include files that include files: deeper is a loop."""

PROBLEMS_MAX: Final = 200
"""A file that is no zone at all need not be listed line by line."""

TTL_FALLBACK_S: Final = 3600
"""TTL of a record in a file that never says one; BIND refuses, we warn."""

PIECE_CHARS: Final = 65_536
"""Text cut into lines at once: little, for the answers given meanwhile."""

ALIAS_WORD: Final = "ALIAS"
"""The type that dnspython does not know: no RFC has it."""

_CLASSES: Final = frozenset(("IN", "CH", "HS", "CS"))

_PLAIN_TTL: Final = re.compile(r"\$TTL[ \t]+([0-9]{1,9})[ \t\r]*")
"""The directive nearly every file begins with, in its plainest form."""

_DIRECTIVES: Final = ("$TTL", "$ORIGIN", "$INCLUDE", "$GENERATE")

_EXAMPLES: Final = MappingProxyType(
    {
        "$TTL": "3600",
        "$ORIGIN": "sub.example.com.",
        "$INCLUDE": "hosts.zone",
        "$GENERATE": "1-9 host$ A 192.0.2.$",
    }
)
"""What may stand behind each."""

_TYPE_WORDS: Final = (
    *(
        "A",
        "AAAA",
        "ALIAS",
        "CAA",
        "CNAME",
        "DNAME",
        "DNSKEY",
        "DS",
        "HINFO",
        "HTTPS",
        "LOC",
    ),
    *("MX", "NAPTR", "NS", "PTR", "SOA", "SRV", "SSHFP", "SVCB", "TLSA", "TXT", "URI"),
)
"""What a misspelt type is compared with."""

ReadFile = Callable[[str], Text]
"""Returns the text of an included file. Raises OSError or UnicodeDecodeError."""


@dataclass(slots=True)
class MasterFile:
    """Reads one zone's files.

    Lines are counted through all files: each file read gets the numbers after those
    of the files begun before it.

    Attributes:
        origin: The zone's name, absolute.
        read_file: How to get at included files.
        gathering: What was found.
        problems: What was wrong, in order.
        suspects: Lines whose record names a host that ends in the zone's name although
            it is relative.
    """

    origin: dns.name.Name
    read_file: ReadFile
    gathering: Gathering = field(default_factory=Gathering)
    problems: list[Problem] = field(default_factory=list)
    suspects: set[int] = field(default_factory=set)
    zone: bytes = field(init=False)
    ttl_s: int | None = field(default=None, init=False)
    last_ttl_s: int | None = field(default=None, init=False)
    _starts: list[int] = field(default_factory=list, init=False)
    _texts: list[tuple[str, tuple[str, ...]]] = field(default_factory=list, init=False)
    _lines: dict[tuple[int, int], list[str]] = field(default_factory=dict, init=False)

    def __post_init__(self) -> None:
        self.zone = name_octets(self.origin).lower()

    def read(self, file: str, text: Text) -> None:
        """Read ``text``, which ``file`` holds, and what it includes."""
        self._read(file, text, self.origin, 0)

    def _read(self, file: str, text: Text, origin: dns.name.Name, depth: int) -> None:
        base = self._starts[-1] + self._size(-1) if self._starts else 0
        pieces = (text,) if isinstance(text, str) else text
        self._starts.append(base)
        self._texts.append((file, pieces))
        reader = _FileReader(self, file, base, origin, depth)
        for number, line in enumerate(_lines_of(pieces), start=1):
            reader.line(number, line)
            if len(self.problems) >= PROBLEMS_MAX:
                return
        reader.end()

    def _size(self, index: int) -> int:
        return sum(piece.count("\n") for piece in self._texts[index][1]) + 1

    def include(self, file: str, origin: dns.name.Name, depth: int) -> str | None:
        """Read included ``file``; return what kept it from being read."""
        if depth >= INCLUDE_DEPTH_MAX:
            return f"files include each other more than {INCLUDE_DEPTH_MAX} deep"
        try:
            text = self.read_file(file)
        except (OSError, UnicodeDecodeError) as error:
            return f"cannot read {file}: {why_unreadable(error)}"
        self._read(file, text, origin, depth + 1)
        return None

    def place(self, line: int, rdtype: int = 0) -> Place:
        """Return where line ``line``, counted through all files, stands.

        Args:
            rdtype: The type of the record there: the caret points to its word.
        """
        index = bisect.bisect_left(self._starts, line) - 1
        if line == 0 or index < 0:
            return Place(self._texts[0][0] if self._texts else "")
        file = self._texts[index][0]
        number = line - self._starts[index]
        shown = self._line(index, number).rstrip("\r")
        word = dns.rdatatype.to_text(dns.rdatatype.RdataType.make(rdtype))
        return Place(file, number, column_of(shown, word), shown)

    def _line(self, index: int, number: int) -> str:
        """Return one line of a file, counted from 1."""
        pieces = self._texts[index][1]
        place, count = 0, pieces[0].count("\n")
        while number > count and place + 1 < len(pieces):
            number, place = number - count, place + 1
            count = pieces[place].count("\n")
        lines = self._lines.get((index, place))
        if lines is None:
            lines = self._lines[index, place] = pieces[place].split("\n")
        return lines[number - 1]


def _lines_of(pieces: Sequence[str]) -> Iterator[str]:
    """Yield the lines of ``pieces``, few of them in memory at once."""
    for number, text in enumerate(pieces, start=1):
        # The line feed that ends a piece begins no line of it.
        start, stop = 0, len(text) - (number < len(pieces))
        while (end := text.find("\n", start + PIECE_CHARS, stop)) >= 0:
            yield from text[start:end].split("\n")
            start = end + 1
        yield from text[start:stop].split("\n")


class _WrongError(Exception):
    """An entry cannot be understood."""

    def __init__(self, token: Token, reason: str, fix: str = "") -> None:
        super().__init__(reason)
        self.token = token
        self.reason = reason
        self.fix = fix


class _FileReader:
    """Turns the lines of one file into records of ``master``."""

    def __init__(
        self,
        master: MasterFile,
        file: str,
        base: int,
        origin: dns.name.Name,
        depth: int,
    ) -> None:
        self._master = master
        self._file = file
        self._base = base
        self._entries = Entries(file, master.problems)
        self._origin = origin
        self._depth = depth
        self._plain = PlainLines(master.zone, master.gathering, master.suspects)
        same = origin is master.origin
        self._plain.set_origin(master.zone if same else name_octets(origin))
        self._plain.ttl_s, self._plain.stated_s = master.ttl_s, master.last_ttl_s

    def line(self, number: int, text: str) -> None:
        """Read a line, which completes an entry or not."""
        if self._entries.between:
            if not text or self._plain.take(text, self._base + number):
                return
            found = _PLAIN_TTL.fullmatch(text)
            if found is not None:
                self._master.ttl_s = self._plain.ttl_s = int(found[1])
                return
        self._carefully(self._entries, number, text)

    def _carefully(self, entries: Entries, number: int, text: str) -> None:
        entry = entries.feed(number, text)
        if entry is None or self._is_plain(entry):
            return
        try:
            self._entry(entries, entry)
        except _WrongError as found:
            wrong, first = found, entry.tokens[0]
            if first.text.startswith(("#", "//")):
                sign = first.text[: 1 + first.text.startswith("//")]
                reason = f"`{sign}` begins no comment here"
                wrong = _WrongError(first, reason, f"write `;` for `{sign}`")
            place = entries.place(wrong.token)
            problem = Problem(Severity.ERROR, place, wrong.reason, wrong.fix)
            self._master.problems.append(problem)

    def _is_plain(self, entry: Entry) -> bool:
        """Take an entry of several lines that is as plain as one of one line."""
        line = self._base + entry.tokens[-1].line
        if entry.tokens[0].line + self._base == line:
            return False
        words = " ".join(token.text for token in entry.tokens)
        return self._plain.take(" " + words if entry.indented else words, line)

    def end(self) -> None:
        """Note the end of the file."""
        self._entries.end()
        self._master.last_ttl_s = self._plain.stated_s

    def _entry(self, entries: Entries, entry: Entry) -> None:
        """Read a directive or a record."""
        first = entry.tokens[0]
        if first.text.startswith("$") and not entry.indented:
            self._directive(first, entry.tokens[1:])
            return
        if entry.indented:
            rest = entry.tokens
        else:
            self._plain.owner = name_octets(self._name(first))
            rest = entry.tokens[1:]
        owner = self._plain.owner
        if owner is None:
            raise _WrongError(first, "the first record has no owner name")
        self._record(owner, first, rest, entries)

    def _directive(self, word: Token, arguments: Sequence[Token]) -> None:
        name = word.text.upper()
        if name not in _DIRECTIVES:
            near = difflib.get_close_matches(name, _DIRECTIVES, 1)
            fix = f"did you mean `{near[0]}`?" if near else ""
            raise _WrongError(word, f"unknown directive `{word.text}`", fix)
        if not arguments:
            example = _EXAMPLES[name]
            reason = f"`{word.text}` needs an argument"
            raise _WrongError(word, reason, f"like `{name} {example}`")
        match name:
            case "$TTL":
                self._master.ttl_s = self._plain.ttl_s = _ttl(arguments[0])
            case "$ORIGIN":
                self._origin = self._name(arguments[0])
                self._plain.set_origin(name_octets(self._origin))
            case "$GENERATE":
                self._generate(word, arguments)
            case _:
                self._include(arguments)

    def _include(self, arguments: Sequence[Token]) -> None:
        origin = self._name(arguments[1]) if len(arguments) > 1 else self._origin
        file = arguments[0].text.strip('"')
        master, plain = self._master, self._plain
        master.last_ttl_s = plain.stated_s
        reason = master.include(file, origin, self._depth)
        # RFC 1035 §5.1: the origin of this file stays; a $TTL goes on (as in BIND).
        plain.ttl_s, plain.stated_s = master.ttl_s, master.last_ttl_s
        if reason is not None:
            fix = "it must lie in the directory of zones or below it"
            raise _WrongError(arguments[0], reason, fix)

    def _generate(self, word: Token, arguments: Sequence[Token]) -> None:
        """Read the lines that a $GENERATE stands for."""
        before = len(self._master.problems)
        try:
            for text in generate([token.text for token in arguments]):
                if self._plain.take(text, self._base + word.line):
                    continue
                # Mistakes are shown in the line as it came out.
                entries = Entries(self._file, self._master.problems)
                self._carefully(entries, word.line, text)
                entries.end()
                if len(self._master.problems) > before:
                    return
        except GenerateError as error:
            token = arguments[min(error.argument, len(arguments) - 1)]
            raise _WrongError(token, error.reason, error.fix) from error

    def _record(
        self, owner: bytes, first: Token, tokens: Sequence[Token], entries: Entries
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
        token, rest = tokens[position], tokens[position + 1 :]
        rdtype = _rdtype(token, indented=token is first)
        rdata = self._rdata(token, rdtype, rest)
        place = entries.place(token)
        self._doubt(first, token, rest, entries)
        if ttl_s is None:
            ttl_s = self._ttl_without_word(place, rdtype, rdata)
        self._plain.stated_s = ttl_s
        master = self._master
        if not is_below(owner.lower(), master.zone):
            self._left_out(owner, place)
            return
        line = self._base + token.line
        if rest and not rest[-1].text.endswith("."):
            master.suspects.add(line)
        master.gathering.add(owner, rdtype, ttl_s, line, rdata)

    def _ttl_without_word(self, place: Place, rdtype: int, rdata: bytes) -> int:
        """Return the TTL, seconds, of a record that does not say its own."""
        if self._plain.ttl_s is not None:
            return self._plain.ttl_s
        if self._plain.stated_s is not None:
            return self._plain.stated_s  # RFC 1035 §5.1: the last stated
        if rdtype == codes.SOA:
            return int.from_bytes(rdata[-4:], "big")
        reason = f"no TTL is given; {TTL_FALLBACK_S} seconds are assumed"
        fix = f"put `$TTL {TTL_FALLBACK_S}` before the first record"
        self._master.problems.append(Problem(Severity.WARNING, place, reason, fix))
        return TTL_FALLBACK_S

    def _doubt(
        self, first: Token, word: Token, rest: Sequence[Token], entries: Entries
    ) -> None:
        """Warn of what can be read but hardly was meant."""
        owner = "" if first is word else first.text
        line = entries.place(rest[-1]).text if rest else ""
        for token, reason, fix in doubts(owner, word.text.upper(), rest, line):
            place = entries.place(token or first)
            problem = Problem(Severity.WARNING, place, reason, fix)
            self._master.problems.append(problem)

    def _left_out(self, owner: bytes, place: Place) -> None:
        zone = to_text(self._master.zone)
        reason = f"{to_text(owner)} is not in zone {zone}; it is left out"
        fix = "move it to its own zone's file"
        self._master.problems.append(Problem(Severity.WARNING, place, reason, fix))

    def _rdata(self, word: Token, rdtype: int, tokens: Sequence[Token]) -> bytes:
        if word.text.upper() == ALIAS_WORD:
            if len(tokens) != 1:
                raise _WrongError(word, "ALIAS takes one name")
            return name_octets(self._name(tokens[0]))
        words = _Words(" ".join(token.text for token in tokens))
        try:
            rdata = dns.rdata.from_text(
                dns.rdataclass.IN,
                dns.rdatatype.RdataType.make(rdtype),
                words,
                self._origin,
                relativize=False,
            )
            return rdata_octets(rdata)
        except (dns.exception.DNSException, ValueError) as error:
            wrong = wrong_data(word.text, tokens, error)
            last = (
                min(words.taken, len(tokens)) - 1 if wrong.word is None else wrong.word
            )
            token = tokens[last] if tokens else word
            raise _WrongError(token, wrong.reason, wrong.fix) from error

    def _name(self, token: Token) -> dns.name.Name:
        try:
            return dns.name.from_text(token.text, self._origin)
        except (dns.exception.DNSException, ValueError) as error:
            reason = f"`{token.text}` is not a name: {error}"
            raise _WrongError(token, reason) from error


def why_unreadable(error: OSError | UnicodeDecodeError) -> str:
    """Return why a file cannot be read, in words."""
    if isinstance(error, UnicodeDecodeError):
        return error.reason
    return error.strerror or str(error)


def _ttl(token: Token) -> int:
    try:
        return dns.ttl.from_text(token.text)
    except (dns.exception.DNSException, ValueError) as error:
        if is_address(token.text):
            kind = "AAAA" if ":" in token.text else "A"
            fix = f"did you mean `{kind} {token.text}`?"
            raise _WrongError(token, "the record has no type", fix) from error
        if token.text.isdigit():
            raise _WrongError(
                token, f"a TTL is at most {TIME_MAX_S} seconds"
            ) from error
        reason = f"`{token.text}` is not a TTL"
        raise _WrongError(token, reason, "write seconds, or `1h30m`") from error


def _rdtype(token: Token, *, indented: bool) -> int:
    """Return the type that ``token`` names.

    Args:
        indented: It is the first of its line, behind a blank.
    """
    word = token.text.upper()
    if word == ALIAS_WORD:
        return codes.ALIAS
    try:
        rdtype = int(dns.rdatatype.from_text(word))
    except (dns.exception.DNSException, ValueError) as error:
        near = difflib.get_close_matches(word, _TYPE_WORDS, 1)
        fix = f"did you mean `{near[0]}`?" if near else ""
        if word.startswith("-") and word[1:].isdigit():
            raise _WrongError(token, "a TTL is not negative") from error
        if indented:
            fix = f"if `{token.text}` is a name, no blank stands before it"
        raise _WrongError(token, f"unknown type `{token.text}`", fix) from error
    is_meta = codes.FIRST_META_TYPE <= rdtype <= codes.LAST_META_TYPE
    if is_meta or rdtype in (0, codes.OPT):
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
