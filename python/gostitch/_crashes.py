"""Crash reports: what Go wrote when it ended a process, for the next one that starts.

Each process has an empty file that Go writes to when it must end it. A clean exit
removes the file; the next process that loads the library takes those that are not empty. It
leaves those which are for Sentry to a process that sends to the same place (_crash_delivery).
"""

from __future__ import annotations

import contextlib
import itertools
import logging
import os
import re
import stat
import time
from collections.abc import Callable
from datetime import datetime, timezone
from typing import TYPE_CHECKING, NamedTuple

from gostitch import _crash_files, _crash_text, _printable
from gostitch.exceptions import GoFrame

if TYPE_CHECKING:
    from gostitch import _crash_owners

FOLDER_VARIABLE = "GOSTITCH_CRASH_DIR"
"""The environment variable that names the folder of crash reports; ``off``: none are kept."""

_OFF = "off"
_BOOT_ID = "/proc/sys/kernel/random/boot_id"
"""Has a number of its own for each start of each machine."""

_SPACES = 2**61 - 1
"""How many numbers of spaces there are; a prime, so all of what they are made of counts."""

_MOST_REPORTS = 20  # are taken at one start
_MOST_BYTES = 1 << 18  # of a report
_FOREIGN_AFTER_S = 60.0  # a report of another container is whole
_files, _modified = _crash_files.reports, _crash_files.modified
_log = logging.getLogger("gostitch")


class CrashReport(NamedTuple):
    """What Go wrote when it ended a process.

    ``text`` is that as it is, and may hold whatever a program prints. In ``reason``, and in all
    that goes to the log, control characters are written as escapes. ``release`` and
    ``environment`` are those of the process, if it had a Sentry client that sends.
    """

    pid: int
    when: datetime
    reason: str
    function: str | None
    trace_id: str | None
    text: str
    go_frames: tuple[GoFrame, ...] = ()
    release: str | None = None
    environment: str | None = None

    def __str__(self) -> str:
        call = f" in {self.function}()" if self.function else ""
        trace = f", trace {self.trace_id}" if self.trace_id else ""
        when = f"{self.when:%Y-%m-%d %H:%M:%S}Z"
        known = _printable.line(" ".join(filter(None, (self.release, self.environment))))
        of = f" of {known}" if known else ""
        return f"Go ended process {self.pid}{of} at {when}{call}{trace}: {self.reason}"


class _Hook:
    """Who wants to be told of reports, and of which it was."""

    def __init__(self, call: Callable[[CrashReport], object]) -> None:
        self._call = call
        self._told: dict[int, object] = {}

    def tell(self, number: int, report: CrashReport) -> None:
        """Tell it of a report, unless somebody does or has."""
        mine = object()
        if self._told.setdefault(number, mine) is not mine:
            return
        try:
            self._call(report)
        except Exception:
            _log.exception("a hook of on_crash_report failed")


_own: str | None = None
_why_none = ""
# No lock guards these: a destructor that calls Go may run between any two instructions, and
# would wait for it. Each is added to first and the other copied then, which the interpreter
# does in one piece, so that a hook and a report meet; it is told once all the same.
_taken: list[tuple[int, CrashReport]] = []
_hooks: list[_Hook] = []
_numbers = itertools.count()


def on_crash_report(hook: Callable[[CrashReport], object]) -> None:
    """Have a callable told of each crash of an earlier process, at the first call of Go.

    It is told at once of those that were found already. They are logged on
    the logger ``gostitch`` in any case.
    """
    new = _Hook(hook)
    _hooks.append(new)
    for number, report in _taken:
        new.tell(number, report)


def folder() -> str | None:
    """Give the folder of crash reports, made if need be; None where none can be kept."""
    global _why_none
    chosen = os.environ.get(FOLDER_VARIABLE)
    if chosen == _OFF:
        _why_none = f"{FOLDER_VARIABLE} is off"
        return None
    reasons = []
    for place in [_named] if chosen else _USUAL_FOLDERS:
        try:
            path = place()
            os.makedirs(path, mode=0o700, exist_ok=True)
            found = os.lstat(path)
            if not stat.S_ISDIR(found.st_mode) or found.st_uid != os.geteuid():
                raise PermissionError(f"{path} is not a folder of this user")
            if found.st_mode & 0o077:
                raise PermissionError(f"{path} is open to other users (chmod 700 it)")
            if not os.access(path, os.W_OK | os.X_OK):
                raise PermissionError(f"{path} cannot be written to")
        except OSError as error:
            reasons.append(str(error))
            continue
        _why_none = ""
        return path
    _why_none = "; ".join(reasons)
    return None


def why_none() -> str:
    """Give the reason why no crash report is kept, after ``folder`` gave none."""
    return _why_none


def _named() -> str:
    return os.path.join(os.getcwd(), os.environ[FOLDER_VARIABLE])


def _of_the_user() -> str:
    state = os.environ.get("XDG_STATE_HOME", "")
    if not os.path.isabs(state):  # which is to be ignored, as the convention has it
        state = os.path.expanduser("~/.local/state")
    if not os.path.isabs(state):
        raise FileNotFoundError("this user has no home")
    return os.path.join(state, "gostitch", "crashes")


def _temporary() -> str:
    import tempfile  # late: it is slow to import, and mostly there already

    # A private folder within one that may be anybody's. Raises where nothing can be written.
    try:
        folder = tempfile.gettempdir()
    except AttributeError:  # this runs in the middle of importing it
        folder = "/tmp"  # noqa: S108 - a folder of this user's is made in it
    return os.path.join(folder, f"gostitch-{os.geteuid()}")


_USUAL_FOLDERS: list[Callable[[], str]] = [_of_the_user, _temporary]


def begin() -> str:
    """Make the empty file of this process, for Go to open, and give its path; empty for none."""
    global _own, _why_none
    if _own is not None:
        return _own
    path = folder()
    if path is None:
        return ""
    own = os.path.join(path, f"{os.getpid()}-{_start_of(os.getpid())}-{_space()}.crash")
    try:
        _crash_files.make(own)
    except OSError as error:  # a full disk, say; the doctor tells
        _why_none = str(error)
        return ""
    # That of the program which this process was before exec.
    _crash_files.remove(_crash_files.beside(own))
    _own = own
    return own


def end() -> None:
    """Remove the file of this process, which has come to its end."""
    global _own
    own, _own = _own, None
    if own is not None:
        _crash_files.remove(own)
        _crash_files.remove(_crash_files.beside(own))


def own() -> str | None:
    """Give the file of this process, if it has one."""
    return _own


def leave_to_parent() -> None:
    """Forget the file of the process that this one was forked from."""
    global _own
    _own = None


def waiting() -> list[str]:
    """Give the files of crash reports that nobody has taken yet."""
    path = folder()
    return [] if path is None else [each for each in _files(path) if _size(each)]


def take() -> None:
    """Take the reports of processes that have ended, and tell the hooks of each, once."""
    if _own is None and os.environ.get(FOLDER_VARIABLE, _OFF) not in ("", _OFF):
        # Who names a folder counts on it.
        _log.warning(
            "no crash of Go will be reported: %s; correct or unset %s", _why_none, FOLDER_VARIABLE
        )
    path = folder()
    if path is None:
        return
    reports: list[CrashReport] = []
    for each in _files(path):
        if len(reports) == _MOST_REPORTS:
            break
        with contextlib.suppress(OSError):  # another process takes it, or a disk is full
            report = _take(each)
            if report is not None:
                reports.append(report)
    for report in reports:
        number = next(_numbers)
        _taken.append((number, report))
        shown = {"go_crash": _printable.text(report.text), "go_function": report.function}
        _log.error("%s", report, extra=shown)
        for hook in _hooks:
            hook.tell(number, report)


def _size(path: str) -> int:
    try:
        found = os.lstat(path)
    except OSError:
        return 0
    return found.st_size if stat.S_ISREG(found.st_mode) else 0


def _take(path: str) -> CrashReport | None:
    named = re.fullmatch(_crash_files.NAME, os.path.basename(path))
    assert named is not None
    pid, written = int(named["pid"]), _modified(path)
    age = time.time() - written
    if named["space"] == _space():
        if _start_of(pid) == named["start"]:
            return None  # it lives
    elif age < (_FOREIGN_AFTER_S if _size(path) else _crash_files.FORGOTTEN_AFTER_S):
        return None
    fd = _crash_files.open_own(path)
    if fd is None:
        os.unlink(path)  # nobody's report
        return None
    try:
        owner = _owner_of(path) if os.fstat(fd).st_size else None
        text = _read(fd, path, owner is not None)
    finally:
        os.close(fd)
    if not text:
        return None
    report = parse(pid, time_of(written), text)
    return report if owner is None else owned(report, owner)


def _owner_of(path: str) -> _crash_owners.Owner | None:
    """Read whose a report is; None if that is not known, and so for nobody's Sentry."""
    from gostitch import _crash_owners  # late: few processes find a report

    return _crash_owners.read(_crash_files.beside(path))


def owned(report: CrashReport, owner: _crash_owners.Owner) -> CrashReport:
    """Return a report with what is known of its process."""
    return report._replace(release=owner.release or None, environment=owner.environment or None)


def time_of(seconds: float) -> datetime:
    """Return a time of a file, the nearest that there is: a file system may have any."""
    try:
        return datetime.fromtimestamp(seconds, timezone.utc)
    except (ValueError, OverflowError, OSError):
        return (datetime.min if seconds < 0 else datetime.max).replace(tzinfo=timezone.utc)


def _read(fd: int, path: str, is_owned: bool) -> str:
    """Read a report, empty where there is none, and remove it, but for one that is to be sent."""
    if os.fstat(fd).st_size:
        # Whoever can rename it has it.
        stem = path.removesuffix(".crash")
        mine = f"{stem}{_crash_files.TOLD}" if is_owned else f"{stem}.{os.getpid()}"
        os.rename(path, mine)
        path = mine
    try:
        return text_of(fd)
    finally:
        if not is_owned:
            os.unlink(path)
            _crash_files.remove(_crash_files.beside(path))


def text_of(fd: int) -> str:
    """Read a report, up to a bound."""
    return _crash_files.read(fd, _MOST_BYTES).decode(errors="replace")


def parse(pid: int, when: datetime, text: str) -> CrashReport:
    """Return what a text says, which Go wrote when it ended a process."""
    found = _crash_text.read(text)
    return CrashReport(
        pid, when, found.reason, found.function, found.trace_id, text, found.go_frames
    )


def _start_of(pid: int) -> str:
    """Give when a process began, which tells it from a later one of that number."""
    try:
        with open(f"/proc/{pid}/stat", errors="replace") as file:
            fields = file.read().rpartition(")")[2].split()
        return "" if fields[0] in "ZX" else fields[19]
    except (OSError, IndexError):
        return ""


def _space() -> str:
    """Give a number for what process numbers are of: a container, and a start of a machine.

    The folder may be one that several machines share, on which the name space of
    processes has the same number.
    """
    try:
        with open(_BOOT_ID, "rb") as file:
            machine = file.read()
    except OSError:
        machine = b""
    try:
        number = int.from_bytes(machine, "big") ^ os.stat("/proc/self/ns/pid").st_ino
    except OSError:
        return "0"
    return str(number % _SPACES)
