"""Where source lines of Go come from, and which are not taken."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from gostitch.exceptions import GoFrame
from gostitch.observe import _frames, _sources


@pytest.fixture
def sources(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A folder for sources, known to Go by its variables, and nothing kept of what was looked at."""
    monkeypatch.setenv("GOMODCACHE", str(tmp_path / "cache"))
    monkeypatch.setenv("GOROOT", str(tmp_path / "go"))
    monkeypatch.setattr(
        _sources, "_modules", lambda: (("example.com/shop", str(tmp_path / "shop")),)
    )
    monkeypatch.setattr(_sources._build, "go_version", lambda: "go1.99.1")
    monkeypatch.setattr(_sources, "_built_at", lambda: time.time() + 60)
    kept = (_sources._find, _sources._read, _sources._roots_of_go)
    for each in kept:
        each.cache_clear()
    yield tmp_path
    for each in kept:
        each.cache_clear()


def _write(path: Path, text: str = "one\ntwo\nthree\n") -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    return path


def test_where_sources_are(sources: Path) -> None:
    """In the module's folder, in Go's cache, in its vendor folder, in that Go which has built it."""
    _write(sources / "shop" / "price" / "price.go", "shop\n")
    _write(sources / "cache" / "github.com" / "!burnt!sushi" / "toml@v1.2.3" / "a.go", "cached\n")
    _write(sources / "shop" / "vendor" / "example.com" / "other" / "b.go", "vendored\n")
    _write(sources / "go" / "src" / "net" / "http" / "server.go", "of go\n")
    _write(sources / "go" / "VERSION", "go1.99.1\ntime 2026\n")
    found = {
        "example.com/shop/price/price.go": "shop",
        "github.com/BurntSushi/toml@v1.2.3/a.go": "cached",
        "example.com/other@v0.1.0/b.go": "vendored",
        "net/http/server.go": "of go",
        str(sources / "shop" / "price" / "price.go"): "shop",
    }
    assert found == {
        file: line[1] for file in found if (line := _sources.lines(file, 1, 5)) is not None
    }


def test_another_go_is_not_shown(sources: Path) -> None:
    """Lines of another version of Go are not those of the library."""
    _write(sources / "go" / "src" / "fmt" / "print.go")
    _write(sources / "go" / "VERSION", "go1.99.2\n")

    assert _sources.lines("fmt/print.go", 1, 5) is None


def test_what_changed_later_is_not_shown(sources: Path) -> None:
    """Neither after the library was built, nor after the process that crashed has ended."""
    path = _write(sources / "shop" / "a.go")
    now = time.time()
    assert _sources.lines("example.com/shop/a.go", 2, 5) == (["one"], "two", ["three"])
    assert _sources.lines("example.com/shop/a.go", 2, 5, until=now - 100) is None
    os.utime(path, (now + 999, now + 999))
    _sources._read.cache_clear()
    assert _sources.lines("example.com/shop/a.go", 2, 5) is None


def test_what_is_no_source_is_not_read(sources: Path, tmp_path: Path) -> None:
    """A report may name any file: only plain files of Go are read, of no great size."""
    secret = _write(tmp_path / "secret")
    long = _write(sources / "shop" / "long.go", "x" * (_sources._MOST_BYTES + 1))
    os.mkfifo(tmp_path / "pipe.go")
    (tmp_path / "folder.go").mkdir()
    for file, number in (
        (str(secret), 1),
        (str(long), 1),
        (str(tmp_path / "pipe.go"), 1),
        (str(tmp_path / "folder.go"), 1),
        ("example.com/shop/../../secret.go", 1),
        ("example.com/shop/none.go", 1),
        ("\0.go", 1),
        ("", 1),
        ("@.go", 1),
        ("/.go", 0),
        ("example.com/shop/long.go", 10**30),
    ):
        assert _sources.lines(file, number, 5) is None, file


def test_frames_of_other_modules(sources: Path) -> None:
    """The user's code is neither Go's own, nor of a module in Go's cache, nor vendored."""
    frames = {
        "example.com/shop.Sell": "example.com/shop/shop.go",
        "main.main": "example.com/shop/cmd/shop/main.go",
        "net/http.(*Server).Serve": "net/http/server.go",
        "example.com/other.F": "example.com/other@v0.1.0/b.go",
        "example.com/shop/vendor/x.F": "example.com/shop/vendor/x/x.go",
        "example.com/shop/third_party/x.F": "example.com/shop/third_party/x/x.go",
    }
    lines = [GoFrame(function, file, 1) for function, file in frames.items()]
    in_app = [frame["in_app"] for frame in reversed(_frames.of_stack(lines))]
    assert [True, True, False, False, False, False] == in_app
