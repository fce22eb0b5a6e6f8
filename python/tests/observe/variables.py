"""Every variable of OpenTelemetry's specification, and of its SDK for Python: what it does for Go.

The rows of a table in docs/configuration.md. Those that are tested by ``LIKE_PYTHON`` and its like
are set for programs that Python's SDK performs, and Go (``observe.configured``).
"""

from __future__ import annotations

from typing import NamedTuple

YES, PYTHONS, NO = "yes", "Python's", "no"

_HERE = "test_variables.py::"
LIKE_PYTHON = f"{_HERE}test_go_does_what_python_does"
NOTHING = f"{_HERE}test_what_changes_nothing"
TOLD = f"{_HERE}test_what_go_is_told"
BATCHES = f"{_HERE}test_sizes_of_batches"
_TLS = "test_tls.py::test_certificates_of_the_environment"
_BY_PYTHON = "test_fork.py::test_spans_that_go_through_python"
_METRIC_TEST = "test_metrics.py::test_what_is_counted"
_LOG_TEST = "test_entries.py::test_a_record_is_that_of_pythons_logger"


class Variable(NamedTuple):
    """A variable, whether it counts for what Go makes, and the test that shows it.

    ``direct`` is where Go sends spans itself, ``python`` where they go through Python. Python's
    is what Python's own part of the way reads. In a value, ``{endpoint}`` is where the collector
    is by gRPC, ``{address}`` the same without a scheme, and ``{http}`` where it is by HTTP.
    """

    name: str
    direct: str
    python: str
    test: str
    value: str = ""
    note: str = ""
    beside: tuple[tuple[str, str], ...] = ()
    """Other variables that are set with it."""

    arrives: bool = False
    """Without it nothing would arrive."""


_NOWHERE = ("OTEL_EXPORTER_OTLP_ENDPOINT", "http://127.0.0.1:9")
_BY_HTTP = ("OTEL_EXPORTER_OTLP_ENDPOINT", "{http}")
_LOGS = "log records of Go are handed to Python's provider"
_METRICS = "points of Go are handed to Python's readers"
_NOT_USED = "Python's SDK reads it, and uses the exporter's timeout"


def _like(name: str, value: str, note: str = "", **more: object) -> Variable:
    return Variable(name, YES, YES, LIKE_PYTHON, value, note, **more)  # type: ignore[arg-type]


def _logs(name: str, test: str = _LOG_TEST, value: str = "", **more: object) -> Variable:
    return Variable(name, PYTHONS, PYTHONS, test, value, _LOGS, **more)  # type: ignore[arg-type]


def _metrics(name: str, test: str = LIKE_PYTHON, value: str = "", **more: object) -> Variable:
    return Variable(name, PYTHONS, PYTHONS, test, value, _METRICS, **more)  # type: ignore[arg-type]


def _exporter(kind: str, test: str, value: str = "", note: str = "") -> list[Variable]:
    return [
        Variable(f"OTEL_EXPORTER_OTLP_{of}{kind}", YES, PYTHONS, test, value, note)
        for of in ("", "TRACES_")
    ]


VARIABLES = [
    _like("OTEL_SDK_DISABLED", "true"),
    _like("OTEL_RESOURCE_ATTRIBUTES", "team=a%20b,service.instance.id=7"),
    _like("OTEL_SERVICE_NAME", "shop"),
    _like("OTEL_EXPERIMENTAL_RESOURCE_DETECTORS", "otel,os"),
    Variable(
        "OTEL_LOG_LEVEL",
        NO,
        NO,
        NOTHING,
        "debug",
        "Python's SDK does not read it; what the SDK in Go says is a record of `gostitch.go`",
    ),
    Variable("OTEL_PROPAGATORS", YES, YES, "test_propagation.py::test_go_sends_what_python_sends"),
    _like("OTEL_TRACES_SAMPLER", "always_off", "samplers that are not the SDK's are asked"),
    _like("OTEL_TRACES_SAMPLER_ARG", "0", beside=(("OTEL_TRACES_SAMPLER", "traceidratio"),)),
    Variable("OTEL_BSP_SCHEDULE_DELAY", YES, PYTHONS, TOLD, "123", "1 s where it is not set"),
    Variable("OTEL_BSP_EXPORT_TIMEOUT", NO, NO, NOTHING, "1", _NOT_USED),
    Variable("OTEL_BSP_MAX_QUEUE_SIZE", YES, YES, TOLD, "777"),
    Variable("OTEL_BSP_MAX_EXPORT_BATCH_SIZE", YES, PYTHONS, BATCHES, "2"),
    _logs("OTEL_BLRP_SCHEDULE_DELAY"),
    _logs("OTEL_BLRP_EXPORT_TIMEOUT"),
    _logs("OTEL_BLRP_MAX_QUEUE_SIZE"),
    _logs("OTEL_BLRP_MAX_EXPORT_BATCH_SIZE", BATCHES, "2"),
    _like("OTEL_ATTRIBUTE_VALUE_LENGTH_LIMIT", "3"),
    _like("OTEL_ATTRIBUTE_COUNT_LIMIT", "1"),
    _like("OTEL_SPAN_ATTRIBUTE_VALUE_LENGTH_LIMIT", "3"),
    _like("OTEL_SPAN_ATTRIBUTE_COUNT_LIMIT", "1"),
    _like("OTEL_SPAN_EVENT_COUNT_LIMIT", "1"),
    _like("OTEL_SPAN_LINK_COUNT_LIMIT", "1"),
    _like("OTEL_EVENT_ATTRIBUTE_COUNT_LIMIT", "1"),
    _like("OTEL_LINK_ATTRIBUTE_COUNT_LIMIT", "1"),
    _logs("OTEL_LOGRECORD_ATTRIBUTE_VALUE_LENGTH_LIMIT", LIKE_PYTHON, "3"),
    _logs("OTEL_LOGRECORD_ATTRIBUTE_COUNT_LIMIT", LIKE_PYTHON, "1"),
    _like("OTEL_TRACES_EXPORTER", "none", "what is not OTLP over gRPC goes through Python"),
    _logs("OTEL_LOGS_EXPORTER", LIKE_PYTHON, "none"),
    Variable(
        "OTEL_CONFIG_FILE",
        YES,
        YES,
        "../frameworks/test_set_ups.py::test_a_file_of_configuration",
        note="by the package opentelemetry-configuration",
    ),
    _like("OTEL_EXPORTER_OTLP_ENDPOINT", "{endpoint}", beside=(_NOWHERE,), arrives=True),
    _like(
        "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT",
        "{endpoint}",
        beside=(_NOWHERE, ("OTEL_LOGS_EXPORTER", "none")),
        arrives=True,
    ),
    _like(
        "OTEL_EXPORTER_OTLP_INSECURE",
        "true",
        beside=(("OTEL_EXPORTER_OTLP_ENDPOINT", "{address}"),),
        arrives=True,
    ),
    _like(
        "OTEL_EXPORTER_OTLP_TRACES_INSECURE",
        "true",
        beside=(
            ("OTEL_EXPORTER_OTLP_ENDPOINT", "{address}"),
            ("OTEL_EXPORTER_OTLP_LOGS_INSECURE", "true"),
        ),
        arrives=True,
    ),
    *_exporter("CERTIFICATE", _TLS),
    *_exporter("CLIENT_CERTIFICATE", _TLS),
    *_exporter("CLIENT_KEY", _TLS),
    *_exporter("HEADERS", "test_export.py::test_headers_of_the_environment_count_for_go"),
    *_exporter("COMPRESSION", "test_export.py::test_compression"),
    *_exporter("TIMEOUT", TOLD, "4"),
    *(
        Variable(
            f"OTEL_EXPORTER_OTLP_{of}PROTOCOL",
            YES,
            PYTHONS,
            LIKE_PYTHON,
            "http/protobuf",
            "`http/protobuf` goes through Python",
            (_BY_HTTP, ("OTEL_TRACES_EXPORTER", "otlp"), ("OTEL_LOGS_EXPORTER", logs)),
            arrives=True,
        )
        for of, logs in (("", "otlp"), ("TRACES_", "none"))
    ),
    _logs(
        "OTEL_EXPORTER_OTLP_LOGS_ENDPOINT",
        LIKE_PYTHON,
        "{endpoint}",
        beside=(_NOWHERE, ("OTEL_TRACES_EXPORTER", "none")),
        arrives=True,
    ),
    *(
        _logs(f"OTEL_EXPORTER_OTLP_LOGS_{kind}")
        for kind in (
            "INSECURE",
            "CERTIFICATE",
            "CLIENT_CERTIFICATE",
            "CLIENT_KEY",
            "HEADERS",
            "COMPRESSION",
            "TIMEOUT",
        )
    ),
    _logs(
        "OTEL_EXPORTER_OTLP_LOGS_PROTOCOL",
        LIKE_PYTHON,
        "http/protobuf",
        beside=(_BY_HTTP, ("OTEL_TRACES_EXPORTER", "none"), ("OTEL_LOGS_EXPORTER", "otlp")),
        arrives=True,
    ),
    _metrics("OTEL_METRICS_EXPORTER", value="none"),
    _metrics("OTEL_METRICS_EXEMPLAR_FILTER", value="always_off"),
    _metrics("OTEL_METRIC_EXPORT_INTERVAL", _METRIC_TEST),
    _metrics("OTEL_METRIC_EXPORT_TIMEOUT", _METRIC_TEST),
    _metrics("OTEL_EXPORTER_OTLP_METRICS_TEMPORALITY_PREFERENCE", value="delta"),
    _metrics(
        "OTEL_EXPORTER_OTLP_METRICS_DEFAULT_HISTOGRAM_AGGREGATION",
        value="base2_exponential_bucket_histogram",
    ),
    _metrics(
        "OTEL_EXPORTER_OTLP_METRICS_ENDPOINT",
        value="{endpoint}",
        beside=(_NOWHERE, ("OTEL_TRACES_EXPORTER", "none"), ("OTEL_LOGS_EXPORTER", "none")),
        arrives=True,
    ),
    *(
        _metrics(f"OTEL_EXPORTER_OTLP_METRICS_{kind}", _METRIC_TEST)
        for kind in (
            "INSECURE",
            "CERTIFICATE",
            "CLIENT_CERTIFICATE",
            "CLIENT_KEY",
            "HEADERS",
            "COMPRESSION",
            "TIMEOUT",
        )
    ),
    _metrics(
        "OTEL_EXPORTER_OTLP_METRICS_PROTOCOL",
        value="http/protobuf",
        beside=(
            _BY_HTTP,
            ("OTEL_TRACES_EXPORTER", "none"),
            ("OTEL_LOGS_EXPORTER", "none"),
            ("OTEL_METRICS_EXPORTER", "otlp"),
        ),
        arrives=True,
    ),
    _metrics("OTEL_EXPORTER_PROMETHEUS_HOST", "test_prometheus.py::test_scraped"),
    _metrics("OTEL_EXPORTER_PROMETHEUS_PORT", "test_prometheus.py::test_scraped"),
    *(
        Variable(
            f"OTEL_EXPORTER_ZIPKIN_{kind}",
            PYTHONS,
            PYTHONS,
            _BY_PYTHON,
            note="an exporter that is none of OTLP over gRPC has Go's spans from Python",
        )
        for kind in ("ENDPOINT", "TIMEOUT")
    ),
    Variable(
        "OTEL_PYTHON_ID_GENERATOR",
        YES,
        YES,
        "test_where_python_records.py::test_a_generator_of_ids_of_ones_own",
        note="Python hands over ids where they are not random",
    ),
    _like("OTEL_PYTHON_TRACER_CONFIGURATOR", "nobody", "spans go through Python then"),
    _logs("OTEL_PYTHON_LOGGER_CONFIGURATOR", LIKE_PYTHON, "nobody"),
    _metrics("OTEL_PYTHON_METER_CONFIGURATOR", value="nobody"),
    Variable(
        "OTEL_PYTHON_SDK_INTERNAL_METRICS_ENABLED",
        PYTHONS,
        PYTHONS,
        NOTHING,
        "true",
        "metrics of Python's exporters",
    ),
    Variable("OTEL_PYTHON_TRACER_PROVIDER", YES, YES, f"{_HERE}test_components_by_name"),
    Variable("OTEL_PYTHON_METER_PROVIDER", YES, YES, f"{_HERE}test_components_by_name"),
    Variable(
        "OTEL_PYTHON_CONTEXT",
        YES,
        YES,
        f"{_HERE}test_components_by_name",
        note="one that is not the API's costs each call some Python code",
    ),
]
