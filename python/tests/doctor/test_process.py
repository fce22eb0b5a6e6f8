"""What a process does that gets in the way of Go: forking, signals, faulthandler, servers."""

from __future__ import annotations

from collections.abc import Callable

import pytest

import gostitch
from gostitch.doctor import _servers, _versions

_DEREFERENCE = """
try:
    faults.panic("dereference")
except gostitch.GoPanic:
    pass
"""


_CHILD = """
import faults, os, sys
faults.add(1, 2)
parent = os.getpid()
pid = os.fork()
if pid:
    os._exit(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]))
import gostitch; assert gostitch.runtime_info()["forked_from"] == parent
import atexit; atexit.register(lambda: (sys.stdout.flush(), os._exit(0)))
"""


class TestFork:
    def test_before_loading(self, examined: Callable) -> None:
        """Before the first call the policy is told, and nothing is wrong."""
        found = examined("")["process.fork"]

        assert ("ok", "copy") == (found["status"], found["facts"]["policy"])
        assert "loads a copy of the library at its own first call" in found["words"]

    def test_in_a_child(self, examined: Callable) -> None:
        """A child says so, and is not made to load its copy; when it has, that is named."""
        found = examined(_CHILD)
        fork, load = found["process.fork"], found["library.load"]
        assert ("ok", "note") == (fork["status"], load["status"])
        assert "the first call here loads a copy" in fork["words"]

        found = examined(_CHILD + "assert faults.add(1, 2) == 3\n")
        assert "has loaded a copy of it (/memfd:libfaults.so)" in found["process.fork"]["words"]
        same = ("library.load", "go.loaded", "process.signals", "process.faulthandler")
        assert ["ok"] * 4 == [found[name]["status"] for name in same]
        assert "/memfd:libfaults.so" == found["process.signals"]["facts"]["sigurg"]

    def test_in_a_child_that_may_not(self, examined: Callable) -> None:
        """Where the policy is error, calls fail in a child: a problem with both checks."""
        found = examined(_CHILD, GOSTITCH_FORK="error")
        fork, load = found["process.fork"], found["library.load"]
        assert "problem" == fork["status"]
        assert f"forked from process {fork['facts']['forked_from']}" in fork["words"]
        assert "Unset GOSTITCH_FORK, make the first call in the child" in fork["fix"]
        assert "problem" == load["status"]
        assert "a Go runtime does not survive fork" in load["words"]

    def test_a_pool_that_forks(self, examined: Callable) -> None:
        """With the policy error, loaded, pools that fork are a warning; with spawn they are none."""
        text = """
import faults, multiprocessing, multiprocessing.pool
multiprocessing.set_start_method({method!r})
faults.add(1, 2)
"""

        def status(method: str, policy: str) -> str:
            found = examined(text.format(method=method), GOSTITCH_FORK=policy)["process.fork"]
            return str(found["status"])

        assert "warning" == status("fork", "error")
        assert "ok" == status("spawn", "error")
        assert "ok" == status("fork", "copy")

    def test_a_policy_that_there_is_not(self, examined: Callable) -> None:
        """A typing error is a problem that names both words."""
        found = examined("", GOSTITCH_FORK="share")["process.fork"]

        assert ("problem", "Correct or unset GOSTITCH_FORK.") == (found["status"], found["fix"])
        assert "must be 'copy'" in found["words"]

    def test_without_files_in_memory(self, examined: Callable) -> None:
        """Where they are refused, how children get their copy is told."""
        text = """
from gostitch._process import bridge
def refused(name):
    raise PermissionError(1, "Operation not permitted")
bridge.memory_file = refused
"""
        found = examined(text)["process.fork"]

        assert "note" == found["status"]
        assert "cannot be made here (Operation not permitted)" in found["words"]
        assert "TMPDIR" in found["fix"]


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
            "import faults, gostitch, faulthandler; faults.add(1, 2); faulthandler.enable()",
            "import faults, gostitch, faulthandler; faulthandler.enable(); faults.add(1, 2); "
            "faulthandler.disable()",
        ],
    )
    def test_after_loading(self, examined: Callable, text: str) -> None:
        """Enabled after, or disabled after, Go is asked first all the same."""
        found = examined(text + _DEREFERENCE)["process.faulthandler"]

        assert "ok" == found["status"]
        assert "a nil dereference in Go becomes GoPanic" in found["words"]


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
    def test_none(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """Without such a server there is nothing to say; one that is installed is a note."""
        assert "note" == _servers.servers().status
        monkeypatch.setattr(_versions, "installed", lambda name: None)
        assert "ok" == _servers.servers().status

    def test_uwsgi_without_threads(self, examined: Callable) -> None:
        """uWSGI without enable-threads runs no thread of Python, so futures never end."""
        head = "import sys, types; sys.modules['uwsgi'] = types.SimpleNamespace(opt="
        assert "without enable-threads" in examined(head + "{})")["process.servers"]["words"]
        words = examined(head + "{'enable-threads': b'true'})")["process.servers"]["words"]
        assert "without lazy-apps" in words
        found = examined(head + "{b'enable-threads': b'true', b'lazy-apps': b'true'})")
        assert "note" == found["process.servers"]["status"]

    def test_gunicorn_with_preload(self, examined: Callable) -> None:
        """gunicorn --preload is a warning that says what to do where children may not copy."""
        head = "import sys; sys.modules['gunicorn.app.base'] = sys\n"
        preload = {"GUNICORN_CMD_ARGS": "--preload"}
        assert "note" == examined(head, **preload)["process.servers"]["status"]
        found = examined(head, **preload, GOSTITCH_FORK="error")["process.servers"]

        assert "warning" == found["status"]
        assert "--preload" in found["words"]
        assert "post_fork" in found["fix"]
        assert "note" == examined(head)["process.servers"]["status"]

    def test_celery_that_sentry_imports(self, examined: Callable) -> None:
        """A library that knows Celery does not make a program one of Celery's; an application does."""
        head = "import sentry_sdk.integrations.celery, celery.app.trace\n"
        assert [] == examined(head)["process.servers"]["facts"]["imported"]
        found = examined(head + "import celery; app = celery.Celery('app')")["process.servers"]

        assert ["celery"] == found["facts"]["imported"]

    def test_how_preload_is_recognised(self) -> None:
        """The option counts in the arguments and in GUNICORN_CMD_ARGS."""
        assert _servers.preloads({}, ["app", "--preload"])
        assert _servers.preloads({"GUNICORN_CMD_ARGS": "-w 4 --preload"}, [])
        assert not _servers.preloads({"GUNICORN_CMD_ARGS": "-w '4"}, ["app"])


def test_forked_from_is_none_elsewhere() -> None:
    """runtime_info tells no process forked from where there is none."""
    assert None is gostitch.runtime_info()["forked_from"]
