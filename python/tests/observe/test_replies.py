"""What comes with the reply of a call: its spans and its events, both before it returns."""

from __future__ import annotations

from pathlib import Path

import pytest

from observe.envelopes import items_and_print

SETUP = """
from opentelemetry import trace
from opentelemetry.sdk.trace import SpanProcessor, TracerProvider

seen = []

class Noting(SpanProcessor):
    def on_end(self, span):
        seen.append((span.name, f"{span.get_span_context().span_id:016x}"))

def note(event, hint):
    kind = event["exception"]["values"][-1]["type"] if "exception" in event else "message"
    seen.append((kind, event["contexts"]["trace"]["span_id"]))
    return event

provider = TracerProvider()
provider.add_span_processor(Noting())
trace.set_tracer_provider(provider)
tracer = trace.get_tracer("x")
"""

WAYS = (
    "faults.capture({!r}, 'text')",
    "faults.capture.submit({!r}, 'text').result(), gostitch.force_flush()",
)


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize(
    ("how", "kind"),
    [
        ("by the hub in the context", "*faults.CapturedError"),
        ("and wrapped", "*faults.CapturedError"),
        ("and panicked", "message"),
    ],
)
def test_spans_and_events_have_arrived(tmp_path: Path, way: str, how: str, kind: str) -> None:
    """A call that returns, fails or panics has handed over both, and the event is of its span."""
    found, out = items_and_print(
        tmp_path,
        SETUP
        + f"""
init(before_send=note)
with tracer.start_as_current_span("above"):
    try:
        {way.format(how)}
    except gostitch.GoError:
        {"gostitch.force_flush()" if "flush" in way else "pass"}
    for each in seen:
        print(*each)
""",
    )

    said = [line.split() for line in out.splitlines()]
    spans = [span for name, span in said if name == "faults.capture"]
    assert 1 == len(spans), said
    others = [[name, span] for name, span in said if name != "faults.capture"]
    assert [[kind, *spans]] == others
    assert 1 == len([item for item in found if item.kind == "event"])


def test_what_ends_the_one_does_not_end_the_other(tmp_path: Path) -> None:
    """Ctrl-C while an event is handed over is what the call ends with; its spans have arrived."""
    _, out = items_and_print(
        tmp_path,
        SETUP
        + """
class Interrupting(Transport):
    def capture_envelope(self, envelope):
        raise KeyboardInterrupt

init(transport=Interrupting({}))
with tracer.start_as_current_span("above"):
    for how in ("by the hub in the context", "and wrapped"):
        try:
            faults.capture(how, "text")
        except KeyboardInterrupt:
            print("interrupted", [name for name, _ in seen])
""",
    )

    one = "faults.capture"
    assert [f"interrupted {[one]}", f"interrupted {[one, one]}"] == out.splitlines()
