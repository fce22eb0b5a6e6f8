"""What sentry-go makes in Go, captured by Python's client.

Twin of ``gocore/observe/events.go``. So all that is configured in Python counts: the scope of
the caller, processors, ``before_send``, sampling, the transport. What Go's own scope says is
nearer to the failure, and wins over the caller's.
"""

from __future__ import annotations

import contextlib
import contextvars
import json
import os
import re
import time
from collections.abc import Callable, Iterator
from datetime import datetime, timezone
from typing import Any, NamedTuple

import sentry_sdk
from sentry_sdk.attachments import Attachment

from gostitch import _shapes
from gostitch.observe import _build, _event_callers, _frames, _grouping
from gostitch.observe._guest import guest, tell_once

OF_GO = "go_event"
"""The hint of an event that sentry-go has made: what it says of tags and contexts."""

_NOT_SET = "gostitch: not set"
"""What Go has instead of what Python has not set."""

_LOOK_S = 0.001
_TIME = re.compile(r"(.{19})(?:\.(\d+))?(Z|[+-]\d\d:\d\d)")
_NO_ID = re.compile("0*")
_DEFAULTS = (
    "sentry.release",
    "sentry.environment",
    "sentry.server.address",
    "sentry.sdk.name",
    "sentry.sdk.version",
)
"""Attributes of a log that sentry-go takes from its client, and Python from its own."""

_OWN_TAGS = ("gostitch.version", "gostitch.function", "gostitch.error.code")

_is_new = False
"""An event was given to the client since its last flush."""

_is_reporting = contextvars.ContextVar("gostitch_reporting", default=False)
"""Whether an event of ours is being made here: what its processors report is none, as that would
have no end."""

_in_hand: set[object] = set()
"""One for each event that is being reported; threads add and discard their own."""


@_shapes.record("type: str, body: bytes, trace: map[str], attachments: list[any]")
class EventFrame(NamedTuple):
    """An event as it crosses (appendEvent)."""

    type: str
    body: bytes
    trace: dict[str, str]
    attachments: list[tuple[str, str, bytes]]


_decode = _shapes.schema("EventFrame", globals()).decode


def take(frame: bytes | memoryview, caller: contextvars.Context | None) -> None:
    """Report an event for its caller; for nobody in particular if that is not known."""
    told: _event_callers.CallEvent = _event_callers.decode(frame)
    if caller is None:
        caller = _event_callers.find(told)
    elif not told.event:
        _event_callers.keep(told.token, told.number, caller)
    if told.event:
        within = contextvars.Context() if caller is None else caller.copy()
        within.run(report, told.event)


@contextlib.contextmanager
def reporting() -> Iterator[bool]:
    """Tell whether to report an event in the block; not if that is what one is made by."""
    if _is_reporting.get():
        tell_once("what before_send or a processor has made Go report is not sent; catch it there")
        yield False
        return
    token = _is_reporting.set(True)
    try:
        yield True
    finally:
        _is_reporting.reset(token)


def report(frame: bytes) -> None:
    """Report an event with the scope that is current here."""
    global _is_new
    if not sentry_sdk.get_client().is_active():
        return
    mine = object()
    _in_hand.add(mine)
    _is_new = True
    try:
        with guest("an event of Go was not reported to Sentry"), reporting() as is_wanted:
            if not is_wanted:
                return
            told: EventFrame = _decode(frame)
            _REPORTERS.get(told.type, _report_event)(json.loads(told.body), told)
    finally:
        _in_hand.discard(mine)


def settle(until: float) -> None:
    """Wait until those were reported that other threads have in hand, or until then."""
    before = list(_in_hand)
    while _in_hand.intersection(before) and time.monotonic() < until:
        time.sleep(_LOOK_S)


def flush(until: float) -> None:
    """Have the client send what it was given of Go's events, until then at most."""
    global _is_new
    with guest("events of Go were not flushed by Python's client"):
        settle(until)
        if _is_new:
            _is_new = False
            client: Any = sentry_sdk.get_client()
            has_loop = getattr(client, "_has_async_transport", None)
            if has_loop is None or not has_loop():  # which alone could wait
                client.flush(timeout=max(0.0, until - time.monotonic()))


def _report_event(event: Any, told: EventFrame) -> None:
    """Have an error, a message or a transaction captured."""
    for name in ("exception", "threads", "breadcrumbs"):
        if name in event:
            event[name] = {"values": event[name]}
    if "breadcrumbs" in event:
        event["breadcrumbs"]["values"] = _breadcrumbs(event["breadcrumbs"]["values"])
    if not event.get("user"):
        event.pop("user", None)
    event["timestamp"] = _time(event["timestamp"])
    if told.trace:
        headers = {name: value for name, value in told.trace.items() if value != _NOT_SET}
        event["contexts"]["trace"]["dynamic_sampling_context"] = headers
    for frame in _frames.in_event(event):
        _frames.complete(frame)
    for value in (event.get("exception") or {}).get("values") or ():
        # Go's code has handled it, by capturing; sentry-go says so of none.
        value.setdefault("mechanism", {"type": "generic"}).setdefault("handled", True)
    own = {name: dict(event.get(name) or {}) for name in ("tags", "contexts", "modules")}
    attachments = [
        Attachment(bytes=content, filename=name, content_type=kind or None)
        for name, kind, content in told.attachments
    ]
    sentry_sdk.capture_event(event, {OF_GO: own, "attachments": attachments})


def _breadcrumbs(crumbs: list[dict[str, Any] | None]) -> list[dict[str, Any]]:
    """Give breadcrumbs as Python's own are, those that its client would keep."""
    before = sentry_sdk.get_client().options.get("before_breadcrumb")
    kept = []
    for crumb in filter(None, crumbs):
        crumb["timestamp"] = _time(crumb.get("timestamp", ""))
        crumb.setdefault("type", "default")
        kept.append(before(crumb, {}) if callable(before) else crumb)
    return [crumb for crumb in kept if crumb is not None]


def prefer_own(event: dict[str, Any], hint: dict[str, Any]) -> None:
    """Put back what Go's scope says of an event, over what the caller's scope has put there."""
    if OF_GO not in hint:
        return
    own = hint[OF_GO]
    for name in ("tags", "contexts"):
        before = event.get(name) or {}
        if own[name]:
            event[name] = {**before, **own[name]}
            # What gostitch says by itself is no nearer than what the caller has set.
            event[name] |= {each: before[each] for each in _OWN_TAGS if each in before}
    _build.add_modules(event, own["modules"])
    _build.add_python(event)
    if not event.get("fingerprint") and (found := _grouping.of_panic(event)):
        event["fingerprint"] = found


def _report_check_in(event: Any, told: EventFrame) -> None:
    event["type"] = told.type
    sentry_sdk.capture_event(event)


def _report_logs(body: Any, _: EventFrame) -> None:
    capture = getattr(sentry_sdk.get_current_scope(), "_capture_log", None)
    for item in body.get("items", ()):
        log = {
            "severity_text": item["level"],
            "severity_number": item.get("severity_number", 0),
            "body": item["body"],
            "attributes": _attributes(item),
            "time_unix_nano": int(_time(item["timestamp"]).timestamp() * 1e9),
            "trace_id": _id(item, "trace_id"),
            "span_id": _id(item, "span_id"),
        }
        if capture is not None:  # else an SDK without logs
            capture(log)


def _report_metrics(body: Any, _: EventFrame) -> None:
    capture = getattr(sentry_sdk.get_current_scope(), "_capture_metric", None)
    for item in body.get("items", ()):
        metric = {
            "timestamp": _time(item["timestamp"]).timestamp(),
            "trace_id": _id(item, "trace_id"),
            "span_id": _id(item, "span_id"),
            "name": item["name"],
            "type": item["type"],
            "value": float(item["value"]),
            "unit": item.get("unit"),
            "attributes": _attributes(item),
        }
        if capture is not None:
            capture(metric)


def _attributes(item: dict[str, Any]) -> dict[str, Any]:
    attributes = {name: each["value"] for name, each in (item.get("attributes") or {}).items()}
    for name in _DEFAULTS:
        attributes.pop(name, None)
    return attributes


def _id(item: dict[str, Any], name: str) -> str | None:
    """Return an id, or None for one of zeros, so that the scope's counts."""
    found = item.get(name) or ""
    return None if _NO_ID.fullmatch(found) else found


def _time(text: str) -> datetime:
    """Read a time as Go writes it: with up to nine digits of a second, and any zone.

    What is none, or before the first year, is now.
    """
    found = _TIME.fullmatch(text)
    if found is None:
        return datetime.now(timezone.utc)
    day, fraction, zone = found.groups(default="")
    zone = "+00:00" if zone == "Z" else zone
    try:
        read = datetime.fromisoformat(f"{day}.{fraction[:6]:0<6}{zone}")
        return read.astimezone(timezone.utc)
    except (ValueError, OverflowError):
        return datetime.now(timezone.utc)


_REPORTERS: dict[str, Callable[[Any, EventFrame], None]] = {
    "check_in": _report_check_in,
    "log": _report_logs,
    "trace_metric": _report_metrics,
}

os.register_at_fork(after_in_child=_in_hand.clear)  # the threads that had them are not there
