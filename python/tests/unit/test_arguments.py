"""Arguments before they cross: what is taken, what is refused, and how it is said."""

from __future__ import annotations

import array
import enum
import fractions
import math
import os
from collections import OrderedDict, UserDict, UserList
from collections.abc import Callable
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import pytest

import faults
from gostitch import GoDataError, GoTypeError, GoValueError, _shapes
from gostitch._arguments import timeout_ns
from gostitch._record import Record


@_shapes.record("path: path, size: int64")
class Item(Record):
    """A record."""

    __slots__ = ("path", "size")

    path: Any
    size: int

    def __init__(self, path: Any, size: int = 0) -> None:
        self.path = path
        self.size = size


class Colour(str, enum.Enum):
    """An enumeration of texts."""

    RED = "red"
    GREEN = "green"


class Level(enum.IntEnum):
    """An enumeration of numbers."""

    LOW = 1


def schema(shape: str) -> Any:
    """Read a shape with the classes above."""
    return _shapes.schema(shape, globals())


def there_and_back(shape: str, value: Any) -> Any:
    """Encode a value and decode the frame."""
    read = schema(shape)
    return read.decode(read.encode(value))


class TestTimeout:
    @pytest.mark.parametrize(
        ("timeout", "expected"),
        [
            (None, 0),
            (1, 1_000_000_000),
            (0.25, 250_000_000),
            (1e-9, 1),
            (1e-12, 1),
            (0, -1),
            (-5, -1),
            (-math.inf, -1),
            (-(10**400), -1),
            (math.inf, 2**32 * 10**9),
            (10**400, 2**32 * 10**9),
        ],
    )
    def test_in_nanoseconds(self, timeout: float | None, expected: int) -> None:
        """Seconds become nanoseconds; only None means none, and what has passed is negative."""
        assert expected == timeout_ns(timeout)
        assert timeout_ns(timeout) < 2**63

    @pytest.mark.parametrize("timeout", ["1", True, [1], 1j])
    def test_of_a_wrong_type(self, timeout: Any) -> None:
        """What is no number is refused, bools too."""
        with pytest.raises(GoTypeError, match="timeout must be a number of seconds or None"):
            timeout_ns(timeout)

    def test_nan(self) -> None:
        """NaN is refused."""
        with pytest.raises(GoValueError, match="NaN"):
            timeout_ns(math.nan)


class TestNumbers:
    class Index:
        """What numpy's integers have."""

        def __index__(self) -> int:
            return 7

    def test_what_can_stand_for_an_int(self) -> None:
        """Anything with __index__ is an int, but a bool is not."""
        assert 7 == there_and_back("int8", self.Index())
        assert 1 == there_and_back("int8", Level.LOW)
        with pytest.raises(GoTypeError, match="expected int, got bool"):
            schema("int8").encode(True)

    @pytest.mark.parametrize("bits", [8, 16, 32, 64])
    def test_the_limits_of_each_size(self, bits: int) -> None:
        """The smallest and the largest number cross, the next ones do not."""
        least, most = -(2 ** (bits - 1)), 2 ** (bits - 1) - 1
        for number in (least, -1, 0, most):
            assert number == there_and_back(f"int{bits}", number)
        for number in (0, 2**bits - 1):
            assert number == there_and_back(f"uint{bits}", number)
        for shape, number in ((f"int{bits}", least - 1), (f"int{bits}", most + 1)):
            with pytest.raises(
                GoValueError, match=f"{number} is out of range for a {bits}-bit int"
            ):
                schema(shape).encode(number)
        for number in (-1, 2**bits):
            with pytest.raises(GoValueError, match=f"is out of range for a {bits}-bit uint"):
                schema(f"uint{bits}").encode(number)

    def test_an_int_is_a_float_too(self) -> None:
        """As everywhere in Python, unless it is too large for one."""
        assert 3.0 == there_and_back("float64", 3)
        with pytest.raises(GoValueError, match="too large for a float"):
            schema("float64").encode(10**400)
        with pytest.raises(GoTypeError, match="expected float, got bool"):
            schema("float64").encode(True)
        with pytest.raises(GoTypeError, match="expected float, got Fraction"):
            schema("float64").encode(fractions.Fraction(1, 2))


class TestPaths:
    @pytest.mark.parametrize(
        ("value", "expected"),
        [("/a", "/a"), ("ü", "ü"), (Path("/a/b"), "/a/b"), ("", "")],
    )
    def test_taken(self, value: Any, expected: Any) -> None:
        """Text crosses as text, and so does a Path."""
        assert expected == there_and_back("path", value)

    @pytest.mark.parametrize("value", [b"/\xff", os.fsdecode(b"/\xff")])
    def test_a_name_that_is_not_utf8(self, value: Any) -> None:
        """It crosses as the bytes that the file system knows it by."""
        assert b"\xc4\x02/\xff" == schema("path").encode(value)

    @pytest.mark.parametrize("value", [None, 1, ["/a"]])
    def test_refused(self, value: Any) -> None:
        """What is no path is refused."""
        with pytest.raises(GoTypeError, match=r"expected str or os\.PathLike"):
            schema("path").encode(value)

    def test_text_is_no_bytes(self) -> None:
        """Where text is wanted, bytes are refused; only paths have both."""
        with pytest.raises(GoTypeError, match="expected str, got bytes"):
            schema("str").encode(b"text")


class TestBytes:
    @pytest.mark.parametrize("value", [b"", b"abc", bytearray(b"abc"), memoryview(b"abc")])
    def test_small_ones_go_into_the_frame(self, value: Any) -> None:
        """Below the threshold bytes are copied into the frame."""
        frame, loan, _, _ = faults.echo_bytes.pack(value)

        assert b"\x91\xc4" + bytes([len(value)]) + bytes(value) == frame
        assert loan is None

    @pytest.mark.parametrize("size", [4095, 4096, 4097])
    @pytest.mark.parametrize("kind", [bytes, bytearray, lambda size: array.array("B", bytes(size))])
    def test_large_ones_go_beside_it(self, size: int, kind: Callable[[int], Any]) -> None:
        """From the threshold on they are referred to by number."""
        frame, loan, _, _ = faults.echo_bytes.pack(kind(size))

        assert (size < 4096) == (loan is None) == (len(frame) > 4000)

    def test_are_numbered(self) -> None:
        """Each buffer has the number of its place."""
        frame, _, _, _ = faults.echo.pack(chunks=[bytes(5000)] * 3)

        assert b"".join(b"\xd6\x01" + bytes([0, 0, 0, n]) for n in range(3)) in frame

    def test_a_loan_holds_the_memory(self) -> None:
        """A bytearray cannot be resized until it is taken back."""
        data = bytearray(5000)
        _, loan, _, _ = faults.echo_bytes.pack(data)
        with pytest.raises(BufferError):
            data.append(1)
        loan.end()
        data.append(1)

    @pytest.mark.parametrize("value", ["text", 3, None, [1]])
    def test_refused(self, value: Any) -> None:
        """What has no buffer is refused."""
        with pytest.raises(GoTypeError, match="expected bytes, bytearray or memoryview"):
            schema("bytes").encode(value)

    def test_not_contiguous(self) -> None:
        """Memory with gaps would have to be copied, which is the caller's to decide."""
        with pytest.raises(GoValueError, match="pass a contiguous copy"):
            schema("bytes").encode(memoryview(bytes(10))[::2])


class TestLists:
    @pytest.mark.parametrize(
        "value", [[1, 2], (1, 2), range(1, 3), UserList([1, 2]), {1: 0, 2: 0}.keys(), iter([1, 2])]
    )
    def test_taken(self, value: Any) -> None:
        """Every iterable is a list."""
        assert [1, 2] == there_and_back("list[int64]", value)

    @pytest.mark.parametrize("count", [0, 15, 16, 65_535, 65_536])
    def test_of_every_length(self, count: int) -> None:
        """Short and long lists differ in how their length is written."""
        assert list(range(count)) == there_and_back("list[int64]", range(count))

    @pytest.mark.parametrize(
        "value", ["ab", b"ab", bytearray(b"ab"), {"a": 1}, UserDict(), 3, None]
    )
    def test_refused(self, value: Any) -> None:
        """Text, bytes and mappings are not, although they can be iterated."""
        with pytest.raises(GoTypeError, match="expected a list"):
            schema("list[int64]").encode(value)

    def test_that_changes_while_it_is_read(self) -> None:
        """An item's conversion may run Python code; what it does to the list is no crash."""
        items: list[Any] = []

        class Shrinks:
            def __index__(self) -> int:
                items.clear()
                return 1

        items.extend([Shrinks() for _ in range(100)])
        with pytest.raises(GoValueError, match="shorter while it was read"):
            schema("list[int64]").encode(items)

    def test_an_error_of_the_iterator(self) -> None:
        """What an iterator raises is the caller's own error."""

        def broken() -> Any:
            yield 1
            raise ZeroDivisionError

        with pytest.raises(ZeroDivisionError):
            schema("list[int64]").encode(broken())


class TestMaps:
    @pytest.mark.parametrize("value", [{"a": 1}, OrderedDict(a=1), UserDict(a=1)])
    def test_taken(self, value: Any) -> None:
        """Every mapping is a dict."""
        assert {"a": 1} == there_and_back("map[int64]", value)

    @pytest.mark.parametrize("value", [[("a", 1)], "a", None])
    def test_refused(self, value: Any) -> None:
        """Pairs are not."""
        with pytest.raises(GoTypeError, match="expected a dict"):
            schema("map[int64]").encode(value)

    def test_keys_are_text(self) -> None:
        """A key of another type is refused."""
        with pytest.raises(GoTypeError, match="expected str keys, got int"):
            schema("map[int64]").encode({1: 1})


class TestRecords:
    def test_taken(self) -> None:
        """An instance or a mapping of its fields, with the defaults of the class."""
        assert Item("/a", 2) == there_and_back("Item", Item(Path("/a"), 2))
        assert Item("/a") == there_and_back("Item", {"path": "/a"})
        assert [Item("/a")] == there_and_back("list[Item]", [{"path": "/a"}])

    @pytest.mark.parametrize(
        ("value", "message"),
        [
            ({"path": "/a", "sise": 1}, "Item has no field 'sise'; it has path, size"),
            ({"size": 1}, "the field 'path' of Item is missing"),
            ({1: 2}, "Item has no field 1; it has path, size"),
            (7, "expected Item or a dict of its fields, got int"),
            ({"path": 3}, r"path: expected str or os\.PathLike, got int"),
            (Item("/a", "2"), "size: expected int, got str"),  # type: ignore[arg-type]
        ],
    )
    def test_refused(self, value: Any, message: str) -> None:
        """What does not fit says which field it is."""
        with pytest.raises(GoTypeError, match=message):
            schema("Item").encode(value)


class TestEnumerations:
    def test_taken(self) -> None:
        """A member or its value; the member comes back."""
        assert Colour.RED is there_and_back("Colour(str)", Colour.RED)
        assert Colour.RED is there_and_back("Colour(str)", "red")
        assert Level.LOW is there_and_back("Level(int8)", 1)

    def test_refused(self) -> None:
        """A value of no member is refused, and all are listed."""
        with pytest.raises(GoValueError, match=r"expected one of 'red', 'green', got 'blue'"):
            schema("Colour(str)").encode("blue")
        with pytest.raises(GoTypeError, match=r"expected one of 'red', 'green', got None"):
            schema("Colour(str)").encode(None)

    def test_a_value_that_only_go_knows(self) -> None:
        """Go may have more constants than the stubs."""
        with pytest.raises(GoDataError, match="no constant of Colour"):
            schema("Colour(str)").decode(schema("str").encode("blue"))


class TestTimes:
    @pytest.mark.parametrize(
        "value",
        [
            datetime(1, 1, 1, tzinfo=timezone.utc),
            datetime(1969, 12, 31, 23, 59, 59, 999_999, tzinfo=timezone.utc),
            datetime(9999, 12, 31, 23, 59, 59, 999_999, tzinfo=timezone.utc),
        ],
    )
    def test_every_microsecond_comes_back(self, value: datetime) -> None:
        """From the year 1 to 9999."""
        assert value == there_and_back("time", value)

    def test_other_zones_become_utc(self) -> None:
        """The point in time is the same."""
        there = datetime(2020, 1, 1, 1, tzinfo=timezone(timedelta(hours=1)))

        back = there_and_back("time", there)

        assert (there, timezone.utc) == (back, back.tzinfo)

    def test_without_a_zone(self) -> None:
        """A naive datetime is no point in time."""
        with pytest.raises(GoValueError, match="the datetime has no time zone"):
            schema("time").encode(datetime(2020, 1, 1))
        with pytest.raises(GoTypeError, match=r"expected datetime\.datetime, got str"):
            schema("time").encode("2020")

    def test_beyond_what_python_knows(self) -> None:
        """A time of Go after the year 9999 is refused with the reason."""
        with pytest.raises(GoDataError, match="the years 1 to 9999"):
            schema("time").decode(schema("list[int64]").encode([10**12, 0]))

    @pytest.mark.parametrize(
        ("value", "nanoseconds"),
        [
            (timedelta(0), 0),
            (timedelta(microseconds=1), 1000),
            (timedelta(microseconds=-1), -1000),
            (timedelta(days=-3, seconds=5), -259_195 * 10**9),
        ],
    )
    def test_durations(self, value: timedelta, nanoseconds: int) -> None:
        """A timedelta is nanoseconds in Go."""
        assert schema("int64").encode(nanoseconds) == schema("duration").encode(value)
        assert value == there_and_back("duration", value)

    def test_durations_are_cut_to_microseconds(self) -> None:
        """Towards zero, as in Go."""
        for nanoseconds, expected in ((1999, 1), (-1999, -1), (999, 0), (-999, 0)):
            frame = schema("int64").encode(nanoseconds)
            assert timedelta(microseconds=expected) == schema("duration").decode(frame)

    def test_durations_that_go_cannot_hold(self) -> None:
        """Go's durations end after 292 years."""
        with pytest.raises(GoValueError, match="out of range for a 64-bit int"):
            schema("duration").encode(timedelta(days=150_000))


class TestDecoding:
    @pytest.mark.parametrize(
        "shape",
        ["bool", "int8", "float64", "str", "bytes", "list[str]", "map[str]", "Item", "none"],
    )
    def test_a_frame_that_does_not_fit(self, shape: str) -> None:
        """It says that the stubs and the library do not belong together."""
        for frame in (b"", b"\xc1", b"\xdf\xff\xff\xff\xff", b"\xd9\xff"):
            with pytest.raises(ImportError, match="does not fit the Python stubs"):
                schema(shape).decode(frame)
