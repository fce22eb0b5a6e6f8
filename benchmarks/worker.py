"""Do one contender's work in a process of its own: ``python -m benchmarks.worker``.

The runner names the contender, as module:function, the function's arguments as
JSON, and whether OpenTelemetry is imported beside. Then each line of standard
input asks for one thing, each line of standard output answers it in JSON, and
the end of the input ends the process.
"""

from __future__ import annotations

import importlib
import json
import os
import sys
import time
from pathlib import Path

from benchmarks.work import Sample, Work


def main() -> None:
    """Answer the runner until it hangs up."""
    contender, arguments, otel = sys.argv[1], json.loads(sys.argv[2]), sys.argv[3] == "otel"
    # Whatever the contender prints must not look like an answer.
    replies = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)
    if otel:
        configure_otel()
    module, _, function = contender.partition(":")
    work: Work = getattr(importlib.import_module(module), function)(**arguments)
    for line in sys.stdin:
        reply = answer(work, line.strip())
        check_otel(otel)
        replies.write(json.dumps(reply) + "\n")
        replies.flush()
    work.reset()
    work.close()


def answer(work: Work, asked: str) -> object:
    """Do what the runner asks for: the answer, one round, or the facts."""
    if asked == "answer":
        work.reset()
        return work.answer()
    if asked == "facts":
        return work.facts()
    if asked != "round":
        raise ValueError(f"the runner asked for {asked!r}")
    work.reset()
    forget_peak()
    start = time.perf_counter()
    sample = work.run()
    seconds = time.perf_counter() - start
    sample = sample or Sample(seconds, peak_mb())
    return {"seconds": sample.seconds, "rss_mb": sample.rss_mb}


def forget_peak() -> None:
    """Let the kernel count the peak of memory anew; where it refuses, the old peak counts."""
    try:
        Path("/proc/self/clear_refs").write_text("5", encoding="ascii")
    except OSError:
        pass


def peak_mb() -> float:
    """Give the largest resident memory since the peak was forgotten."""
    for line in Path("/proc/self/status").read_text(encoding="utf-8").splitlines():
        if line.startswith("VmHWM:"):
            return int(line.split()[1]) / 1024
    raise OSError("/proc/self/status has no VmHWM")


def configure_otel() -> None:
    """Import and set up OpenTelemetry as a service does, with an exporter that drops all."""
    from opentelemetry import trace
    from opentelemetry.sdk.trace import TracerProvider
    from opentelemetry.sdk.trace.export import BatchSpanProcessor, SpanExporter, SpanExportResult

    class Drop(SpanExporter):
        def export(self, spans: object) -> SpanExportResult:
            return SpanExportResult.SUCCESS

    provider = TracerProvider()
    provider.add_span_processor(BatchSpanProcessor(Drop()))
    trace.set_tracer_provider(provider)


def check_otel(wanted: bool) -> None:
    """Refuse figures of a process where OpenTelemetry is imported but should not be."""
    if ("opentelemetry" in sys.modules) != wanted:
        raise RuntimeError(f"OpenTelemetry imported: {not wanted}; this case wants {wanted}")


if __name__ == "__main__":
    main()
