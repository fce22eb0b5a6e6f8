"""gostitch.configure, and the environment that the Go runtime begins with."""

from __future__ import annotations

import math
import threading
from typing import Any

import pytest

import faults
from gostitch import (
    GoLimitError,
    GoTypeError,
    GoValueError,
    Limit,
    _settings,
    configure,
    runtime_info,
)
from programs import Programs

_SHOW = """
import json
import faults, gostitch
faults.add(1, 2)
info = gostitch.runtime_info()
print(json.dumps([info["max_procs"], info["memory_limit"], info["gc_percent"]]))
"""


@pytest.mark.parametrize(
    ("argument", "value"),
    [
        ("max_procs", "4"),
        ("max_procs", True),
        ("max_procs", 1.5),
        ("memory_limit", 1.5),
        ("memory_limit", False),
        ("memory_limit", b"1MiB"),
        ("gc_percent", "none"),
        ("limits", [("tasks.fetch", Limit(1))]),
        ("default_timeout", "1"),
        ("default_timeout", True),
        ("grace", "1"),
        ("grace", True),
    ],
)
def test_a_wrong_type(argument: str, value: Any) -> None:
    """The error names the argument, and nothing has changed."""
    before = _settings.present()
    with pytest.raises(GoTypeError, match=rf"^{argument} must be"):
        configure(**{argument: value})

    assert before == _settings.present()


@pytest.mark.parametrize(
    ("argument", "value"),
    [
        ("max_procs", 0),
        ("max_procs", -1),
        ("max_procs", 100_000),
        pytest.param("max_procs", 10**5000, id="max_procs-huge"),
        ("memory_limit", 0),
        ("memory_limit", -5),
        ("memory_limit", "lots"),
        ("memory_limit", "5MB"),
        ("memory_limit", "9999999999TiB"),
        ("gc_percent", 0),
        ("fork", "maybe"),
        ("default_timeout", 0),
        ("default_timeout", math.nan),
        ("grace", -1),
        pytest.param("grace", -(10**5000), id="grace-huge"),
        ("grace", math.nan),
    ],
)
def test_a_wrong_value(argument: str, value: Any) -> None:
    """So does that of a value out of range."""
    before = _settings.present()
    with pytest.raises(GoValueError, match=rf"^{argument} must be"):
        configure(**{argument: value})

    assert before == _settings.present()


@pytest.mark.parametrize(
    ("limit", "where"),
    [
        (Limit(0), "concurrency"),
        (Limit(2, queue=-1), "queue"),
        (Limit(2, timeout=0), "timeout"),
    ],
)
def test_a_wrong_limit(limit: Limit, where: str) -> None:
    """The error names the function and the part of its limit."""
    with pytest.raises(GoValueError, match=rf"limits\['faults.add'\]\.{where} must be"):
        configure(limits={"faults.add": limit})


def test_a_limit_of_another_type() -> None:
    """A number is no limit."""
    with pytest.raises(GoTypeError, match=r"limits\['faults.add'\] must be a gostitch.Limit"):
        configure(limits={"faults.add": 3})  # type: ignore[dict-item]


def test_a_limit_of_no_function() -> None:
    """Once the library is loaded, a name that it lacks is refused, and nothing has changed."""
    faults.add(1, 2)
    before = _settings.present()
    with pytest.raises(GoValueError, match=r'no function "faults\.nothing_like_it" to limit'):
        configure(limits={"faults.nothing_like_it": Limit(2)})

    assert before == _settings.present()


def test_a_limit_of_no_function_before_loading(program: Programs) -> None:
    """Before it, the first call says so."""
    done = program(
        """
import faults, gostitch
gostitch.configure(limits={"faults.nope": gostitch.Limit(2)})
try:
    faults.add(1, 2)
except gostitch.LibraryError as error:
    print(error)
"""
    )

    assert 'there is no function "faults.nope" to limit' in done.stdout

    assert "" == done.stderr


def test_a_limit_of_no_function_is_corrected(program: Programs) -> None:
    """The next call finds that it was."""
    done = program(
        """
import os
import faults, gostitch
gostitch.configure(limits={"faults.nope": gostitch.Limit(2)})
for _ in range(2):
    try:
        faults.add(1, 2)
    except gostitch.LibraryError:
        print("refused")
gostitch.configure(limits={})
pid = os.fork()
if pid == 0:
    os._exit(faults.add.submit(1, 2).result(10))
print(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]), faults.add.submit(1, 2).result(10))
""",
        "-W",
        "ignore",
    )

    assert (["refused", "refused", "3 3"], "") == (done.stdout.splitlines(), done.stderr)


@pytest.mark.parametrize("seconds", [math.inf, 10**400], ids=["inf", "huge"])
def test_a_time_without_end(seconds: float) -> None:
    """It is none."""
    configure(default_timeout=seconds, grace=seconds)

    assert (None, None) == (_settings.present().default_timeout, _settings.present().grace)


def test_from_several_threads() -> None:
    """None takes back what another sets."""
    entered, release = threading.Event(), threading.Event()

    def slow(settings: _settings.Settings) -> None:
        if settings.default_timeout == 50 and not entered.is_set():
            entered.set()
            release.wait(10)

    _settings.when_changed(slow)
    first = threading.Thread(target=configure, kwargs={"default_timeout": 50})
    second = threading.Thread(target=configure, kwargs={"grace": 60})
    try:
        first.start()
        entered.wait(10)
        second.start()
        second.join(0.1)  # it waits, or is done at once
        release.set()
        first.join(10)
        second.join(10)

        assert (50, 60) == (_settings.present().default_timeout, _settings.present().grace)
    finally:
        _settings._listeners.remove(slow)
        configure(default_timeout=None, grace=None)


class TestResources:
    def test_before_loading(self, program: Programs) -> None:
        """What is configured counts from the first call on, before the environment."""
        text = "import gostitch\n"
        text += 'gostitch.configure(max_procs=3, memory_limit="300MiB", gc_percent=50)\n' + _SHOW
        done = program(text, env={"GOMAXPROCS": "1", "GOMEMLIMIT": "1GiB", "GOGC": "70"})

        assert ("[3, 314572800, 50]\n", "") == (done.stdout, done.stderr)

    def test_later(self, program: Programs) -> None:
        """It can be changed while Go runs; 'off' is none."""
        text = _SHOW + 'gostitch.configure(max_procs=2, memory_limit="off", gc_percent="off")\n'
        done = program(text + _SHOW)

        assert "[2, null, null]" == done.stdout.splitlines()[1]

    def test_of_the_environment(self, program: Programs) -> None:
        """Go's own variables count, be they set before the process or in it."""
        done = program(_SHOW, env={"GOMAXPROCS": "3", "GOMEMLIMIT": "1GiB", "GOGC": "70"})
        assert "[3, 1073741824, 70]\n" == done.stdout
        text = 'import os\nos.environ.update(GOMAXPROCS="4", GOMEMLIMIT="2GiB", GOGC="off")\n'

        assert "[4, 2147483648, null]\n" == program(text + _SHOW).stdout

    def test_in_a_forked_child(self, program: Programs) -> None:
        """The Go runtime of a forked child gets the same."""
        text = "import os, gostitch\ngostitch.configure(max_procs=3, memory_limit=2**28)\n"
        text += _SHOW + "pid = os.fork()\nif pid == 0:\n" + _SHOW.replace("\n", "\n    ")
        text += "\n    import sys; sys.stdout.flush(); os._exit(0)\nos.waitpid(pid, 0)\n"
        done = program(text, "-u", "-W", "ignore")

        assert ["[3, 268435456, 100]"] * 2 == done.stdout.splitlines()

    def test_half_of_the_container(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """Without a limit of one's own, Go may fill half of the container's memory."""
        from gostitch import _cgroup

        limits = _cgroup.Limits(2, None, 512 << 20, None, None)
        monkeypatch.setattr(_cgroup, "read", lambda: limits)

        assert 256 << 20 == _settings.as_go_has_it(_settings.Settings(), {})[1]
        assert 0 == _settings.as_go_has_it(_settings.Settings(), {b"GOMEMLIMIT": b"1GiB"})[1]
        chosen = _settings.Settings(memory_limit=1 << 30)
        assert 1 << 30 == _settings.as_go_has_it(chosen, {})[1]


class TestWhatGoReadsAtItsStart:
    @pytest.mark.parametrize(
        ("name", "value"),
        [
            ("GOMEMLIMIT", "512MB"),
            ("GOMEMLIMIT", "lots"),
            ("GOGC", "x"),
            ("GOGC", "99999999999"),
            ("GOMAXPROCS", "many"),
            ("GOMAXPROCS", "8193"),
            ("GOMAXPROCS", "9" * 5000),
        ],
    )
    def test_unreadable(self, program: Programs, name: str, value: str) -> None:
        """Go would abort the process over some, and ignore others; they are refused in one sentence."""
        text = (
            "import faults\ntry:\n    faults.add(1, 2)\nexcept Exception as e:\n    print(repr(e))"
        )
        done = program(text, env={name: value})

        assert 0 == done.returncode
        assert f"LibraryError(\"the environment variable {name} is '{value}'" in done.stdout


def test_limits_are_told() -> None:
    """A limit is in runtime_info while it is set."""
    faults.add(1, 2)  # only Go knows of limits
    configure(limits={"faults.sleep": Limit(concurrency=2, queue=1)})
    try:
        state = {"concurrency": 2, "running": 0, "waiting": 0, "refused": 0}
        assert {"faults.sleep": state} == runtime_info()["limits"]
        with pytest.raises(GoLimitError):
            futures = [faults.sleep.submit(0.2) for _ in range(4)]
            [future.result(20) for future in futures]
        [future.exception(20) for future in futures]
    finally:
        configure(limits=None)

    assert {} == runtime_info()["limits"]
