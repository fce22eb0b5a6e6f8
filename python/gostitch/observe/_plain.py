"""What Go is told of a tracer provider that has nothing to tell: no SDK, or none that records."""

from __future__ import annotations

from gostitch import _hooks, _settings
from gostitch.observe import _exporter, _generated, _handover

_QUEUE_SIZE, _BATCH_SIZE, _DELAY_S = 2048, 512, 1.0
_NO_LIMITS = _generated.ObserveSpanLimits(
    attributes=-1,
    attribute_length=-1,
    inner_length=-1,
    events=-1,
    event_attributes=-1,
    links=-1,
    link_attributes=-1,
)


def config(export: str, *, roots: bool = False) -> _generated.ObserveTraceConfig:
    """Return what Go does with spans: ``off``, ``ended`` or ``python``; all traces are sampled."""
    return _generated.ObserveTraceConfig(
        export=export,
        resource=[],
        resource_schema_url="",
        queue_size=_QUEUE_SIZE,
        batch_size=_BATCH_SIZE,
        delay_s=_DELAY_S,
        limits=_NO_LIMITS,
        start_baggage=False,
        samplers=[
            _generated.ObserveSampler("parent", 1.0, [1, 2, 3, 4, 5]),
            *(
                _generated.ObserveSampler(kind, 1.0, [])
                for kind in ("on", "on", "off", "on", "off")
            ),
        ],
        roots=roots,
        request_spans=_settings.request_spans(),
        exceptions="",
        random_ids=True,
        **_exporter.described(None),
    )


def record_nothing(export: str) -> None:
    """Have Go make no spans (``off``), or count those that end (``ended``); nobody takes any."""
    _hooks.ids = _hooks.ignore_ids
    _handover.use(None)
    _generated.configure(traces=config(export))
