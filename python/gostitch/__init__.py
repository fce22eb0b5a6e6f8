"""gostitch: move the slow parts of a Python service into Go without losing sight of them.

Importing the package does not load Go; the first call does.
"""

import threading
import typing

if threading.current_thread() is not threading.main_thread():
    # First, and here: what follows takes more of a small stack, and would end the process.
    try:
        from gostitch._bridge import stack_shortage as _shortage
    except ImportError:
        pass  # whoever needs it says so
    else:
        if _shortage():
            raise ImportError(f"gostitch cannot be imported here: {_shortage()}", name="gostitch")

from gostitch._info import runtime_info
from gostitch._settings import Limit, configure
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
    GoOfflineError,
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
    from gostitch._given import trace_context
    from gostitch._table import Table
    from gostitch.observe._flush import force_flush
    from gostitch.operate._close import close, reopen
    from gostitch.operate._dump import dump, dump_on_signal, dump_text
    from gostitch.operate._memory import free_memory
    from gostitch.operate._profile import profile, profiles

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
    "GoOfflineError",
    "GoPanic",
    "GoPermissionError",
    "GoTimeoutError",
    "GoTypeError",
    "GoUnsafeError",
    "GoValueError",
    "LibraryError",
    "Limit",
    "Table",
    "__version__",
    "close",
    "configure",
    "dump",
    "dump_on_signal",
    "dump_text",
    "force_flush",
    "free_memory",
    "on_crash_report",
    "profile",
    "profiles",
    "reopen",
    "runtime_info",
    "trace_context",
]


# Late, so that the package can be imported, and the doctor run, without its compiled part.
_LATE = {
    "CrashReport": "gostitch._crashes",
    "Future": "gostitch._future",
    "Table": "gostitch._table",
    "close": "gostitch.operate._close",
    "dump": "gostitch.operate._dump",
    "dump_on_signal": "gostitch.operate._dump",
    "dump_text": "gostitch.operate._dump",
    "force_flush": "gostitch.observe._flush",
    "free_memory": "gostitch.operate._memory",
    "on_crash_report": "gostitch._crashes",
    "profile": "gostitch.operate._profile",
    "profiles": "gostitch.operate._profile",
    "reopen": "gostitch.operate._close",
    "trace_context": "gostitch._given",
}


def __getattr__(name: str) -> typing.Any:
    if name not in _LATE:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from gostitch import _late

    globals()[name] = found = getattr(_late.needed(_LATE[name]), name)
    return found
