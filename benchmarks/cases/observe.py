"""trace.*: what OpenTelemetry adds to a call, on the thread that calls."""

from __future__ import annotations

from collections.abc import Iterator

from benchmarks.measure import Case
from benchmarks.peer import present

# What is current in Python, and how Go's spans leave.
STATES = {
    "no_span": ("no current span", "none", "direct"),
    "unsampled": ("a current span that is not sampled", "unsampled", "direct"),
    "sampled": ("a sampled span, whose child Go makes and exports", "sampled", "direct"),
    "sampled_through_python": (
        "a sampled span, whose child goes through Python's processors",
        "sampled",
        "python",
    ),
}


def cases(quick: bool) -> Iterator[Case]:
    """Give the cases."""
    count = 2_000 if quick else 10_000
    for name, (note, state, export) in STATES.items():
        contenders = {"gostitch": "observe_gostitch:added"}
        if state != "none":
            contenders["python"] = "observe_python:span"
        yield Case(
            name=f"trace.{name}",
            size=count,
            unit="us",
            note=f"added to a structured call by OpenTelemetry's SDK, with {note}; "
            "the same call without it was subtracted in the same round",
            contenders=present(contenders),
            peers={"python": "a span of Python's SDK"} if state != "none" else {},
            arguments={"count": count, "state": state, "export": export},
            times=count,
            otel=True,
            rounds=7 if quick else 25,
        )
