"""Ids for spans of Go, where Python's provider has a generator of the user's own.

Twin of ``gocore/observe/ids.go``. Go takes them from a stock, and has Python fill it up again when
it runs low; should it be empty meanwhile, Go makes random ones.
"""

from __future__ import annotations

from typing import Any

from opentelemetry.sdk.trace.id_generator import RandomIdGenerator

from gostitch.observe import _generated
from gostitch.observe._guest import guest

_SPANS, _TRACES = 4096, 4096
"""Ids that are handed over at once."""


def are_random(generator: Any) -> bool:
    """Tell whether Go can make ids as well as the generator does."""
    return type(generator) is RandomIdGenerator


def hand_over(provider: Any) -> None:
    """Give Go more ids."""
    generator = provider.id_generator
    with guest("spans of Go have random ids; see to the tracer provider's id_generator"):
        _generated.add_ids(
            spans=[f"{generator.generate_span_id():016x}" for _ in range(_SPANS)],
            traces=[f"{generator.generate_trace_id():032x}" for _ in range(_TRACES)],
        )
