"""Profiles of Go as its own tools read them."""

from __future__ import annotations

import itertools
import os
import subprocess
import threading
from pathlib import Path
from typing import Any

import pytest
from shipped import toolchain

import faults
import gostitch
from gostitch.operate._profile import KINDS
from programs import Programs


def read(data: bytes, folder: Path, *options: str) -> str:
    """Give what ``go tool pprof`` says of a profile."""
    (folder / "profile").write_bytes(data)
    return tool("pprof", *options, "-symbolize=none", str(folder / "profile"))


def tool(*command: str) -> str:
    """Run one of Go's tools."""
    go = toolchain.go()
    assert go is not None
    done = subprocess.run(
        [go, "tool", *command],
        env=toolchain.environment() | {"HOME": os.environ.get("HOME", "/tmp")},
        capture_output=True,
        text=True,
        timeout=50,
        check=False,
    )
    assert 0 == done.returncode, done.stderr
    return done.stdout


@pytest.mark.parametrize("kind", [each for each in KINDS if each != "trace"])
def test_each_kind(kind: Any, tmp_path: Path) -> None:
    """Go's tool reads the bytes; those of a time and of a moment."""
    data = gostitch.profile(0.2, kind=kind)

    assert data[:2] == b"\x1f\x8b"
    assert "PeriodType" in read(data, tmp_path, "-raw")


def test_where_the_processors_time_goes(tmp_path: Path) -> None:
    """A function that computes is in it, with the call and the trace that it belongs to as labels."""
    from opentelemetry import trace
    from opentelemetry.trace import NonRecordingSpan, SpanContext, TraceFlags

    trace_id = 0xABC << 116 | 1
    with trace.use_span(NonRecordingSpan(SpanContext(trace_id, 2, False, TraceFlags(0)))):
        future = faults.spin_ignoring_context.submit(1.5)
        with gostitch.profile() as taken:
            future.result()

    assert "faults.SpinIgnoringContext" in read(taken.data, tmp_path, "-top")
    tags = read(taken.data, tmp_path, "-tags")
    assert "gostitch.call" in tags
    assert "faults.spin_ignoring_context" in tags
    assert f"{trace_id:032x}" in tags


def test_an_execution_trace(tmp_path: Path) -> None:
    """Go's tool for traces reads it."""
    with gostitch.profile(kind="trace") as taken:
        faults.add.submit(1, 2).result()

    assert taken.data.startswith(b"go 1.")
    (tmp_path / "trace").write_bytes(taken.data)
    assert tool("trace", "-d=parsed", str(tmp_path / "trace"))


def test_one_after_the_other(tmp_path: Path) -> None:
    """A profiler that runs all the time gets whole profiles."""
    for data in itertools.islice(gostitch.profiles(0.1), 3):
        assert "PeriodType" in read(data, tmp_path, "-raw")


def test_two_of_a_kind_at_once() -> None:
    """The second is refused, the first goes on; another kind is no matter."""
    with gostitch.profile() as first:
        with pytest.raises(gostitch.GoFileExistsError, match="is being taken"):
            gostitch.profile(0.1)
        assert gostitch.profile(0.1, kind="heap")

    assert first.data
    assert gostitch.profile(0.1)


@pytest.mark.parametrize(
    ("seconds", "kind", "error", "words"),
    [
        (1, "memory", gostitch.GoValueError, "kind must be one of 'cpu'"),
        (0, "cpu", gostitch.GoValueError, "above 0"),
        (float("nan"), "cpu", gostitch.GoValueError, "above 0"),
        (1e9, "cpu", gostitch.GoValueError, "at most"),
        ("1", "cpu", gostitch.GoTypeError, "must be a number"),
        (True, "cpu", gostitch.GoTypeError, "must be a number"),
    ],
)
def test_what_cannot_be(seconds: Any, kind: Any, error: type[Exception], words: str) -> None:
    """The error names the argument, and nothing is being taken."""
    with pytest.raises(error, match=words):
        gostitch.profile(seconds, kind=kind)
    with pytest.raises(error, match=words):
        gostitch.profiles(seconds, kind=kind)


def test_ctrl_c_ends_it(program: Programs) -> None:
    """The next one can be taken at once."""
    done = program("""
import os, signal, threading
import gostitch
threading.Timer(0.3, os.kill, (os.getpid(), signal.SIGINT)).start()
try:
    gostitch.profile(60)
except KeyboardInterrupt:
    print(len(gostitch.profile(0.1)) > 0)
""")

    assert ("True\n", "", 0) == (done.stdout, done.stderr, done.returncode)


def test_a_profiler_of_pythons(program: Programs) -> None:
    """A handler of SIGPROF of the program's own works before and after, and threads live."""
    done = program("""
import signal, time
import faults, gostitch

def ticks():
    seen = []
    signal.signal(signal.SIGPROF, lambda *_: seen.append(1))
    signal.setitimer(signal.ITIMER_PROF, 0.01, 0.01)
    until = time.process_time() + 0.3
    while time.process_time() < until:
        pass
    signal.setitimer(signal.ITIMER_PROF, 0)
    return len(seen)

assert ticks() > 3
faults.nothing()
assert ticks() > 3
with gostitch.profile() as taken:
    faults.spin_ignoring_context(0.3)
assert taken.data
assert ticks() > 3
""")

    assert (0, "") == (done.returncode, done.stderr)


def test_while_others_call() -> None:
    """Calls from many threads go on while a profile is taken."""
    results = []

    def call() -> None:
        results.extend(faults.add(1, 2) for _ in range(2000))

    threads = [threading.Thread(target=call) for _ in range(8)]
    with gostitch.profile():
        for each in threads:
            each.start()
        for each in threads:
            each.join()

    assert [3] * 16000 == results
