"""The exceptions that calls into Go raise.

One class for each error code; the twin of the list is ``gocore/errors.go``. A
class also inherits the built-in exception a Python programmer would catch, so
``except FileNotFoundError`` works whether the file was missed in Python or Go.

This module is a leaf: it knows nothing of calls. All exceptions can be
pickled, with their details, Go stack and cause, so that Celery and process
pools carry them whole.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping, Sequence
from typing import Any, ClassVar, NamedTuple, TypeVar


class GoFrame(NamedTuple):
    """One line of a Go stack, innermost first."""

    function: str
    file: str
    line: int

    def __str__(self) -> str:
        return f"{self.function}\n\t{self.file}:{self.line}"


_NOTED = 4
"""Frames that a note has: whoever needs all has ``go_stack``."""

_notes_wanted = True


def note_frames(wanted: bool) -> None:
    """Say whether tracebacks show where in Go an error was made."""
    global _notes_wanted
    _notes_wanted = wanted


class _Notes:
    """Gives an error its list of notes once somebody asks, as who prints a traceback does.

    It lies in the instance from then on, and ``add_note`` adds to it.
    """

    def __get__(self, error: Any, cls: type) -> list[str]:
        if error is None or not error.go_note or not _notes_wanted:
            raise AttributeError("__notes__")
        error.__notes__ = [error.go_note]
        return error.__notes__  # type: ignore[no-any-return]


class GoError(Exception):
    """An error returned by a Go function.

    ``code`` is a word of the list in this module, ``details`` says what a
    program can act on (``argument``, ``path``, ``url``, ...), ``go_type`` is
    the Go type of the error, and ``go_frames`` the Go stack where it was made
    (the function that returned it where Go recorded none, at the line where it is
    declared: ``go_declared`` tells). ``function`` is the name of the function that was
    called. ``__cause__`` is what
    the Go error wraps; ``causes`` holds all of them where it wraps several
    (``errors.Join``). A traceback shows the innermost frames as a note, unless
    ``gostitch.configure(go_notes=False)``.
    """

    default_code: ClassVar[str] = "unknown"

    code: str
    details: dict[str, Any]
    go_type: str
    go_frames: tuple[GoFrame, ...]
    causes: tuple[GoError, ...]
    function: str = ""
    go_declared: bool = False
    trace: bytes = b""  # the trace context of the call, where it has one
    reported: bool = False  # it is in Sentry already
    __notes__ = _Notes()

    def __init__(
        self,
        message: str,
        *,
        code: str | None = None,
        details: Mapping[str, Any] | None = None,
        go_type: str = "",
        go_frames: Sequence[GoFrame] = (),
        causes: Sequence[GoError] = (),
    ) -> None:
        super().__init__(message)
        self.code = code or self.default_code
        self.details = dict(details or {})
        self.go_type = go_type
        self.go_frames = tuple(go_frames)
        self.causes = tuple(causes)
        if causes:
            self.__cause__ = causes[0]

    @property
    def message(self) -> str:
        """The text of the error."""
        return str(self.args[0])

    @property
    def go_stack(self) -> str:
        """The Go stack as Go prints it, innermost first; empty if none was recorded."""
        return "\n".join(map(str, self.go_frames))

    @property
    def go_note(self) -> str:
        """What a traceback says of the Go stack: its innermost frames; empty if there is none."""
        if not self.go_frames:
            return ""
        lines = [
            f"  {frame.function.rpartition('/')[2]} ({frame.file}:{frame.line})"
            for frame in self.go_frames[:_NOTED]
        ]
        if self.go_declared:
            return "\n".join(["In Go, where no stack was recorded, returned by:", *lines])
        if len(self.go_frames) > _NOTED:
            lines.append(f"  and {len(self.go_frames) - _NOTED} more in go_stack")
        return "\n".join(["In Go, innermost first:", *lines])

    def __str__(self) -> str:
        # OSError would print "[Errno None] None" for an error with one argument.
        return self.message

    if sys.version_info < (3, 11):  # tracebacks have no notes, so the text has them there

        def __str__(self) -> str:
            try:
                asks = sys._getframe(1).f_globals.get("__name__")
            except ValueError:  # the interpreter, of an error that nobody caught
                asks = "traceback"
            notes = getattr(self, "__notes__", ())
            is_shown = asks in ("threading", "traceback") and isinstance(notes, list)
            return "\n".join([self.message, *map(str, notes)]) if is_shown else self.message

        def add_note(self, note: str) -> None:
            """Add to what tracebacks show below the message, as exceptions have it from 3.11 on."""
            if not isinstance(note, str):
                raise TypeError(f"note must be a str, not {type(note).__name__!r}")
            self.__notes__ = [*getattr(self, "__notes__", ()), note]

    def __reduce__(self) -> tuple[Any, ...]:
        arguments = (
            type(self),
            self.message,
            self.code,
            self.details,
            self.go_type,
            self.go_frames,
            self.causes,
            self.__cause__,
            self.reported,
        )
        # The notes of others, and what else somebody has put there.
        more = {name: value for name, value in vars(self).items() if name not in _FIELDS}
        return _restore, arguments, more or None


_FIELDS = ("code", "details", "go_type", "go_frames", "causes", "trace", "reported")


def _restore(
    cls: type[GoError],
    message: str,
    code: str,
    details: dict[str, Any],
    go_type: str,
    go_frames: Sequence[GoFrame],
    causes: Sequence[GoError],
    cause: BaseException | None,
    reported: bool,
) -> GoError:
    error = cls(
        message, code=code, details=details, go_type=go_type, go_frames=go_frames, causes=causes
    )
    error.__cause__ = cause
    error.reported = reported
    return error


class GoValueError(GoError, ValueError):
    """An argument has a value that cannot work; ``details["argument"]`` names it."""

    default_code = "invalid_argument"


class GoTypeError(GoError, TypeError):
    """An argument has the wrong type; ``details["argument"]`` names it."""

    default_code = "wrong_type"


class GoOSError(GoError, OSError):
    """The operating system refused; ``errno`` and ``filename`` are set where known."""

    default_code = "io"

    def __init__(self, message: str, **more: Any) -> None:
        super().__init__(message, **more)
        self.errno = self.details.get("errno")
        self.filename = self.details.get("path")


class GoFileNotFoundError(GoOSError, FileNotFoundError):
    """A file or directory does not exist."""

    default_code = "not_found"


class GoFileExistsError(GoOSError, FileExistsError):
    """A file or directory exists already."""

    default_code = "exists"


class GoPermissionError(GoOSError, PermissionError):
    """A file or directory may not be read or written."""

    default_code = "permission"


class GoNotADirectoryError(GoOSError, NotADirectoryError):
    """A directory was expected."""

    default_code = "not_a_directory"


class GoIsADirectoryError(GoOSError, IsADirectoryError):
    """A file was expected."""

    default_code = "is_a_directory"


class GoDataError(GoError, ValueError):
    """Input is corrupt, truncated or has the wrong digest; ``details["path"]`` names it."""

    default_code = "data"


class GoUnsafeError(GoDataError):
    """Input was refused because following it would leave the place allowed.

    A ``../`` or absolute path in an archive, a link that points outside, a
    device: ``details["entry"]`` names it.
    """

    default_code = "unsafe"


class GoLimitError(GoError, ValueError):
    """A bound set by the caller was reached; ``details["argument"]`` names it."""

    default_code = "limit"


class GoConnectionError(GoOSError, ConnectionError):
    """A server did not answer as it should; ``details["url"]`` names it."""

    default_code = "unavailable"


if sys.version_info >= (3, 11):
    _AnyTimeoutError = TimeoutError
else:
    import asyncio
    import concurrent.futures

    class _AnyTimeoutError(TimeoutError, concurrent.futures.TimeoutError, asyncio.TimeoutError):
        """The three classes that later Pythons made one."""


class GoTimeoutError(GoError, _AnyTimeoutError):
    """The call did not finish within its ``timeout=``."""

    default_code = "timeout"


class GoCancelledError(GoError):
    """The call was cancelled, by a signal for instance.

    A cancelled future raises ``CancelledError`` as any future does.
    """

    default_code = "cancelled"


class GoPanic(GoError):  # noqa: N818 - a panic is what Go calls it
    """The Go function panicked; the process lives on. ``go_stack`` tells where."""

    default_code = "panic"


class GoClosedError(GoError, RuntimeError):
    """The call, queue or library has ended."""

    default_code = "closed"


class GoOfflineError(GoError, RuntimeError):
    """A test has forbidden what the function was to do: see ``gostitch.testing.offline``."""

    default_code = "offline"


class GoInternalError(GoError, RuntimeError):
    """Gostitch itself panicked in Go, and takes no more calls in this process.

    ``go_stack`` tells where; start the process anew, and report it.
    """

    default_code = "internal"


class LibraryError(GoError, ImportError):
    """The Go library cannot be loaded or does not fit this package."""

    default_code = "library"


class ForkedHandleError(GoError, RuntimeError):
    """The library was loaded before a fork and cannot be used in the child."""

    default_code = "forked"


E = TypeVar("E", bound=GoError)

_CLASSES: dict[str, type[GoError]] = {
    cls.default_code: cls
    for cls in (
        GoError,
        GoValueError,
        GoTypeError,
        GoFileNotFoundError,
        GoFileExistsError,
        GoPermissionError,
        GoNotADirectoryError,
        GoIsADirectoryError,
        GoOSError,
        GoDataError,
        GoUnsafeError,
        GoLimitError,
        GoConnectionError,
        GoTimeoutError,
        GoCancelledError,
        GoPanic,
        GoClosedError,
        GoOfflineError,
        GoInternalError,
    )
}

CODES: tuple[str, ...] = tuple(_CLASSES)
"""The codes that Go sends, in the order of ``gocore.Codes``."""


def error(code: str) -> Callable[[type[E]], type[E]]:
    """Say which error code of a user's Go functions a class is for."""

    def note(cls: type[E]) -> type[E]:
        cls.default_code = code
        _CLASSES[code] = cls
        return cls

    return note


def class_of(code: str) -> type[GoError]:
    """Give the class for a code; one that nobody made a class for is a plain ``GoError``."""
    return _CLASSES.get(code, GoError)
