"""gostitch: move the slow parts of a Python service into Go without losing sight of them.

Importing the package does not load Go; the first call does.
"""

from gostitch._future import Future
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

__all__ = [
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
    "runtime_info",
]
