"""The Sentry event of what ended an earlier process, which nobody there could report.

It says what that process was: its release, environment and server. It goes where that
would have sent it, and has nothing of the process that sends it.
"""

from __future__ import annotations

import contextvars
from typing import Any

import sentry_sdk
from sentry_sdk.attachments import Attachment

from gostitch import _crash_delivery, _crash_owners, _crashes
from gostitch.observe import _build, _client, _frames, _grouping

OF_CRASH = "go_crash"
"""The hint of an event of a crash: what was in it before this process's data came to it."""

_MOST_ATTACHED = 1 << 18
"""Characters of a report that are sent beside its event."""

_OF_THIS_PROCESS = ("contexts", "extra", "modules", "tags", "user", "request", "breadcrumbs")
"""What integrations and scopes put into an event, which is not of the process that crashed."""


_hooked = False


def follow(client: Any) -> None:
    """Note whose a crash of this process would be, and report those of earlier ones like it."""
    global _hooked
    _crash_delivery.owned_by(_client.owner(client))
    _deliver()  # what another process has found
    if not _hooked:
        _hooked = True
        _crashes.on_crash_report(lambda _: _deliver())  # what this one finds


def _deliver() -> None:
    client = _client.of_process()
    owner = _client.owner(client)
    if owner is None or client.transport is None:  # it is closed
        return

    def send(crash: _crashes.CrashReport, of: _crash_owners.Owner) -> None:
        # Not as whoever has made the call that this is done in.
        contextvars.Context().run(_send, client, crash, of)

    _crash_delivery.deliver(owner.dsn, send)


def _send(client: Any, crash: _crashes.CrashReport, owner: _crash_owners.Owner) -> None:
    event = _event(crash, owner)
    text = crash.text[:_MOST_ATTACHED].encode(errors="replace")
    attached = Attachment(bytes=text, filename="go.crash", content_type="text/plain")
    own = {name: {**event[name]} for name in _OF_THIS_PROCESS if name in event}
    hint = {"attachments": [attached], OF_CRASH: own}
    _as_of(client, owner).capture_event(event, hint, sentry_sdk.Scope())


def _as_of(client: Any, owner: _crash_owners.Owner) -> Any:
    """Return the client as it would be in the process that crashed: it adds what an event lacks."""
    twin = object.__new__(type(client))
    twin.__dict__.update(client.__dict__)
    named = ("release", "environment", "dist", "server_name")
    twin.options = {**client.options, **{name: getattr(owner, name) or None for name in named}}
    return twin


def keep_own(event: dict[str, Any], hint: dict[str, Any]) -> None:
    """Take out of the event of a crash what this process has put there."""
    own = hint.get(OF_CRASH)
    if own is None:
        return
    for name in _OF_THIS_PROCESS:
        event.pop(name, None)
        if name in own:
            event[name] = own[name]


def _event(crash: _crashes.CrashReport, owner: _crash_owners.Owner) -> Any:
    value = {
        "type": "crash",
        "value": crash.reason,
        "stacktrace": {"frames": _frames.of_stack(crash.go_frames, crash.when.timestamp())},
        "mechanism": {"type": "gostitch.crash", "handled": False},
    }
    event: dict[str, Any] = {
        "level": "fatal",
        "platform": "go",
        "timestamp": crash.when,
        "transaction": crash.function,
        "exception": {"values": [value]},
        "tags": {"gostitch.side": "go", "gostitch.function": crash.function or ""},
        "contexts": {"go_crash": {"pid": crash.pid, "call": crash.function}},
    }
    event["tags"]["gostitch.version"] = owner.gostitch
    event["tags"] = {name: value for name, value in event["tags"].items() if value}
    if owner.go:
        event["contexts"]["runtime"] = _build.go_runtime(owner.go)
    if crash.trace_id:
        event["contexts"]["trace"] = {"trace_id": crash.trace_id}
    reason = _grouping.without_changes(crash.reason)
    event["fingerprint"] = _grouping.of_text("crash", reason, reason, crash.go_frames)
    return event
