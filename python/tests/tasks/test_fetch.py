"""``tasks.fetch`` against servers that behave and servers that do not."""

from __future__ import annotations

import asyncio
import hashlib
import os
import sysconfig
import threading
from pathlib import Path

import pytest

import gostitch
from gostitch import tasks
from http_servers import Handler, serving

FOLDER = Path(sysconfig.get_path("stdlib")) / "asyncio"
NAMES = sorted(path.name for path in FOLDER.glob("*.py"))


def test_files_arrive_whole_and_in_order(tmp_path: Path) -> None:
    """Every file has the server's bytes, its digest and its size; the last message says so."""
    seen: list[tasks.FetchProgress] = []
    with serving(FOLDER) as url:
        results = tasks.fetch(
            [{"url": f"{url}/{name}", "path": tmp_path / "new" / name} for name in NAMES],
            progress=seen.append,
        )

    assert [Path(result.path).name for result in results] == NAMES
    for result in results:
        data = (FOLDER / Path(result.path).name).read_bytes()
        assert Path(result.path).read_bytes() == data
        assert (result.ok, result.error, result.status) == (True, "", 200)
        assert result.digest == "sha256:" + hashlib.sha256(data).hexdigest()
        assert result.bytes == len(data)
    assert (seen[-1].done, seen[-1].total, seen[-1].failed) == (len(NAMES), len(NAMES), 0)


def test_one_bad_item_does_not_fail_the_others(tmp_path: Path) -> None:
    """A missing file is a result that says why; nothing partial stays."""
    with serving(FOLDER) as url:
        good, missing, wrong = tasks.fetch(
            [
                {"url": f"{url}/{NAMES[0]}", "path": tmp_path / "good"},
                tasks.FetchItem(f"{url}/nothing", tmp_path / "missing"),
                {"url": f"{url}/{NAMES[0]}", "path": tmp_path / "wrong", "digest": "0" * 64},
            ]
        )

    assert good.ok
    assert (missing.ok, missing.status, missing.attempts) == (False, 404, 1)
    assert not wrong.ok
    assert "digest" in wrong.error
    assert os.listdir(tmp_path) == ["good"]


def test_a_server_that_fails_twice_is_asked_again(tmp_path: Path) -> None:
    """Retries happen, and are counted."""
    asked = []

    def fail_twice(handler: Handler) -> bool:
        asked.append(handler.path)
        if len(asked) < 3:
            handler.send_error(503)
            return True
        return False

    with serving(FOLDER, fail_twice) as url:
        (result,) = tasks.fetch([{"url": f"{url}/{NAMES[0]}", "path": tmp_path / "a"}])

    assert (result.ok, result.attempts) == (True, 3)


def test_a_body_cut_short_is_never_kept(tmp_path: Path) -> None:
    """Fewer bytes than announced are an error of the item, after all retries."""

    def cut(handler: Handler) -> bool:
        handler.answer(b"half", length=8)
        handler.close_connection = True
        return True

    with serving(FOLDER, cut) as url:
        (result,) = tasks.fetch([{"url": f"{url}/x", "path": tmp_path / "a"}], retries=1)

    assert (result.ok, result.attempts) == (False, 2)
    assert os.listdir(tmp_path) == []


@pytest.mark.parametrize(
    ("items", "named"),
    [
        ([{"url": "ftp://127.0.0.1/x", "path": "x"}], "items"),
        ([{"url": "not a url", "path": "x"}], "items"),
        ([{"url": "http://", "path": "x"}], "items"),
        ([{"url": "http://127.0.0.1/", "path": "x", "digest": "md5:00"}], "items"),
        ([{"url": "http://127.0.0.1/"}], "items[0]"),
        ([{"url": "http://127.0.0.1/", "path": "x", "to": "y"}], "items[0]"),
        ([{"url": 3, "path": "x"}], "items[0].url"),
        ([{"url": "http://127.0.0.1/", "path": 3}], "items[0].path"),
        (["http://127.0.0.1/"], "items[0]"),
        ("http://127.0.0.1/", "items"),
        ({"url": "http://127.0.0.1/", "path": "x"}, "items"),
    ],
)
def test_a_bad_item_is_named_before_anything_is_sent(items: object, named: str) -> None:
    """The error names the item, and the field where it can."""
    with pytest.raises((gostitch.GoTypeError, gostitch.GoValueError)) as caught:
        tasks.fetch(items)

    assert caught.value.details["argument"] == named
    assert named in str(caught.value)


@pytest.mark.parametrize(
    ("arguments", "named"),
    [
        ({"concurrency": -1}, "concurrency"),
        ({"retries": -1}, "retries"),
        ({"retries": "many"}, "retries"),
        ({"headers": ["a"]}, "headers"),
        ({"attempt_timeout_s": -1}, "attempt_timeout_s"),
    ],
)
def test_a_bad_option_is_named(tmp_path: Path, arguments: dict[str, object], named: str) -> None:
    """Options are checked before anything is sent, too."""
    with pytest.raises((gostitch.GoTypeError, gostitch.GoValueError)) as caught:
        tasks.fetch([{"url": "http://127.0.0.1:9/", "path": tmp_path / "x"}], **arguments)

    assert caught.value.details["argument"] == named


class Stalls:
    """A server's behaviour: send half of the body, then nothing until released."""

    def __init__(self) -> None:
        self.reached = threading.Event()
        self.released = threading.Event()

    def __call__(self, handler: Handler) -> bool:
        """Answer half."""
        handler.answer(b"half", length=8)
        handler.wfile.flush()
        self.reached.set()
        self.released.wait(30)
        handler.close_connection = True
        return True


def test_a_timeout_in_mid_body_leaves_nothing(tmp_path: Path) -> None:
    """The deadline of the call ends a stalled download."""
    stalls = Stalls()
    with serving(FOLDER, stalls) as url:
        with pytest.raises(gostitch.GoTimeoutError):
            tasks.fetch([{"url": f"{url}/x", "path": tmp_path / "a"}], timeout=0.2)
        stalls.released.set()

    assert os.listdir(tmp_path) == []


def test_cancelling_an_await_in_mid_body_leaves_nothing(tmp_path: Path) -> None:
    """Cancelling the task cancels the download."""
    stalls = Stalls()

    async def cancel(url: str) -> None:
        task = asyncio.ensure_future(
            tasks.fetch.submit([{"url": f"{url}/x", "path": tmp_path / "a"}])
        )
        await asyncio.to_thread(stalls.reached.wait, 30)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        while gostitch.runtime_info()["calls"]:
            await asyncio.sleep(0)

    with serving(FOLDER, stalls) as url:
        asyncio.run(cancel(url))
        stalls.released.set()

    assert os.listdir(tmp_path) == []


def test_a_call_stopped_with_resume_is_continued_by_the_next(tmp_path: Path) -> None:
    """With resume=True the part is kept, and the next call asks only for the rest."""
    body = bytes(range(256)) * 4096
    ranges: list[str | None] = []
    reached, released = threading.Event(), threading.Event()

    def serve(handler: Handler) -> bool:
        asked = handler.headers.get("Range")
        ranges.append(asked)
        start = int(asked.removeprefix("bytes=").rstrip("-")) if asked else 0
        handler.send_response(206 if asked else 200)
        handler.send_header("ETag", '"one"')
        handler.send_header("Content-Length", str(len(body) - start))
        if asked:
            handler.send_header("Content-Range", f"bytes {start}-{len(body) - 1}/{len(body)}")
        handler.end_headers()
        if asked:
            handler.wfile.write(body[start:])
            return True
        handler.wfile.write(body[: len(body) // 2])
        handler.wfile.flush()
        reached.set()
        released.wait(30)
        handler.close_connection = True
        return True

    with serving(FOLDER, serve) as url:
        item = {"url": f"{url}/x", "path": tmp_path / "a"}
        future = tasks.fetch.submit([item], resume=True, progress=lambda _: None)
        assert reached.wait(30)
        part = tmp_path / "a.part"
        while not part.exists() or part.stat().st_size == 0:
            assert not future.done()
        future.cancel()
        while gostitch.runtime_info()["calls"]:
            pass
        released.set()
        (result,) = tasks.fetch([item], resume=True)

    assert result.ok, result
    assert (tmp_path / "a").read_bytes() == body
    assert os.listdir(tmp_path) == ["a"]
    assert ranges[0] is None
    assert ranges[1] is not None
