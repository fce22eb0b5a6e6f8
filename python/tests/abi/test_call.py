"""A call that waits: arguments there, result back, errors raised."""

from __future__ import annotations

import enum
import math
import pickle
import pydoc
import threading
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

import faults
from gostitch import GoTimeoutError, GoTypeError, GoValueError


class TestCall:
    def test_gives_the_result(self) -> None:
        """A call returns what the Go function returned."""
        assert 42 == faults.add(40, 2)

    def test_by_keyword(self) -> None:
        """Parameters have the names of the Go struct's tags."""
        assert 42 == faults.add(b=2, a=40)

    def test_missing_argument(self) -> None:
        """A missing argument is a TypeError that names it, as in Python."""
        with pytest.raises(TypeError, match="'b'"):
            faults.add(1)  # type: ignore[call-arg]

    def test_unknown_argument(self) -> None:
        """An unknown argument is a TypeError that names it, as in Python."""
        with pytest.raises(TypeError, match="'c'"):
            faults.add(1, 2, c=3)  # type: ignore[call-arg]

    def test_has_a_docstring_and_a_name(self) -> None:
        """A function tells its name and the comment of the Go function."""
        assert "add" == faults.add.__name__
        assert "Returns the sum of two numbers." in (faults.add.__doc__ or "")
        assert "<Go function faults.add>" == repr(faults.add)

    def test_shows_its_signature(self) -> None:
        """For help() and documentation tools it is a routine, on a class too, where it has no self."""

        class Api:
            add = faults.add

        def add(a: int, b: int, *, timeout: float | None = None) -> int:
            """As CPython shows one of its own; up to 3.13 with the types in quotes."""

        assert 3 == Api().add(1, 2)
        shown = pydoc.plain(pydoc.render_doc(Api.add)).splitlines()
        assert pydoc.plain(pydoc.render_doc(add)).splitlines()[2] == shown[2]
        assert "timeout" in shown[2]

    def test_can_be_pickled(self) -> None:
        """A function is pickled by name, so a process pool can be given one."""
        assert faults.add is pickle.loads(pickle.dumps(faults.add))

    def test_from_another_thread(self) -> None:
        """Any thread may call."""
        results: list[int] = []
        thread = threading.Thread(target=lambda: results.append(faults.add(1, 2)))
        thread.start()
        thread.join()

        assert [3] == results


class TestEcho:
    def test_every_kind(self) -> None:
        """A value of every kind comes back as it went."""
        sent: dict[str, Any] = {
            "flag": True,
            "number": -(2**63),
            "int8": -128,
            "int16": 32767,
            "int32": -(2**31),
            "int64": 2**63 - 1,
            "count": 2**64 - 1,
            "uint8": 255,
            "uint16": 65535,
            "uint32": 2**32 - 1,
            "uint64": 2**64 - 1,
            "float32": 0.5,
            "float64": 0.1,
            "text": "häß 😀 \0",
            "file": "/a/ü",
            "data": b"\0\xff",
            "more": b"",
            "numbers": [1, -1, 0],
            "matrix": [[0.1], [], [1.0, 2.0]],
            "chunks": [b"", b"ab"],
            "table": {"a": 1, "": -1},
            "points": [faults.FaultsPoint(1.0, "p", b"q"), faults.FaultsPoint(2.0, "")],
            "origin": faults.FaultsPoint(0.0, "o"),
            "maybe": 0,
            "maybe_text": "",
        }
        back = faults.echo(**sent)

        points = [(p.x, p.label, bytes(p.data)) for p in back.points]
        assert [(1.0, "p", b"q"), (2.0, "", b"")] == points
        assert back.origin is not None
        assert ("o", b"") == (back.origin.label, bytes(back.origin.data))
        assert [b"", b"ab"] == [bytes(chunk) for chunk in back.chunks]
        plain = set(sent) - {"points", "origin", "chunks"}
        assert {n: sent[n] for n in plain} == {n: getattr(back, n) for n in plain}

    def test_defaults(self) -> None:
        """What is not given has the default of the Go tag; an optional is None."""
        back = faults.echo()

        assert (False, 0, 0.0, "", b"", [], {}, None, None) == (
            back.flag,
            back.number,
            back.float64,
            back.text,
            back.data,
            back.points,
            back.table,
            back.origin,
            back.maybe,
        )

    @pytest.mark.parametrize(
        "value", [math.inf, -math.inf, 0.0, -0.0, 5e-324, 1.7976931348623157e308]
    )
    def test_floats(self, value: float) -> None:
        """Floats come back bit by bit, infinities and signed zeros too."""
        back = faults.echo(float64=value).float64

        assert (value, math.copysign(1, value)) == (back, math.copysign(1, back))

    def test_nan(self) -> None:
        """NaN comes back as NaN."""
        assert math.isnan(faults.echo(float64=math.nan).float64)

    def test_an_int_for_a_float(self) -> None:
        """A float parameter takes an int, as everywhere in Python."""
        assert 2.0**63 == faults.echo(float64=2**63).float64

    def test_results_do_not_share_memory_with_later_calls(self) -> None:
        """Bytes inside a result stay what they are when more calls are made."""
        back = faults.echo(
            data=b"a" * 100, chunks=[b"b" * 100], points=[{"x": 1, "label": "", "data": b"c"}]
        )
        future = faults.echo.submit(data=b"d" * 100).result()
        for _ in range(5):
            faults.echo(data=b"z" * 200, text="z" * 1000)
            faults.echo.submit(data=b"z" * 200, text="z" * 1000).result()

        assert b"a" * 100 == back.data
        assert [b"b" * 100] == back.chunks
        assert b"c" == back.points[0].data
        assert b"d" * 100 == future.data

    def test_a_large_list(self) -> None:
        """A million elements cross both ways."""
        numbers = list(range(1_000_000))

        assert numbers == faults.echo_list(numbers)

    def test_a_large_text(self) -> None:
        """A text of 32 MB crosses both ways."""
        text = "ä" * (16 << 20)

        assert text == faults.echo(text=text).text

    def test_records_as_mappings(self) -> None:
        """A record may be given as a dict of its fields."""
        back = faults.echo(origin={"x": 1.5, "label": "here"}).origin

        assert back is not None
        assert (1.5, "here") == (back.x, back.label)

    def test_any_iterable_is_a_list(self) -> None:
        """A list parameter takes tuples, ranges, sets and generators."""
        assert [0, 1, 2] == faults.echo(numbers=range(3)).numbers
        assert [1, 2] == faults.echo(numbers=(n for n in (1, 2))).numbers  # type: ignore[arg-type]

    def test_paths(self) -> None:
        """A path parameter takes os.PathLike."""
        assert "/tmp/x" == faults.echo(file=Path("/tmp/x")).file

    def test_a_path_that_is_not_utf8(self, tmp_path: Path) -> None:
        """A file whose name is no valid text, as os.listdir gives it, can be read."""
        path = tmp_path / b"\xff.txt".decode("utf-8", "surrogateescape")
        path.write_bytes(b"found")

        assert b"found" == faults.read_file(path)

    def test_an_enum_member(self) -> None:
        """An IntEnum is an int."""

        class Level(enum.IntEnum):
            HIGH = 3

        assert 3 == faults.echo(int64=Level.HIGH).int64


class TestRefusals:
    @pytest.mark.parametrize(
        ("arguments", "message"),
        [
            ({"flag": 1}, "flag: expected bool, got int"),
            ({"number": "1"}, "number: expected int, got str"),
            ({"number": 1.0}, "number: expected int, got float"),
            ({"number": True}, "number: expected int, got bool"),
            ({"number": None}, "number: expected int, got NoneType"),
            ({"float64": "1"}, "float64: expected float, got str"),
            ({"text": 1}, "text: expected str, got int"),
            ({"text": Path("x")}, "text: "),
            ({"file": 1}, "file: expected str or os.PathLike, got int"),
            ({"data": "text"}, "data: expected bytes, bytearray or memoryview, got str"),
            ({"data": None}, "data: expected bytes, bytearray or memoryview, got NoneType"),
            ({"numbers": "12"}, "numbers: expected a list, got str"),
            ({"numbers": {"a": 1}}, "numbers: expected a list, got dict"),
            ({"numbers": 7}, "numbers: expected a list, got int"),
            ({"numbers": [1, "2"]}, "numbers[1]: expected int, got str"),
            ({"matrix": [[1.0], [2.0, "3"]]}, "matrix[1][1]: expected float, got str"),
            ({"table": [1]}, "table: expected a dict, got list"),
            ({"table": {"a": "b"}}, "table[a]: expected int, got str"),
            (
                {"points": [{"x": 1.0, "label": "a"}, 3]},
                "points[1]: expected FaultsPoint or a dict",
            ),
            ({"points": [{"x": 1.0}]}, "points[0]: "),
            ({"points": [{"x": 1.0, "label": "", "y": 2}]}, "points[0]: "),
            ({"points": [{"x": "1", "label": ""}]}, "points[0].x: expected float, got str"),
            ({"origin": 5}, "origin: expected FaultsPoint or a dict"),
            ({"origin": {"x": 1.0, "label": 7}}, "origin.label: expected str, got int"),
            ({"maybe": "x"}, "maybe: expected int, got str"),
            ({"maybe": object()}, "maybe: "),
            ({"chunks": ["text"]}, "chunks[0]: expected bytes, bytearray or memoryview, got str"),
        ],
    )
    def test_wrong_types(self, arguments: dict[str, Any], message: str) -> None:
        """A wrong type is a GoTypeError that names function, place and both types."""
        with pytest.raises(GoTypeError) as caught:
            faults.echo(**arguments)

        assert f"faults.echo() argument {message}" in str(caught.value)
        place = message.partition(":")[0]
        assert place == caught.value.details["argument"]

    @pytest.mark.parametrize(
        ("arguments", "message"),
        [
            ({"int8": 128}, "int8: 128 is out of range for a 8-bit int"),
            ({"int8": -129}, "int8: -129 is out of range for a 8-bit int"),
            ({"uint8": 256}, "uint8: 256 is out of range for a 8-bit uint"),
            ({"uint8": -1}, "uint8: "),
            ({"int64": 2**63}, "int64: 9223372036854775808 is out of range for a 64-bit int"),
            ({"uint64": 2**64}, "uint64: "),
            ({"number": 10**40}, "number: "),
            ({"float32": 1e39}, "float32: 1e+39 is out of range for a 32-bit float"),
            ({"text": "\ud800"}, "text: "),
            ({"table": {"\udcff": 1}}, "table["),
        ],
    )
    def test_wrong_values(self, arguments: dict[str, Any], message: str) -> None:
        """A value that does not fit is a GoValueError that names the place."""
        with pytest.raises(GoValueError) as caught:
            faults.echo(**arguments)

        assert f"faults.echo() argument {message}" in str(caught.value)

    def test_deep_nesting(self) -> None:
        """Nesting that no Go type has is refused, however deep, and harms nothing."""
        deep: list[Any] = []
        for _ in range(100_000):
            deep = [deep]
        with pytest.raises((GoValueError, GoTypeError)):
            faults.echo(numbers=deep)

    def test_a_list_that_contains_itself(self) -> None:
        """A cycle is refused."""
        cycle: list[Any] = []
        cycle.append(cycle)
        with pytest.raises((GoValueError, GoTypeError)):
            faults.echo(numbers=cycle)

    def test_submit_refuses_at_once(self) -> None:
        """What Python can see is wrong is raised by submit itself; what Go sees, by the future."""
        with pytest.raises(GoTypeError):
            faults.echo.submit(data="text")  # type: ignore[arg-type]
        with pytest.raises(GoTypeError):
            faults.echo.submit(text=1).result()  # type: ignore[arg-type]


class TestTimeout:
    def test_ends_the_context(self) -> None:
        """timeout= ends the function's context and raises GoTimeoutError, a TimeoutError."""
        with pytest.raises(TimeoutError) as caught:
            faults.sleep(60, timeout=0.01)

        assert GoTimeoutError is type(caught.value)
        assert "faults.sleep() did not finish within its timeout" in str(caught.value)

    @pytest.mark.parametrize("timeout", [60, 60.0, math.inf, 10**400, 1e300, None])
    def test_long_ones(self, timeout: float | None) -> None:
        """However long the timeout is, a call that ends in time gives its result."""
        assert 3 == faults.add(1, 2, timeout=timeout)

    @pytest.mark.parametrize("timeout", [0, 0.0, -1, -math.inf, -(10**400), 1e-300])
    def test_passed_ones(self, timeout: float) -> None:
        """A timeout that has passed already is one, not an absent one."""
        with pytest.raises(GoTimeoutError):
            faults.sleep(60, timeout=timeout)

    @pytest.mark.parametrize("timeout", ["1", True, 1j, Decimal(1)])
    def test_wrong_types(self, timeout: Any) -> None:
        """A timeout that is no number is a GoTypeError."""
        with pytest.raises(GoTypeError, match="timeout"):
            faults.add(1, 2, timeout=timeout)

    def test_nan(self) -> None:
        """NaN is no timeout."""
        with pytest.raises(GoValueError, match="NaN"):
            faults.add(1, 2, timeout=math.nan)

    def test_of_submit(self) -> None:
        """submit takes a timeout as the call does."""
        with pytest.raises(GoTimeoutError):
            faults.sleep.submit(60, timeout=0.01).result()

    def test_of_map(self) -> None:
        """map gives each call the timeout."""
        results = faults.sleep.map([0.0, 60.0], timeout=0.2)

        assert 0.0 == next(results)
        with pytest.raises(GoTimeoutError):
            next(results)

    def test_of_a_call_with_messages(self) -> None:
        """A call that hands over messages takes a timeout too."""
        ticks: list[Any] = []
        with pytest.raises(GoTimeoutError):
            faults.count_messages(2, wait=True, progress=ticks.append, timeout=0.05)

        assert [0, 1] == [tick.index for tick in ticks]
