"""Frames of Go in events, as sentry-go writes them, with what Python's client is told of frames.

Package and function apart, source lines where the sources are, and which frames are the user's.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

import sentry_sdk

from gostitch.exceptions import GoFrame
from gostitch.observe import _grouping, _sources

Frame = dict[str, Any]


def of_stack(lines: Iterable[GoFrame], until: float | None = None) -> list[Frame]:
    """Return the frames of a stack, the outermost first as Sentry wants it.

    ``until`` is the time at which the program ran: sources that changed later are not those.
    """
    frames = [_of(line) for line in lines][::-1]
    for frame in frames:
        complete(frame, until)
    return frames


def of_declared(line: GoFrame) -> Frame:
    """Return the frame of a function that has returned an error without a stack.

    It has no line: nothing is known to have happened where the function is declared.
    """
    frame = _of(line)
    del frame["lineno"]
    complete(frame)
    return frame


def complete(frame: Frame, until: float | None = None) -> None:
    """Add source lines to a frame of Go, and say whether it is the user's."""
    file = frame.get("abs_path") or frame.get("filename") or ""
    frame["in_app"] = _in_app(frame.get("module") or "", frame.get("function") or "", file)
    options = sentry_sdk.get_client().options
    around = _around(options)
    if (path := _sources.path_of(file)) is not None:
        frame["abs_path"] = path
    if around and (found := _sources.lines(file, frame.get("lineno") or 0, around, until)):
        frame["pre_context"], frame["context_line"], frame["post_context"] = found


def in_event(event: dict[str, Any]) -> Iterator[Frame]:
    """Give the frames of an event that sentry-go has made."""
    for kind in ("exception", "threads"):
        for value in (event.get(kind) or {}).get("values") or ():
            yield from (value.get("stacktrace") or {}).get("frames") or ()


def split(name: str) -> tuple[str, str]:
    """Return the import path of a package, and the function in it, of a name that Go prints."""
    if name.startswith(("go:", "type:")):
        return "", name  # the compiler's
    generic = name.find("[")
    path = name if generic < 0 else name[:generic]
    dot = path.find(".", path.rfind("/") + 1)
    return ("", name) if dot < 0 else (name[:dot], name[dot + 1 :])


def _of(line: GoFrame) -> Frame:
    module, function = split(line.function)
    frame: Frame = {"function": function, "lineno": line.line, "platform": "go"}
    if module:
        frame["module"] = module
    if line.file.startswith("/"):
        frame["abs_path"] = line.file
    frame["filename"] = line.file
    return frame


def _in_app(module: str, function: str, file: str) -> bool:
    """Tell the user's own code from Go's and other modules'; what Python's client is told, wins.

    Twin of ``isInApp`` in ``gocore/observe/frames.go``. Modules in Go's cache count as packages in
    ``site-packages`` do; sentry-go, which calls them the user's, looks at folders alone.
    """
    options = sentry_sdk.get_client().options
    if _is_below(module, options.get("in_app_include")):
        return True
    if _is_below(module, options.get("in_app_exclude")):
        return False
    is_gos = not _grouping.in_app(GoFrame(f"{module}.{function}", "", 0))
    return not (is_gos or "vendor" in module or "third_party" in module or "@" in file)


def _is_below(module: str, prefixes: Any) -> bool:
    return any(
        module == each or module.startswith((f"{each}.", f"{each.rstrip('/')}/"))
        for each in prefixes or ()
        if each
    )


def _around(options: Any) -> int:
    """Return how many lines around one the client wants of sources."""
    collected = options.get("data_collection") or {}
    if collected.get("provided_by_user"):
        return int(collected.get("frame_context_lines") or 0)
    return _sources.AROUND if options.get("include_source_context", True) else 0
