"""Pairs of a name and a value, set as a quiet definition list. Knows nothing of what it lists."""

from __future__ import annotations

from collections.abc import Iterable

from .markup import Child, Markup, tag

__all__ = ["STYLE", "facts"]

STYLE = """
dl.facts {
  display: grid; grid-template-columns: minmax(110px, max-content) minmax(0, 1fr); gap: 4px 22px;
  margin: 0;
}
dl.facts dt { color: var(--soft); }
dl.facts dd { margin: 0; min-width: 0; }
dl.facts.small { font-size: 13px; line-height: 1.5; gap: 2px 18px; }
dl.facts.small dd { font-family: var(--mono); font-size: 12px; white-space: pre-wrap; }
@media (max-width: 640px) {
  dl.facts { grid-template-columns: minmax(0, 1fr); gap: 0; }
  dl.facts dd + dt { margin-top: 8px; }
}
"""


def facts(pairs: Iterable[tuple[str, Child]], *, small: bool = False) -> Markup:
    """Make a definition list in the given order; `small` sets values in a fixed-width face."""
    rows = [(tag("dt", name), " ", tag("dd", value), " ") for name, value in pairs]
    return tag("dl", rows, class_="facts small" if small else "facts")
