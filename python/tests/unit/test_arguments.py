"""Arguments before they cross: what is taken, what is refused, and how it is said."""

from __future__ import annotations

import array
import math
import os
from collections import OrderedDict, UserDict, UserList
from pathlib import Path
from typing import Any

import msgspec
import pytest

from gostitch import GoTypeError, GoValueError
from gostitch._arguments import (
    bytes_argument,
    list_argument,
    map_argument,
    path_argument,
    record_argument,
    refuse_arguments,
    timeout_ns,
)
from gostitch._codec import BESIDE_FROM, BUFFER_EXT


class _Item(msgspec.Struct, array_like=True):
    path: Any
    size: int = 0


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


class TestPath:
    @pytest.mark.parametrize(
        ("value", "expected"),
        [
            ("/a", "/a"),
            ("ü", "ü"),
            (Path("/a/b"), "/a/b"),
            (b"/a", b"/a"),
            (os.fsdecode(b"/\xff"), b"/\xff"),
            ("", ""),
        ],
    )
    def test_taken(self, value: Any, expected: Any) -> None:
        """Text crosses as text; names that are not UTF-8 cross as their bytes."""
        assert expected == path_argument(value, "m.f", "p")

    @pytest.mark.parametrize("value", [None, 1, ["/a"]])
    def test_refused(self, value: Any) -> None:
        """What is no path is refused with function and argument."""
        with pytest.raises(GoTypeError, match=r"m\.f\(\) argument p: expected str or os\.PathLike"):
            path_argument(value, "m.f", "p")


class TestBytes:
    @pytest.mark.parametrize("value", [b"", b"abc", bytearray(b"abc"), memoryview(b"abc")])
    def test_small_ones_go_into_the_frame(self, value: Any) -> None:
        """Below the threshold bytes are copied into the frame."""
        beside: list[Any] = []

        assert bytes(value) == bytes_argument(value, beside, "m.f", "b")
        assert [] == beside

    @pytest.mark.parametrize("size", [BESIDE_FROM - 1, BESIDE_FROM, BESIDE_FROM + 1])
    @pytest.mark.parametrize("kind", [bytes, bytearray])
    def test_large_ones_go_beside_it(self, size: int, kind: Any) -> None:
        """From the threshold on they are referred to."""
        beside: list[Any] = []
        value = kind(size)
        crossing = bytes_argument(value, beside, "m.f", "b")

        if size < BESIDE_FROM:
            assert (value, []) == (crossing, beside)
        else:
            assert (BUFFER_EXT, bytes(4)) == (crossing.code, bytes(crossing.data))
            assert [value] == beside

    def test_are_numbered(self) -> None:
        """Each buffer has the number of its place."""
        beside: list[Any] = []
        found = [bytes_argument(bytes(BESIDE_FROM), beside, "m.f", "b") for _ in range(3)]

        assert [bytes([0, 0, 0, n]) for n in range(3)] == [bytes(ext.data) for ext in found]

    def test_of_wide_elements(self) -> None:
        """The size counts in bytes, not elements."""
        beside: list[Any] = []
        bytes_argument(array.array("d", bytes(8 * 600)), beside, "m.f", "b")

        assert 4800 == beside[0].nbytes

    @pytest.mark.parametrize("value", ["text", 3, None, [1]])
    def test_refused(self, value: Any) -> None:
        """What has no buffer is refused."""
        with pytest.raises(GoTypeError, match=r"m\.f\(\) argument b: expected bytes"):
            bytes_argument(value, [], "m.f", "b")


class TestLists:
    @pytest.mark.parametrize(
        "value", [[1, 2], (1, 2), range(1, 3), UserList([1, 2]), {1: 0, 2: 0}.keys(), iter([1, 2])]
    )
    def test_taken(self, value: Any) -> None:
        """Every iterable is a list."""
        assert [1, 2] == list(list_argument(value, "m.f", "l"))

    @pytest.mark.parametrize(
        "value", ["ab", b"ab", bytearray(b"ab"), {"a": 1}, UserDict(), 3, None]
    )
    def test_refused(self, value: Any) -> None:
        """Text, bytes and mappings are not, although they can be iterated."""
        with pytest.raises(GoTypeError, match=r"m\.f\(\) argument l: expected a list"):
            list_argument(value, "m.f", "l")

    def test_of_records(self) -> None:
        """Records in lists may be instances or mappings; an error tells the position."""
        made = list_argument(
            [_Item("/a"), {"path": Path("/b"), "size": 2}], "m.f", "l", _Item, ("path",)
        )

        assert [_Item("/a"), _Item("/b", 2)] == made
        with pytest.raises(GoTypeError, match=r"argument l\[1\]: expected _Item or a dict"):
            list_argument([_Item("/a"), 7], "m.f", "l", _Item)


class TestMaps:
    @pytest.mark.parametrize("value", [{"a": 1}, OrderedDict(a=1), UserDict(a=1)])
    def test_taken(self, value: Any) -> None:
        """Every mapping is a dict."""
        assert {"a": 1} == map_argument(value, "m.f", "m")

    @pytest.mark.parametrize("value", [[("a", 1)], "a", None])
    def test_refused(self, value: Any) -> None:
        """Pairs are not."""
        with pytest.raises(GoTypeError, match=r"m\.f\(\) argument m: expected a dict"):
            map_argument(value, "m.f", "m")


class TestRecords:
    def test_unknown_and_missing_fields(self) -> None:
        """A mapping must fit the fields."""
        for value in ({"path": "/a", "sise": 1}, {"size": 1}, {1: 2}):
            with pytest.raises(GoTypeError, match=r"m\.f\(\) argument r: "):
                record_argument(value, "m.f", "r", _Item)

    def test_the_callers_object_is_not_changed(self) -> None:
        """Converting a path makes a new record."""
        given = _Item(Path("/a"))
        made = record_argument(given, "m.f", "r", _Item, ("path",))

        assert (Path("/a"), "/a") == (given.path, made.path)

    def test_a_wrong_path_names_the_field(self) -> None:
        """A path that is none is found inside the record."""
        with pytest.raises(GoTypeError, match=r"m\.f\(\) argument r\.path: expected str"):
            record_argument(_Item(3), "m.f", "r", _Item, ("path",))


class TestRefuse:
    @pytest.mark.parametrize(
        ("value", "kind"),
        [(object(), GoTypeError), (2**64, GoValueError), ("\ud800", GoValueError)],
    )
    def test_names_the_argument_that_cannot_be_encoded(self, value: Any, kind: Any) -> None:
        """Of several arguments the bad one is named."""
        with pytest.raises(kind, match=r"m\.f\(\) argument second: ") as caught:
            refuse_arguments("m.f", ("first", "second"), (1, value), ValueError("?"))

        assert {"argument": "second"} == caught.value.details

    def test_raises_what_it_cannot_explain(self) -> None:
        """Where each argument alone can be encoded, the original error stands."""
        with pytest.raises(MemoryError):
            refuse_arguments("m.f", ("first",), (1,), MemoryError())
