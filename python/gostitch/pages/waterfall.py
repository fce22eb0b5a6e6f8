"""A trace as a waterfall.

One lane per process, Python and Go told apart by colour, by stripes and by a written tag.

Small traces show every span at once. Large ones stay usable: runs of like siblings become one line,
deep branches fold, rows out of sight cost no layout (`content-visibility`), and beyond `row_limit`
the page says how many spans only the file holds. All of it works without a script; `SCRIPT` adds a
filter and arrow keys.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby

from . import units
from .markup import Child, Markup, join, tag
from .spanrow import Clock, group_row, plain_note, side_mark, span_row
from .trace import Process, Span, Trace
from .waterfall_style import SCRIPT, STYLE

__all__ = ["SCRIPT", "STYLE", "waterfall"]

GROUP_FROM = 10  # so many like siblings in a row become one line
FOLD_TRACE = 400  # traces larger than this fold branches ...
FOLD_DEPTH = 3  # ... that hang below this depth ...
FOLD_FROM = 30  # ... and hold at least so many spans
DEEPEST = 40  # indentation stops here
TICKS = 4


@dataclass
class _Budget:
    """How many more rows the page may hold."""

    rows: int
    left_out: int = 0

    def take(self) -> bool:
        if self.rows > 0:
            self.rows -= 1
            return True
        self.left_out += 1
        return False


def waterfall(trace: Trace, *, row_limit: int = 20_000) -> Markup:
    """Draw a lane per process, each on its own time axis or, if the reader wants, on one."""
    if not trace.spans:
        return tag("p", "The trace holds no spans.", class_="soft")
    budget = _Budget(row_limit)
    whole = Clock(trace.start_ns, trace.end_ns)
    lanes = [_lane(trace, process, whole, budget) for process in trace.processes]
    left_out = (
        plain_note(f"{units.count(budget.left_out)} more spans are in the trace file.")
        if budget.left_out
        else None
    )
    return tag(
        "div",
        _controls(several=len(lanes) > 1),
        lanes,
        left_out,
        class_="wf large" if len(trace.spans) > FOLD_TRACE else "wf",
    )


def _controls(*, several: bool) -> Markup:
    """Draw the choice of a clock, which needs no script, and the filter, which does."""
    clocks = tag(
        "label",
        tag("input", type="checkbox", class_="one-clock"),
        " One clock for all processes",
    )
    return tag(
        "div",
        clocks if several else None,
        tag(
            "input",
            type="search",
            class_="filter",
            placeholder="Filter spans",
            aria_label="Filter spans by any text",
            hidden=True,
        ),
        tag("output", class_="found", hidden=True),
        class_="controls only-screen",
    )


def _lane(trace: Trace, process: Process, whole: Clock, budget: _Budget) -> Markup:
    spans = [span for span in trace.spans if span.process == process]
    clock = Clock(min(s.start_ns for s in spans), max(s.end_ns for s in spans))
    tops = [span for span in spans if not _same_process_parent(trace, span)]
    rows = join(*_rows(trace, tops, clock, 0, budget, fold=len(trace.spans) > FOLD_TRACE))
    style = f"--k:{clock.seconds / whole.seconds:.5f};--o:{whole.share(clock.start_ns):.5f}"
    return tag(
        "details",
        tag("summary", _lane_title(process, spans, whole.offset(clock.start_ns), clock.seconds)),
        _axis(clock.seconds, "own"),
        _axis(whole.seconds, "one"),
        tag("div", rows, class_="rows"),
        class_="lane",
        open=True,
        style=style,
    )


def _lane_title(process: Process, spans: Sequence[Span], offset: float, seconds: float) -> Child:
    pid = process.get("process.pid")
    counts = [
        (side, sum(span.side == side for span in spans)) for side in ("python", "go", "other")
    ]
    began = f"began at {units.duration(offset)}" if offset >= 0.0005 else "began first"
    return [
        tag("b", process.title),
        tag(
            "span",
            f"process {pid}, " if pid else "",
            f"{began}, ran {units.duration(seconds)}",
            class_="soft",
        ),
        tag(
            "span",
            [[side_mark(side), f" {units.count(n)} "] for side, n in counts if n],
            class_="counts",
        ),
    ]


def _axis(seconds: float, which: str) -> Markup:
    marks = [
        tag("span", units.duration(seconds * n / TICKS) if n else "0", style=f"--x:{n / TICKS}")
        for n in range(TICKS + 1)
    ]
    return tag("div", tag("div", marks, class_="ticks"), class_=f"axis {which}", aria_hidden="true")


def _same_process_parent(trace: Trace, span: Span) -> bool:
    parent = trace.above(span)
    return parent is not None and parent.process == span.process


def _children(trace: Trace, span: Span) -> list[Span]:
    """Give the children in the span's own process; the others begin a lane elsewhere."""
    return [child for child in trace.below(span) if child.process == span.process]


def _rows(
    trace: Trace, tops: Sequence[Span], clock: Clock, depth: int, budget: _Budget, *, fold: bool
) -> Iterator[Markup]:
    """Rows of these spans and all below them, in order of start.

    A loop, not a recursion: a hostile trace may be deep.
    """
    waiting: list[Iterator[tuple[int, list[Span]]]] = [_runs(trace, tops, depth)]
    while waiting:
        step = next(waiting[-1], None)
        if step is None:
            waiting.pop()
            continue
        level, run = step
        if len(run) > 1:
            yield _group(trace, run, clock, level, budget)
            continue
        if not budget.take():
            continue
        yield span_row(trace, run[0], clock, min(level, DEEPEST))
        if fold and level >= FOLD_DEPTH and (below := _size_below(trace, run[0])) >= FOLD_FROM:
            yield _folded(trace, run[0], clock, level + 1, budget, below)
        else:
            waiting.append(_runs(trace, _children(trace, run[0]), level + 1))


def _folded(
    trace: Trace, span: Span, clock: Clock, depth: int, budget: _Budget, below: int
) -> Markup:
    rows = _rows(trace, _children(trace, span), clock, depth, budget, fold=False)
    title = tag("summary", f"{units.count(below)} spans below {span.name}")
    return tag("details", title, join(*rows), class_="fold", style=f"--d:{min(depth, DEEPEST)}")


def _size_below(trace: Trace, span: Span) -> int:
    waiting, found = _children(trace, span), 0
    while waiting:
        found += 1
        waiting.extend(_children(trace, waiting.pop()))
    return found


def _runs(trace: Trace, siblings: Sequence[Span], depth: int) -> Iterator[tuple[int, list[Span]]]:
    """Siblings one by one, but ten or more childless ones of one name and side together."""

    def likeness(span: Span) -> tuple[str, str, str]:
        return (
            (span.name, span.side, "")
            if not _children(trace, span)
            else (span.name, span.side, span.span_id)
        )

    for _, members in groupby(siblings, key=likeness):
        run = list(members)
        if len(run) >= GROUP_FROM:
            yield depth, run
        else:
            yield from ((depth, [span]) for span in run)


def _group(trace: Trace, run: list[Span], clock: Clock, depth: int, budget: _Budget) -> Markup:
    rows = [span_row(trace, span, clock, min(depth + 1, DEEPEST)) for span in run if budget.take()]
    return group_row(run[0].name, run[0].side, run, clock, min(depth, DEEPEST), rows)
