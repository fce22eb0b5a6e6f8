"""A small bar chart of pairs on one scale, in plain HTML and CSS.

Knows nothing of what it compares.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from . import units
from .markup import Markup, tag

__all__ = ["STYLE", "Bar", "Pair", "chart"]

STYLE = """
.chart { margin: 0; }
.chart figcaption {
  color: var(--soft); font-size: 13px; margin-bottom: 14px; display: flex; flex-wrap: wrap; gap: 6px
  20px;
}
.chart .key { display: inline-flex; align-items: center; gap: 7px; }
.chart .key i { width: 22px; height: 10px; }
.chart ol { list-style: none; margin: 0; padding: 0; }
.chart li {
  display: grid; grid-template-columns: 74px 1fr; gap: 0 14px; align-items: center; padding: 5px 0;
  break-inside: avoid;
}
.chart li > b { font-weight: 600; font-size: 14px; }
.chart .pair { display: grid; gap: 3px; }
.chart .bar {
  display: flex; align-items: center; gap: 8px; font-size: 12px; line-height: 13px; color:
  var(--soft);
}
.chart .bar i {
  display: block; height: 10px; width: calc(var(--w) * (100% - 64px)); min-width: 2px; flex: none;
}
.chart .bar span { white-space: nowrap; }
"""


@dataclass(frozen=True)
class Bar:
    """One bar.

    Seconds, and the side (`python`, `go`, anything else) whose colour and pattern it takes.
    """

    name: str
    seconds: float
    side: str


@dataclass(frozen=True)
class Pair:
    """The bars of one subject."""

    name: str
    bars: tuple[Bar, ...]


def chart(pairs: Sequence[Pair], keys: Sequence[tuple[str, str]]) -> Markup:
    """Bars of all pairs on one scale. `keys` explains the colours: (side, meaning)."""
    longest = max((bar.seconds for pair in pairs for bar in pair.bars), default=0.0) or 1.0
    legend = [
        tag("span", tag("i", class_=f"fill {side}") if side else None, meaning, class_="key")
        for side, meaning in keys
    ]
    items = [
        tag(
            "li",
            tag("b", pair.name),
            tag("div", [_bar(b, longest) for b in pair.bars], class_="pair"),
        )
        for pair in pairs
    ]
    return tag("figure", tag("figcaption", legend), tag("ol", items), class_="chart")


def _bar(bar: Bar, longest: float) -> Markup:
    share = max(0.0, min(1.0, bar.seconds / longest))
    return tag(
        "div",
        tag("i", class_=f"fill {_side(bar.side)}", style=f"--w:{share:.4f}"),
        tag(
            "span",
            tag("span", f"{bar.name}: ", class_="visually-hidden"),
            units.duration(bar.seconds),
        ),
        class_="bar",
    )


def _side(side: str) -> str:
    return side if side in ("python", "go") else "other"
