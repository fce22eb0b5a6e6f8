"""Where in Go an error was made, in the tracebacks that Python prints and logs."""

from __future__ import annotations

import copy
import logging
import pickle
import re
import traceback
from collections.abc import Iterator
from typing import Any

import pytest

import faults
import gostitch
from gostitch.exceptions import GoFrame
from programs import Programs


@pytest.fixture
def switched_off() -> Iterator[None]:
    """Have no notes for one test."""
    gostitch.configure(go_notes=False)
    yield
    gostitch.configure(go_notes=True)


def _error(**options: Any) -> gostitch.GoError:
    try:
        faults.panic("string", **options)
    except gostitch.GoError as error:
        return error
    raise AssertionError


def test_names_the_frames_of_the_function() -> None:
    """The note has what ``go_stack`` has: function, file and line."""
    error = _error()
    (note,) = error.__notes__

    frame = error.go_frames[0]
    assert f"  faults.Panic ({frame.file}:{frame.line})" == note.splitlines()[1]


def test_a_traceback_ends_with_it(program: Programs) -> None:
    """Also that of an error which nobody catches."""
    done = program("import faults\nfaults.panic('string')")

    pattern = r"GoPanic: a string\nIn Go, innermost first:\n  faults\.Panic \(.*panic\.go:\d+\)\n$"
    assert re.search(pattern, done.stderr), done.stderr


def test_a_logged_traceback_has_it(caplog: pytest.LogCaptureFixture) -> None:
    """``logging.exception`` prints tracebacks as Python does."""
    try:
        faults.panic("string")
    except gostitch.GoPanic:
        logging.getLogger("user").exception("it failed")

    assert "In Go, innermost first:" in caplog.text


def test_is_short() -> None:
    """Of a deep stack the innermost frames, and how many there are besides."""
    frames = [GoFrame(f"example.org/module/deep.F{i}", "deep.go", i) for i in range(30)]
    (note,) = gostitch.GoError("failed", go_frames=frames).__notes__

    assert 6 == len(note.splitlines())
    assert "  deep.F0 (deep.go:0)" == note.splitlines()[1]
    assert "  and 26 more in go_stack" == note.splitlines()[-1]


def test_notes_of_others_stand_beside_it() -> None:
    """``add_note`` adds to it, whether somebody has looked before or not."""
    for looked in (False, True):
        error: Any = _error()
        if looked:
            assert 1 == len(error.__notes__)
        error.add_note("while testing")

        assert [True, False] == [note.startswith("In Go") for note in error.__notes__]


def test_an_error_without_a_stack_has_none() -> None:
    """As any exception has none before ``add_note``."""
    error: Any = gostitch.GoValueError("no such argument")

    assert not hasattr(error, "__notes__")
    assert "In Go" not in "".join(traceback.format_exception(error))


def test_comes_back_from_another_process() -> None:
    """It is made anew of the frames, which are pickled."""
    error: Any = _error()

    assert error.__notes__ == pickle.loads(pickle.dumps(error)).__notes__


def test_notes_of_others_come_back_too() -> None:
    """As those of other exceptions, and what else somebody has put into the error."""
    error: Any = _error()
    error.add_note("while testing")
    error.attempt = 3
    back = pickle.loads(pickle.dumps(error))

    assert [*error.__notes__] == back.__notes__ == copy.copy(error).__notes__
    assert 3 == back.attempt


@pytest.mark.usefixtures("switched_off")
def test_can_be_switched_off() -> None:
    """Then the error is as other exceptions; what it knows of Go stays."""
    error: Any = _error()

    assert not hasattr(error, "__notes__")
    assert "faults.Panic" in error.go_stack


def test_the_switch_takes_true_or_false() -> None:
    """Anything else is refused."""
    with pytest.raises(gostitch.GoTypeError, match="go_notes must be True or False, not str"):
        gostitch.configure(go_notes="no")  # type: ignore[arg-type]
