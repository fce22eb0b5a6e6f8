"""The golden frames: what Go writes, Python reads, and what Python writes is what Go reads."""

from __future__ import annotations

import enum
import json
import logging
import math
import os
import pickle
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone
from pathlib import Path

import pytest
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.trace import SpanKind, StatusCode

import faults
from gostitch import _codec, _logs, _process, _shapes, exceptions
from gostitch.exceptions import GoFrame
from gostitch.observe import _event_callers, _go_events, _propagation, _spans

FRAMES = Path(__file__).parents[3] / "gocore" / "codec" / "testdata" / "frames"


def frame(name: str) -> bytes:
    """Read a golden frame."""
    return bytes.fromhex((FRAMES / f"{name}.hex").read_text())


@_shapes.record("name: str, score: float64")
@dataclass
class Inner:
    """The struct ``inner`` of the Go test."""

    name: str
    score: float


class Level(enum.IntEnum):
    """The named type ``level`` of the Go test, as if it had constants."""

    LOW = 1
    HIGH = 3


@_shapes.record(
    "flag: bool, small: int8, big: int64, count: uint64, half: float32, real: float64, text: str, "
    "data: bytes, names: list[str], nested: list[Inner], table: map[int64], one: Inner, "
    "maybe: optional[int64], missing: optional[Inner], named: Level(int64), other: path, "
    "http_code: int64, when: time, took: duration"
)
@dataclass
class Everything:
    """The struct ``everything`` of the Go test."""

    flag: bool
    small: int
    big: int
    count: int
    half: float
    real: float
    text: str
    data: bytes
    names: list[str]
    nested: list[Inner]
    table: dict[str, int]
    one: Inner
    maybe: int | None
    missing: Inner | None
    named: Level
    other: str
    http_code: int
    when: datetime
    took: timedelta


EVERYTHING = Everything(
    flag=True,
    small=-128,
    big=-(2**63),
    count=2**64 - 1,
    half=0.5,
    real=-1e300,
    text="grüße \U0001f600",
    data=b"\x00\xff",
    names=["", "a"],
    nested=[Inner("x", 1.0), Inner("y", math.inf)],
    table={"k": 1},
    one=Inner("one", 0.0),
    maybe=-7,
    missing=None,
    named=Level.HIGH,
    other="/tmp",
    http_code=100,
    when=datetime(1969, 12, 31, 23, 59, 59, 5, tzinfo=timezone.utc),
    took=timedelta(microseconds=-1500),
)
SCHEMA = _shapes.schema("Everything", globals())


def test_python_reads_what_go_writes() -> None:
    """The frame of every kind decodes to the value."""
    decoded = SCHEMA.decode(frame("value_everything"))

    assert EVERYTHING == decoded
    assert type(decoded.named) is Level


def test_python_writes_the_bytes_that_go_writes() -> None:
    """A value of every kind is the same frame from both sides."""
    assert frame("value_everything") == SCHEMA.encode(EVERYTHING)


def test_a_reference_to_a_buffer_is_extension_1() -> None:
    """What the arguments say of bytes beside the frame is what Go looks for."""
    packed, loan, _, _ = faults.echo_bytes.pack(bytes(5000))
    loan.end()

    assert frame("value_buffer_reference") == packed


@_shapes.record(
    "small: buffer[int16], real: buffer[float64], flags: buffer[bool], none: buffer[uint32], "
    "many: list[buffer[int8]], named: map[buffer[uint64]], maybe: optional[buffer[float32]], "
    "plain: list[float64]"
)
@dataclass
class Items:
    """The struct ``items`` of the Go test."""

    small: memoryview
    real: memoryview
    flags: memoryview
    none: memoryview
    many: list[memoryview]
    named: dict[str, memoryview]
    maybe: memoryview | None
    plain: list[float]


def test_buffers_in_a_frame() -> None:
    """Where nothing can cross beside a frame, buffers stand in it, alike from both sides."""
    schema = _shapes.schema("Items", globals())
    items = schema.decode(frame("value_items"))

    assert (["h", "d", "?", "I"], [-2, 1], [0.5, -math.inf], [True, False], []) == (
        [each.format for each in (items.small, items.real, items.flags, items.none)],
        items.small.tolist(),
        items.real.tolist(),
        items.flags.tolist(),
        items.none.tolist(),
    )
    assert [[-1], []] == [each.tolist() for each in items.many]
    assert ([2**64 - 1], None, [1.0]) == (items.named["k"].tolist(), items.maybe, items.plain)
    assert frame("value_items") == schema.encode(items)


def test_a_table_in_a_frame() -> None:
    """What a test says a function returns crosses as what Go gives."""
    schema = _shapes.schema("table", {})
    columns = {"n": [1, -2, None], "t": ["a", "", "ü"], "b": [True, False, True]}
    table = schema.decode(frame("value_table"))

    assert columns == table.to_pydict()
    assert frame("value_table") == schema.encode(table)
    assert columns == schema.decode(schema.encode(columns)).to_pydict()


def test_memory_is_only_where_a_reply_holds_it() -> None:
    """An address in a frame that holds no memory of Go is damage, and is not read."""
    with pytest.raises(exceptions.LibraryError, match="expected a buffer, got the tag 0xd8"):
        _shapes.schema("buffer[int8]", {}).decode(b"\xd8\x02" + bytes(7) + b"\x10" + bytes(8))


@_shapes.record("one: int64, other: int64")
@dataclass
class Pair:
    """Two numbers."""

    one: int
    other: int


@pytest.mark.parametrize("of", [b"\x90", b"\x91\x01\x02", b"\x93\x01\x02\x03"])
def test_a_record_with_other_fields(of: bytes) -> None:
    """A frame that has more or fewer of them is damage."""
    schema = _shapes.schema("Pair", globals())

    assert Pair(1, 2) == schema.decode(b"\x92\x01\x02")
    with pytest.raises(exceptions.LibraryError, match="expected a record"):
        schema.decode(of)


def test_bytes_behind_a_value() -> None:
    """A frame ends with its value; what goes on is of another version, or damage."""
    with pytest.raises(exceptions.LibraryError, match="expected the end, got the tag 0x2"):
        _shapes.schema("int64", {}).decode(b"\x01\x02")


@pytest.mark.parametrize("of", [b"\xdd\xff\xff\xff\xff", b"\xdc\x00\x02\x01", b"\x92\x01"])
def test_a_list_that_is_longer_than_its_frame(of: bytes) -> None:
    """Nothing is allocated for it."""
    with pytest.raises(exceptions.LibraryError, match="expected list"):
        _shapes.schema("list[int64]", {}).decode(of)


@_shapes.record("one: path, maybe: optional[path], many: list[path], named: map[path], text: str")
@dataclass
class Paths:
    """The struct ``paths`` of the Go test."""

    one: str
    maybe: str | None
    many: list[str]
    named: dict[str, str]
    text: str


def test_a_path_keeps_its_bytes() -> None:
    """What is not UTF-8 is in the str as ``os.fsdecode`` puts it there, and is the same bytes back."""
    schema = _shapes.schema("Paths", globals())
    paths = Paths(
        one=os.fsdecode(b"a\xff"),
        maybe=os.fsdecode(b"b\xff"),
        many=[os.fsdecode(b"c\xff"), "grüße"],
        named={"k": os.fsdecode(b"d\xff")},
        text="e",
    )

    assert paths == schema.decode(frame("value_paths_not_utf8"))
    assert frame("value_paths_not_utf8") == schema.encode(paths)


def test_text_of_go_is_always_utf8() -> None:
    """Text that is no path and not UTF-8 arrives with replacement characters."""
    assert "a\ufffdb" == _shapes.schema("str", {}).decode(frame("value_text_not_utf8"))


def test_every_code_of_go_has_its_class() -> None:
    """Both sides list the same codes, and each becomes the exception of that code."""
    golden = {path.stem.removeprefix("error_") for path in FRAMES.glob("error_*.hex")}
    special = {"wrapped", "joined", "own_code", "panic_with_stack", "of_a_call"}

    assert set(exceptions.CODES) == golden - special
    for code in exceptions.CODES:
        error = _codec.decode_error(frame(f"error_{code}"))
        assert type(error) is exceptions.class_of(code)
        assert (code, f"about {code}", "/p") == (error.code, str(error), error.details["path"])


def test_causes_keep_their_order_and_class() -> None:
    """A wrapped error is the cause; joined errors are all there, the first as the cause."""
    wrapped = _codec.decode_error(frame("error_wrapped"))
    joined = _codec.decode_error(frame("error_joined"))

    assert isinstance(wrapped.__cause__, exceptions.GoOSError)
    assert ("outer: inner", "inner", 5) == (
        str(wrapped),
        str(wrapped.__cause__),
        wrapped.__cause__.errno,
    )
    assert ["one", "inner"] == [str(cause) for cause in joined.causes]
    assert joined.__cause__ is joined.causes[0]


def test_a_code_of_ones_own_is_kept() -> None:
    """A code that the list does not know is a GoError with that code and its details."""
    error = _codec.decode_error(frame("error_own_code"))

    assert type(error) is exceptions.GoError
    assert ("sold_out", {"left": 0, "exact": True}) == (error.code, error.details)


def test_a_panic_has_its_stack() -> None:
    """Frames arrive innermost first and print as Go prints them."""
    error = _codec.decode_error(frame("error_panic_with_stack"))

    assert (GoFrame("pkg.F", "pkg/f.go", 7), GoFrame("main.main", "main.go", 1)) == error.go_frames
    assert "pkg.F\n\tpkg/f.go:7\nmain.main\n\tmain.go:1" == error.go_stack


def test_an_error_of_a_call_knows_the_function() -> None:
    """The name that callers use arrives, and that nothing ran at the line where it is declared."""
    error = _codec.decode_error(frame("error_of_a_call"))
    again = pickle.loads(pickle.dumps(error))
    panic = _codec.decode_error(frame("error_panic_with_stack"))

    for each in (error, again):
        assert ("m.f", True) == (each.function, each.go_declared)
        assert (GoFrame("pkg.F", "pkg/f.go", 7),) == each.go_frames
        assert each.go_note.startswith(
            "In Go, where no stack was recorded, returned by:\n  pkg.F ("
        )
    assert ("", False) == (panic.function, panic.go_declared)
    assert ("", False) == (error.causes[0].function, error.causes[0].go_declared)


def test_a_log_record() -> None:
    """Time, level and text are logging's; attributes are fields of the record."""
    log = _logs.decode_log(frame("log"))
    record = _logs.make_record(log)

    assert (logging.WARNING, _logs.LOGGER) == (record.levelno, record.name)
    assert 1_700_000_000.123456789 == pytest.approx(record.created, abs=1e-6)
    attributes = {"g.n": 1, "g.b": True, "g.in.s": "x", "g.in.f": 1.5}
    assert attributes == {name: vars(record)[name] for name in attributes}
    assert "text" == record.getMessage()
    parent = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
    assert f"{parent}\n\n" == log.trace
    assert log is _logs.frame_of(record)


def test_an_event() -> None:
    """What sentry-go makes in a call arrives with the call's token, and its attachments as bytes."""
    told = _event_callers.decode(frame("call_event"))
    event = _go_events._decode(frame("event"))
    body = json.loads(event.body)

    assert (3, 0, b"what happened") == told
    assert ("", {}, [["a.txt", "text/plain", b"\xff"]]) == (
        event.type,
        event.trace,
        [list(each) for each in event.attachments],
    )
    assert ("text", "warning", "go") == (body["message"], body["level"], body["platform"])
    assert ["*errors.errorString"] == [each["type"] for each in body["exception"]]
    at = datetime(2023, 11, 14, 22, 13, 20, 123456, timezone.utc)
    assert at == _go_events._time(body["timestamp"])
    before = at.replace(second=19, microsecond=0)
    assert before == _go_events._time(body["breadcrumbs"][0]["timestamp"])


def test_live_counts() -> None:
    """The counts arrive in the order in which both sides name them."""
    stats = _process.stats_shape.decode(frame("stats"))

    *counts, in_flight, limited, resources, cgo_calls, lingering = stats
    running = _process.Running("m.f", 10**9, "0af7651916cd43dd8448eb211c80319c", True, False)
    assert [1, 2, 3, 4, 5, 6, 7, 8, 9] == counts
    assert ([running], [_process.Limited("m.f", 4, 3, 2, 1)]) == (in_flight, limited)
    assert _process.Resources(2, 1 << 30, -1) == resources
    assert (4, [2 * 10**9, 10**9]) == (cgo_calls, lingering)


def test_a_span_becomes_the_sdks_own() -> None:
    """All that a span of Go has arrives: ids, flags, states, times, attributes of every type, counts."""
    provider = TracerProvider(resource=Resource({"service.name": "golden"}))

    span = _spans.GoSpan(b"\x01" + frame("span"), provider.resource)

    assert "0102030405060708090a0b0c0d0e0f10" == f"{span.context.trace_id:032x}"
    assert ("0807060504030201", "1112131415161718") == (
        f"{span.context.span_id:016x}",
        f"{span.parent.span_id:016x}",
    )
    assert (3, "x:1") == (span.context.trace_flags, span.context.trace_state.get("vendor"))
    assert (3, "x:1") == (span.parent.trace_flags, span.parent.trace_state.get("vendor"))
    times = (1_700_000_000_000_000_001, 1_700_000_001_000_000_002)
    assert times == (span.start_time, span.end_time)
    assert ("tasks.pack", SpanKind.CLIENT) == (span.name, span.kind)
    scalars = {"b": True, "i": -1, "f": 0.5, "s": "x", "y": b"\x00\xff"}
    lists = {"bs": (True, False), "is": (1, 2), "fs": (0.5,), "ss": ("a", "b"), "l": (1, "x")}
    assert scalars | lists | {"m": {"k": True}} == dict(span.attributes)
    assert [("exception", 1_700_000_000_000_000_005, 4)] == [
        (event.name, event.timestamp, event.dropped_attributes) for event in span.events
    ]
    (link,) = span.links
    assert ({"n": 1}, 5, True) == (
        dict(link.attributes),
        link.dropped_attributes,
        link.context.is_remote,
    )
    assert "x:1" == link.context.trace_state.get("vendor")
    assert (StatusCode.ERROR, "went wrong") == (span.status.status_code, span.status.description)
    scope = span.instrumentation_scope
    assert ("scope", "1", "https://schema") == (scope.name, scope.version, scope.schema_url)
    assert {"a": 1} == dict(scope.attributes)
    assert (1, 2, 3) == (span.dropped_attributes, span.dropped_events, span.dropped_links)
    assert provider.resource is span.resource
    assert (True, "tenant=z%C3%B6e") == (span.is_call, span.start_baggage)


def test_headers_of_ones_own_cross_below_the_trace(monkeypatch: pytest.MonkeyPatch) -> None:
    """A section for each propagator that only Python has, an empty one included, in their order."""

    class Own:
        def __init__(self, **headers: str) -> None:
            self.headers = headers

        def inject(self, carrier: dict[str, str], context: object) -> None:
            carrier.update({name.replace("_", "-"): each for name, each in self.headers.items()})

    monkeypatch.setattr(_propagation, "own", [Own(x_a="1", x_b="2: 3"), Own(), Own(x_c="\xe9")])
    golden = frame("trace")
    lines, _, _ = golden.partition(b"\n\n")

    assert golden == _propagation.with_headers(lines, None)
    assert golden == _propagation.with_headers(lines + b"\n", None)
