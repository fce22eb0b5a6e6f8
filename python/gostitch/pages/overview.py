"""A whole trace in a few lines.

Per process when its Python and its Go spans ran, all on one clock.
"""

from __future__ import annotations

from collections.abc import Sequence

from . import units
from .markup import Markup, tag
from .spanrow import Clock, side_mark
from .trace import Span, Trace

__all__ = ["STYLE", "overview"]

STYLE = """
.map { margin: 0 0 28px; }
.map .row {
  display: grid; grid-template-columns: 150px minmax(0, 1fr); gap: 14px; align-items: center;
  padding: 5px 0; break-inside: avoid;
}
.map .row > b { font-size: 14px; font-weight: 600; }
.map .tracks {
  display: grid; gap: 2px; border-left: 1px solid var(--line); border-right: 1px solid var(--line);
}
.map .track { position: relative; height: 8px; }
.map .track i {
  position: absolute; top: 0; height: 100%; left: calc(var(--x) * 100%); width: calc(var(--w) *
  100%); min-width: 2px; border-radius: 1px;
}
.map .foot { font-size: 11px; color: var(--soft); }
.map .foot .ends { display: flex; justify-content: space-between; }
.map .keys {
  display: flex; flex-wrap: wrap; gap: 4px 20px; font-size: 13px; color: var(--soft); margin-bottom:
  8px; align-items: center;
}
@media (max-width: 640px) {
  .map .row { grid-template-columns: minmax(0, 1fr); gap: 3px; } .map .foot > :first-child {
  display: none; };
}
"""

_BINS = 600
_MEANINGS = {
    "python": "a Python span is open",
    "go": "a Go span is open",
    "other": "another language's span is open",
}


def overview(trace: Trace) -> Markup | None:
    """One row per process with a track per side, or nothing for an empty trace."""
    if not trace.spans:
        return None
    clock = Clock(trace.start_ns, trace.end_ns)
    sides = [side for side in _MEANINGS if any(span.side == side for span in trace.spans)]
    keys = [tag("span", side_mark(side), f" {_MEANINGS[side]}") for side in sides]
    rows = [
        _row(process.title, [s for s in trace.spans if s.process == process], clock)
        for process in trace.processes
    ]
    ends = tag("div", tag("span", "0"), tag("span", units.duration(clock.seconds)), class_="ends")
    return tag(
        "figure",
        tag("figcaption", keys, class_="keys"),
        rows,
        tag("div", tag("span"), ends, class_="row foot"),
        class_="map",
    )


def _row(title: str, spans: Sequence[Span], clock: Clock) -> Markup:
    tracks = []
    for side in _MEANINGS:
        own = [span for span in spans if span.side == side]
        if own:
            pieces = [
                tag("i", class_=f"fill {side}", style=clock.place(a, b))
                for a, b in clock.busy(own, _BINS)
            ]
            tracks.append(tag("div", pieces, class_="track"))
    return tag("div", tag("b", title), tag("div", tracks, class_="tracks"), class_="row")
