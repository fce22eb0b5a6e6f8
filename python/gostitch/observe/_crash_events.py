"""The Sentry event of what ended an earlier process, which nobody there could report."""

from __future__ import annotations

import contextvars
from typing import Any

import sentry_sdk
from sentry_sdk.attachments import Attachment

from gostitch import _crashes
from gostitch.observe import _events

_MOST_ATTACHED = 1 << 18
"""Characters of a report that are sent beside its event."""


def report(crash: _crashes.CrashReport) -> None:
    """Report a crash, with nothing of who calls here."""
    text = crash.text[:_MOST_ATTACHED].encode(errors="replace")
    attached = Attachment(bytes=text, filename="go.crash", content_type="text/plain")
    hint = {"attachments": [attached]}
    contextvars.Context().run(sentry_sdk.capture_event, _event(crash), hint)


def _event(crash: _crashes.CrashReport) -> Any:
    value = {
        "type": "crash",
        "value": crash.reason,
        "stacktrace": {"frames": [_events.frame(line) for line in reversed(crash.go_frames)]},
        "mechanism": {"type": "gostitch.crash", "handled": False},
    }
    event: dict[str, Any] = {
        "level": "fatal",
        "platform": "go",
        "timestamp": crash.when,
        "transaction": crash.function,
        "exception": {"values": [value]},
        "tags": {"gostitch.side": "go"},
        "contexts": {"go_crash": {"pid": crash.pid, "call": crash.function}},
    }
    if crash.trace_id:
        event["contexts"]["trace"] = {"trace_id": crash.trace_id}
    if crash.go_frames:
        event["fingerprint"] = ["gostitch", "crash", _events.place(crash.go_frames).function]
    return event
