"""Builds HTML that is escaped by construction.

Every block of a page is made of `tag(...)`: a plain `str` among the children is text and gets
escaped, a `Markup` is HTML that this module made and passes through. Nothing else may build HTML by
hand. This room knows nothing of pages, traces or styles.
"""

from __future__ import annotations

import html
import re
from collections.abc import Iterable
from typing import Union

__all__ = ["Child", "Markup", "join", "raw", "tag", "text"]


class Markup(str):
    """HTML that is safe to put into a page as it is.

    Made by `tag`, `text`, `join` and, with care, `raw`.
    """

    __slots__ = ()


Child = Union[str, int, float, None, Iterable["Child"]]  # noqa: UP007 - a forward reference needs it
"""What may stand inside an element: text, a number, `Markup`, nothing, or any nesting of those."""

_VOID = frozenset(
    {"br", "col", "hr", "img", "input", "link", "meta", "rect", "circle", "line", "path"}
)
# What an HTML parser drops or misreads: C0 controls other than tab and newline, DEL to APC, half
# surrogate pairs, non-characters.
_UNPRINTABLE = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\ud800-\udfff\ufffe\uffff]")
_NAME = re.compile(r"[a-zA-Z][a-zA-Z0-9-]*\Z")


def text(value: object) -> Markup:
    """`value` as escaped text: safe between tags and inside a quoted attribute."""
    plain = str(value).replace("\r\n", "\n")
    return Markup(html.escape(_UNPRINTABLE.sub("\ufffd", plain), quote=True))


def raw(trusted: str) -> Markup:
    """Declare text of this project (a style sheet, a script) to be HTML.

    Never for anything that came from outside.
    """
    return Markup(trusted)


def join(*children: Child) -> Markup:
    """Put the children one after another, escaped where they are text."""
    return Markup("".join(_flatten(children)))


def tag(element: str, /, *children: Child, **attributes: str | int | float | bool | None) -> Markup:
    """One element.

    Attribute names are written with underscores (`class_`, `aria_label`); `True` gives a bare
    attribute, `None` and
    `False` leave it out. Raises ValueError for a name that is not one.
    """
    opening = "".join(_attribute(key, value) for key, value in attributes.items())
    if not _NAME.match(element):
        raise ValueError(f"not an element name: {element!r}")
    if element in _VOID:
        return Markup(f"<{element}{opening}>")
    return Markup(f"<{element}{opening}>{''.join(_flatten(children))}</{element}>")


def _attribute(key: str, value: str | int | float | bool | None) -> str:
    if value is None or value is False:
        return ""
    name = key.rstrip("_").replace("_", "-")
    if not _NAME.match(name):
        raise ValueError(f"not an attribute name: {name!r}")
    return f" {name}" if value is True else f' {name}="{text(value)}"'


def _flatten(children: Iterable[Child]) -> Iterable[str]:
    for child in children:
        if child is None:
            continue
        if isinstance(child, Markup):
            yield child
        elif isinstance(child, (str, int, float)):
            yield text(child)
        else:
            yield from _flatten(child)
