"""Makes a whole, self-contained HTML document out of blocks.

The document loads nothing: styles and script are inside it, and its content security policy forbids
everything else, names the script by its digest (so a script that slipped into the text would not
run) and allows no network at all. This room knows no block by name.
"""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Sequence

from . import theme
from .markup import Child, join, raw, tag

__all__ = ["document"]


def document(
    title: str,
    *,
    header: Child = None,
    main: Child = None,
    footer: Child = None,
    styles: Sequence[str] = (),
    scripts: Sequence[str] = (),
    description: str | None = None,
) -> str:
    """Make a complete page as text, to be written as UTF-8.

    `styles` and `scripts` are the `STYLE` and `SCRIPT` constants of the blocks used; each is
    included once. The script is only comfort: pages are complete without it.
    """
    style = _inline(theme.STYLE, *dict.fromkeys(styles))
    script = _inline(*dict.fromkeys(scripts))
    head = join(
        tag("meta", charset="utf-8"),
        tag("meta", http_equiv="Content-Security-Policy", content=_policy(style, script)),
        tag("meta", name="viewport", content="width=device-width, initial-scale=1"),
        tag("meta", name="color-scheme", content="light dark"),
        tag("meta", name="description", content=description) if description else None,
        tag("title", title),
        tag("link", rel="icon", href="data:,"),
        tag("style", raw(style)),
    )
    body = join(
        tag("a", "Skip to the content", class_="skip", href="#content"),
        tag("header", header, class_="page"),
        tag("main", main, id="content"),
        tag("footer", tag("div", footer), class_="page") if footer is not None else None,
        tag("script", raw(script)) if script else None,
    )
    return "<!doctype html>\n" + tag("html", tag("head", head), tag("body", body), lang="en") + "\n"


def _inline(*parts: str) -> str:
    joined = "\n".join(part.strip() for part in parts if part.strip())
    if "</" in joined:
        raise ValueError("a style sheet or script must not contain a closing tag")
    return joined


def _policy(style: str, script: str) -> str:
    rules = ["default-src 'none'", "base-uri 'none'", "form-action 'none'", "img-src data:"]
    rules.append(f"style-src-elem {_digest(style)}")
    rules.append(
        "style-src-attr 'unsafe-inline'"
    )  # bars are placed by custom properties in `style`
    rules.append(f"script-src {_digest(script) if script else repr('none')}")
    return "; ".join(rules)


def _digest(inline: str) -> str:
    return "'sha256-" + base64.b64encode(hashlib.sha256(inline.encode()).digest()).decode() + "'"
