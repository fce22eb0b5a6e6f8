"""Text from outside as it may be written to a log or a terminal."""

from __future__ import annotations

import re

# Control characters of both sets (Cc), what turns the direction of text or is not seen, the
# line ends of Unicode, and halves of characters. Line feed and tab are left out: see below.
_UNSEEN = (
    "\x00-\x08\x0b-\x1f\x7f-\x9f\xad\u061c\u180e\u200b-\u200f\u2028-\u202e\u2060-\u206f"
    "\ufeff\ufff9-\ufffb\ud800-\udfff\U000e0000-\U000e007f"
)
# Compiled at the first use, which most processes never come to.
_IN_TEXT = f"[{_UNSEEN}]"
_IN_LINE = f"[{_UNSEEN}\t\n]"


def text(value: str) -> str:
    """Return a text in which control characters are written as Python writes them."""
    return re.sub(_IN_TEXT, _escaped, value)


def line(value: str, most: int = 1000) -> str:
    """Return the same as one line, cut off where it is long."""
    shown = re.sub(_IN_LINE, _escaped, value[:most])
    return shown if len(value) <= most else f"{shown}..."


def _escaped(found: re.Match[str]) -> str:
    return found[0].encode("unicode_escape").decode("ascii")
