"""What a process does that gets in the way of Go: forking, signals, faulthandler, servers."""

from __future__ import annotations

from collections.abc import Callable

import pytest

import gostitch
from gostitch.doctor import _servers
from programs import Programs

_DEREFERENCE = """
try:
    faults.panic("dereference")
except gostitch.GoPanic:
    pass
"""


class TestFork:
    def test_before_loading(self, examined: Callable) -> None:
        """Before the first call the policy is told, and nothing is wrong."""
        found = examined("")["process.fork"]

        assert ("ok", "error") == (found["status"], found["facts"]["policy"])

    def test_in_a_child(self, examined: Callable) -> None:
        """In a child of a process that had loaded the library, calls fail: a problem with both."""
        found = examined(
            """
import faults, os, sys
faults.add(1, 2)
parent = os.getpid()
pid = os.fork()
if pid:
    os._exit(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]))
import gostitch; assert gostitch.runtime_info()["forked_from"] == parent
import atexit; atexit.register(lambda: (sys.stdout.flush(), os._exit(0)))
"""
        )

        fork, load = found["process.fork"], found["library.load"]
        assert "problem" == fork["status"]
        assert f"forked from process {fork['facts']['forked_from']}" in fork["words"]
        assert "Make the first call in the child" in fork["fix"]
        assert "problem" == load["status"]
        assert "a Go runtime does not survive fork" in load["words"]

    def test_a_pool_that_forks(self, examined: Callable) -> None:
        """Loaded, with pools that fork, is a warning; with spawn it is none."""
        text = """
import faults, multiprocessing, multiprocessing.pool
multiprocessing.set_start_method({method!r})
faults.add(1, 2)
"""
        assert "warning" == examined(text.format(method="fork"))["process.fork"]["status"]
        assert "ok" == examined(text.format(method="spawn"))["process.fork"]["status"]


class TestFaulthandler:
    def test_before_loading(self, examined: Callable) -> None:
        """Enabled before Go is loaded, both work, and that is what is said."""
        text = "import faults, gostitch, faulthandler; faulthandler.enable(); faults.add(1, 2)"
        found = examined(text + _DEREFERENCE)["process.faulthandler"]

        assert ("ok", True) == (found["status"], found["facts"]["enabled"])

    def test_of_the_command_line(self, examined: Callable) -> None:
        """Enabled by -X dev, it comes before Go in any case."""
        found = examined("", "-X", "dev")["process.faulthandler"]

        assert ("ok", True) == (found["status"], found["facts"]["by_option"])

    @pytest.mark.parametrize(
        "text",
        [
            "import faults, faulthandler; faults.add(1, 2); faulthandler.enable()",
            "import faults, faulthandler; faulthandler.enable(); faults.add(1, 2); "
            "faulthandler.disable()",
        ],
    )
    def test_after_loading(self, examined: Callable, program: Programs, text: str) -> None:
        """Enabled after, or disabled after, a nil dereference is fatal, and that is what is said."""
        found = examined(text)["process.faulthandler"]

        assert "problem" == found["status"]
        assert "a nil dereference in Go ends the process" in found["words"]
        assert "Call faulthandler.enable() before the first call" in found["fix"]
        # And so it is:
        assert program(text + "\nimport gostitch" + _DEREFERENCE).returncode < 0


class TestSignals:
    def test_all_is_well(self, examined: Callable) -> None:
        """With the library loaded and used on the main thread, Ctrl-C reaches calls."""
        found = examined("import faults; faults.add(1, 2)")["process.signals"]

        assert ("ok", True) == (found["status"], found["facts"]["interrupts_calls"])
        assert found["facts"]["sigurg"].endswith("libfaults.so")

    def test_a_handler_of_sigurg(self, examined: Callable) -> None:
        """A handler of SIGURG set after loading is a problem."""
        text = "import faults, signal; faults.add(1, 2); signal.signal(signal.SIGURG, print)"
        found = examined(text)["process.signals"]

        assert "problem" == found["status"]
        assert "SIGURG was taken from the Go runtime" in found["words"]

    def test_a_handler_without_a_stack(self, examined: Callable) -> None:
        """A handler set by C after loading, without SA_ONSTACK, is a warning that names it."""
        text = """
import ctypes, faults
faults.add(1, 2)
handler = ctypes.CFUNCTYPE(None, ctypes.c_int)(print)
libc = ctypes.CDLL(None)
libc.signal.argtypes = [ctypes.c_int, ctypes.c_void_p]
libc.signal(12, ctypes.cast(handler, ctypes.c_void_p))
"""
        found = examined(text)["process.signals"]

        assert "warning" == found["status"]
        assert "Handlers of SIGUSR2 (" in found["words"]

    def test_sigint_ignored(self, examined: Callable) -> None:
        """SIGINT ignored, as in a background job, is a note."""
        text = "import signal; signal.signal(signal.SIGINT, signal.SIG_IGN)"
        found = examined(text)["process.signals"]

        assert ("note", True) == (found["status"], found["facts"]["sigint_ignored"])


class TestServers:
    def test_none(self, examined: Callable) -> None:
        """Without such a server there is nothing to say."""
        assert "ok" == examined("")["process.servers"]["status"]

    def test_uwsgi_without_threads(self, examined: Callable) -> None:
        """uWSGI without enable-threads runs no thread of Python, so futures never end."""
        head = "import sys, types; sys.modules['uwsgi'] = types.SimpleNamespace(opt="
        assert "without enable-threads" in examined(head + "{})")["process.servers"]["words"]
        words = examined(head + "{'enable-threads': b'true'})")["process.servers"]["words"]
        assert "without lazy-apps" in words
        found = examined(head + "{b'enable-threads': b'true', b'lazy-apps': b'true'})")
        assert "note" == found["process.servers"]["status"]

    def test_gunicorn_with_preload(self, examined: Callable) -> None:
        """gunicorn --preload is a warning that says what to do."""
        head = "import sys; sys.modules['gunicorn.app.base'] = sys\n"
        found = examined(head, GUNICORN_CMD_ARGS="--preload")["process.servers"]

        assert "warning" == found["status"]
        assert "--preload" in found["words"]
        assert "post_fork" in found["fix"]
        assert "note" == examined(head)["process.servers"]["status"]

    def test_how_preload_is_recognised(self) -> None:
        """The option counts in the arguments and in GUNICORN_CMD_ARGS."""
        assert _servers.preloads({}, ["app", "--preload"])
        assert _servers.preloads({"GUNICORN_CMD_ARGS": "-w 4 --preload"}, [])
        assert not _servers.preloads({"GUNICORN_CMD_ARGS": "-w '4"}, ["app"])


def test_forked_from_is_none_elsewhere() -> None:
    """runtime_info tells no process forked from where there is none."""
    assert None is gostitch.runtime_info()["forked_from"]
