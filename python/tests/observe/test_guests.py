"""Observers are guests: whatever is wrong with one, calls go on, and the log says it once."""

from __future__ import annotations

import textwrap
from pathlib import Path

import pytest

from ci_pipeline.receiver import receiving
from observe.scenario import run_to

_CALL = """
import faults
from gostitch import GoPanic

for _ in range(2):
    assert 3 == faults.add(1, 2)
    assert 3 == faults.add.submit(1, 2).result(timeout=20)
    try:
        faults.panic("string")
    except GoPanic:
        pass
"""

_STRANGE = {
    "an import of Sentry that is forbidden": """
        import sys
        sys.modules["sentry_sdk"] = None
        """,
    "an import of OpenTelemetry that is forbidden": """
        import sys
        sys.modules["opentelemetry.trace"] = sys.modules["opentelemetry.metrics"] = None
        """,
    "baggage with a key that is no text": """
        from opentelemetry import baggage, context, trace
        context.attach(baggage.set_baggage(3, "x"))
        """,
    "baggage with a value that says nothing of itself": """
        from opentelemetry import baggage, context, trace

        class Mute:
            def __str__(self):
                raise ValueError("mute")

        context.attach(baggage.set_baggage("k", Mute()))
        """,
    "a level that is no number of 64 bits": """
        import logging
        logging.disable(10**30)
        """,
}

_BROKEN = {
    "Go reports nothing to Sentry": """
        import sentry_sdk
        del sentry_sdk.get_client  # as in version 1
        """,
    "Go reports nothing to Sentry; see": """
        import sys
        from unittest.mock import MagicMock
        sys.modules["sentry_sdk"] = MagicMock()  # as tests have it
        """,
    "there are no metrics of Go": """
        from opentelemetry import metrics

        class Broken(metrics.MeterProvider):
            def get_meter(self, *arguments, **named):
                raise ValueError("broken")

        metrics.set_meter_provider(Broken())
        """,
    "a call of Go carries no trace": """
        from opentelemetry import context, trace

        class Broken(trace.NonRecordingSpan):
            def get_span_context(self):
                raise ValueError("broken")

        context.attach(trace.set_span_in_context(Broken(None)))
        """,
}


def _printed(observer: str, order: str) -> str:
    """Give what is printed where the observer is there before the first call, or after it."""
    code = textwrap.dedent(observer) + _CALL
    with receiving() as receiver:
        tests = {"PYTHONPATH": str(Path(__file__).parents[1])}
        return run_to(receiver, _CALL + code if order == "after" else code, tests, prologue="")


@pytest.mark.parametrize("order", ["before", "after"])
@pytest.mark.parametrize("what", _STRANGE)
def test_what_is_strange_is_no_matter(what: str, order: str) -> None:
    """Calls, replies and panics are as ever, and nothing is said."""
    assert "" == _printed(_STRANGE[what], order)


@pytest.mark.parametrize("order", ["before", "after"])
@pytest.mark.parametrize("said", _BROKEN)
def test_what_is_broken_is_said_once(said: str, order: str) -> None:
    """Calls, replies and panics are as ever."""
    printed = _printed(_BROKEN[said], order)

    assert 1 == printed.count(said), printed
    assert "Traceback" not in printed
