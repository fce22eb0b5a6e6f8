"""The headers of the W3C that a trace context crosses as: traceparent and baggage.

A leaf, which needs no OpenTelemetry.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping

_PARENT = r"(?!ff)[0-9a-f]{2}-(?!0{32})[0-9a-f]{32}-(?!0{16})[0-9a-f]{16}-[0-9a-f]{2}"
_FULL_PARENT = len("00-0123456789abcdef0123456789abcdef-0123456789abcdef-01")
_KEY = r"[!#$%&'*+\-.^_`|~0-9A-Za-z]+"
_UNQUOTED = "!#$&'()*+-./:<=>?@[]^_`{|}~"
"""What a value may hold as it is, besides letters and digits."""

_MOST_MEMBERS = 64
_MOST_BYTES = 8192
"""The limits of both SDKs, of which Go's are the lower ones."""

dropped = 0
"""Entries of baggage that the header could not carry."""


def parent(text: str) -> str | None:
    """Give a traceparent as this version writes it; None if it is none."""
    found = re.match(_PARENT, text)
    if found is None:
        return None
    if len(text) > _FULL_PARENT and (text.startswith("00") or text[_FULL_PARENT] != "-"):
        return None
    return "00" + found[0][2:]


def write_baggage(members: Mapping[str, object]) -> str:
    """Give the header for entries; what it cannot carry is dropped and counted."""
    global dropped
    written: list[str] = []
    from urllib.parse import quote  # not at the start; gostitch.observe has imported it

    room = _MOST_BYTES
    for key, value in members.items():
        member = _member(key, value, quote)
        if member and len(member) <= room and len(written) < _MOST_MEMBERS:
            written.append(member)
            room -= len(member) + 1
        else:
            dropped += 1
    return ",".join(written)


def _member(key: object, value: object, quote: Callable[..., str]) -> str:
    """Give an entry as it is written; nothing if the header cannot carry it."""
    if not isinstance(key, str) or not re.fullmatch(_KEY, key):
        return ""
    try:
        return f"{key}={quote(str(value), safe=_UNQUOTED)}"
    except Exception:  # what is no text in UTF-8, or says nothing of itself
        return ""


def read_baggage(header: str) -> Iterator[tuple[str, str]]:
    """Give the entries of a header without their properties; others are dropped and counted."""
    global dropped
    from urllib.parse import unquote

    for member in header.split(","):
        key, equals, value = member.partition(";")[0].partition("=")
        if equals and re.fullmatch(_KEY, key.strip()):
            yield key.strip(), unquote(value.strip())
        elif member.strip():
            dropped += 1
