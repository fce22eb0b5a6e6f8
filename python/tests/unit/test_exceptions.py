"""The exceptions: one for each code, catchable as built-ins, whole after pickling."""

from __future__ import annotations

import asyncio
import builtins
import concurrent.futures
import copy
import errno
import pickle
from typing import Any

import pytest

import gostitch
from gostitch import GoError, GoFrame, GoPanic, exceptions
from gostitch.exceptions import CODES, class_of

_CLASSES = [
    cls for cls in vars(exceptions).values() if isinstance(cls, type) and issubclass(cls, GoError)
]


@pytest.mark.parametrize("cls", _CLASSES)
def test_is_public(cls: type[GoError]) -> None:
    """Every exception is exported by the package."""
    assert cls is getattr(gostitch, cls.__name__)
    assert cls.__name__ in gostitch.__all__


@pytest.mark.parametrize("cls", _CLASSES)
def test_survives_pickling(cls: type[GoError]) -> None:
    """A pickled exception keeps class, text, code, details, stack and causes."""
    root = GoPanic("the root", go_frames=[GoFrame("main.f", "/f.go", 7)])
    error = cls(
        "it failed",
        code="own",
        details={"path": "/p", "errno": 2},
        go_type="*os.PathError",
        go_frames=[GoFrame("a.b", "/c.go", 1), GoFrame("d.e", "/f.go", 2)],
        causes=[root, GoError("another")],
    )
    for again in (pickle.loads(pickle.dumps(error)), copy.copy(error), copy.deepcopy(error)):
        assert (cls, "it failed", "own", "*os.PathError") == (
            type(again),
            str(again),
            again.code,
            again.go_type,
        )
        assert (error.details, error.go_frames) == (again.details, again.go_frames)
        assert ["the root", "another"] == [str(cause) for cause in again.causes]
        assert (GoPanic, root.go_frames) == (
            type(again.__cause__),
            again.__cause__.go_frames,
        )


def test_a_cause_from_python_survives_pickling() -> None:
    """``raise ... from`` in Python is kept too."""
    try:
        raise GoError("outer") from KeyError("inner")
    except GoError as error:
        again = pickle.loads(pickle.dumps(error))

    assert "KeyError('inner')" == repr(again.__cause__)


@pytest.mark.parametrize("cls", _CLASSES)
def test_prints_its_message(cls: type[GoError]) -> None:
    """str gives the message alone, also where the built-in base would print something else."""
    error = cls("it failed")

    assert ("it failed", "it failed", ("it failed",)) == (str(error), error.message, error.args)
    assert "it failed" in repr(error)


@pytest.mark.parametrize(
    ("cls", "builtin"),
    [
        ("GoValueError", "ValueError"),
        ("GoTypeError", "TypeError"),
        ("GoFileNotFoundError", "FileNotFoundError"),
        ("GoFileExistsError", "FileExistsError"),
        ("GoPermissionError", "PermissionError"),
        ("GoNotADirectoryError", "NotADirectoryError"),
        ("GoIsADirectoryError", "IsADirectoryError"),
        ("GoOSError", "OSError"),
        ("GoDataError", "ValueError"),
        ("GoUnsafeError", "ValueError"),
        ("GoLimitError", "ValueError"),
        ("GoConnectionError", "ConnectionError"),
        ("GoTimeoutError", "TimeoutError"),
        ("GoClosedError", "RuntimeError"),
        ("LibraryError", "ImportError"),
        ("ForkedHandleError", "RuntimeError"),
    ],
)
def test_is_caught_as_a_builtin(cls: str, builtin: str) -> None:
    """A class inherits what a Python programmer would catch."""
    assert issubclass(getattr(gostitch, cls), getattr(builtins, builtin))
    assert issubclass(getattr(gostitch, cls), GoError)


def test_a_timeout_is_every_timeout() -> None:
    """A timeout is caught as that of asyncio and of concurrent.futures too."""
    error = gostitch.GoTimeoutError("late")

    assert isinstance(error, asyncio.TimeoutError)
    assert isinstance(error, concurrent.futures.TimeoutError)


def test_a_cancelled_call_is_not_a_cancelled_task() -> None:
    """GoCancelledError is an error, which ``except Exception`` catches."""
    assert not issubclass(gostitch.GoCancelledError, asyncio.CancelledError)


def test_each_code_has_one_class() -> None:
    """The codes are words, each with a class that has it as its default."""
    assert len(CODES) == len({class_of(code) for code in CODES})
    assert list(CODES) == [class_of(code).default_code for code in CODES]
    assert list(CODES) == [class_of(code)("x").code for code in CODES]


def test_an_unknown_code_is_kept() -> None:
    """A function's own code is a GoError that has it."""
    assert GoError is class_of("brewing")
    assert "brewing" == GoError("x", code="brewing").code


def test_errors_of_the_system_have_errno_and_filename() -> None:
    """OSErrors have what Python's have, from the details."""
    error = gostitch.GoFileNotFoundError("x", details={"errno": errno.ENOENT, "path": "/p"})
    bare = gostitch.GoOSError("x")

    assert (errno.ENOENT, "/p") == (error.errno, error.filename)
    assert (None, None) == (bare.errno, bare.filename)


def test_the_go_stack_is_printed_as_go_does() -> None:
    """go_stack has two lines for each frame, innermost first."""
    error = GoError("x", go_frames=[GoFrame("a.B", "/c.go", 1), GoFrame("d.E", "/f.go", 22)])

    assert "a.B\n\t/c.go:1\nd.E\n\t/f.go:22" == error.go_stack
    assert "" == GoError("x").go_stack


def test_details_are_a_copy() -> None:
    """An exception keeps details of its own."""
    details: dict[str, Any] = {"a": 1}
    error = GoError("x", details=details)
    details["a"] = 2

    assert {"a": 1} == error.details
