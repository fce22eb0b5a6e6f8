"""Whatever values and bytes are thrown at the boundary: they come back, or are refused."""

from __future__ import annotations

import math
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import faults
from gostitch import (
    GoError,
    GoTypeError,
    GoValueError,
    LibraryError,
    _codec,
    _logs,
    _pending,
    _process,
)
from gostitch._record import BaseRecord

# The invariants are checked once after all examples.
_QUICK = settings(
    max_examples=200,
    deadline=None,
    derandomize=True,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)

_INT64 = st.integers(-(2**63), 2**63 - 1)
_TEXT = st.text(max_size=300)  # no surrogates, which are no text
_BYTES = st.binary(max_size=300) | st.integers(4090, 4100).map(bytes)
_POINT = st.fixed_dictionaries({"x": st.floats(), "label": _TEXT, "data": _BYTES})

_VALUES = st.fixed_dictionaries(
    {},
    optional={
        "flag": st.booleans(),
        "number": _INT64,
        "int8": st.integers(-128, 127),
        "int16": st.integers(-(2**15), 2**15 - 1),
        "int32": st.integers(-(2**31), 2**31 - 1),
        "int64": _INT64,
        "count": st.integers(0, 2**64 - 1),
        "uint8": st.integers(0, 255),
        "uint64": st.integers(0, 2**64 - 1),
        "float32": st.floats(width=32),
        "float64": st.floats(),
        "text": _TEXT,
        "data": _BYTES,
        "more": _BYTES,
        "numbers": st.lists(_INT64, max_size=50),
        "matrix": st.lists(st.lists(st.floats(), max_size=5), max_size=5),
        "chunks": st.lists(_BYTES, max_size=5),
        "table": st.dictionaries(_TEXT, _INT64, max_size=20),
        "points": st.lists(_POINT, max_size=5),
        "origin": st.none() | _POINT,
        "maybe": st.none() | _INT64,
        "maybe_text": st.none() | _TEXT,
    },
)


def _plain(value: Any) -> Any:
    """Give a value that compares as it should: records as dicts, views as bytes, NaN as text."""
    if isinstance(value, BaseRecord):
        return {name: _plain(getattr(value, name)) for name in value.__match_args__}
    if isinstance(value, dict):
        return {key: _plain(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_plain(item) for item in value]
    if isinstance(value, memoryview):
        return bytes(value)
    if isinstance(value, float):
        return "nan" if math.isnan(value) else (value, math.copysign(1, value))
    return value


@given(_VALUES)
@_QUICK
def test_values_come_back(values: dict[str, Any]) -> None:
    """Every value of the right type comes back as it went."""
    back = _plain(faults.echo(**values))

    assert _plain(values) == {name: back[name] for name in values}


@given(_VALUES)
@_QUICK
def test_values_come_back_when_submitted(values: dict[str, Any]) -> None:
    """The same through a future."""
    back = _plain(faults.echo.submit(**values).result(20))

    assert _plain(values) == {name: back[name] for name in values}


_ANYTHING = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**70), 2**70)
    | st.floats()
    | st.text(st.characters())
    | st.binary()
    | st.complex_numbers()
    | st.datetimes()
    | st.uuids(),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(st.text(st.characters()) | st.integers(), inner, max_size=4)
        | st.tuples(inner, inner)
    ),
    max_leaves=10,
)


@given(st.sampled_from(list(faults.FaultsEchoed.__match_args__)), _ANYTHING)
@_QUICK
def test_anything_is_taken_or_refused(name: str, value: Any) -> None:
    """Any object for any argument gives a result, or a type or value error that names it."""
    try:
        faults.echo(**{name: value})
    except (GoTypeError, GoValueError) as error:
        assert error.details["argument"].startswith(name)


@given(st.binary(max_size=200))
@_QUICK
def test_bytes_as_arguments(frame: bytes) -> None:
    """Arbitrary bytes instead of an argument frame give a result or a refusal, and no panic."""
    for function in (faults.echo, faults.add, faults.echo_bytes):
        queue = _pending.queue_here(_process.library())
        future = queue.new_future(function, b"", None)
        assert queue.start(future, 0, 0, frame) is None
        assert isinstance(future.exception(20), GoTypeError | GoValueError | None)


@given(st.binary(max_size=200))
@_QUICK
def test_bytes_as_replies(frame: bytes) -> None:
    """Arbitrary bytes instead of a result, error or log give a value or a clear error."""
    for decode in (_codec.decode_error, _logs.decode_log, faults.echo.result_of):
        try:
            decode(frame)
        except (OverflowError, ValueError, LibraryError):
            pass


@given(st.floats() | st.integers() | st.none())
@_QUICK
def test_any_timeout(timeout: float | None) -> None:
    """Any number is a timeout, in which a quick call ends or does not; NaN is refused."""
    try:
        assert 3 == faults.add(1, 2, timeout=timeout)
    except TimeoutError:
        assert timeout is not None
        assert timeout < 1
    except GoValueError:
        assert timeout != timeout


@given(_TEXT, _TEXT)
@_QUICK
def test_any_error(code: str, text: str) -> None:
    """An error's code and text may be any text."""
    with pytest.raises(GoError) as caught:
        faults.fail(code, text=text)

    assert text == caught.value.message
    assert code == caught.value.code or code == ""
    assert not isinstance(caught.value, LibraryError)
