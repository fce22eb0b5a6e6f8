"""Stacks are taken apart into frames, and nothing of them is lost."""

from __future__ import annotations

from typing import Any

from gostitch.pages.stack import Frame, go_frames, python_frames, stack_view

PYTHON = """Traceback (most recent call last):
  File "after.py", line 30, in refuse
    tasks.unpack(archive, target)
    ^^^^^^^^^^^^
  File "<string>", line 1
  File "gostitch/_calls.py", line 125, in _receive
    raise error
gostitch.GoUnsafeError: no
"""

GO = """goroutine 18 [running]:
github.com/gostitch/gostitch/gocore/tasks/archive.(*outline).unsafe(0xc0001, {0xc0, 0x14})
\tgithub.com/gostitch/gostitch/gocore/tasks/archive/outline.go:140 +0x1d2
main.run[...](...)
\tmain.go:7
created by main.start in goroutine 1
\tmain.go:3 +0x99
"""


def test_python_frames_hold_function_place_and_source() -> None:
    """As Python prints them, also where a frame has no function or no source."""
    assert python_frames(PYTHON) == [
        Frame("refuse", "after.py:30", "tasks.unpack(archive, target)"),
        Frame("<module>", "<string>:1", ""),
        Frame("_receive", "gostitch/_calls.py:125", "raise error"),
    ]


def test_go_frames_come_outermost_first_and_short() -> None:
    """The order of a Python traceback; import paths, arguments and offsets are left to the text."""
    assert go_frames(GO) == [
        Frame("main.start in goroutine 1", "main.go:3"),
        Frame("main.run[...]", "main.go:7"),
        Frame("archive.(*outline).unsafe", "\u2026/gocore/tasks/archive/outline.go:140"),
    ]


def test_the_view_keeps_the_text_as_recorded(parse: Any) -> None:
    """Below the frames stands every line, escaped."""
    page = parse(stack_view(PYTHON + "<script>alert(1)</script>", GO))
    assert "<script>alert(1)</script>" in page.text
    assert "goroutine 18 [running]:" in page.text
    assert not page.all("script")


def test_text_that_is_no_stack_is_shown_at_once(parse: Any) -> None:
    """Where nothing is understood, the text is open instead of folded."""
    page = parse(stack_view("what is this", ""))
    assert "open" in page.all("details")[0]
    assert "nothing recorded" in page.text
