"""Text on a terminal or in a file: width, indentation and colour."""

from __future__ import annotations

import io
import os
import shutil
import textwrap
from typing import TextIO

_NARROWEST = 60
_WIDEST = 100
_STATUS = 9
_TITLE = 17


class Page:
    """Writes paragraphs as wide as the terminal is, within reason, or 80 columns.

    Colour is used on a terminal only, and not where NO_COLOR is set.
    """

    def __init__(self, out: TextIO) -> None:
        if isinstance(out, io.TextIOWrapper):
            out.reconfigure(errors="backslashreplace")  # paths can be anything
        self._out = out
        columns = shutil.get_terminal_size((80, 24)).columns
        self.width = min(max(columns, _NARROWEST), _WIDEST)
        plain = os.environ.get("NO_COLOR") or os.environ.get("TERM") == "dumb"
        self._colours = out.isatty() and not plain

    def line(self, text: str = "") -> None:
        """Write a line as it is."""
        self._out.write(text + "\n")

    def heading(self, text: str) -> None:
        """Write a heading."""
        self.line(self._coloured(text, "1"))

    def entry(self, status: str, colour: str, title: str, words: str) -> None:
        """Write a status, a title and a paragraph beside them."""
        head = f"  {status:<{_STATUS}}{title:<{_TITLE}}"
        first, *rest = self._wrapped(words, len(head), head) or [head]
        self.line(first.replace(status, self._coloured(status, colour), 1))
        for line in rest:
            self.line(line)

    def more(self, text: str, dim: bool = False) -> None:
        """Write another paragraph below an entry."""
        for line in self._wrapped(text, 2 + _STATUS + _TITLE, ""):
            self.line(self._coloured(line, "2") if dim else line)

    def _wrapped(self, text: str, indent: int, head: str) -> list[str]:
        # Long words are paths and commands, which can only be copied whole.
        return textwrap.wrap(
            "".join(char if _is_shown(char) else " " for char in text),
            self.width,
            initial_indent=head or " " * indent,
            subsequent_indent=" " * indent,
            break_long_words=False,
            break_on_hyphens=False,
        )

    def _coloured(self, text: str, colour: str) -> str:
        return f"\x1b[{colour}m{text}\x1b[0m" if self._colours else text


def _is_shown(char: str) -> bool:
    """Tell whether a character is fit for a terminal; what is no text in paths is escaped."""
    return char.isprintable() or "\udc80" <= char <= "\udcff"
