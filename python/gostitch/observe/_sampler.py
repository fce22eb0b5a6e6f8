"""Python's sampler, for traces that begin in Go."""

from __future__ import annotations

from typing import Any

from opentelemetry.sdk.trace.sampling import (
    Decision,
    ParentBased,
    StaticSampler,
    TraceIdRatioBased,
)


def root_ratio(sampler: Any) -> float:
    """Give the share of root spans that the sampler keeps.

    0 for one of the user's own: it cannot be asked from Go, and must not be passed by.
    """
    if type(sampler) is ParentBased:
        sampler = sampler._root
    if type(sampler) is TraceIdRatioBased:
        return float(sampler.rate)
    if type(sampler) is StaticSampler:
        return float(sampler._decision is Decision.RECORD_AND_SAMPLE)
    return 0.0
