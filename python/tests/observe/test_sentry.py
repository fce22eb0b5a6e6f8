"""Panics of Go in Sentry: the real SDKs on both sides, and a server that keeps what they send."""

from __future__ import annotations

import os
import subprocess
import sys
import textwrap
from pathlib import Path
from typing import Any

from observe.spotlight import Spotlight

FAULTS = "github.com/gostitch/gostitch/gocore/internal/faults"
TESTS = Path(__file__).parents[1]  # where the module of faults is

INIT = """
import sentry_sdk
sentry_sdk.init(
    release="shop@1.2.3", environment="staging", auto_enabling_integrations=False
)
"""


def run(sentry: Spotlight, code: str, *, init: str = INIT, **env: str) -> list[dict[str, Any]]:
    """Run the code in a process of its own; give the events that arrived by its end."""
    return run_and_print(sentry, code, init=init, **env)[0]


def run_and_print(
    sentry: Spotlight, code: str, *, init: str = INIT, **env: str
) -> tuple[list[dict[str, Any]], str]:
    """Run the code as ``run`` does; give what it printed as well."""
    done = subprocess.run(
        [sys.executable, "-c", init + textwrap.dedent(code)],
        env={**os.environ, "SENTRY_DSN": sentry.dsn, "PYTHONPATH": str(TESTS), **env},
        capture_output=True,
        text=True,
        timeout=50,
        check=False,
    )
    assert "unexpected" not in done.stderr, done.stderr
    return sentry.events(), done.stdout


def go_value(event: dict[str, Any]) -> dict[str, Any]:
    """Give the exception value whose frames are Go's."""
    (value,) = (
        value
        for value in event["exception"]["values"]
        if value["stacktrace"]["frames"][0].get("platform") == "go"
    )
    return value


def test_a_panic_is_one_event_with_both_stacks(sentry: Spotlight) -> None:
    """A panic that the caller lets pass is reported once, with the stacks of Go and Python."""
    events = run(
        sentry,
        """
        import faults
        def handler():
            faults.panic("string")
        handler()
    """,
    )

    (event,) = events
    frames = go_value(event)["stacktrace"]["frames"]
    python = event["exception"]["values"][-1]
    assert (FAULTS, "Panic") == (frames[-1]["module"], frames[-1]["function"])
    assert python["type"] == "GoPanic"
    assert "handler" in [frame["function"] for frame in python["stacktrace"]["frames"]]
    assert (event["release"], event["environment"]) == ("shop@1.2.3", "staging")


def test_a_panic_that_is_caught_is_reported_all_the_same(sentry: Spotlight) -> None:
    """A panic is a bug: catching it does not hide it; captured again it is one event still."""
    events = run(
        sentry,
        """
        import faults, gostitch
        try:
            faults.panic("string")
        except gostitch.GoPanic as error:
            sentry_sdk.capture_exception(error)
    """,
    )

    assert len(events) == 1


def test_a_panic_of_a_submitted_call_is_reported_on_the_trace_of_its_caller(
    sentry: Spotlight,
) -> None:
    """The event is on the trace that was current at the call, whoever drains the reply."""
    events = run(
        sentry,
        """
        import faults, gostitch
        from opentelemetry import trace
        from opentelemetry.sdk.trace import TracerProvider
        trace.set_tracer_provider(TracerProvider())
        with trace.get_tracer("x").start_as_current_span("caller") as span:
            future = faults.panic.submit("nil")
            trace_id = f"{span.get_span_context().trace_id:032x}"
        try:
            future.result()
        except gostitch.GoPanic:
            sentry_sdk.set_tag("expected", trace_id)
            sentry_sdk.capture_message("done")
    """,
    )

    panic, message = events
    assert panic["contexts"]["trace"]["trace_id"] == message["tags"]["expected"]


def test_an_error_that_is_handled_is_not_reported(sentry: Spotlight) -> None:
    """An ordinary error belongs to the application, which may expect it."""
    events = run(
        sentry,
        """
        import gostitch
        from gostitch import tasks
        try:
            tasks.hash_tree("/does/not/exist")
        except gostitch.GoError:
            pass
    """,
    )

    assert events == []


def test_an_error_that_the_application_reports_carries_the_go_stack(sentry: Spotlight) -> None:
    """Once Go and Sentry have met, a captured Go error has Go's frames in the same event."""
    events = run(
        sentry,
        """
        from gostitch import tasks
        try:
            tasks.hash_tree("/does/not/exist")
        except FileNotFoundError as error:
            sentry_sdk.capture_exception(error)
    """,
    )

    (event,) = events
    assert go_value(event)["stacktrace"]["frames"][-1]["module"].endswith("/hashtree")


def test_a_background_panic_is_an_event_of_gos(sentry: Spotlight) -> None:
    """What no reply can carry sentry-go makes an event of, with Python's release and environment."""
    events = run(
        sentry,
        """
        import time
        import faults, gostitch
        faults.background_panic()
        deadline = time.monotonic() + 20
        while gostitch.runtime_info()["background_panics"] == 0:
            assert time.monotonic() < deadline, "unexpected: no panic"
    """,
    )

    (event,) = events
    assert event["platform"] == "go"
    assert event["exception"]["values"][0]["type"] == "panic"
    assert (event["release"], event["environment"]) == ("shop@1.2.3", "staging")


def test_each_panic_is_one_event_in_asyncio_and_threads(sentry: Spotlight) -> None:
    """Awaited, gathered, from a thread: captured again by the application it is one event still."""
    events = run(
        sentry,
        """
        import asyncio
        import faults, gostitch

        async def main():
            try:
                await faults.panic.submit("string")
            except gostitch.GoPanic as error:
                sentry_sdk.capture_exception(error)
            kinds = ("nil", "index", "division")
            panics = [faults.panic.submit(kind) for kind in kinds]
            for error in await asyncio.gather(*panics, return_exceptions=True):
                sentry_sdk.capture_exception(error)
            try:
                await asyncio.to_thread(faults.panic, "error")
            except gostitch.GoPanic as error:
                sentry_sdk.capture_exception(error)

        asyncio.run(main())
    """,
    )

    assert len(events) == 5
