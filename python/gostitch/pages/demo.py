"""The page of the CI pipeline demo.

How much faster, whether the results are equal, one trace, one failure.

It arranges blocks and words; what the words claim is computed from the summary, so the page says
"slower" where it was.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from . import chart, facts, overview, stack, table, units, waterfall
from .document import document
from .markup import Child, Markup, join, tag
from .spanrow import side_mark
from .trace import Trace, read_trace

__all__ = ["Failure", "demo_page"]

NUMBERS = ("zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine")
NOISE = 0.1  # steps that did not move differ by chance; below this share nothing is said about it

LEAD = (
    "Same inputs, same business logic, each run cold in a fresh process and folder. "
    "Steps that stayed in Python differ by chance only."
)

STYLE = """
.hero {
  display: grid; grid-template-columns: auto minmax(0, 1fr); gap: 8px 40px; align-items: center;
  margin-top: 30px;
}
.hero .figure {
  font-size: 128px; line-height: .92; font-weight: 680; letter-spacing: -.045em; margin-left:
  -.04em;
}
.hero .figure small {
  font-size: .62em; font-weight: 600; letter-spacing: 0; margin-left: .03em; color: var(--soft);
}
.hero p { margin: 0; }
.hero .claim {
  font-size: 23px; line-height: 1.3; letter-spacing: -.012em; font-weight: 550; max-width: 30ch;
  text-wrap: balance;
}
.hero .also { color: var(--soft); margin-top: 10px; }
.steps {
  display: grid; grid-template-columns: minmax(0, 11fr) minmax(0, 9fr); gap: 28px 56px; align-items:
  start;
}
.faster { font-weight: 650; }
.slower { font-weight: 650; color: var(--error); }
.ok { color: var(--good); font-weight: 600; }
.broken { color: var(--error); font-weight: 650; }
.digest { font-family: var(--mono); font-size: 12px; }
.error-line {
  border-left: 3px solid var(--error); background: var(--error-wash); padding: 12px 16px; margin: 0;
}
.error-line b { color: var(--error); }
@media (max-width: 860px) { .steps { grid-template-columns: minmax(0, 1fr); } }
@media (max-width: 640px) {
  .hero { grid-template-columns: minmax(0, 1fr); gap: 18px; margin-top: 22px; }
  .hero .figure { font-size: 96px; }
  .hero .claim { font-size: 20px; }
}
@media print { .hero .figure { font-size: 72pt; } }
"""


@dataclass(frozen=True)
class Failure:
    """An error that crossed from Go to Python, with both stacks as text.

    `story` says what the demo did to provoke it.
    """

    story: str
    type: str
    code: str
    message: str
    python_stack: str
    go_stack: str
    details: Mapping[str, object]


def demo_page(
    summary: Mapping[str, Any],
    trace: Mapping[str, Any],
    *,
    failure: Failure | None = None,
    results: Sequence[tuple[str, str, str]] = (),
    environment: Sequence[tuple[str, str]] = (),
    input_facts: str = "",
) -> str:
    """Make the whole page as text.

    `summary` and `trace` are the demo's `summary.json` and `trace.json`; `results` holds what was
    compared as (what, digest before, digest after); `environment` is a list of facts about the
    machine; `input_facts` one sentence about the input.
    """
    spans = read_trace(trace)
    main = join(
        _steps(summary),
        _results(results, bool(summary.get("equal"))),
        _trace(summary, spans),
        _failure(failure),
        _where(environment),
    )
    return document(
        f"{_headline(summary)} · gostitch CI pipeline demo",
        description="A CI pipeline run in Python and with its heavy steps in Go, under one trace.",
        header=join(
            tag("h1", "gostitch", tag("span", " · the CI pipeline demo", class_="soft")),
            _hero(summary, input_facts),
        ),
        main=main,
        footer=_footer(),
        styles=[
            table.STYLE,
            chart.STYLE,
            facts.STYLE,
            overview.STYLE,
            waterfall.STYLE,
            stack.STYLE,
            STYLE,
        ],
        scripts=[waterfall.SCRIPT],
    )


Step = tuple[str, float, float, float, bool]
"""(name, seconds before, seconds after, ratio, whether it moved)."""


def _headline(summary: Mapping[str, Any]) -> str:
    return units.times(_number(summary.get("total_ratio")))


def _number(value: object) -> float:
    return float(value) if isinstance(value, (int, float)) else 0.0


def _step_list(summary: Mapping[str, Any]) -> list[Step]:
    """Read the steps of the summary, in the order they ran; what is malformed becomes zero."""
    steps = summary.get("steps")
    listed = steps.items() if isinstance(steps, Mapping) else ()
    return [
        (
            str(name),
            _number(s.get("before_s")),
            _number(s.get("after_s")),
            _number(s.get("ratio")),
            bool(s.get("moved")),
        )
        for name, s in listed
        if isinstance(s, Mapping)
    ]


def _sums(summary: Mapping[str, Any], *, moved_only: bool) -> tuple[float, float]:
    chosen = [step for step in _step_list(summary) if step[4] or not moved_only]
    return sum(step[1] for step in chosen), sum(step[2] for step in chosen)


def _hero(summary: Mapping[str, Any], input_facts: str) -> Markup:
    total = _number(summary.get("total_ratio"))
    before, after = _sums(summary, moved_only=True)
    all_before, all_after = _sums(summary, moved_only=False)
    moved = sum(step[4] for step in _step_list(summary))
    verdict = "faster" if total >= 1 else "of the former speed"
    equal = (
        "the results are equal byte for byte" if summary.get("equal") else "but the results differ"
    )
    steps = "step" if moved == 1 else "steps"
    many = NUMBERS[moved] if moved < len(NUMBERS) else str(moved)
    claim = f"{verdict} over the {many} {steps} that moved from Python to Go, and {equal}."
    whole = " The whole pipeline, with the steps that stayed: "
    whole += f"{_seconds(all_before)} to {_seconds(all_after)}"
    whole += f", {units.times(all_before / all_after)}." if all_after > 0 else "."
    also = [
        f"{_seconds(before)} became {_seconds(after)}.",
        whole,
        f" {input_facts}" if input_facts else "",
    ]
    figure = tag("div", units.ratio(total), tag("small", "\u00d7"), class_="figure")
    return tag(
        "div",
        figure,
        tag("div", tag("p", claim, class_="claim"), tag("p", also, class_="also")),
        class_="hero",
    )


def _seconds(value: float) -> str:
    """Seconds of a step, with one unit in the whole table."""
    return f"{value:.2f}\u202fs" if value >= 0.005 or value <= 0 else "<0.01\u202fs"


def _steps(summary: Mapping[str, Any]) -> Markup:
    steps = _step_list(summary)
    pairs = [
        chart.Pair(name, (chart.Bar("before", before, "python"), chart.Bar("after", after, side)))
        for name, before, after, _, moved in steps
        for side in ("go" if moved else "python",)
    ]
    keys = [("python", "in Python"), ("go", "moved to Go"), ("", "upper bar before, lower after")]
    return tag(
        "section",
        tag("h2", "Step by step"),
        tag("p", LEAD, class_="lead"),
        tag("div", _step_table(steps, summary), chart.chart(pairs, keys), class_="steps"),
    )


def _step_table(steps: Sequence[Step], summary: Mapping[str, Any]) -> Markup:
    columns = [
        table.Column("Step"),
        table.Column("Before", number=True),
        table.Column("After", number=True),
        table.Column("Ratio", number=True),
        table.Column("Runs in"),
    ]
    rows: list[list[Child]] = [
        [name, _seconds(before), _seconds(after), _ratio(ratio, moved), _place(moved)]
        for name, before, after, ratio, moved in steps
    ]
    return table.table("Seconds per step", columns, rows, _foot(summary))


def _place(moved: bool) -> Markup:
    return side_mark("go" if moved else "python")


def _foot(summary: Mapping[str, Any]) -> list[list[Child]]:
    before, after = _sums(summary, moved_only=True)
    all_before, all_after = _sums(summary, moved_only=False)
    whole = units.times(all_before / all_after) if all_after > 0 else ""
    return [
        ["moved steps", _seconds(before), _seconds(after), _headline(summary), ""],
        ["all steps", _seconds(all_before), _seconds(all_after), whole, ""],
    ]


def _ratio(ratio: float, moved: bool) -> Markup:
    """Write a step's ratio with an honest word.

    Faster only where it moved and is faster, slower wherever it is.
    """
    if not moved:
        return tag("span", units.times(ratio), class_="soft")
    if ratio >= 1 + NOISE:
        return tag("span", units.times(ratio), class_="faster")
    word = "slower" if ratio < 1 - NOISE else "no faster"
    return tag(
        "span", f"{units.times(ratio)} {word}", class_="slower" if ratio < 1 - NOISE else "soft"
    )


def _results(results: Sequence[tuple[str, str, str]], equal: bool) -> Markup | None:
    if not results:
        return None
    columns = [table.Column("Compared"), table.Column("Verdict"), table.Column("Digest")]
    rows = [_compared(*result) for result in results]
    lead = (
        "After both runs each release was unpacked once more by Python's own tools, "
        "whoever had packed it, and digested again."
        if equal
        else "The two runs disagree: the demo failed."
    )
    return tag(
        "section",
        tag("h2", "Equal results" if equal else "Results differ"),
        tag("p", lead, class_="lead"),
        table.table("Digests of the results", columns, rows, stacking=True),
    )


def _compared(what: str, before: str, after: str) -> list[Child]:
    same = before == after
    verdict = tag(
        "span", "equal" if same else "different", class_=f"nowrap {'ok' if same else 'broken'}"
    )
    return [
        what,
        verdict,
        tag("span", before if same else f"before {before}, after {after}", class_="digest"),
    ]


def _trace(summary: Mapping[str, Any], trace: Trace) -> Markup:
    go = sum(span.side == "go" for span in trace.spans)
    python = len(trace.spans) - go
    processes = len(trace.processes)
    told = (
        f"{units.count(python)} Python and {units.count(go)} Go spans from {processes} "
        f"{'process' if processes == 1 else 'processes'}, received over OTLP by a local receiver. "
        "Open a line for its attributes; Go spans hang below the Python span that called them."
    )
    identity = tag("p", "Trace ", tag("code", str(summary.get("trace_id") or "")), class_="soft")
    return tag(
        "section",
        tag("h2", "One trace" if len(trace.trace_ids) <= 1 else f"{len(trace.trace_ids)} traces"),
        tag("p", told, class_="lead"),
        identity,
        overview.overview(trace),
        waterfall.waterfall(trace),
    )


def _failure(failure: Failure | None) -> Markup | None:
    if failure is None:
        return None
    details = [
        ("code", failure.code),
        *((str(name), str(value)) for name, value in failure.details.items()),
    ]
    return tag(
        "section",
        tag("h2", "One failure, both stacks"),
        tag("p", failure.story, class_="lead"),
        tag("p", tag("b", failure.type), f": {failure.message}", class_="error-line"),
        tag("div", facts.facts(details, small=True), style="margin-top:14px"),
        stack.stack_view(failure.python_stack, failure.go_stack),
    )


def _where(environment: Sequence[tuple[str, str]]) -> Markup | None:
    if not environment:
        return None
    return tag("section", tag("h2", "Where this ran"), facts.facts(environment))


def _footer() -> Markup:
    return join(
        "One run on one machine: trust the ratios more than the seconds. The raw figures: ",
        tag("a", "summary.json", href="summary.json"),
        ", ",
        tag("a", "trace.json", href="trace.json"),
        ".",
    )
