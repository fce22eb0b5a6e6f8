"""The same reported by Python and by Go, under each option: ``python -m observe.optioned``.

Prints, for each row and source, the aspect of Python's events without the option, of those with it,
and of Go's with it.
"""

from __future__ import annotations

import json
import logging
from collections.abc import Callable
from typing import Any

import sentry_sdk
import sentry_sdk.scrubber
from sentry_sdk.transport import Transport

import faults
import gostitch
from observe.sentry_options import CAPTURED, CROSSING, LIKE_PYTHON, LOGGED, OPTIONS, Option

TEXT = "what went wrong, at some length " * 3


def _raised() -> None:
    try:
        raise ValueError(TEXT)
    except ValueError as error:
        sentry_sdk.capture_exception(error)


def _panicked() -> None:
    try:
        faults.panic_with(TEXT)
    except gostitch.GoPanic:
        pass  # it was reported when it crossed


OF_PYTHON: dict[str, Callable[[], object]] = {
    CROSSING: _raised,
    CAPTURED: _raised,
    LOGGED: lambda: logging.getLogger("python").error("said"),
}
OF_GO: dict[str, Callable[[], object]] = {
    CROSSING: _panicked,
    CAPTURED: lambda: faults.capture("by the hub in the context", TEXT),
    LOGGED: lambda: faults.log(8, "said"),
}


def aspect_of(row: Option, report: Callable[[], object], **options: Any) -> Any:
    """Give the aspect of what a client with these options sends of a report."""
    events: list[Any] = []
    bodies: list[Any] = []

    class Kept(Transport):
        def capture_envelope(self, envelope: Any) -> None:
            for item in envelope.items:
                if item.headers.get("type") == "event":
                    events.append(item.payload.json)
                elif item.headers.get("type") == "log":
                    bodies.extend(log["body"] for log in item.payload.json["items"])

    defaults = {
        "dsn": "http://public@127.0.0.1:9/1",
        "transport": Kept,
        "enable_logs": True,
        "auto_enabling_integrations": False,
    }
    sentry_sdk.init(**{**defaults, **options})
    with sentry_sdk.isolation_scope() as scope:
        scope.clear_breadcrumbs()
        for number in range(4):
            sentry_sdk.add_breadcrumb(message=f"crumb {number}")
        scope.set_extra("colour", "red")
        report()
        gostitch.force_flush()
        sentry_sdk.flush()
    return eval(row.aspect, {"events": events, "bodies": bodies})


def main() -> None:
    """Report under each option."""
    logging.getLogger("gostitch.go").setLevel(logging.ERROR)
    for row in OPTIONS:
        if row.test != LIKE_PYTHON:
            continue
        value = eval(row.value, {"sentry_sdk": sentry_sdk})
        for source in row.sources:
            print(
                json.dumps(
                    [
                        row.name,
                        source,
                        aspect_of(row, OF_PYTHON[source]),
                        aspect_of(row, OF_PYTHON[source], **{row.name: value}),
                        aspect_of(row, OF_GO[source], **{row.name: value}),
                    ]
                ),
                flush=True,
            )


if __name__ == "__main__":
    main()
