"""Programs of telemetry under each variable.

Run as ``python -m observe.configured WAY ENDPOINT HTTP [plain]``; the endpoints are a collector's.

The SDK is configured anew for each, as ``opentelemetry-instrument`` does it; plain is without the
variable. What Go was told is printed, and what Python's SDK has made of the same variable.
"""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from observe import measurements, performances
from observe.variables import BATCHES, LIKE_PYTHON, NOTHING, TOLD, VARIABLES, Variable

ROWS = [each for each in VARIABLES if each.test in (LIKE_PYTHON, NOTHING, TOLD, BATCHES)]

SEEDS = 4
"""Programs for each variable."""


def seeds_of(row: int) -> range:
    """Give the seeds of a row's programs."""
    return range(row * SEEDS, (row + 1) * SEEDS)


def measures(row: Variable) -> bool:
    """Tell whether the programs of a row measure, too."""
    return "METRIC" in row.name or "METER" in row.name


def _environment(row: Variable, endpoint: str, http: str, *, plain: bool) -> dict[str, str]:
    chosen = {
        "OTEL_EXPORTER_OTLP_ENDPOINT": endpoint,
        "OTEL_TRACES_EXPORTER": "otlp_proto_grpc",
        "OTEL_LOGS_EXPORTER": "otlp_proto_grpc",
        "OTEL_METRICS_EXPORTER": "otlp_proto_grpc" if measures(row) else "none",
        "OTEL_RESOURCE_ATTRIBUTES": f"service.instance.id={ROWS.index(row)}",
        **dict(row.beside),
    }
    if not plain:
        chosen[row.name] = row.value
    address = endpoint.partition("//")[2]
    return {
        key: of.format(endpoint=endpoint, address=address, http=http) for key, of in chosen.items()
    }


@contextmanager
def _configured(environment: dict[str, str]) -> Iterator[None]:
    """Configure the SDK by an environment, and forget all of it afterwards."""
    from opentelemetry import _logs, metrics, trace
    from opentelemetry.sdk._configuration import _OTelSDKConfigurator

    before = dict(os.environ)
    os.environ.update(environment)
    try:
        _OTelSDKConfigurator()._configure()
        yield
        providers: list[Any] = [trace.get_tracer_provider(), _logs.get_logger_provider()]
        if environment["OTEL_METRICS_EXPORTER"] != "none":
            providers.append(metrics.get_meter_provider())
        for provider in providers:
            provider.force_flush(20_000)
            provider.shutdown()
    finally:
        os.environ.clear()
        os.environ.update(before)
        for module, name in (
            (sys.modules["opentelemetry.trace"], "_TRACER_PROVIDER"),
            (_logs._internal, "_LOGGER_PROVIDER"),
            (metrics._internal, "_METER_PROVIDER"),
        ):
            once = f"{name}_SET_ONCE"
            setattr(module, name, None)
            setattr(module, once, type(getattr(module, once))())


def _of_python() -> dict[str, Any]:
    """Give what Python's SDK has made of the environment."""
    from opentelemetry import trace

    (processor,) = trace.get_tracer_provider()._active_span_processor._span_processors
    batching = processor._batch_processor
    return {
        "queue_size": batching._max_queue_size,
        "batch_size": batching._max_export_batch_size,
        "delay_s": batching._schedule_delay_millis / 1000,
        "timeout_s": processor.span_exporter._timeout,
    }


def _measure(way: str, seed: int) -> None:
    made = measurements.program(seed) | {"Round": 0}
    if way == "go":
        import faults

        faults.measure(json.dumps(made))
    else:
        from opentelemetry import trace

        with trace.get_tracer("configured").start_as_current_span("faults.measure"):
            measurements.measure(made, 0)


def main(way: str, endpoint: str, http: str, *, plain: bool) -> None:
    """Perform the programs of all rows."""
    from opentelemetry import trace

    import faults
    from gostitch.observe import _generated

    told: list[Any] = []
    configure = _generated.configure

    def note(**config: Any) -> Any:
        if config.get("traces") is not None:
            told.append(config["traces"])
        return configure(**config)

    _generated.configure = note
    for number, row in enumerate(ROWS):
        if plain and row.arrives:
            continue
        with _configured(_environment(row, endpoint, http, plain=plain)):
            told.clear()
            for seed in seeds_of(number):
                made = performances.program(seed)
                with trace.get_tracer("configured").start_as_current_span(f"seed {seed}"):
                    if way == "go":
                        faults.perform(json.dumps(made))
                    else:
                        with trace.get_tracer("configured").start_as_current_span("faults.perform"):
                            performances.perform(made)
                    if measures(row):
                        _measure(way, seed)
            if row.test == TOLD and way == "go":
                of_python = _of_python()
                of_go = {key: getattr(told[-1], key) for key in of_python}
                print(json.dumps([row.name, of_python, of_go]), flush=True)


if __name__ == "__main__":
    main(*sys.argv[1:4], plain="plain" in sys.argv[4:])
