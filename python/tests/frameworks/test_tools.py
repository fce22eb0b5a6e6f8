"""Calls under test tools and notebooks.

Mocks stand in for parts of Python, and Go uses none of these: each test shows what Go sees, that
the error names the mock, and that ``offline`` keeps Go off the network.
"""

from __future__ import annotations

from pathlib import Path

import pytest

import faults
from frameworks.conftest import Run

_NOTEBOOK = """
import json, nbformat
from nbclient import NotebookClient

book = nbformat.v4.new_notebook()
book.cells = [nbformat.v4.new_code_cell(each) for each in {cells!r}]
NotebookClient(book, timeout=40, kernel_name="python3").execute()
print([output["text"] for cell in book.cells for output in cell.outputs if "text" in output])
"""


def test_jupyter(run: Run) -> None:
    """Calls, awaits at top level, streams and progress work in a kernel."""
    cells = [
        "import faults\nprint(faults.add(1, 2))",
        "print(await faults.add.submit(3, 4))",
        "print([line.number async for line in faults.lines(3)])",
        "seen = []\nfaults.count_messages(3, progress=lambda tick: seen.append(tick.index))\nprint(seen)",
    ]

    assert (
        f"{['3' + chr(10), '7' + chr(10), '[0, 1, 2]' + chr(10), '[0, 1, 2]' + chr(10)]}\n"
        == run(_NOTEBOOK.format(cells=cells), timeout=80)
    )


_RELOADED = """
import os, pathlib, time
from IPython.core.interactiveshell import InteractiveShell

shell = InteractiveShell.instance()

def cell(code):
    shell.run_cell(code).raise_error()

def change(text, *, seconds):
    module.write_text(text)
    os.utime(module, (time.time() + seconds,) * 2)

pathlib.Path("mine.py").write_text("import faults\\ndef double(n):\\n    return faults.add(n, n)\\n")
module = pathlib.Path("faults.py")
text = module.read_text()
cell("%load_ext autoreload")
cell("%autoreload 2")
cell("import mine, faults, gostitch")
cell("print(mine.double(2))")

change(text + "\\n# the same functions\\n", seconds=2)
cell("print(mine.double(3), faults.structured('a', [1], faults.FaultsInner(1, 'b')).total)")
cell("print([line.number for line in faults.lines(2)], type(faults.collect(1)).__name__)")

assert '"faults.add",\\n    "af' in text
change(text.replace('"faults.add",\\n    "af', '"faults.add",\\n    "00'), seconds=4)
cell('''
try:
    print(faults.add(1, 2))
except gostitch.LibraryError as error:
    print(error)
''')
"""


def test_autoreload(run: Run, tmp_path: Path) -> None:
    """Generated modules are reloaded as others; one that fits another library says what to do."""
    (tmp_path / "faults.py").write_text(Path(faults.__file__).read_text())
    out = run(_RELOADED)

    *values, error = out.splitlines()
    assert ["4", "6 2", "[0, 1] int"] == values
    assert "restart" in error


def _pytest(run: Run, folder: Path, text: str, *options: str) -> str:
    (folder / "test_it.py").write_text(text)
    return run(command=["python", "-m", "pytest", "-q", "-p", "no:cacheprovider", *options])


def test_xdist(run: Run, tmp_path: Path) -> None:
    """Each worker has a library of its own."""
    text = "import faults, pytest\n@pytest.mark.parametrize('n', range(8))\ndef test(n):\n    assert n + 1 == faults.add(n, 1)\n"

    assert "8 passed" in _pytest(run, tmp_path, text, "-n", "2")


@pytest.mark.parametrize("method", ["signal", "thread"])
def test_timeout(run: Run, tmp_path: Path, method: str) -> None:
    """A test that hangs in Go is ended as one that hangs in Python."""
    text = """
import faults

def test():
    faults.sleep(0.05)  # is seen to be long
    faults.sleep(40)
"""
    with pytest.raises(AssertionError, match=r"Timeout"):
        _pytest(run, tmp_path, text, "--timeout", "1", "--timeout-method", method)


_SERVER = """
import threading
from http.server import BaseHTTPRequestHandler, HTTPServer

asked = []

class Handler(BaseHTTPRequestHandler):
    def do_GET(self):
        asked.append(self.path)
        self.send_response(200)
        self.send_header("Content-Length", "2")
        self.end_headers()
        self.wfile.write(b"ok")

    def log_message(self, *of):
        pass

server = HTTPServer(("127.0.0.1", 0), Handler)
threading.Thread(target=server.serve_forever, daemon=True).start()
url = f"http://127.0.0.1:{server.server_port}/a"

import gostitch
from gostitch import tasks
from gostitch.testing import offline
"""

_MOCKED = {
    "respx": "import respx\nmocked = respx.mock(assert_all_called=False)",
    "responses": "import responses\nmocked = responses.RequestsMock()",
    "vcrpy": "import vcr\nmocked = vcr.use_cassette('cassette.yaml')",
}


@pytest.mark.parametrize("mock", _MOCKED)
def test_mocks_of_the_network(run: Run, mock: str) -> None:
    """They do not reach Go; ``offline`` does, and its error names them."""
    out = run(
        _SERVER
        + _MOCKED[mock]
        + """
with mocked:
    (done,) = tasks.fetch([{"url": url, "path": "file"}])
    print(repr(done.error), asked)
    try:
        with offline():
            tasks.fetch([{"url": url, "path": "file"}])
    except gostitch.GoOfflineError as error:
        print(error.__notes__[-1].partition(" changes the network for Python only")[0])
print(asked)
"""
    )

    assert f"'' ['/a']\n{mock}\n['/a']\n" == out


_FAKE_FILES = """
import gostitch, pytest
from gostitch import tasks
from gostitch.testing import offline

{loads}

def test_it(fs):
    fs.create_file("/fake/a")
    tasks.hash_tree("/fake")
"""


def test_pyfakefs(run: Run, tmp_path: Path) -> None:
    """Go sees real files: the error says that pyfakefs is active, before and after loading."""
    loads = "tasks.hash_tree.__name__"
    with pytest.raises(AssertionError, match=r"pyfakefs hides files that this needs"):
        _pytest(run, tmp_path, _FAKE_FILES.format(loads=loads))
    loads = "tasks.hash_tree(__file__)"
    with pytest.raises(AssertionError, match=r"pyfakefs changes files for Python only"):
        _pytest(run, tmp_path, _FAKE_FILES.format(loads=loads))


def test_freezegun(run: Run) -> None:
    """Go's clock goes on: a timeout is of real seconds, and its error names freezegun."""
    out = run(
        """
import time
from freezegun import freeze_time
import faults, gostitch

with freeze_time("2020-01-01"):
    try:
        faults.sleep(30, timeout=0.2)
    except gostitch.GoTimeoutError as error:
        print(error.__notes__[-1].partition(" changes the time for Python only")[0], time.time())
"""
    )

    assert "freezegun 1577836800.0\n" == out


_READ_CODE = """
import cloudpickle, faults, typeguard
from line_profiler import LineProfiler

assert 3 == typeguard.typechecked(faults.add)(1, 2)
typeguard.check_type({"x": 1.0, "label": "a"}, faults.FaultsPointDict)
cloudpickle.register_pickle_by_value(faults)
assert 3 == cloudpickle.loads(cloudpickle.dumps(faults.add))(1, 2)
profiler = LineProfiler()
profiler.add_module(faults)
print("called")
"""


def test_tools_that_read_code(run: Run) -> None:
    """They leave a function of Go's alone, as they do one of C."""
    assert "called\n" == run(_READ_CODE)


_SPIED = """
import faults

def test_it(mocker):
    spy = mocker.spy(faults, "add")
    assert 3 == faults.add(1, 2)
    spy.assert_called_once_with(1, 2)

def test_it_is_doubled(mocker):
    double = mocker.patch("faults.add", autospec=True)
    double.submit.return_value = 4
    assert 4 == faults.add.submit(1, 2)
"""


def test_pytest_mock(run: Run, tmp_path: Path) -> None:
    """Spies call Go, and doubles have ``submit``."""
    (tmp_path / "test_it.py").write_text(_SPIED)

    assert "2 passed" in run(command=["pytest", "-q", "test_it.py"])
