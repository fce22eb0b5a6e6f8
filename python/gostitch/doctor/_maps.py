"""The files that are mapped into this process."""

from __future__ import annotations

import re
from typing import NamedTuple

_LINE = re.compile(
    r"(?P<low>[0-9a-f]+)-(?P<high>[0-9a-f]+) (?P<rights>\S+) \S+ \S+ \d+\s*(?P<path>.*)"
)
_DELETED = " (deleted)"


class Mapping(NamedTuple):
    """A line of /proc/self/maps."""

    low: int
    high: int
    rights: str
    path: str
    deleted: bool


def read() -> list[Mapping]:
    """Give all mappings of files; none where /proc is not there."""
    try:
        with open("/proc/self/maps", errors="surrogateescape") as maps:
            return parse(maps.read())
    except OSError:
        return []


def parse(text: str) -> list[Mapping]:
    """Read the text of /proc/self/maps."""
    found = []
    for line in text.split("\n"):
        match = _LINE.fullmatch(line)
        if match is None or not match["path"].startswith("/"):
            continue
        path = match["path"].replace("\\012", "\n")
        deleted = path.endswith(_DELETED)
        low, high = int(match["low"], 16), int(match["high"], 16)
        path = path.removesuffix(_DELETED)
        found.append(Mapping(low, high, match["rights"], path, deleted))
    return found


def owner(address: int, mappings: list[Mapping]) -> str | None:
    """Give the file that an address of code belongs to."""
    return next((each.path for each in mappings if each.low <= address < each.high), None)
