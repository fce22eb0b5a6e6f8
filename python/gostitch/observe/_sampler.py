"""Python's sampler: described to Go, which has the same ones, or asked here.

Go cannot ask a sampler of the user's own in the middle of a function. It is asked about the span of
a call when that crosses, and about those below when they reach Python's processors.
"""

from __future__ import annotations

import base64
import json
import math
from collections.abc import Collection, Mapping, Sequence
from typing import Any

from opentelemetry import context, trace
from opentelemetry.sdk.trace.sampling import (
    Decision,
    ParentBased,
    SamplingResult,
    StaticSampler,
    TraceIdRatioBased,
)
from opentelemetry.trace import SpanContext, SpanKind

from gostitch import _settings
from gostitch.observe import _generated
from gostitch.observe._guest import tell

_DELEGATES = (
    "_root",
    "_remote_parent_sampled",
    "_remote_parent_not_sampled",
    "_local_parent_sampled",
    "_local_parent_not_sampled",
)
"""Of a parent sampler, in the order in which Go wants them."""

_WORDS = {
    Decision.DROP: "drop",
    Decision.RECORD_ONLY: "record",
    Decision.RECORD_AND_SAMPLE: "keep",
}

_KINDS = (str, bool, int, float, type(None))
"""What JSON has, of kinds of attributes."""

_LOCAL = SpanContext(1, 1, is_remote=False, trace_flags=trace.TraceFlags(trace.TraceFlags.SAMPLED))


def described(sampler: Any) -> list[_generated.ObserveSampler]:
    """Describe a sampler, and after it those that it delegates to."""
    found: list[_generated.ObserveSampler] = []
    _describe(sampler, found)
    return found


def _describe(sampler: Any, found: list[_generated.ObserveSampler]) -> int:
    number = len(found)
    own = _generated.ObserveSampler(kind=_kind(sampler), ratio=0.0, delegates=[])
    found.append(own)
    if own.kind == "ratio":
        own.ratio = float(sampler.rate)
    elif own.kind == "parent":
        own.delegates = [_describe(getattr(sampler, each), found) for each in _DELEGATES]
    return number


def _kind(sampler: Any) -> str:
    asks = type(sampler).should_sample
    if asks is StaticSampler.should_sample:
        known = {Decision.DROP: "off", Decision.RECORD_AND_SAMPLE: "on"}
        return known.get(sampler._decision, "python")
    if asks is TraceIdRatioBased.should_sample:
        return "ratio"
    if asks is ParentBased.should_sample and all(hasattr(sampler, each) for each in _DELEGATES):
        return "parent"
    return "python"


def is_asked(sampler: Any, above: SpanContext | None = None) -> bool:
    """Tell whether Python decides on a span below another one; by default below one of Go's."""
    above = _LOCAL if above is None else above
    while _kind(sampler) == "parent":
        sampler = getattr(sampler, _delegate(above))
    return _kind(sampler) == "python"


def _delegate(above: SpanContext) -> str:
    if not above.is_valid:
        return "_root"
    kind = "remote" if above.is_remote else "local"
    return f"_{kind}_parent_{'sampled' if above.trace_flags.sampled else 'not_sampled'}"


def ask(
    provider: Any, current: context.Context, above: SpanContext, function: str
) -> tuple[str, str] | None:
    """Ask about a call; give what the sampler has said as Go reads it, and the header tracestate.

    None if Go has the sampler that decides, or the call has no span.
    """
    is_root = not above.is_valid
    if not is_asked(provider.sampler, above) or (is_root and _settings.traces() != "always"):
        return None
    trace_id = provider.id_generator.generate_trace_id() if is_root else above.trace_id
    said = provider.sampler.should_sample(
        current, trace_id, function, SpanKind.INTERNAL, {"gostitch.side": "go"}, ()
    )
    state = said.trace_state
    return _words(trace_id, said), state.to_header() if state else ""


def wants(provider: Any, span: Any, left_out: Collection[int]) -> bool:
    """Ask about a span that Go has made below a call, which gets what the sampler says of it.

    It is kept if the sampler fails.
    """
    above = span.parent
    if above is not None:
        flags = above.trace_flags
        if above.span_id in left_out:
            flags = trace.TraceFlags(flags & ~trace.TraceFlags.SAMPLED)
        above = SpanContext(
            above.trace_id, above.span_id, above.is_remote, flags, above.trace_state
        )
    current = context.Context()
    if above is not None:
        current = trace.set_span_in_context(trace.NonRecordingSpan(above), current)
    attributes = dict(span.attributes or {})  # some samplers write into them
    try:
        said = provider.sampler.should_sample(
            current, span.context.trace_id, span.name, span.kind, attributes, span.links
        )
    except Exception as error:
        tell("spans of Go are kept without asking the sampler, which fails", error)
        return True
    for key, value in (said.attributes or {}).items():
        span._attributes[key] = value
    return bool(said.decision.is_recording())


def _words(trace_id: int, said: SamplingResult) -> str:
    text = f"trace={trace_id:032x} {_WORDS[said.decision]}"
    plain = {key: _plain(value) for key, value in (said.attributes or {}).items()}
    return f"{text} {json.dumps(plain)}" if plain else text


def _plain(value: Any) -> Any:
    """Give the value of an attribute as JSON; of what that has not, an object tells the kind."""
    if isinstance(value, float) and not math.isfinite(value):
        return {"float": str(value)}
    if isinstance(value, bytes):
        return {"bytes": base64.b64encode(value).decode()}
    if isinstance(value, Mapping):
        return {"map": {str(key): _plain(each) for key, each in value.items()}}
    if isinstance(value, Sequence) and not isinstance(value, str):
        return [_plain(each) for each in value]
    return value if isinstance(value, _KINDS) else str(value)
