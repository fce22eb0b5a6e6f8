"""The library of this process: loading, the handshake, fork, signals and exit.

The only module that hands out ``_abi``; everything that crosses asks
``library()`` first. Its twin is ``gocore/cabi/process.go``.
"""

from __future__ import annotations

import atexit
import itertools
import os
import posix
import signal
import stat
import sys
import threading
import time
import warnings
from collections.abc import Callable, Mapping
from typing import NamedTuple

from gostitch import _cgroup as _cgroup  # not in the middle of loading, where a handler may call
from gostitch import (
    _codec,
    _crashes,
    _go_environment,
    _hooks,
    _late,
    _logs,
    _mocks,
    _settings,
    _shapes,
    _space,
    _threads,
)
from gostitch._abi import bridge as bridge  # the others have it from here
from gostitch._copies import NoCopyError, Original
from gostitch._turn import Turn
from gostitch._version import VERSION
from gostitch.exceptions import ForkedHandleError, GoClosedError, GoError, LibraryError

LIBRARY_VARIABLE = "GOSTITCH_LIBRARY"
"""The environment variable that names the library to load, whatever else is chosen."""

FORK_VARIABLE = "GOSTITCH_FORK"
"""The environment variable that says what a forked child gets: see ``fork_policy``."""

REBUILD = "run 'gostitch develop' in its project, or install it again"
"""What mends a library of one's own that does not fit the package."""

ONE_LIBRARY = (
    "one process can have one Go library, so build one from all the Go packages: list them in "
    "'go' of [tool.gostitch] of one project (gostitch.tasks is in every library, unless "
    "tasks = false)"
)
"""The remedy for two libraries."""

ANOTHER_RUNTIME = (
    "Go supports one Go runtime in a process: with two, signals reach the wrong one, goroutines "
    "are not preempted and forked children hang or crash"
)
"""What is wrong with a Go library of somebody else in the process."""

_CLOSE_TIMEOUT_S = 2.0

LOOK_S = 0.025
"""The main thread looks so often whether a handler of a signal has to run while it waits: the
signal may have come just before, or be another thread's, a thread of Go's say, and wakes nobody."""


_CLOSE_POLL_S = 0.005
"""Seconds between two looks whether all calls have ended."""

_FORK_WAIT_S = 5.0
"""Seconds that a fork waits for another thread to have loaded the library."""


class Entry(NamedTuple):
    """A function as the library's catalogue describes it."""

    number: int
    checksum: str


@_shapes.record("version: str, go_version: str, abi: int64, is_old: bool")
class _Info(NamedTuple):
    version: str
    go_version: str
    abi: int
    is_old: bool  # the library had a newer configuration already


@_shapes.record("function: str, age_ns: int64, trace_id: str, submitted: bool, ended: bool")
class Running(NamedTuple):
    """The twin of gocore.Running."""

    function: str
    age_ns: int
    trace_id: str
    submitted: bool
    ended: bool


@_shapes.record("function: str, concurrency: int64, running: int64, waiting: int64, refused: int64")
class Limited(NamedTuple):
    """The twin of gocore.Limited."""

    function: str
    concurrency: int
    running: int
    waiting: int
    refused: int


@_shapes.record("max_procs: int64, memory_limit: int64, gc_percent: int64")
class Resources(NamedTuple):
    """The twin of gocore.Resources."""

    max_procs: int
    memory_limit: int
    gc_percent: int


@_shapes.record(
    "calls: int64, goroutines: int64, background: int64, background_panics: int64, "
    "records_dropped: int64, spans_dropped: int64, heap_bytes: int64, buffers: int64, "
    "queues: int64, in_flight: list[Running], limited: list[Limited], resources: Resources, "
    "cgo_calls: int64, lingering: list[int64]"
)
class _Stats(NamedTuple):
    """The twin of gocore.Stats."""

    calls: int
    goroutines: int
    background: int
    background_panics: int
    records_dropped: int
    spans_dropped: int
    heap_bytes: int
    buffers: int
    queues: int
    in_flight: list[Running]
    limited: list[Limited]
    resources: Resources
    cgo_calls: int
    lingering: list[int]


stats_shape = _shapes.schema("_Stats", globals())
_info_shape = _shapes.schema("_Info", globals())


class Library:
    """The loaded library: its address book and its catalogue."""

    def __init__(
        self,
        path: str,
        mapped: str,
        info: _Info,
        functions: dict[str, Entry],
        environment: dict[bytes, bytes],
    ) -> None:
        self.path = path
        self.mapped = mapped  # what /proc/self/maps calls it: in a forked child, the copy
        self.pid = os.getpid()
        self.info = info
        self.functions = functions
        self.environment = environment  # that Go was given

    def is_alive(self) -> bool:
        """Tell whether this is the process that loaded it: not after a fork unknown to Python."""
        return os.getpid() == self.pid

    def refuse_unnoticed_fork(self) -> None:
        """Raise ``ForkedHandleError`` in a child whose fork Python was not told of.

        None of the functions that are to run in a child did: this library is the parent's,
        and dead, and what Python's own modules keep of its threads is old too.
        """
        if not self.is_alive():
            raise ForkedHandleError(
                f"process {os.getpid()} was forked from process {self.pid}, which had loaded the "
                "Go library, by a program that did not tell Python; have it call "
                "PyOS_AfterFork_Child (uWSGI: py-call-osafterfork = true), or load the library "
                "after the fork (make the first call there; uWSGI: lazy-apps = true)",
                details={"pid": os.getpid(), "parent_pid": self.pid},
            )

    def stats(self) -> _Stats:
        """Read the live counts."""
        self.refuse_unnoticed_fork()
        stats: _Stats = stats_shape.decode(_payload(bridge.stats()))
        return stats


# The library of each generated module that was imported and has one of its own.
_own: dict[str, str] = {}
# A signal's handler, or a destructor, may call in the middle of loading.
_turn = Turn()
_opening = Turn()  # taken while the library is loaded, and during a fork
when_loaded: list[Callable[[], None]] = []
"""What is done whenever a process has loaded the library."""

_library: Library | None = None
_original: Original | None = None  # what is kept of the library for forked children
_forked_from: int | None = None
_loading = False
_closed = False
_exit_began: float | None = None
_closed_in: int | None = None  # the process that was closed: this one, or one it was forked from
_warned_of: set[str] = set()  # other Go runtimes
# What was loaded and could not be opened: it cannot be unloaded, and a second Go runtime
# must not be loaded, but what stood in the way may be corrected.
_brought_in: tuple[str, str] | None = None
_configurations = itertools.count(1)
_interrupts: tuple[()] | tuple[int, int] = ()  # the ends of the pipe of Ctrl-C


def library() -> Library:
    """Give the library, loading it first if need be.

    In a child of a process that had loaded it, a copy is loaded. Raises
    ``LibraryError`` if it cannot be loaded, and ``ForkedHandleError`` in such a
    child if the policy is that.
    """
    return _library or _load()


def fork_policy() -> str:
    """Give what a child forked from a process that has loaded the library gets.

    ``"copy"``: a library of its own, at its first call. ``"error"``: each call
    raises ``ForkedHandleError``. What is configured comes before the environment.
    Raises ``LibraryError`` if the environment says anything else.
    """
    configured = _settings.present().fork
    if configured is not None:
        return configured
    policy = os.environ.get(FORK_VARIABLE) or _settings.FORK_POLICIES[0]
    if policy not in _settings.FORK_POLICIES:
        raise LibraryError(
            f"{FORK_VARIABLE} is {policy!r}, and must be 'copy' (a forked child loads a copy of "
            "the library) or 'error' (its calls raise ForkedHandleError); correct or unset it",
            details={"variable": FORK_VARIABLE},
        )
    return policy


def choose(module: str, file: str, name: str) -> None:
    """Note that a generated module's functions are in a library beside the module's file.

    The first call of any function loads it, be it one of the module or of ``gostitch.tasks``.
    """
    _own[module] = os.path.join(os.path.dirname(os.path.abspath(file)), name)


def own_library(module: str) -> str | None:
    """Give the library that a generated module chose, resolved; None for the one shipped.

    None too if the environment chose another for all modules.
    """
    path = None if os.environ.get(LIBRARY_VARIABLE) else _own.get(module)
    return None if path is None else os.path.realpath(path)


def is_own(path: str) -> bool:
    """Tell whether a library is one that a module chose."""
    return path in map(os.path.realpath, list(_own.values()))


def chosen() -> str | None:
    """Give the library that imported modules chose; None if none did.

    Raises ``LibraryError`` if they chose two.
    """
    paths: dict[str, str] = {}
    for module, path in list(_own.items()):
        paths.setdefault(os.path.realpath(path), module)
    if len(paths) > 1:
        listed = " and ".join(f"{path} (of {module})" for path, module in paths.items())
        raise LibraryError(
            f"modules with two Go libraries were imported: {listed}; {ONE_LIBRARY}",
            details={"paths": ", ".join(paths)},
        )
    return next(iter(paths), None)


def loaded() -> Library | None:
    """Give the library if it is loaded and usable in this process."""
    return _library


def forked_from() -> int | None:
    """Give the process that had loaded the library before this one was forked from it."""
    return _forked_from


def _load() -> Library:
    global _library
    with _turn.taken():
        if _library is not None:
            return _library
        if _closed:
            raise _closed_error()
        reason = bridge.stack_shortage()
        if reason:
            raise LibraryError(f"the Go library cannot be loaded here: {reason}")
        policy = fork_policy()
        if _forked_from is not None and policy == "error":
            raise ForkedHandleError(
                f"process {os.getpid()} was forked from process {_forked_from}, which had loaded "
                f"the Go library, and a Go runtime does not survive fork; unset {FORK_VARIABLE} "
                "so that the child loads a copy, load it after the fork (make the first call "
                "there), or start the child with the 'spawn' or 'forkserver' method",
                details={"pid": os.getpid(), "parent_pid": _forked_from},
            )
        path = _find() if _original is None else _original.path
        with _opening.taken():
            opened = _open(path, policy)
        if _library is not None:
            return _library  # loaded by a signal's handler in the middle, and in use since
        _library = opened
        atexit.unregister(_close)  # the parent's, after fork
        atexit.register(_close)
        loaded = _library
    warn_of_other_runtimes()
    if _forked_from is None:
        _hooks.look()  # first, so that an observer sees each report once
        _crashes.take()
    for each in when_loaded:
        each()
    return loaded


def _package_of(library: str) -> str:
    """Return the package whose generated module names this library."""
    module = next(each for each, path in _own.items() if os.path.realpath(path) == library)
    return module.rpartition(".")[0] or module


def _is_file(path: str) -> bool:
    """Tell whether the system has such a file, whatever a test has put in the place of ``os``."""
    try:
        return stat.S_ISREG(posix.stat(path).st_mode)
    except (OSError, ValueError):
        return False


def _find() -> str:
    named = os.environ.get(LIBRARY_VARIABLE)
    own = None if named else chosen()
    path = named or own or os.path.join(os.path.dirname(__file__), "libgostitch.so")
    if not _is_file(path):
        if named:
            reason, remedy = f"{LIBRARY_VARIABLE} names it", "correct or unset it"
        else:
            from gostitch import _absence

            package = _package_of(own) if own else "gostitch"
            reason, remedy = _absence.of_library(path, package, REBUILD if own else None)
        raise LibraryError(
            f"there is no Go library at {path} ({reason}); {remedy}", details={"path": path}
        )
    folder = os.path.dirname(path)
    if not named and not own and _is_file(os.path.join(folder, "built-from.json")):
        of = _late.module("gostitch._editable")  # installed wheels do without
        if of is not None:
            of.refresh(folder)
    return os.path.realpath(path)


def _open(path: str, policy: str) -> Library:
    global _loading, _original, _brought_in
    _loading = True
    try:
        if _brought_in is not None:
            return _shake_hands(*_brought_in)
        _go_environment.refuse_unreadable(bridge.initial_environment(), present_environment())
        chosen = _settings.present().max_procs or _go_environment.chosen_processors(os.environb)
        _space.refuse_little(bridge.try_threads, bridge.try_calls, chosen)
        if _forked_from is None:
            _bring_in(path)
            mapped = path
            if policy == "copy" and _original is None:
                _original = Original(path, bridge.memory_file)
        else:
            before = _original or Original(path, bridge.memory_file)
            _original, mapped = before.load_copy(_bring_in)
        _brought_in = path, mapped
        return _shake_hands(path, mapped)
    except NoCopyError as error:
        raise LibraryError(
            f"process {os.getpid()} was forked from process {_forked_from}, which had loaded the "
            f"Go library {path}, and no copy of it can be loaded here ({error}); set TMPDIR to a "
            "folder where code may be executed, load the library after the fork (make the first "
            "call there), or start the child with the 'spawn' or 'forkserver' method",
            details={"path": path, "pid": os.getpid(), "parent_pid": _forked_from},
        ) from None
    except OSError as error:
        fakes = " and ".join(_mocks.of_files())
        remedy = (
            f"{fakes} hides files that this needs: call any Go function before it is active, as in "
            "a fixture of the session"
            if fakes
            else f"rebuild it, or correct or unset {LIBRARY_VARIABLE}"
        )
        raise LibraryError(
            f"the Go library cannot be loaded: {error}; {remedy}", details={"path": path}
        ) from None
    finally:
        _loading = False


def _bring_in(path: str) -> None:
    bridge.load(os.fsencode(path), _main_thread())


def _main_thread() -> int:
    """Return the number that the system has for the main thread; 0: it is not known."""
    main, frames = threading.main_thread(), sys._current_frames()
    if main.ident in frames:
        return main.ident or 0
    # gevent has given it the number of a greenlet.
    first = bridge.first_thread()
    return first if first in frames else 0


def _shake_hands(path: str, mapped: str) -> Library:
    """Open the library that was loaded, and see that both sides are of one version."""
    try:
        info, given = _configure()
    except GoError as error:
        raise LibraryError(str(error), details=error.details) from error
    if info.version != VERSION:
        raise LibraryError(
            f"the library {path} is version {info.version} and the Python package is "
            f"version {VERSION}; {_same_release(path)}",
            details={
                "path": path,
                "library_version": info.version,
                "package_version": VERSION,
            },
        )
    catalogue = _shapes.PLAIN.decode(_payload(bridge.catalogue()))
    functions = {name: Entry(number, checksum) for number, (name, checksum) in enumerate(catalogue)}
    bridge.ready(True)
    return Library(path, mapped, info, functions, given)


def _configure() -> tuple[_Info, dict[bytes, bytes]]:
    """Tell the library what is configured now; return what it says, and the environment it has."""
    while True:
        serial = next(_configurations)  # first: a later one is of newer settings
        level, settings, environment = (
            _logs.lowest_level(),
            _settings.present(),
            present_environment(),
        )
        status, payload = bridge.open(_configuration(serial, level, settings, environment))
        if status != _codec.OK:
            raise _codec.decode_error(payload)
        info: _Info = _info_shape.decode(payload)
        if not info.is_old:  # another thread was faster, perhaps with what was configured before
            _logs.level_told(level)
            return info, environment


def _configuration(
    serial: int, level: int, settings: _settings.Settings, environment: dict[bytes, bytes]
) -> bytes:
    """Return what the library is opened with."""
    pipe_ignored = signal.getsignal(signal.SIGPIPE) == signal.SIG_IGN
    return _shapes.PLAIN.encode(
        (
            level,
            _interrupt_pipe(),
            as_go_has_it(environment),
            pipe_ignored,
            _settings.as_go_has_it(settings, environment),
            _text(os.fsencode(_crashes.begin())),
            serial,
        )
    )


def refresh() -> None:
    """Tell the library of the level of logging that counts now."""
    if _library is not None:
        _configure()


def _apply(settings: _settings.Settings) -> None:
    """Hand settings on to the library, if it is loaded."""
    refresh()


def warn_of_other_runtimes() -> None:
    """Warn of each Go library of somebody else that has come into this process, once."""
    for path in bridge.other_runtimes():
        if path in _warned_of:
            continue
        _warned_of.add(path)
        what = path or f"the program {sys.executable} itself"
        warnings.warn(
            f"there is another Go runtime in this process beside gostitch's: {what}; "
            f"{ANOTHER_RUNTIME}; use one of them in a process of its own (multiprocessing with "
            "'spawn', a subprocess)",
            RuntimeWarning,
            stacklevel=2,
        )


def present_environment() -> dict[bytes, bytes]:
    """Copy the environment; other threads may be changing it."""
    while True:
        try:
            return dict(os.environb)
        except (KeyError, RuntimeError):
            continue  # it changed in the middle


def as_go_has_it(environment: Mapping[bytes, bytes]) -> list[str | bytes]:
    """Give an environment as ``NAME=value``, in bytes where that is no text."""
    return [_text(name + b"=" + value) for name, value in environment.items()]


def _text(variable: bytes) -> str | bytes:
    try:
        return variable.decode()
    except UnicodeDecodeError:
        return variable


def _same_release(path: str) -> str:
    """Say how a library comes to be of this package's version."""
    if is_own(path):
        return f"the library is built by the gostitch that is installed: {REBUILD}"
    return "install both from the same release"


def _payload(reply: tuple[int, bytes]) -> bytes:
    """Return what a function of the boundary's own replies with."""
    status, payload = reply
    if status != _codec.OK:
        error = _codec.decode_error(payload)
        raise LibraryError(str(error), details=error.details) from error
    return payload


def _interrupt_pipe() -> int:
    """Give the end that Go reads of the pipe through which it learns of SIGINT, made once.

    The bridge's handler, above Python's, writes to it which call of the main
    thread is meant; Python's handler runs when that call returns.
    """
    global _interrupts
    if not _interrupts:
        _interrupts = os.pipe2(os.O_NONBLOCK | os.O_CLOEXEC)
        bridge.watch_interrupts(_interrupts[1])
    return _interrupts[0]


def exit_began(now: float) -> float:
    """Give when this process began to end, as ``time.monotonic`` tells it; now if it has not."""
    return _exit_began or now


def _close() -> None:
    """Cancel what runs and flush, at exit."""
    global _exit_began
    _exit_began = time.monotonic()
    if _library is not None and _library.is_alive():
        bridge.close(int(_CLOSE_TIMEOUT_S * 1e9), False)
        _crashes.end()


def _closed_error() -> GoClosedError:
    pid = os.getpid()
    if _closed_in != pid:
        return GoClosedError(
            f"process {pid} was forked from process {_closed_in} after gostitch.close() was called "
            "there, so it takes no calls either; fork before close(), or call gostitch.reopen() in "
            "this process",
            details={"pid": pid, "parent_pid": _closed_in},
        )
    return GoClosedError(
        "gostitch.close() was called in this process, so it takes no more calls; make them before "
        "it, or call gostitch.reopen()"
    )


def close(timeout: float) -> list[Running]:
    """Refuse new calls, wait for those that run, then cancel what is left: gives what still runs.

    The twin of gocore.Close, which does the last part.
    """
    global _closed, _closed_in
    _closed, _closed_in = True, os.getpid()
    library = _library
    if library is None:
        return []
    bridge.ready(False)
    deadline = time.monotonic() + timeout
    _wait_until_idle(library, deadline)
    deadline = time.monotonic() + _CLOSE_TIMEOUT_S
    _close_beside()
    _wait_until_idle(library, deadline)  # for those that threads wait for, too
    return library.stats().in_flight


def _close_beside() -> None:
    """Have Go cancel all and flush, on a thread: on the main one handlers of signals run."""
    work = threading.Thread(
        target=bridge.close,
        args=(int(_CLOSE_TIMEOUT_S * 1e9), True),
        name="gostitch-close",
        daemon=True,
    )
    try:
        work.start()
    except RuntimeError:  # there can be no more threads, or the interpreter ends
        work.run()
    else:
        while work.is_alive():
            work.join(LOOK_S)


def _wait_until_idle(library: Library, deadline: float) -> None:
    while library.stats().calls and time.monotonic() < deadline:
        time.sleep(_CLOSE_POLL_S)


def reopen() -> None:
    """Take calls again."""
    global _closed
    _closed = False
    if _library is not None:
        bridge.ready(True)


def refuse_if_closed() -> None:
    """Raise ``GoClosedError`` after ``close``."""
    if _closed:
        raise _closed_error()


def _before_fork() -> None:
    # A child forked in the middle of loading would have half of a runtime.
    _opening.take(_FORK_WAIT_S)


def _after_fork_in_parent() -> None:
    _opening.give_back()


def _after_fork_in_child() -> None:
    global _library, _loading, _forked_from, _turn, _opening, _interrupts
    global _brought_in
    # Another thread may have had its turn at the fork.
    _turn, _opening = Turn(), Turn()
    _crashes.leave_to_parent()
    close_inherited(*_interrupts)  # the parent's, as is the call that it could cancel
    _interrupts = ()
    if _library is not None or _loading or _brought_in is not None:
        # Or loading in another thread, which does not exist here.
        _forked_from = _library.pid if _library is not None else os.getppid()
    _library, _loading, _brought_in = None, False, None


def close_inherited(*descriptors: int) -> None:
    """Close what a forked child has of its parent."""
    for fd in descriptors:
        try:
            os.close(fd)
        except OSError:
            pass  # the parent had closed whatever was open


_threads.follow_signals(
    _threads.Signals(bridge.start_thread, bridge.begin_thread, bridge.end_thread)
)
os.register_at_fork(
    before=_before_fork,
    after_in_parent=_after_fork_in_parent,
    after_in_child=_after_fork_in_child,
)
_settings.when_changed(_apply)
