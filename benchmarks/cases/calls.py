"""call.*: what crossing the boundary costs."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from benchmarks.measure import Case
from benchmarks.peer import present

SIZE = 64 << 20
FLOATS = 8 << 20
MODULES = {"gostitch": "calls_gostitch", "python": "calls_ctypes", "rust": "calls_rust"}
PEERS = {"python": "ctypes and plain Go", "rust": "PyO3"}


def cases(quick: bool) -> Iterator[Case]:
    """Give the cases."""
    less = 10 if quick else 1
    small = [
        case("crossing", 100_000 // less, "ns", "a function that takes and gives nothing"),
        case("scalar", 100_000 // less, "ns", "add(int, int)"),
        case(
            "structured",
            20_000 // less,
            "ns",
            "a text, 20 numbers and a record in; a record with a number and 5 texts out",
        ),
    ]
    yield from small
    # One crossing is far below a microsecond for some: as many as make a round of some length.
    yield case("bytes_in_64m", 10_000 // less, "us", "64 MiB lent to the function", size=SIZE)
    yield case("bytes_out_64m", 2 if quick else 5, "ms", "64 MiB made by the function", size=SIZE)
    yield Case(
        name="call.interruptible",
        size=100_000 // less,
        unit="ns",
        note="added to the smallest call by being the main thread's, which Ctrl-C ends; "
        "the same call on another thread was subtracted in the same round",
        contenders=present({"gostitch": "calls_gostitch:interruptible"}),
        peers={},
        arguments={"count": 100_000 // less},
        times=100_000 // less,
    )
    for pause_us in (1, 10, 100):
        yield Case(
            name=f"call.spaced.{pause_us}us",
            size=10_000 // less,
            unit="ns",
            note=f"the smallest call after {pause_us} us of Python; growth: by the call without",
            contenders=present(
                {"gostitch": "calls_gostitch:spaced", "python": "calls_ctypes:spaced"}
            ),
            peers={"python": "ctypes and plain Go"},
            arguments={"count": 10_000 // less, "pause_us": pause_us},
            times=10_000 // less,
        )
    note = "8 million numbers of a numpy array lent to the function"
    yield case("floats_in_8m", 10_000 // less, "us", note, size=FLOATS)
    for one in small:
        note = f"{one.note}; OpenTelemetry's SDK set up, no current span"
        yield replace(one, name=f"{one.name}.otel", note=note, otel=True)


def case(what: str, count: int, unit: str, note: str, **arguments: int) -> Case:
    """Give the case of the functions with this name, which do it ``count`` times."""
    function = what.removesuffix("_64m").removesuffix("_8m")
    return Case(
        name=f"call.{what}",
        size=arguments.get("size", count),
        unit=unit,
        note=note,
        contenders=present({name: f"{module}:{function}" for name, module in MODULES.items()}),
        peers=PEERS,
        arguments={"count": count, **arguments},
        times=count,
    )
