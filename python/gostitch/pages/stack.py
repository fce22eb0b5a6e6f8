"""Shows the stack of a Python traceback beside that of a Go one, frame by frame.

Both come as text and are read loosely: a line that is not understood is shown as it is, so nothing
gets lost. The whole text is always there too, under the frames. This room knows nothing of
gostitch's errors.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from .markup import Markup, tag
from .spanrow import side_mark

__all__ = ["STYLE", "Frame", "go_frames", "python_frames", "stack_view"]

STYLE = """
.stacks {
  display: grid; grid-template-columns: repeat(2, minmax(0, 1fr)); gap: 24px; margin-top: 20px;
}
.stack { min-width: 0; border-top: 3px solid var(--python); padding-top: 12px; }
.stack.go { border-top-color: var(--go); }
.stack h3 { display: flex; align-items: baseline; gap: 8px; flex-wrap: wrap; }
.stack h3 small { font-weight: 400; font-size: 13px; color: var(--soft); }
.stack ol { list-style: none; margin: 14px 0 0; padding: 0; counter-reset: frame; }
.stack li {
  position: relative; padding: 0 0 10px 22px; border-left: 1px solid var(--line); margin-left: 5px;
}
.stack li:last-child { border-left-color: transparent; padding-bottom: 4px; }
.stack li::before {
  content: ""; position: absolute; left: -5px; top: 7px; width: 9px; height: 9px; border-radius:
  50%;
  background: var(--ground); border: 2px solid var(--python);
}
.stack.go li::before { border-color: var(--go); border-radius: 1px; }
.stack li.hit::before { background: var(--error); border-color: var(--error); }
.stack li b { font: 600 13px/1.5 var(--mono); display: block; }
.stack li span { font-size: 13px; color: var(--soft); display: block; }
.stack li code { display: block; font-size: 12.5px; white-space: pre-wrap; margin-top: 2px; }
.stack details { margin-top: 12px; font-size: 13px; }
.stack summary { color: var(--soft); }
.stack pre {
  margin: 8px 0 0; padding: 12px; background: var(--raised); font-size: 12px; line-height: 1.5;
  white-space: pre-wrap;
  overflow-wrap: anywhere; max-height: 420px; overflow: auto;
}
@media (max-width: 760px) { .stacks { grid-template-columns: minmax(0, 1fr); } }
@media print { .stack li { break-inside: avoid; } .stack pre { max-height: none; } }
"""


@dataclass(frozen=True)
class Frame:
    """One call: the function, where it is (`file:line`), and its source line where known."""

    function: str
    place: str
    source: str = ""


KEPT_FOLDERS = 3

_PYTHON = re.compile(r'\s*File "(?P<file>[^"]*)", line (?P<line>\d+)(?:, in (?P<function>.+))?')
_GO_PLACE = re.compile(r"\s+(?P<file>\S.*):(?P<line>\d+)(?: \+0x[0-9a-f]+)?\s*$")
_GO_ARGUMENTS = re.compile(r"\((?:0x|\{|\.\.\.|[0-9a-f]+,)[^()]*\)$|\(\)$")


def python_frames(traceback: str) -> list[Frame]:
    """Read the frames of a formatted traceback, outermost first as Python prints them."""
    lines = traceback.splitlines()
    return list(_python(lines))


def _python(lines: list[str]) -> Iterator[Frame]:
    for number, line in enumerate(lines):
        match = _PYTHON.match(line)
        if match:
            following = lines[number + 1] if number + 1 < len(lines) else ""
            source = (
                ""
                if _PYTHON.match(following) or not following.startswith("    ")
                else following.strip()
            )
            yield Frame(match["function"] or "<module>", f"{match['file']}:{match['line']}", source)


def go_frames(stack: str) -> list[Frame]:
    """Read the frames of a Go stack, outermost first as in a Python traceback.

    Go prints them innermost first, each as a function and then an indented `file:line`. The import
    path of a function's package is left to the text below the frames.
    """
    frames: list[Frame] = []
    previous = ""
    for line in stack.splitlines():
        place = _GO_PLACE.match(line)
        if place and previous:
            function = _GO_ARGUMENTS.sub("", previous.removeprefix("created by ")).rpartition("/")[
                2
            ]
            frames.append(Frame(function, f"{_tail(place['file'])}:{place['line']}"))
            previous = ""
        else:
            previous = line.strip()
    return frames[::-1]


def _tail(path: str) -> str:
    """Keep the last folders of a path, enough to find the file by."""
    parts = path.rsplit("/", KEPT_FOLDERS + 1)
    return path if len(parts) <= KEPT_FOLDERS + 1 else "/".join(["\u2026", *parts[1:]])


def stack_view(python: str, go: str) -> Markup:
    """Both stacks side by side, from the outermost Python call to where it failed in Go."""
    return tag(
        "div",
        _stack(
            "python",
            "Python",
            "from the outermost call down into Go",
            python_frames(python),
            python,
            hit=not go.strip(),
        ),
        _stack("go", "Go", "and on to where it failed", go_frames(go), go, hit=True),
        class_="stacks",
    )


def _stack(side: str, name: str, way: str, frames: list[Frame], whole: str, *, hit: bool) -> Markup:
    last = len(frames) - 1 if hit else -1
    listed = (
        tag("ol", [_frame(frame, number == last) for number, frame in enumerate(frames)])
        if frames
        else None
    )
    recorded = tag(
        "details", tag("summary", "Text as recorded"), tag("pre", whole.strip()), open=not frames
    )
    return tag(
        "div",
        tag(
            "h3",
            side_mark(side),
            f"{name} ",
            tag("small", way if whole.strip() else "nothing recorded"),
        ),
        listed,
        recorded if whole.strip() else None,
        class_=f"stack {side}",
    )


def _frame(frame: Frame, hit: bool) -> Markup:
    return tag(
        "li",
        tag("b", frame.function),
        tag("span", frame.place),
        tag("code", frame.source) if frame.source else None,
        class_="hit" if hit else None,
    )
