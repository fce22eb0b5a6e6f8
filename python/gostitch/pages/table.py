"""A plain data table: a caption for those who hear it, a header row, cells aligned by kind.

Knows nothing of what it shows.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from .markup import Child, Markup, tag

__all__ = ["STYLE", "Column", "table"]

STYLE = """
table.data { border-collapse: collapse; width: 100%; }
table.data th, table.data td {
  padding: 9px 18px 9px 0; text-align: left; vertical-align: baseline;
}
table.data th:last-child, table.data td:last-child { padding-right: 0; }
table.data thead th {
  font-size: 13px; font-weight: 500; color: var(--soft); border-bottom: 1px solid var(--line);
}
table.data tbody th { font-weight: 600; }
table.data tbody tr + tr > * { border-top: 1px solid var(--line); }
table.data tfoot > tr > * { border-top: 1.5px solid var(--ink); font-weight: 650; }
table.data tfoot > tr + tr > * {
  border-top: 1px solid var(--line); font-weight: 400; color: var(--soft);
}
table.data .number { text-align: right; white-space: nowrap; }
@media (max-width: 640px) {
  table.data th, table.data td { padding: 8px 10px 8px 0; font-size: 14px; }
}
@media (max-width: 640px) {
  table.stacking thead { display: none; }
  table.stacking tr {
    display: flex; flex-wrap: wrap; justify-content: space-between; padding: 8px 0;
  }
  table.stacking tbody tr + tr { border-top: 1px solid var(--line); }
  table.data.stacking tbody tr + tr > *, table.data.stacking tbody tr > * {
    border: 0; padding: 2px 0;
  }
  table.stacking tr > :last-child { flex-basis: 100%; }
}
@media print { table.data tr { break-inside: avoid; } }
"""


@dataclass(frozen=True)
class Column:
    """A column's head, and whether it holds numbers (right-aligned, never broken)."""

    title: str
    number: bool = False


def table(
    caption: str,
    columns: Sequence[Column],
    rows: Sequence[Sequence[Child]],
    foot: Sequence[Sequence[Child]] = (),
    *,
    stacking: bool = False,
) -> Markup:
    """Make the table; the first cell of each row heads it.

    With `stacking`, the last cell goes below the others where it is narrow: for long values. Raises
    ValueError where a row is not as wide as the columns.
    """
    heads = [tag("th", column.title, scope="col", class_=_kind(column)) for column in columns]
    return tag(
        "table",
        tag("caption", caption, class_="visually-hidden"),
        tag("thead", tag("tr", heads)),
        tag("tbody", [_row(columns, row) for row in rows]),
        tag("tfoot", [_row(columns, row) for row in foot]) if foot else None,
        class_="data stacking" if stacking else "data",
    )


def _row(columns: Sequence[Column], cells: Sequence[Child]) -> Markup:
    if len(cells) != len(columns):
        raise ValueError(f"a row of {len(cells)} cells under {len(columns)} columns")
    made = [tag("th", cells[0], scope="row", class_=_kind(columns[0]))]
    rest = zip(columns[1:], cells[1:], strict=True)
    made += [tag("td", cell, class_=_kind(column)) for column, cell in rest]
    return tag("tr", made)


def _kind(column: Column) -> str | None:
    return "number" if column.number else None
