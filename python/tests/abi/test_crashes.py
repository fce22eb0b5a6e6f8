"""What Go cannot recover ends the process, and leaves a report that the next start hands on."""

from __future__ import annotations

import importlib.util
import json
import os
import socket
import subprocess
import sys
import time
import unicodedata
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

import pytest

from gostitch import _crashes
from programs import Programs

_READ = """
import json, faults, gostitch
seen = []
gostitch.on_crash_report(seen.append)
faults.add(1, 2)
print(json.dumps([[r.pid, r.reason, r.function, r.trace_id, r.text] for r in seen]))
"""

Reports = list[list[object]]


def _files(program: Programs) -> list[Path]:
    return sorted((program.folder / "crashes").glob("*"))


def _reports(program: Programs) -> tuple[Reports, str]:
    """Start another process, and give the reports that its hook got and what it logged."""
    done = program(_READ)
    assert 0 == done.returncode, done.stderr
    return json.loads(done.stdout), done.stderr


@pytest.mark.parametrize(
    ("kind", "reason"),
    [
        ("map", "fatal error: concurrent"),
        ("stack", "stack"),
        ("goroutine", "panic: in a bare goroutine"),
        ("memory", "out of memory"),
    ],
)
@pytest.mark.parametrize("way", ["crash({!r})", "crash.submit({!r}).result()"])
def test_is_handed_on(program: Programs, kind: str, reason: str, way: str) -> None:
    """The next start tells the hook, and the log, what crashed and in which call; once."""
    process = program.start(f"import faults; faults.{way.format(kind)}")
    _, stderr = process.communicate(timeout=60)
    assert process.returncode in (2, -6), stderr
    assert 1 == len(_files(program))

    ((pid, what, function, trace, text),), logged = _reports(program)
    assert (process.pid, "faults.crash", None) == (pid, function, trace), text
    assert reason in str(what), text
    assert f"Go ended process {process.pid}" in logged
    assert "in faults.crash(): " in logged
    assert "goroutine " in str(text)

    assert ([], "") == _reports(program)
    assert [] == _files(program)


def test_with_the_trace_id(program: Programs) -> None:
    """The trace of the call is named."""
    program(
        """
from opentelemetry import trace
from opentelemetry.sdk.trace import TracerProvider
import faults
trace.set_tracer_provider(TracerProvider())
with trace.get_tracer("test").start_as_current_span("outer") as span:
    print(f"{span.get_span_context().trace_id:032x}", flush=True)
    faults.crash("goroutine")
"""
    )

    ((_, _, function, trace_id, text),), logged = _reports(program)
    assert "faults.crash" == function
    assert 32 == len(str(trace_id)), text
    assert f"trace {trace_id}" in logged


def test_after_configuring(program: Programs) -> None:
    """What is configured later does not take the call's name out of the report."""
    program(
        """
import faults, gostitch
faults.add(1, 2)
gostitch.configure(gc_percent=100)
faults.crash("goroutine")
"""
    )

    ((_, _, function, _, _),), _ = _reports(program)
    assert "faults.crash" == function


def test_in_a_forked_child(program: Programs) -> None:
    """A child has a report of its own."""
    done = program(
        """
import os, faults
faults.add(1, 2)
pid = os.fork()
if pid == 0:
    faults.crash("goroutine")
os.waitpid(pid, 0)
print(pid)
"""
    )

    ((pid, _, function, _, _),), _ = _reports(program)
    assert (int(done.stdout), "faults.crash") == (pid, function)


@pytest.mark.parametrize(
    "end",
    [
        "",
        "raise SystemExit(3)",
        "raise ValueError",
        "import os; os._exit(0)",
        "import os; os.kill(os.getpid(), 9)",
        "import os; pid = os.fork(); faults.add(1, 2) if pid else os._exit(faults.add(1, 2))",
    ],
)
def test_no_crash(program: Programs, end: str) -> None:
    """Processes that end otherwise leave no report, and nothing for long."""
    program(f"import faults; faults.add(1, 2)\n{end}")

    assert ([], "") == _reports(program)
    assert [] == _files(program)


def test_of_a_process_that_lives(program: Programs) -> None:
    """The file of a living process stays, be it as empty as it is."""
    process = program.start("import faults; faults.add(1, 2); print(flush=True); input()", stdin=-1)
    assert process.stdout is not None
    process.stdout.readline()

    assert ([], "") == _reports(program)
    assert [str(process.pid)] == [each.name.partition("-")[0] for each in _files(program)]


@pytest.mark.parametrize("folder", ["off", "/proc/nothing", "/dev/null"])
def test_without_a_folder(program: Programs, folder: str) -> None:
    """Where no file can be made calls work as ever, and the doctor says so."""
    environment = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[1])}
    done = subprocess.run(
        [
            sys.executable,
            "-c",
            "import faults; print(faults.add(1, 2)); import gostitch.doctor as d;"
            "print(*[f.words for f in d.examine() if f.id == 'process.crash_reports'])",
        ],
        env=environment | {"GOSTITCH_CRASH_DIR": folder},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )

    # Who names a folder counts on it, and hears of it once.
    told = [] if folder == "off" else ["correct or unset GOSTITCH_CRASH_DIR"]
    assert told == [line.rpartition("; ")[2] for line in done.stderr.splitlines()]
    assert 0 == done.returncode
    assert done.stdout.startswith("3\nNo crash report is kept: ")


def test_a_folder_of_others(
    program: Programs, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A folder that others may enter is not used: traces and names are in reports."""
    monkeypatch.setenv("GOSTITCH_CRASH_DIR", str(tmp_path))
    tmp_path.chmod(0o755)

    assert None is _crashes.folder()
    assert "open to other users" in _crashes.why_none()
    tmp_path.chmod(0o700)
    assert str(tmp_path) == _crashes.folder()


def test_a_hook_that_fails(program: Programs) -> None:
    """A hook that fails is logged, and the call goes on."""
    program("import faults; faults.crash('goroutine')")
    done = program(
        """
import faults, gostitch
gostitch.on_crash_report(lambda report: 1 / 0)
print(faults.add(1, 2))
"""
    )

    assert (0, "3\n") == (done.returncode, done.stdout)
    assert "ZeroDivisionError" in done.stderr


@pytest.mark.parametrize("text", ["", "\x00\x01", "goroutine", "goroutine 1 [running]:\n" * 3])
def test_of_what_can_hardly_be_read(text: str) -> None:
    """A report that was cut off, or is garbage, is handed on as it is."""
    report = _crashes.parse(7, datetime.now(timezone.utc), text)

    assert (7, None, None, text) == (report.pid, report.function, report.trace_id, report.text)


@pytest.mark.parametrize(
    "before", ["gostitch.configure(grace=None)", "faults.run(['true'])"], ids=["configure", "run"]
)
def test_names_the_call_after_the_environment_was_read_again(
    program: Programs, before: str
) -> None:
    """What switches the names on is in Go's environment, and stays there."""
    program(f"import faults, gostitch; faults.add(1, 2); {before}; faults.crash('goroutine')")

    ((_, _, function, _, _),), _ = _reports(program)
    assert "faults.crash" == function


@pytest.mark.parametrize("variable", ["GOSTITCH_CRASH_DIR", "HOME"])
def test_a_folder_whose_name_is_no_text(program: Programs, variable: str) -> None:
    """File names are bytes."""
    folder = os.fsdecode(os.fsencode(program.folder) + b"/\xff")
    Path(folder).mkdir(mode=0o700)
    env: dict[str, str | None] = {"GOSTITCH_CRASH_DIR": None, "XDG_STATE_HOME": None}
    done = program("import faults; faults.crash('goroutine')", env=env | {variable: folder})

    assert "in a bare goroutine" in done.stderr
    (report,) = Path(folder).rglob("*.crash")
    assert report.stat().st_size > 0


@pytest.mark.parametrize(
    "unit",
    [
        "a.",
        "goroutine 1 [",
        "(*a",
        "a.(*a).",
        "gostitch.call: ",
        "1",
        "(",
        "\t:",
        "goroutine 1 [\n",
    ],
)
@pytest.mark.parametrize("around", [("", ""), ("goroutine 1 [", "]:\n\t"), ("f(\n\t", ":1x\n")])
def test_a_hostile_text_is_read_in_linear_time(unit: str, around: tuple[str, str]) -> None:
    """Of the longest text that is read, no sort takes seconds: quadratic ones took from 20 s on.

    A program that crashes prints what it likes. POSIX counts the processor's time.
    """
    text = around[0] + unit * (_crashes._MOST_BYTES // len(unit)) + around[1]

    before = time.process_time()
    _crashes.parse(1, datetime.now(timezone.utc), text)
    assert time.process_time() - before < 2


def test_a_line_number_that_is_none() -> None:
    """Python reads no number of thousands of digits; such a line is no frame."""
    text = "goroutine 1 [running]:\nmain.f()\n\t/a.go:" + "1" * 5000

    assert () == _crashes.parse(1, datetime.now(timezone.utc), text).go_frames


_SEQUENCES = "\x1b]0;title\x07 \x1b[2J \x00 \x9b31m \r \u202e \u2066 \u2028 \ufeff \ue007 \x7f"


def test_control_characters_do_not_reach_the_log(program: Programs) -> None:
    """What goes to a log and a terminal is printable, as Unicode has it; ``text`` is as it was.

    ``go_crash`` of the log's record keeps its lines.
    """
    left = program("import os, faults; faults.add(1, 2); os._exit(0)")
    assert 0 == left.returncode
    (report,) = _files(program)
    text = f"panic: {_SEQUENCES}\n\ngoroutine 1 [running]:\nmain.f()\n\t/a.go:7\n"
    report.write_text(text, newline="")
    done = program(
        """
import json, logging, faults, gostitch
seen, records = [], []
handler = logging.StreamHandler()
handler.emit = lambda record: records.append((record.getMessage(), record.go_crash))
logging.getLogger("gostitch").addHandler(handler)
gostitch.on_crash_report(lambda report: seen.append([report.reason, report.text, str(report)]))
faults.add(1, 2)
print(json.dumps([seen, records]))
"""
    )
    ((reason, kept, shown),), ((message, extra),) = json.loads(done.stdout)

    assert text == kept
    assert "\\x1b[2J" in message
    for each in (reason, shown, message, extra.replace("\n", "").replace("\t", "")):
        hidden = [c for c in each if unicodedata.category(c) in ("Cc", "Cf", "Cs", "Zl", "Zp")]
        assert [] == hidden
    assert text.count("\n") == extra.count("\n")


def _interrupted(at: int, *, taking: bool) -> tuple[list[object], bool]:
    """Take a report and add a hook, one before instruction ``at`` of the other."""
    spec = importlib.util.spec_from_file_location("fresh_crashes", _crashes.__file__)
    assert spec is not None
    assert spec.loader is not None
    fresh = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(fresh)
    report = fresh.parse(1, datetime.now(timezone.utc), "x")
    fresh.folder, fresh._files, fresh._take = lambda: "", lambda path: [path], lambda path: report
    told: list[object] = []
    one, other = fresh.take, lambda: fresh.on_crash_report(told.append)
    if not taking:
        one, other = other, one
    steps = 0

    def trace(frame: Any, event: str, argument: object) -> Any:
        nonlocal steps
        frame.f_trace_opcodes = True
        if event == "opcode" and frame.f_code.co_filename == _crashes.__file__:
            steps += 1
            if steps == at:
                sys.settrace(None)
                other()
        return trace

    before = sys.gettrace()
    sys.settrace(trace)
    try:
        one()
    finally:
        sys.settrace(before)
    return told, steps >= at


@pytest.mark.parametrize("taking", [True, False])
def test_a_hook_is_told_once_whenever_it_is_added(taking: bool) -> None:
    """Hooks and reports that meet from two sides, in the middle of each other too, meet once.

    A trace function stands for a destructor, which may run between any two instructions. It
    must not wait for what it interrupts.
    """
    reached, at = True, 0
    while reached:
        at += 1
        told, reached = _interrupted(at, taking=taking)
        assert not reached or 1 == len(told), at
    assert at > 20


_PLANTED = {
    "pipe": "os.mkfifo(path)",
    "symbolic link": "os.symlink('victim', path)",
    "dangling link": "os.symlink('nothing', path)",
    "second name": "os.link('victim', path)",
    "directory": "os.mkdir(path)",
    # By a short name: that of a socket has at most 107 bytes.
    "socket": "with socket.socket(socket.AF_UNIX) as made: made.bind(os.path.relpath(path))",
}


@pytest.mark.parametrize("what", _PLANTED)
def test_what_was_planted_at_the_name_of_the_own_report(program: Programs, what: str) -> None:
    """It is neither waited for nor written to; POSIX: O_EXCL follows no link, unlink no more."""
    (program.folder / "victim").write_text("kept")
    done = program(
        f"""
import os, socket, faults
from gostitch import _crashes
folder, pid = _crashes.folder(), os.getpid()
path = f"{{folder}}/{{pid}}-{{_crashes._start_of(pid)}}-{{_crashes._space()}}.crash"
{_PLANTED[what]}
faults.add(1, 2)
import stat
print(stat.S_ISREG(os.lstat(path).st_mode), flush=True)
faults.crash("goroutine")
"""
    )

    assert "in a bare goroutine" in done.stderr
    assert "kept" == (program.folder / "victim").read_text()
    if what == "directory":
        assert "Is a directory" in done.stderr
    else:
        assert "True\n" == done.stdout
        ((_, reason, _, _, _),), _ = _reports(program)
        assert "panic: in a bare goroutine" == str(reason).partition(" [")[0]


@pytest.mark.parametrize("what", _PLANTED)
def test_what_was_planted_as_a_report(
    program: Programs, monkeypatch: pytest.MonkeyPatch, what: str
) -> None:
    """At the name of a process that has ended it is no report, and what it leads to stays."""
    (program.folder / "victim").write_text("panic: secret")
    left = program("import os, faults; faults.add(1, 2); os._exit(0)")
    assert 0 == left.returncode
    (report,) = _files(program)
    report.unlink()
    monkeypatch.chdir(program.folder)
    exec(_PLANTED[what], {"os": os, "socket": socket, "path": str(report)})

    assert ([], "") == _reports(program)
    assert "panic: secret" == (program.folder / "victim").read_text()
    assert ([report] if what == "directory" else []) == _files(program)


@pytest.mark.parametrize("size", [_crashes._MOST_BYTES, 1 << 40])
def test_a_huge_report(tmp_path: Path, size: int) -> None:
    """No more of it is read than the bound."""
    path = tmp_path / f"1-2-{_crashes._space()}.crash"
    path.touch()
    os.truncate(path, size)

    report = _crashes._take(str(path))
    assert report is not None
    assert _crashes._MOST_BYTES == len(report.text)
    assert [] == os.listdir(tmp_path)


def test_a_report_of_somebody_else(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A file of another owner is no report of this user's, wherever it is."""
    path = tmp_path / f"1-2-{_crashes._space()}.crash"
    path.write_text("panic: theirs")
    somebody = os.geteuid() + 1
    monkeypatch.setattr(os, "geteuid", lambda: somebody)

    assert None is _crashes._take(str(path))


def test_a_folder_of_somebody_else(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A folder of another owner, to root writable for instance, is not used, closed as it is."""
    tmp_path.chmod(0o700)
    monkeypatch.setenv("GOSTITCH_CRASH_DIR", str(tmp_path))
    somebody = os.geteuid() + 1
    monkeypatch.setattr(os, "geteuid", lambda: somebody)

    assert None is _crashes.folder()
    assert "not a folder of this user" in _crashes.why_none()


def test_a_link_to_a_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A symbolic link, which somebody else may turn, is no folder."""
    (tmp_path / "real").mkdir(mode=0o700)
    (tmp_path / "link").symlink_to("real")
    monkeypatch.setenv("GOSTITCH_CRASH_DIR", str(tmp_path / "link"))

    assert None is _crashes.folder()
    assert "not a folder of this user" in _crashes.why_none()


def test_without_a_home(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """A user who has none, as in some containers, gets no folder called ~ where the program is."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("GOSTITCH_CRASH_DIR")
    monkeypatch.setenv("XDG_STATE_HOME", "relative")
    monkeypatch.setattr(os.path, "expanduser", lambda path: path)
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path / "tmp"))

    assert f"{tmp_path}/tmp/gostitch-{os.geteuid()}" == _crashes.folder()
    assert ["tmp"] == os.listdir(tmp_path)


def test_a_relative_folder(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """It is found again by a process that changes its directory."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("GOSTITCH_CRASH_DIR", "crashes")

    assert f"{tmp_path}/crashes" == _crashes.folder()


def test_machines_that_share_a_folder(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """A process of another machine is not taken for one of this that has ended."""
    here = _crashes._space()
    (tmp_path / "boot_id").write_text("other")
    monkeypatch.setattr(_crashes, "_BOOT_ID", str(tmp_path / "boot_id"))

    assert here != _crashes._space()


@pytest.mark.parametrize("seconds", [-(10**13), 10**13])
def test_a_time_that_no_calendar_has(
    tmp_path: Path, seconds: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A file system may have any 64 bits of seconds; a datetime has the years 1 to 9999."""
    path = tmp_path / f"1-2-{_crashes._space()}.crash"
    path.write_text("panic: something")
    monkeypatch.setattr(_crashes, "_modified", lambda _: float(seconds))

    report = _crashes._take(str(path))
    assert report is not None
    assert (1 if seconds < 0 else 9999) == report.when.year
