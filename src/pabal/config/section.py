"""Reads options one by one: type, default, check and help of each in one place.

Two readers share the interface: ``FileSection`` takes values from a file and collects
problems, ``Description`` takes none and collects what there is to set, from which the
sample file and the manual are written. So an option is declared once.

Sans-IO.
"""

import ipaddress
import re
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from types import MappingProxyType
from typing import Final, Protocol

from pabal.config.problem import Problem, Span, did_you_mean
from pabal.config.toml import Document, Table, Value
from pabal.net.endpoint import Endpoint, EndpointError

SIZE_UNITS: Final = {"": 1, "B": 1, "KB": 10**3, "MB": 10**6, "GB": 10**9}
_SIZE: Final = re.compile(r"([0-9]{1,15})\s*([A-Za-z]{0,2})")
_HOSTNAME: Final = re.compile(
    r"(?=.{1,253}$)(?:[A-Za-z0-9_](?:[A-Za-z0-9_-]{0,61}[A-Za-z0-9])?\.)*"
    r"[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?"
)
ACL_WORDS: Final = ("any", "none", "localhost", "localnets")

KEYED: Final = re.compile(r"[{;!]\s*key\s")
"""A list, written out, that has keys in it."""

NO_ACLS: Final[Mapping[str, str]] = MappingProxyType({})


class BadValueError(ValueError):
    """A value an option does not take.

    Attributes:
        reason: Why not.
        suggestion: What it could be; may be empty.
        word: The part of the value that is wrong; empty: all of it.
    """

    def __init__(self, reason: str, suggestion: str = "", word: str = "") -> None:
        super().__init__(reason)
        self.reason, self.suggestion, self.word = reason, suggestion, word


Check = Callable[[str], None]
"""Raises ``BadValueError`` for a text that an option does not take."""


class Section(Protocol):
    """The options of one table. Each method returns the value or its default."""

    def text(
        self, key: str, default: str, about: str, check: Check | None = None
    ) -> str:
        """Return a text that ``check`` has nothing against."""
        ...

    def hostname(self, key: str, about: str) -> str:
        """Return a host name; the option must be set."""
        ...

    def choice(self, key: str, default: str, among: Sequence[str], about: str) -> str:
        """Return one of the texts in ``among``."""
        ...

    def switch(self, key: str, among: Sequence[str], about: str) -> str:
        """Return one of the texts in ``among``; true is the first, false the last."""
        ...

    def workers(self, key: str, about: str) -> int:
        """Return a number of processes, 0 for ``"auto"``."""
        ...

    def integer(self, key: str, default: int, low: int, high: int, about: str) -> int:
        """Return a number in [low, high]."""
        ...

    def boolean(self, key: str, *, default: bool, about: str) -> bool:
        """Return true or false."""
        ...

    def size(self, key: str, default: str, about: str) -> int:
        """Return octets: a number or a text like ``50MB`` (powers of ten)."""
        ...

    def endpoints(
        self, key: str, default: Sequence[str], about: str
    ) -> tuple[Endpoint, ...]:
        """Return addresses with ports; ``""`` and ``[]`` are none."""
        ...

    def networks(
        self,
        key: str,
        default: Sequence[str],
        about: str,
        check: Check | None = None,
    ) -> tuple[str, ...]:
        """Return networks and words like ``any``, each may have ``!``.

        The name of a list stands for it, and is returned written out.
        """
        ...

    def access(
        self, key: str, default: Sequence[str], check: Check, about: str
    ) -> tuple[str, ...]:
        """Return names of lists, written out, and what ``check`` takes besides."""
        ...

    def addresses(
        self, key: str, default: Sequence[str], about: str
    ) -> tuple[str, ...]:
        """Return IP addresses, each perhaps with ``:port``."""
        ...

    def texts(
        self, key: str, default: Sequence[str], check: Check, about: str
    ) -> tuple[str, ...]:
        """Return texts that ``check`` has nothing against."""
        ...

    def secrets(self, key: str, check: Check, about: str) -> tuple[str, ...]:
        """Return what ``Secrets`` finds in the file an option names; often empty."""
        ...

    def path(self, key: str, default: str, about: str) -> str:
        """Return a path, relative to the file unless absolute; may be empty."""
        ...


Secrets = Callable[[str], Sequence[str]]
"""Returns the secrets in the file at a path; raises ``BadValueError``."""


def no_secrets(path: str) -> Sequence[str]:
    """Refuse to read any file.

    Raises:
        BadValueError: Always.
    """
    raise BadValueError(f"{path} cannot be read here")


class FileSection:
    """A table of a file; problems are collected, defaults stand in for bad values."""

    def __init__(
        self,
        document: Document,
        name: str,
        file: str,
        lines: Sequence[str],
        read_secrets: Secrets = no_secrets,
        acls: Mapping[str, str] = NO_ACLS,
    ) -> None:
        self._acls = acls
        self._read_secrets = read_secrets
        self._table = document.tables.get(name, Table(Span(1, 1)))
        self._name, self._file, self._lines = name, file, lines
        self._problems = document.problems
        self._known: list[str] = []

    def close(self, tables: Sequence[str] = ()) -> None:
        """Report keys nobody asked for; ``tables`` are names to suggest too."""
        for key, (span, _) in self._table.keys.items():
            if key not in self._known:
                where = f" in [{self._name}]" if self._name else ""
                hint = did_you_mean(key, [*self._known, *tables])
                if not hint:
                    hint = "known here: " + ", ".join(sorted(self._known))
                self._report(span, f"unknown key `{key}`{where}", hint)

    def text(
        self, key: str, default: str, about: str, check: Check | None = None
    ) -> str:
        """Return a text that ``check`` has nothing against."""
        del about
        value = self._take(key)
        if value is None:
            return default
        text = self._text(value, default)
        try:
            if check is not None:
                check(text)
        except BadValueError as error:
            self._refuse(value.span, error)
        return text

    def hostname(self, key: str, about: str) -> str:
        """Return a host name; the option must be set."""
        del about
        value = self._take(key)
        if value is None and key in self._table.broken:
            return ""  # its line is among the problems already
        if value is None:
            self._problems.append(
                Problem(
                    self._file,
                    Span(0, 0),
                    f"`{key}` is missing",
                    f'add a line: {key} = "mail.example.com"',
                )
            )
            return ""
        name = self._text(value, "")
        if name and not _HOSTNAME.fullmatch(name.removesuffix(".")):
            self._report(
                value.span, f"{name!r} is not a host name", "like mail.example.com"
            )
        return name.removesuffix(".").lower()

    def choice(self, key: str, default: str, among: Sequence[str], about: str) -> str:
        """Return one of the texts in ``among``."""
        del about
        value = self._take(key)
        if value is None:
            return default
        text = self._text(value, default)
        if text in among:
            return text
        hint = did_you_mean(text, among) or "one of " + ", ".join(among)
        self._report(value.span, f"{text!r} is not a choice for `{key}`", hint)
        return default

    def switch(self, key: str, among: Sequence[str], about: str) -> str:
        """Return one of the texts in ``among``; true is the first, false the last."""
        entry = self._table.keys.get(key)
        if entry is not None and isinstance(entry[1].data, bool):
            self._take(key)
            return among[0] if entry[1].data else among[-1]
        return self.choice(key, among[0], among, about)

    def workers(self, key: str, about: str) -> int:
        """Return a number of processes, 0 for ``"auto"``."""
        del about
        value = self._take(key)
        if value is None or value.data == "auto":
            return 0
        return self._number(value, key, 0, (1, 64), 'a number from 1 to 64, or "auto"')

    def integer(self, key: str, default: int, low: int, high: int, about: str) -> int:
        """Return a number in [low, high]."""
        del about
        value = self._take(key)
        if value is None:
            return default
        return self._number(
            value, key, default, (low, high), f"a number from {low} to {high}"
        )

    def boolean(self, key: str, *, default: bool, about: str) -> bool:
        """Return true or false."""
        del about
        value = self._take(key)
        if value is None:
            return default
        if isinstance(value.data, bool):
            return value.data
        self._report(value.span, f"`{key}` is true or false", "without quotes")
        return default

    def size(self, key: str, default: str, about: str) -> int:
        """Return octets: a number or a text like ``50MB``."""
        del about
        value = self._take(key)
        if value is not None:
            try:
                return _size(value)
            except BadValueError as error:
                self._report(value.span, f"`{key}`: {error.reason}", error.suggestion)
        return size_of(default)

    def endpoints(
        self, key: str, default: Sequence[str], about: str
    ) -> tuple[Endpoint, ...]:
        """Return addresses with ports; ``""`` and ``[]`` are none."""
        del about
        found = []
        for text, span in self._texts(key, default):
            try:
                found.append(Endpoint.parse(text))
            except EndpointError as error:
                self._report(span, str(error), 'like "0.0.0.0:25" or "[::]:25"')
        return tuple(found)

    def networks(
        self,
        key: str,
        default: Sequence[str],
        about: str,
        check: Check | None = None,
    ) -> tuple[str, ...]:
        """Return networks, ``any``, ``none``, ``localhost``, each may have ``!``."""

        def either(text: str) -> None:
            if KEYED.search(text):
                raise BadValueError("this list has keys", "only addresses count here")
            bare = text.removeprefix("!").strip()
            if not (bare.startswith("{") or bare in ACL_WORDS):
                _check_network(bare)
            if check is not None:
                check(text)

        return self.access(key, default, either, about)

    def access(
        self, key: str, default: Sequence[str], check: Check, about: str
    ) -> tuple[str, ...]:
        """Return names of lists, written out, and what ``check`` takes besides."""

        def known(text: str) -> None:
            bare = text.removeprefix("!").strip()
            hint = "" if bare in self._acls else did_you_mean(bare, self._acls)
            if bare.startswith("{"):
                raise BadValueError("not a network", "give the list a name")
            try:
                check(written_out(text, self._acls))
            except BadValueError as error:
                raise BadValueError(
                    error.reason, hint or error.suggestion, error.word
                ) from error

        found = self.texts(key, default, known, about)
        return tuple(written_out(text, self._acls) for text in found)

    def addresses(
        self, key: str, default: Sequence[str], about: str
    ) -> tuple[str, ...]:
        """Return IP addresses, each perhaps with ``:port``."""
        del about
        found = []
        for text, span in self._texts(key, default):
            try:
                ipaddress.ip_address(text)
            except ValueError:
                try:
                    Endpoint.parse(text)
                except EndpointError as error:
                    self._report(span, str(error), 'like "9.9.9.9" or "127.0.0.1:5353"')
                    continue
            found.append(text)
        return tuple(found)

    def texts(
        self, key: str, default: Sequence[str], check: Check, about: str
    ) -> tuple[str, ...]:
        """Return texts that ``check`` has nothing against."""
        del about
        found = []
        for text, span in self._texts(key, default):
            try:
                check(text)
            except BadValueError as error:
                self._refuse(span, error)
            else:
                found.append(text)
        return tuple(found)

    def secrets(self, key: str, check: Check, about: str) -> tuple[str, ...]:
        """Return the secrets in the file the option names."""
        path = self.path(key, "", about)
        if not path:
            return ()
        span = self._table.keys[key][1].span
        try:
            found = tuple(self._read_secrets(path))
            for text in found:
                check(text)
        except BadValueError as error:
            reason = f"{path}: {error.reason}"
            self._report(span, reason, error.suggestion)
            return ()
        return found

    def path(self, key: str, default: str, about: str) -> str:
        """Return a path, relative to the file unless absolute; may be empty."""
        text = self.text(key, default, about)
        return str(Path(self._file).parent / text) if text else ""

    def _take(self, key: str) -> Value | None:
        self._known.append(key)
        entry = self._table.keys.get(key)
        return entry[1] if entry else None

    def _text(self, value: Value, default: str) -> str:
        if isinstance(value.data, str):
            return value.data
        self._report(value.span, "this must be text", "put it in quotes")
        return default

    def _texts(self, key: str, default: Sequence[str]) -> list[tuple[str, Span]]:
        value = self._take(key)
        if value is None:
            return [(text, Span(0, 0)) for text in default]
        items = value.data if isinstance(value.data, tuple) else (value,)
        found = []
        for item in items:
            if isinstance(item.data, str):
                if item.data:
                    found.append((item.data, item.span))
            else:
                self._report(item.span, f"`{key}` takes texts", "put it in quotes")
        return found

    def _number(
        self, value: Value, key: str, default: int, bounds: tuple[int, int], want: str
    ) -> int:
        data = value.data
        is_number = isinstance(data, int) and not isinstance(data, bool)
        if isinstance(data, int) and is_number and bounds[0] <= data <= bounds[1]:
            return data
        self._report(value.span, f"`{key}` is {want}")
        return default

    def _refuse(self, span: Span, error: BadValueError) -> None:
        """Report what is wrong with a value, at the very word if that is known."""
        if error.word and 0 < span.line <= len(self._lines):
            at = self._lines[span.line - 1].find(error.word, span.column - 1)
            if 0 <= at < span.column - 1 + span.length:
                span = Span(span.line, at + 1, len(error.word))
        self._report(span, error.reason, error.suggestion)

    def _report(self, span: Span, reason: str, suggestion: str = "") -> None:
        source = self._lines[span.line - 1] if 0 < span.line <= len(self._lines) else ""
        self._problems.append(Problem(self._file, span, reason, suggestion, source))


def written_out(text: str, acls: Mapping[str, str]) -> str:
    """Return the list that ``text`` names, ``text`` itself if it names none."""
    bare = text.removeprefix("!").strip()
    if bare not in acls:
        return text
    return ("!" if text.startswith("!") else "") + acls[bare]


def size_of(text: str) -> int:
    """Return the octets ``text`` means: ``50MB`` is 50,000,000.

    Raises:
        BadValueError: It is no size.
    """
    found = _SIZE.fullmatch(text.strip())
    if not found or found[2].upper() not in SIZE_UNITS:
        raise BadValueError(f"{text!r} is not a size", 'like "50MB", "2GB" or 1000000')
    return int(found[1]) * SIZE_UNITS[found[2].upper()]


def _size(value: Value) -> int:
    if isinstance(value.data, str):
        return size_of(value.data)
    if (
        isinstance(value.data, int)
        and not isinstance(value.data, bool)
        and value.data >= 0
    ):
        return value.data
    raise BadValueError("this is not a size", 'like "50MB", "2GB" or 1000000')


def _check_network(text: str) -> None:
    try:
        ipaddress.ip_network(text)
    except ValueError as error:
        hint = did_you_mean(text, ACL_WORDS) or 'like "192.0.2.0/24" or "any"'
        raise BadValueError(f"not a network: {error}", hint) from error
