"""The headers of the W3C that a trace context crosses as: traceparent, tracestate and baggage.

A leaf, which needs no OpenTelemetry.
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterator, Mapping

_PARENT = r"(?!ff)[0-9a-f]{2}-(?!0{32})[0-9a-f]{32}-(?!0{16})[0-9a-f]{16}-[0-9a-f]{2}"
_FULL_PARENT = len("00-0123456789abcdef0123456789abcdef-0123456789abcdef-01")
_KNOWN_FLAGS = 0x03
"""Sampled and random: the flags that the present version knows."""

_STATE_KEY = r"[a-z0-9][a-z0-9_*/@-]{0,255}"
_STATE_CHARACTER = r"\x21-\x2b\x2d-\x3c\x3e-\x7e"
_STATE_MEMBER = rf"({_STATE_KEY})=[ {_STATE_CHARACTER}]{{0,255}}[{_STATE_CHARACTER}]"
_MOST_STATE_MEMBERS = 32

_KEY = r"[!#$%&'*+\-.^_`|~0-9A-Za-z]+"
_UNQUOTED = "!#$&'()*+-./:<=>?@[]^_`{|}~"
"""What a value of baggage may hold as it is, besides letters and digits."""

_VALUE = rf"[%0-9A-Za-z{re.escape(_UNQUOTED)}]*"

_MOST_MEMBERS = 64
_MOST_BYTES = 8192
"""The limits of both SDKs, of which Go's are the lower ones."""

_SPACE = " \t"
"""Optional white space, which is a part of nothing."""

dropped = 0
"""Entries of baggage that the header could not carry."""


def parent(text: str) -> str | None:
    """Give a traceparent as this version writes it; None if it is none."""
    text = text.strip(_SPACE)
    found = re.match(_PARENT, text)
    if found is None:
        return None
    if text.startswith("00"):
        return text if len(text) == _FULL_PARENT else None
    if len(text) > _FULL_PARENT and text[_FULL_PARENT] != "-":
        return None
    flags = int(found[0][-2:], 16) & _KNOWN_FLAGS  # what another version says besides is not known
    return f"00{found[0][2:-2]}{flags:02x}"


def new_parent() -> str:
    """Give the traceparent of a new trace: random, and sampled as OpenTelemetry does by default."""
    return f"00-{os.urandom(16).hex()}-{os.urandom(8).hex()}-03"


def state(text: str) -> str | None:
    """Give a tracestate without white space; None if a member is malformed or there are too many.

    Of members with one key the first counts.
    """
    members: dict[str, str] = {}
    for member in text.split(","):
        member = member.strip(_SPACE)
        found = re.fullmatch(_STATE_MEMBER, member)
        if found is not None:
            members.setdefault(found[1], member)
        elif member:
            return None
    return ",".join(members.values()) if len(members) <= _MOST_STATE_MEMBERS else None


def is_token(text: str) -> bool:
    """Tell whether a text can be the name of a header, or of an entry of baggage."""
    return re.fullmatch(_KEY, text) is not None


def write_baggage(members: Mapping[str, object], lost: list[object] | None = None) -> str:
    """Give the header for entries; what it cannot carry is counted, and added to ``lost``."""
    written: list[str] = []
    from urllib.parse import quote  # not at the start; gostitch.observe has imported it

    room = _MOST_BYTES
    for key, value in members.items():
        member = _member(key, value, quote)
        if member and len(member) <= room and len(written) < _MOST_MEMBERS:
            written.append(member)
            room -= len(member) + 1
        else:
            _drop(key, lost)
    return ",".join(written)


def _member(key: object, value: object, quote: Callable[..., str]) -> str:
    """Give an entry as it is written; nothing if the header cannot carry it."""
    if not isinstance(key, str) or not is_token(key):
        return ""
    try:
        return f"{key}={quote(str(value), safe=_UNQUOTED)}"
    except Exception:  # what is no text in UTF-8, or says nothing of itself
        return ""


def read_baggage(header: str, lost: list[object] | None = None) -> Iterator[tuple[str, str]]:
    """Give the entries of a header without their properties; others are as in ``write_baggage``."""
    from urllib.parse import unquote

    for member in header.split(","):
        key, equals, value = member.partition(";")[0].partition("=")
        key, value = key.strip(_SPACE), value.strip(_SPACE)
        if equals and is_token(key) and re.fullmatch(_VALUE, value):
            yield key, unquote(value)
        elif member.strip(_SPACE):
            _drop(member, lost)


def _drop(entry: object, lost: list[object] | None) -> None:
    global dropped
    dropped += 1
    if lost is not None:
        lost.append(entry)
