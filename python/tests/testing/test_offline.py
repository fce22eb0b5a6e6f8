"""Tests keep Go off the network and the disk.

What really happens is seen by a server that counts its requests, and by the file system.
"""

from __future__ import annotations

import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import ExitStack
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any

import pytest

import gostitch
from gostitch import tasks
from gostitch._process import bridge
from gostitch.testing import fake_library, offline
from programs import Programs


@pytest.fixture
def requests() -> Iterator[tuple[str, list[str]]]:
    """A server's address, and the paths that it was asked for."""
    asked: list[str] = []

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            asked.append(self.path)
            if self.path == "/elsewhere":
                self.send_response(302)
                self.send_header("Location", f"http://localhost:{server.server_port}/there")
            else:
                self.send_response(200)
            self.send_header("Content-Length", "2")
            self.end_headers()
            self.wfile.write(b"ok")

        def log_message(self, *of: object) -> None:
            pass

    server = HTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}", asked
    server.shutdown()
    server.server_close()


def _fetch(url: str, path: Path) -> None:
    tasks.fetch([{"url": url, "path": path}], retries=0)


def test_network(requests: tuple[str, list[str]], tmp_path: Path) -> None:
    """Nothing goes out, and after the block it does."""
    url, asked = requests
    with offline(), pytest.raises(gostitch.GoOfflineError, match=r"forbidden to reach 127.0.0.1"):
        _fetch(f"{url}/a", tmp_path / "a")
    assert [] == asked
    assert [] == list(tmp_path.iterdir())
    with offline(hosts=["127.0.0.1"]):
        _fetch(f"{url}/b", tmp_path / "b")
    _fetch(f"{url}/c", tmp_path / "c")
    assert ["/b", "/c"] == asked


def test_a_redirect(requests: tuple[str, list[str]], tmp_path: Path) -> None:
    """It goes no further than the hosts that may be reached, and is not tried again."""
    url, asked = requests
    with offline(hosts=["127.0.0.1"]):
        (done,) = tasks.fetch([{"url": f"{url}/elsewhere", "path": tmp_path / "a"}], retries=5)
    assert "forbidden to reach localhost" in str(done.error)
    assert ["/elsewhere"] == asked


def test_a_redirect_behind_a_proxy(program: Programs) -> None:
    """A proxy that may be reached is asked for no other host, neither with GET nor with CONNECT."""
    done = program(
        """
import os, sys, threading
from http.server import BaseHTTPRequestHandler, HTTPServer

class Proxy(BaseHTTPRequestHandler):
    def do_GET(self):
        print(self.requestline)
        self.send_response(302)
        self.send_header("Location", self.path.rpartition("/")[2] + "://forbidden.example.org/secret")
        self.send_header("Content-Length", "0")
        self.end_headers()

    do_CONNECT = do_GET

    def log_message(self, *of):
        pass

server = HTTPServer(("127.0.0.1", 0), Proxy)
threading.Thread(target=server.serve_forever, daemon=True).start()
for name in ("http_proxy", "https_proxy"):
    os.environ[name] = os.environ[name.upper()] = f"http://127.0.0.1:{server.server_port}"
for name in ("no_proxy", "NO_PROXY"):
    os.environ.pop(name, None)

from gostitch import tasks
from gostitch.testing import offline

with offline(".", hosts=["127.0.0.1", "example.com"]):
    for scheme in ("http", "https"):
        (done,) = tasks.fetch([{"url": f"http://example.com/{scheme}", "path": "a"}], retries=5)
        print(done.error)
with offline(".", hosts=["example.com"]):
    (done,) = tasks.fetch([{"url": f"http://example.com/{scheme}", "path": "a"}], retries=5)
    print(done.error)
"""
    )

    refused = "a test has forbidden to reach {}; allow it there (hosts=)"
    lines = done.stdout.splitlines()
    assert ("", 0) == (done.stderr, done.returncode)
    for line, expected in zip(
        lines,
        [
            "GET http://example.com/http HTTP/1.1",
            refused.format("forbidden.example.org"),
            "GET http://example.com/https HTTP/1.1",
            refused.format("forbidden.example.org"),
            refused.format("127.0.0.1"),
        ],
        strict=True,
    ):
        assert expected in line


def test_a_name_is_not_looked_up(tmp_path: Path) -> None:
    """The name is refused before it is resolved, which is network too, and once: no retries."""
    with offline(), pytest.raises(gostitch.GoOfflineError, match=r"reach nowhere\.example"):
        tasks.fetch([{"url": "https://nowhere.example/", "path": tmp_path / "a"}], retries=5)


@pytest.mark.parametrize(
    "path", ["{root}/elsewhere", "{inside}/../elsewhere", "{inside}/link/a", "/"]
)
def test_files(tmp_path: Path, path: str) -> None:
    """A path outside of the folder is refused, however it gets there, before Go sees it."""
    inside = tmp_path / "inside"
    (tmp_path / "elsewhere").mkdir()
    inside.mkdir()
    (inside / "link").symlink_to(tmp_path)
    wanted = path.format(root=tmp_path, inside=inside)
    with offline(inside):
        with pytest.raises(gostitch.GoOfflineError, match=r"forbidden to touch"):
            tasks.hash_tree(wanted)
        with pytest.raises(gostitch.GoOfflineError, match=r"forbidden to touch"):
            tasks.pack.submit(os.fsencode(wanted).decode(), inside / "a.tar")
        assert 0 == tasks.hash_tree(inside).files - tasks.hash_tree(inside).files
    assert [] == [each.name for each in inside.iterdir() if each.name != "link"]


def test_a_path_in_a_record(tmp_path: Path, requests: tuple[str, list[str]]) -> None:
    """Paths count wherever in an argument they are."""
    url, asked = requests
    with offline(tmp_path, hosts=["127.0.0.1"]):
        with pytest.raises(gostitch.GoOfflineError, match=r"/elsewhere/a"):
            tasks.fetch([tasks.FetchItem(f"{url}/", "/elsewhere/a")])
    assert [] == asked


def test_blocks_in_blocks(tmp_path: Path) -> None:
    """The innermost counts, and the outer one again after it, also where the inner one fails."""
    (tmp_path / "a").mkdir()
    with offline(tmp_path):
        with pytest.raises(ZeroDivisionError), offline(tmp_path / "a"):
            with pytest.raises(gostitch.GoOfflineError):
                tasks.hash_tree(tmp_path)
            raise ZeroDivisionError
        tasks.hash_tree(tmp_path)
        with pytest.raises(gostitch.GoOfflineError):
            tasks.hash_tree("/usr")


@pytest.mark.parametrize(
    ("argument", "value", "kind"),
    [
        ("folder", 3, gostitch.GoTypeError),
        ("folder", b"/tmp", gostitch.GoTypeError),
        ("folder", "a\0b", gostitch.GoValueError),
        ("folder", "\ud800", gostitch.GoValueError),
        ("hosts", 3, gostitch.GoTypeError),
        ("hosts", b"localhost", gostitch.GoTypeError),
        ("hosts", [1], gostitch.GoTypeError),
        ("hosts", ["\ud800"], gostitch.GoValueError),
    ],
)
def test_arguments_that_cannot_be(argument: str, value: Any, kind: type[Exception]) -> None:
    """They are refused by their name, and nothing stays forbidden."""
    with pytest.raises(kind, match=f"^{argument} ") as refused, offline(**{argument: value}):
        raise AssertionError
    assert {"argument": argument} == refused.value.details  # type: ignore[attr-defined]
    tasks.hash_tree(
        "/usr/share/doc/base-files" if Path("/usr/share/doc/base-files").is_dir() else "."
    )


def test_before_the_library_is_loaded(program: Programs) -> None:
    """A block loads nothing, forbids from the first call on, and in forked children too."""
    done = program(
        """
import os, gostitch
from gostitch import tasks
from gostitch.testing import offline

def fetch():
    try:
        tasks.fetch([{"url": "http://127.0.0.1:9/", "path": "a"}])
    except gostitch.GoOfflineError as error:
        print(error.details["host"], flush=True)

with offline("."):
    print(gostitch.runtime_info()["library"], flush=True)
    fetch()
    if os.fork() == 0:
        fetch()
        os._exit(0)
    os.wait()
"""
    )

    assert ("None\n127.0.0.1\n127.0.0.1\n", "", 0) == (done.stdout, done.stderr, done.returncode)


_TEST = """
import pytest
from gostitch import tasks

def test_it():
    tasks.hash_tree({path!r})

@pytest.mark.online
def test_that():
    tasks.hash_tree({path!r})
"""


@pytest.mark.parametrize("how", ["--gostitch-offline", "-ogostitch_offline=true", "-v"])
def test_of_the_plugin(tmp_path: Path, how: str) -> None:
    """The option and the setting forbid what is outside of the temporary folder."""
    (tmp_path / "conftest.py").write_text("pytest_plugins = ['gostitch.testing.pytest_plugin']\n")
    (tmp_path / "test_it.py").write_text(_TEST.format(path=str(Path(__file__).parent)))
    done = subprocess.run(
        [
            sys.executable,
            "-m",
            "pytest",
            "--strict-markers",
            "-p",
            "no:cacheprovider",
            how,
            tmp_path,
        ],
        capture_output=True,
        text=True,
        cwd=tmp_path,
        timeout=50,
        check=False,
    )

    expected = "2 passed" if how == "-v" else "1 failed, 1 passed"
    assert expected in done.stdout
    if how != "-v":
        assert "GoOfflineError: a test has forbidden to touch" in done.stdout


_PROJECT = """
import pytest
from gostitch import GoOfflineError, tasks
from gostitch.testing import fake_library, offline

def is_offline():
    try:
        tasks.hash_tree({path!r})
    except GoOfflineError:
        return True
    return False

@pytest.fixture(scope="session", autouse=True)
def of_the_session():
    assert is_offline()
    yield
    assert is_offline()

@pytest.fixture(scope="module")
def of_the_module():
    assert is_offline()
    yield
    assert is_offline()

@pytest.fixture
def of_a_test(request, of_the_module):
    online = request.node.get_closest_marker("online") is not None
    assert is_offline() is not online
    with offline():
        yield
    assert is_offline() is not online

@pytest.mark.online
def test_online(of_the_module, tmp_path):
    assert not is_offline()
    with offline(tmp_path):
        assert is_offline()

@pytest.mark.online
@pytest.mark.usefixtures("of_a_test")
def test_online_with_a_fixture():
    pass

def test_offline(of_a_test, tmp_path):
    assert is_offline()
    tasks.hash_tree(tmp_path)

@pytest.fixture(scope="class")
def of_the_class():
    assert not is_offline()
    yield
    assert not is_offline()

@pytest.mark.online
class TestOnline:
    def test_it(self, of_the_class):
        assert not is_offline()

def test_faked():
    with fake_library() as fake:
        fake.returns(tasks.hash_tree, {{"digest": "ab" * 32, "files": 2, "bytes": 10}})
        assert not is_offline()
"""


def _pytest(folder: Path, *options: str) -> str:
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "--strict-markers", "-p", "no:cacheprovider", *options],
        capture_output=True,
        text=True,
        cwd=folder,
        timeout=50,
        check=False,
    )
    return done.stdout + done.stderr


@pytest.mark.parametrize("options", [[], ["-n2"], ["--basetemp=t"]], ids=str)
def test_fixtures_of_every_scope(tmp_path: Path, options: list[str]) -> None:
    """All is offline from the first fixture to the last, and what is marked online is online."""
    (tmp_path / "conftest.py").write_text("pytest_plugins = ['gostitch.testing.pytest_plugin']\n")
    (tmp_path / "test_it.py").write_text(_PROJECT.format(path=str(Path(__file__).parent)))
    said = _pytest(tmp_path, "--gostitch-offline", *options)

    assert "5 passed in" in said, said


@pytest.mark.parametrize("options", [[], ["-x"]], ids=str)
def test_the_last_fixture(tmp_path: Path, options: list[str]) -> None:
    """It is offline also where pytest ends early."""
    (tmp_path / "conftest.py").write_text("pytest_plugins = ['gostitch.testing.pytest_plugin']\n")
    project = _PROJECT.format(path=str(Path(__file__).parent))
    failing = "\ndef test_fails():\n    raise ZeroDivisionError\n\ndef test_after():\n    pass\n"
    (tmp_path / "test_it.py").write_text(project + failing)
    said = _pytest(tmp_path, "--gostitch-offline", *options)

    assert ("1 failed, 5 passed in" if options else "1 failed, 6 passed in") in said, said


def test_a_fake_touches_nothing(tmp_path: Path) -> None:
    """Neither what it is given, nor what it gives or is answered."""
    done = tasks.FetchResult("http://h", "/data/x", True, "", 200, 1, "", 1)
    with offline(tmp_path), fake_library() as fake:
        fake.returns(tasks.hash_tree, {"digest": "ab" * 32, "files": 2, "bytes": 10})
        fake.returns(tasks.fetch, [done])
        assert 2 == tasks.hash_tree("/data/outside").files
        assert [done] == tasks.fetch([{"url": "http://h", "path": "/data/x"}])
        assert [done] == tasks.fetch.submit([]).result(20)


def test_what_counts_as_an_argument(tmp_path: Path) -> None:
    """The answer of a callback goes to Go as arguments do; what only a test reads does not."""
    schema = bridge.Schema("path")
    with offline(tmp_path):
        assert schema.encode("/data/x") == b"\xa7/data/x"
        with pytest.raises(gostitch.GoOfflineError):
            schema.encode_answer("/data/x")
    assert schema.encode_answer("/data/x") == b"\xa7/data/x"


def test_blocks_in_a_fake(requests: tuple[str, list[str]], tmp_path: Path) -> None:
    """A block that begins, or ends, while a fake library stands in counts after it too."""
    url, asked = requests
    with ExitStack() as block:
        with fake_library():
            block.enter_context(offline(tmp_path))
        with pytest.raises(gostitch.GoOfflineError):
            _fetch(f"{url}/a", tmp_path / "a")
        with fake_library() as fake:
            block.close()
            assert [] == fake.calls
    _fetch(f"{url}/b", tmp_path / "b")
    assert ["/b"] == asked
