"""gostitch: move the slow parts of a Python service into Go without losing sight of them.

Importing the package does not load Go; the first call does.
"""

import typing

from gostitch._info import runtime_info
from gostitch._version import VERSION as __version__
from gostitch.exceptions import (
    ForkedHandleError,
    GoCancelledError,
    GoClosedError,
    GoConnectionError,
    GoDataError,
    GoError,
    GoFileExistsError,
    GoFileNotFoundError,
    GoFrame,
    GoInternalError,
    GoIsADirectoryError,
    GoLimitError,
    GoNotADirectoryError,
    GoOSError,
    GoPanic,
    GoPermissionError,
    GoTimeoutError,
    GoTypeError,
    GoUnsafeError,
    GoValueError,
    LibraryError,
)

if typing.TYPE_CHECKING:
    from gostitch._crashes import CrashReport, on_crash_report
    from gostitch._future import Future

__all__ = [
    "CrashReport",
    "ForkedHandleError",
    "Future",
    "GoCancelledError",
    "GoClosedError",
    "GoConnectionError",
    "GoDataError",
    "GoError",
    "GoFileExistsError",
    "GoFileNotFoundError",
    "GoFrame",
    "GoInternalError",
    "GoIsADirectoryError",
    "GoLimitError",
    "GoNotADirectoryError",
    "GoOSError",
    "GoPanic",
    "GoPermissionError",
    "GoTimeoutError",
    "GoTypeError",
    "GoUnsafeError",
    "GoValueError",
    "LibraryError",
    "__version__",
    "on_crash_report",
    "runtime_info",
]


def __getattr__(name: str) -> typing.Any:
    # Late, so that the package can be imported, and the doctor run, without its compiled part.
    if name == "Future":
        from gostitch._future import Future

        globals()[name] = Future
        return Future
    if name in ("CrashReport", "on_crash_report"):
        from gostitch import _crashes

        return getattr(_crashes, name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
