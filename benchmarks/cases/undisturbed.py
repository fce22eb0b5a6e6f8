"""observe.*: calls that observing must not disturb, beside the same calls without its cause."""

from __future__ import annotations

from collections.abc import Iterator

from benchmarks.measure import Case
from benchmarks.peer import present

# How a collector can be ill.
ILLS = {
    "gone": "nobody listens where spans are sent",
    "hung": "a collector that takes connections and never answers",
    "refusing": "a collector that refuses whatever it is sent",
}
OUTAGE_S = 60.0
GOROUTINES = 64


def cases(quick: bool) -> Iterator[Case]:
    """Give the cases."""
    rounds = 7 if quick else 25
    count = 2_000 if quick else 20_000
    yield Case(
        name="observe.absent",
        size=count,
        unit="ns",
        note="a structured call where OpenTelemetry is not imported; "
        "the control has a library without observers",
        contenders=present(
            {"gostitch": "calls_gostitch:structured", "python": "calls_unobserved:structured"}
        ),
        peers={"python": "a library without observers"},
        arguments={"count": count},
        times=count,
        rounds=rounds,
    )
    count = 2_000
    yield Case(
        name="observe.log_flood",
        size=count,
        unit="us",
        note="a log record of Go, of which 64 goroutines write as many as they can while a thread "
        "of Python computes",
        contenders=present({"gostitch": "floods:written"}),
        peers={},
        arguments={"goroutines": GOROUTINES, "records": count},
        times=GOROUTINES * count,
        rounds=rounds,
    )
    count = 5_000
    for ill, note in ILLS.items():
        seconds = 1.0 if quick else OUTAGE_S
        # Both contenders rest before each round, so that the outage lasts.
        shared = {"count": count, "rest_s": seconds / rounds / 2}
        yield Case(
            name=f"observe.collector_{ill}",
            size=count,
            unit="us",
            note=f"a sampled structured call during {seconds:.0f} s of an outage: {note}; "
            "the collector of the control answers",
            contenders=present({"gostitch": f"outages:{ill}", "python": "outages:well"}),
            peers={"python": "a collector that answers"},
            arguments=shared,
            times=count,
            otel=True,
            rounds=rounds,
        )
