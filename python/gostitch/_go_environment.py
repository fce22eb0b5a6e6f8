"""The variables that the Go runtime reads when it starts, read as it does.

It ends the process over some values and passes over others without a word: both are refused.
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterable, Iterator, Mapping

from gostitch import _printable
from gostitch.exceptions import LibraryError

_NUMBER = r"[+-]?[0-9]+"
_SIZE = r"(?P<number>[+-]?[0-9]+)(?P<unit>B|KiB|MiB|GiB|TiB)?"
_UNITS = {"B": 0, "KiB": 10, "MiB": 20, "GiB": 30, "TiB": 40}
_MOST_DIGITS = 19  # of a number of 64 bits
_LONGEST_SHOWN = 10_000  # characters of a value

NO_LIMIT = 2**63 - 1
"""The memory limit that is none, as Go has it."""

MOST_PROCS = 8192
"""The Go runtime makes some kilobytes for each, and ends the process where there is no more
memory; no machine has more processors. Twin of mostProcs in gocore/environment.go."""


def whole(text: str, bits: int) -> int | None:
    """Return a number as Go's strconv.ParseInt(text, 10, bits) reads it; None if it is none."""
    if re.fullmatch(_NUMBER, text) is None:
        return None
    digits = text.lstrip("+-").lstrip("0") or "0"
    if len(digits) > _MOST_DIGITS:
        return None  # which Python itself may refuse to read
    number = -int(digits) if text.startswith("-") else int(digits)
    return number if -(2 ** (bits - 1)) <= number < 2 ** (bits - 1) else None


def size(text: str) -> int | None:
    """Return a size as Go reads GOMEMLIMIT; None if it is none. Twin of parseBytes in gocore."""
    if text == "off":
        return NO_LIMIT
    found = re.fullmatch(_SIZE, text)
    number = None if found is None else whole(found["number"], 64)
    if found is None or number is None or number < 0:
        return None
    number <<= _UNITS[found["unit"] or "B"]
    return number if number <= NO_LIMIT else None


def percent(text: str) -> int | None:
    """Return a percentage as Go reads GOGC, -1 for off; None if Go passes over it."""
    return -1 if text == "off" else whole(text, 32)


def processors(text: str) -> int | None:
    """Return a number as Go reads GOMAXPROCS; None if Go passes over it, or could not bear it."""
    number = whole(text, 32)
    return number if number is not None and 1 <= number <= MOST_PROCS else None


def chosen_processors(present: Mapping[bytes, bytes]) -> int | None:
    """Return how many processors GOMAXPROCS says; None where it says nothing."""
    return processors(os.fsdecode(present.get(b"GOMAXPROCS", b"")))


def _settings_of(text: str) -> Iterator[tuple[str, str]]:
    """Give what GODEBUG sets."""
    for field in text.split(","):
        name, equals, value = field.partition("=")
        if equals:
            yield name, value


def _number(fits: Callable[[int], bool]) -> Callable[[str], bool | None]:
    """Return a check of a setting that is a number; None for what is none, which Go passes over."""

    def check(value: str) -> bool | None:
        number = whole(value, 32)
        return None if number is None else fits(number)

    return check


# Settings over some values of which the Go runtime, or a package of Go, ends the process.
_DEBUG: dict[str, Callable[[str], bool | None]] = {
    "cgocheck": _number(lambda number: number <= 1),
    "sbrk": _number(lambda number: number == 0),
    "profstackdepth": _number(lambda number: number >= 0),
    "fips140": lambda value: value.partition("#")[0] in ("", "on", "off", "only", "debug"),
}


def fatal_setting(text: str) -> str | None:
    """Return the setting in a value of GODEBUG over which Go ends the process, if there is one.

    A value that is no number may be a secret, and is left out.
    """
    fatal: dict[str, str] = {}
    for name, value in _settings_of(text):
        fits = _DEBUG[name](value) if name in _DEBUG else None
        if fits:
            fatal.pop(name, None)  # the last one counts
        elif fits is False:
            fatal[name] = value
    return next((_shown(name, value) for name, value in fatal.items()), None)


def _shown(name: str, value: str) -> str:
    return f"{name}={value}" if whole(value, 32) is not None else name


# How each variable must look, and how it may look. Of GOTRACEBACK Go takes any value.
_READ_AT_START: dict[str, tuple[Callable[[str], bool], str]] = {
    "GOMEMLIMIT": (lambda value: size(value) is not None, "512MiB"),
    "GOGC": (lambda value: percent(value) is not None, "100"),
    "GOMAXPROCS": (lambda value: processors(value) is not None, "4"),
}


def refuse_unreadable(variables: Iterable[bytes], present: Mapping[bytes, bytes]) -> None:
    """Raise ``LibraryError`` if the Go runtime could not start with an environment.

    ``variables`` are what it starts with, that of the process's beginning, and
    ``present`` is that of Python, which it is given then and tells itself what it cannot use.
    It would take no GODEBUG over which it ends, but a program that is started with it would not.
    """
    first: dict[str, str] = {}
    for variable in variables:
        name, equals, value = os.fsdecode(variable).partition("=")
        if equals:
            first.setdefault(name, value)  # as Go does
    remedy = "start the process without it, or with a value such as"
    for name, (fits, example) in _READ_AT_START.items():
        value = first.get(name, "")
        if value and not fits(value):
            raise _unreadable(name, value, f"{remedy} {example}")
    remedy = "take it out of GODEBUG where the process is started"
    _refuse_setting(first.get("GODEBUG", ""), remedy)
    _refuse_setting(os.fsdecode(present.get(b"GODEBUG", b"")), "take it out of os.environ")


def _refuse_setting(value: str, remedy: str) -> None:
    fatal = fatal_setting(value)
    if fatal is not None:
        raise _unreadable("GODEBUG", fatal, remedy)


def _unreadable(name: str, value: str, remedy: str) -> LibraryError:
    verb = "has" if name == "GODEBUG" else "is"
    return LibraryError(
        f"the environment variable {name} {verb} '{_printable.line(value, _LONGEST_SHOWN)}', which "
        f"the Go runtime cannot use; {remedy}",
        details={"variable": name},
    )
