"""Random programs of telemetry: a seed gives one, which Python's SDK performs as Go does.

A program is JSON (gocore/internal/faults/perform.go). Run as ``python -m observe.performances WAY
SEED...`` it performs the programs of the seeds, in Python alone or in Go.
"""

from __future__ import annotations

import base64
import json
import random
import sys
from typing import Any

Json = dict[str, Any]

TEXTS = ("plain", "zoë", "a b", "", "x" * 200, "€/?", "two\nlines", "\U0001f40d")
KEYS = ("a", "http.route", "user.id", "b", "long." + "k" * 60, "zoë")
NUMBERS = (0, 1, -1, 2**53 + 1, 2**63 - 1, -(2**63))
FLOATS = (0.0, -0.5, 1e300, 1.0, 5e-324)
SEVERITIES = (1, 5, 9, 13, 17, 21, 24)


class _Writer:
    def __init__(self, seed: int) -> None:
        self._random = random.Random(seed)
        self._seed = seed

    def program(self) -> Json:
        """Write a program."""
        scopes = [self._scope(i) for i in range(self._random.randint(1, 3))]
        self._scopes = len(scopes)
        return {
            "Scopes": scopes,
            "Spans": [self._span(4) for _ in range(self._random.randint(1, 3))],
        }

    def _scope(self, i: int) -> Json:
        return {
            # Of this seed: Python's SDK takes scopes for one if their attributes are 1 and True.
            "Name": f"scope.{self._seed}.{i}",
            "Version": self._random.choice(("", "1.2.3")),
            "Schema": self._random.choice(("", "https://opentelemetry.io/schemas/1.30.0")),
            "Attributes": self._values(2, plain=True),
        }

    def _span(self, depth: int) -> Json:
        below = self._random.randint(0, 3) if depth else 0
        return {
            "Scope": self._random.randrange(self._scopes),
            "Name": self._random.choice(TEXTS),
            "Kind": self._random.randrange(5),
            "Attributes": self._values(4),
            "Later": self._values(2),
            "Events": [
                {"Name": self._random.choice(TEXTS), "Attributes": self._values(2)}
                for _ in range(self._random.randint(0, 3))
            ],
            "Links": [self._link() for _ in range(self._random.randint(0, 2))],
            "Status": self._random.choice(("", "", "error", "ok")),
            "Text": self._random.choice(TEXTS),
            "Logs": [self._log() for _ in range(self._random.randint(0, 2))],
            "Below": [self._span(depth - 1) for _ in range(below)],
        }

    def _link(self) -> Json:
        return {
            "TraceID": f"{self._random.randrange(1, 2**128):032x}",
            "SpanID": f"{self._random.randrange(1, 2**64):016x}",
            "State": self._random.choice(("", "vendor=x:1", "a=1,b=2")),
            "Flags": self._random.choice((0, 1, 3)),
            "Attributes": self._values(2),
        }

    def _log(self) -> Json:
        return {
            "Scope": self._random.randrange(self._scopes),
            "Severity": self._random.choice(SEVERITIES),
            "Text": self._random.choice(("INFO", "custom", "zoë")),
            "Body": self._value(2),
            "Attributes": self._values(3),
            "Event": self._random.choice(("", "an.event")),
        }

    def _values(self, most: int, *, plain: bool = False) -> list[Json]:
        keys = self._random.sample(KEYS, self._random.randint(0, most))
        return [{"Key": key, "Value": self._value(0 if plain else 1)} for key in keys]

    def _value(self, depth: int) -> Json:
        kinds = ["bool", "int", "float", "str", "bools", "ints", "floats", "strs"]
        kind = self._random.choice([*kinds, "bytes", *(["list", "map"] if depth else [])])
        one = {
            "bool": lambda: self._random.random() < 0.5,
            "int": lambda: self._random.choice(NUMBERS),
            "float": lambda: self._random.choice(FLOATS),
            "str": lambda: self._random.choice(TEXTS),
        }
        of: Any
        if kind in one:
            of = one[kind]()
        elif kind == "bytes":
            of = base64.b64encode(self._random.randbytes(self._random.randint(1, 4))).decode()
        elif kind == "list":
            of = [self._value(depth - 1) for _ in range(self._random.randint(1, 3))]
        elif kind == "map":
            of = sorted(self._values(2, plain=True), key=lambda each: each["Key"])
        else:
            of = [one[kind[:-1]]() for _ in range(self._random.randint(1, 3))]
        return {"Type": kind, "Of": of}


def program(seed: int) -> Json:
    """Give the program of a seed."""
    return _Writer(seed).program()


def plain(value: Json) -> Any:
    """Give the value that an attribute has in Python."""
    kind, of = value["Type"], value["Of"]
    if kind == "bytes":
        return base64.b64decode(of)
    if kind == "list":
        return tuple(plain(each) for each in of)
    if kind == "map":
        return attributes(of)
    if kind == "float":
        return float(of)
    if kind == "floats":
        return tuple(map(float, of))
    return tuple(of) if isinstance(of, list) else of


def attributes(values: list[Json]) -> dict[str, Any]:
    """Give the attributes of Python's SDK."""
    return {each["Key"]: plain(each["Value"]) for each in values}


def perform(made: Json) -> None:
    """Make the spans and log records of a program with Python's SDK."""
    for span in made["Spans"]:
        _perform(made["Scopes"], span)


def _perform(scopes: list[Json], span: Json) -> None:
    from opentelemetry import trace
    from opentelemetry.trace import Link, SpanContext, SpanKind, Status, StatusCode, TraceFlags
    from opentelemetry.trace.span import TraceState

    of = _of(scopes[span["Scope"]])
    links = [
        Link(
            SpanContext(
                int(each["TraceID"], 16),
                int(each["SpanID"], 16),
                is_remote=True,
                trace_flags=TraceFlags(each["Flags"]),
                trace_state=TraceState.from_header([each["State"]]),
            ),
            attributes(each["Attributes"]),
        )
        for each in span["Links"]
    ]
    with (
        trace.get_tracer_provider()
        .get_tracer(*of)
        .start_as_current_span(
            span["Name"],
            kind=list(SpanKind)[span["Kind"]],
            attributes=attributes(span["Attributes"]),
            links=links,
        ) as made
    ):
        for event in span["Events"]:
            made.add_event(event["Name"], attributes(event["Attributes"]))
        for each in span["Logs"]:
            _log(scopes, each)
        for each in span["Below"]:
            _perform(scopes, each)
        made.set_attributes(attributes(span["Later"]))
        if span["Status"] == "error":
            made.set_status(Status(StatusCode.ERROR, span["Text"]))
        elif span["Status"] == "ok":
            made.set_status(Status(StatusCode.OK))


def _log(scopes: list[Json], log: Json) -> None:
    from opentelemetry._logs import LogRecord, SeverityNumber, get_logger_provider

    get_logger_provider().get_logger(*_of(scopes[log["Scope"]])).emit(
        LogRecord(
            severity_number=SeverityNumber(log["Severity"]),
            severity_text=log["Text"],
            body=plain(log["Body"]),
            attributes=attributes(log["Attributes"]),
            event_name=log["Event"] or None,
        )
    )


def _of(scope: Json) -> tuple[Any, ...]:
    return (
        scope["Name"],
        scope["Version"] or None,
        scope["Schema"] or None,
        attributes(scope["Attributes"]) or None,
    )


def main(way: str, seeds: list[int]) -> None:
    """Perform programs, each in a trace of its own whose root tells the seed."""
    from opentelemetry import trace
    from opentelemetry._logs import set_logger_provider
    from opentelemetry.exporter.otlp.proto.grpc._log_exporter import OTLPLogExporter
    from opentelemetry.exporter.otlp.proto.grpc.trace_exporter import OTLPSpanExporter
    from opentelemetry.sdk._logs import LoggerProvider
    from opentelemetry.sdk._logs.export import BatchLogRecordProcessor
    from opentelemetry.sdk.resources import Resource
    from opentelemetry.sdk.trace import TracerProvider
    from opentelemetry.sdk.trace.export import BatchSpanProcessor

    import faults

    resource = Resource.create(
        {"service.name": "performances", "service.instance.id": "1", "n": 42}
    )
    provider = TracerProvider(resource=resource)
    provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter(), max_queue_size=1 << 16))
    trace.set_tracer_provider(provider)
    logger_provider = LoggerProvider(resource=resource)
    logger_provider.add_log_record_processor(
        BatchLogRecordProcessor(OTLPLogExporter(), max_queue_size=1 << 16)
    )
    set_logger_provider(logger_provider)
    tracer = trace.get_tracer("performances")
    for seed in seeds:
        made = program(seed)
        with tracer.start_as_current_span(f"seed {seed}"):
            if way == "go":
                faults.perform(json.dumps(made))
            else:
                with tracer.start_as_current_span("faults.perform"):
                    perform(made)
    assert provider.force_flush(40_000)
    assert logger_provider.force_flush(40_000)


if __name__ == "__main__":
    main(sys.argv[1], [int(each) for each in sys.argv[2:]])
