"""Metrics that are made in Go, for the readers of the meter provider that Python has configured.

Twin of ``gocore/observe/metrics.go``. When a reader collects, Go does for it as well, and the
points join those of Python: so readers, exporters, their temporality and their times are Python's.
"""

from __future__ import annotations

import functools
import itertools
import os
import time
from typing import Any

from opentelemetry import context, metrics, trace

from gostitch import _late, _pending, _process
from gostitch._turn import Turn
from gostitch.observe import _ends, _generated, _library, _proxies, _watch
from gostitch.observe._guest import guest, tell_once

_PATIENCE_S = 5.0
"""Seconds for which a collection waits for Go at most: callbacks of instruments may hang."""

_LEAST_S = 0.1
"""Seconds that Go has at least, however long Python's own callbacks took."""

_LOST = "metrics of Go are missing from a collection, and come with the next one"

_turn = Turn()
_numbers = itertools.count(1)  # of readers, never used again
_readers: dict[Any, int] = {}  # by the numbers that Go has for them
_followed: tuple[Any, Any, list[Any]] | None = None  # library, provider, its readers


def attach() -> None:
    """Look again when a provider is set."""
    _watch.setting(metrics._internal, "_set_meter_provider")


def follow() -> None:
    """Have Go measure for the readers that there are, from now on."""
    if not _library.is_there():
        return
    provider: Any = _proxies.behind(metrics.get_meter_provider())
    consumer: Any = getattr(provider, "_measurement_consumer", None)
    is_on = not _is_off(provider, consumer)
    if is_on:
        _join(provider, consumer)
    readers = list(consumer._reader_storages) if is_on else []
    now = (_process.loaded(), provider, readers)
    if now == _followed or (_followed is None and not readers):
        return
    with _turn.taken():
        if now != _followed:  # still
            _use(consumer, now)


def _is_off(provider: Any, consumer: Any) -> bool:
    """Tell whether a provider records nothing, or nothing that Go could be part of."""
    if consumer is not None:
        return bool(getattr(provider, "_disabled", False))
    if hasattr(provider, "force_flush"):
        tell_once(
            f"metrics of Go are lost: the meter provider {type(provider).__name__} is none of "
            "OpenTelemetry's SDK; give the SDK's MeterProvider your readers"
        )
    return True


def _use(consumer: Any, now: tuple[Any, Any, list[Any]]) -> None:
    global _followed, _readers
    readers = now[2]
    numbers = {each: _readers.get(each) or next(_numbers) for each in readers}
    if readers:
        config = _late.load("gostitch.observe._meter_config").described(
            numbers, consumer._sdk_config
        )
    else:
        config = _generated.ObserveMetricConfig(readers=[], views=[], exemplars="trace_based")
    token = _below_nothing()
    try:
        _generated.configure(metrics=config)
    finally:
        context.detach(token)
    _readers, _followed = numbers, now
    if readers:
        _ends.watch()


def _below_nothing() -> Any:
    """Attach a context without a span: what follows is no call of the user's."""
    return context.attach(trace.set_span_in_context(trace.INVALID_SPAN, context.Context()))


def _join(provider: Any, consumer: Any) -> None:
    """Have the collections of a provider's readers be Go's too, and follow its readers."""
    collect = consumer.collect
    if not hasattr(collect, "_gostitch"):

        @functools.wraps(collect)
        def collect_both(metric_reader: Any, timeout_millis: float = 10_000) -> Any:
            until = time.monotonic() + timeout_millis / 1000
            found = collect(metric_reader, timeout_millis=timeout_millis)
            with guest(_LOST):
                return _with_go(provider, consumer, metric_reader, found, until)
            return found

        collect_both._gostitch = True  # type: ignore[attr-defined]
        consumer.collect = collect_both
        for name in ("add_metric_reader", "remove_metric_reader"):
            if hasattr(consumer, name):
                setattr(consumer, name, _and_look(getattr(consumer, name)))
    for reader in list(consumer._reader_storages):
        if reader._collect == collect:
            reader._set_collect_callback(consumer.collect)


def _and_look(change: Any) -> Any:
    """Have the next call of Go look at the readers after a change."""

    @functools.wraps(change)
    def change_and_look(*args: Any, **named: Any) -> Any:
        try:
            return change(*args, **named)
        finally:
            _watch.look()

    return change_and_look


def _with_go(provider: Any, consumer: Any, reader: Any, found: Any, until: float) -> Any:
    """Give what Python has found for a reader, and what Go has; nothing is loaded for that."""
    if not _library.is_there():
        return found
    if _followed is None or _followed[0] is not _process.loaded():
        follow()
    number = _readers.get(reader)
    if number is None:
        return found
    left = min(max(until - time.monotonic(), _LEAST_S), _PATIENCE_S)
    queued = _pending.pending_count()
    token = _below_nothing()
    try:
        collected = _generated.collect_metrics(reader=number, queued=queued, timeout=left)
    finally:
        context.detach(token)
    scopes = [
        each
        for each in _late.load("gostitch.observe._points").scopes(collected.points)
        if _is_enabled(provider, each.scope)
    ]
    return _late.load("gostitch.observe._points").joined(
        found, scopes, consumer._sdk_config.resource
    )


def _is_enabled(provider: Any, scope: Any) -> bool:
    """Tell whether the provider's configurator has a meter make metrics."""
    configure = getattr(provider, "_apply_meter_configurator", None)
    return configure is None or bool(getattr(configure(scope), "is_enabled", True))


def _after_fork_in_child() -> None:
    global _turn, _followed
    _turn, _followed = Turn(), None


os.register_at_fork(after_in_child=_after_fork_in_child)
