"""What Go cannot recover ends the process, and leaves a report that the next start hands on."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from datetime import datetime, timezone
from pathlib import Path

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
    assert tmp_path == _crashes.folder()


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


def test_without_a_home(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """A user who has none, as in some containers, gets no folder called ~ where the program is."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("GOSTITCH_CRASH_DIR")
    monkeypatch.setenv("XDG_STATE_HOME", "relative")
    monkeypatch.setattr(os.path, "expanduser", lambda path: path)
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path / "tmp"))

    assert tmp_path / "tmp" / f"gostitch-{os.geteuid()}" == _crashes.folder()
    assert ["tmp"] == os.listdir(tmp_path)


def test_a_relative_folder(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """It is found again by a process that changes its directory."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("GOSTITCH_CRASH_DIR", "crashes")

    assert tmp_path / "crashes" == _crashes.folder()


def test_machines_that_share_a_folder(monkeypatch: pytest.MonkeyPatch) -> None:
    """A process of another machine is not taken for one of this that has ended."""
    here = _crashes._space()
    read = Path.read_bytes
    monkeypatch.setattr(
        Path, "read_bytes", lambda path: b"other" if path.name == "boot_id" else read(path)
    )

    assert here != _crashes._space()
