"""The parts of the CI pipeline demo on their own: judge, reference digest, server, receiver."""

from __future__ import annotations

import hashlib
import http.client
import json
import os
import tarfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("opentelemetry.exporter.otlp.proto.grpc")

import zstandard

from ci_pipeline.compare import compare
from ci_pipeline.merkle import tree_digest
from ci_pipeline.processes import serving
from ci_pipeline.publish import publish
from ci_pipeline.receiver import receiving
from ci_pipeline.workplace import working_folder
from gostitch import tasks

pytestmark = pytest.mark.timeout(120)


def release(folder: Path, content: str) -> Path:
    """Make a tree with one file, and pack it."""
    tree = folder / "tree"
    tree.mkdir(parents=True)
    (tree / "file").write_text(content, encoding="utf-8")
    os.utime(tree / "file", (1, 1))
    packed = folder / "release.tar.zst"
    with (
        packed.open("wb") as file,
        zstandard.ZstdCompressor().stream_writer(file) as writer,
        tarfile.open(fileobj=writer, mode="w|") as tar,
    ):
        tar.add(tree / "file", arcname="file")
    return packed


def test_the_judge_finds_a_difference(tmp_path: Path) -> None:
    """One changed byte makes the streams and the trees differ, and each is named."""
    first, second = release(tmp_path / "a", "one"), release(tmp_path / "b", "two")
    digests = {"inputs tree": "x", "workspace tree": tree_digest(tmp_path / "a" / "tree")}
    same = compare(first, first.with_name("release.tar.zst"), (digests, digests))
    assert [one.equal for one in same] == [True] * 5
    compared = compare(first, second, (digests, digests | {"inputs tree": "y"}))
    assert [one.equal for one in compared] == [False, True, False, False, False]
    assert compared[2].what == "Release, decompressed (tar stream)"


def test_the_reference_digest_is_that_of_go(tmp_path: Path) -> None:
    """Files small and large, empty folders, links and modes: both languages agree."""
    (tmp_path / "empty").mkdir()
    (tmp_path / "sub").mkdir(mode=0o750)
    (tmp_path / "sub" / "large").write_bytes(os.urandom(3 << 20))
    (tmp_path / "sub" / "run").write_bytes(b"#!")
    (tmp_path / "sub" / "run").chmod(0o711)
    (tmp_path / "z\xe4\U0001f600").write_bytes(b"")
    (tmp_path / "link").symlink_to("sub/large")
    assert tree_digest(tmp_path) == tasks.hash_tree(tmp_path).digest


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[int, Path]]:
    """Give the port of an artifact server, and its store."""
    store = tmp_path_factory.mktemp("artifacts") / "store"
    publish(store, [], small=True)
    environment = {**os.environ, "OTEL_EXPORTER_OTLP_ENDPOINT": "http://127.0.0.1:1"}
    with serving("server", [str(store)], environment) as told:
        yield told["port"], store


@pytest.fixture
def client(served: tuple[int, Path]) -> Iterator[http.client.HTTPConnection]:
    connection = http.client.HTTPConnection("127.0.0.1", served[0], timeout=20)
    yield connection
    connection.close()


def ask(client: http.client.HTTPConnection, *request: Any, **more: Any) -> tuple[Any, bytes]:
    client.request(*request, **more)
    response = client.getresponse()
    return response, response.read()


def test_the_server_serves_files_with_their_digests(client: Any, served: tuple[int, Path]) -> None:
    """Small and large, over one connection; HEAD tells the same without a body."""
    manifest = json.loads((served[1] / "manifest.json").read_text(encoding="utf-8"))
    ordered = sorted(manifest["inputs"], key=lambda item: item["size"])
    for item in (ordered[0], ordered[-1]):
        path = f"/artifacts/{item['path']}"
        response, body = ask(client, "GET", path)
        assert (response.status, len(body)) == (200, item["size"])
        assert hashlib.sha256(body).hexdigest() == item["sha256"]
        assert response.headers["ETag"] == f'"{item["sha256"]}"'
        response, body = ask(client, "HEAD", path)
        assert (response.headers["Content-Length"], body) == (str(item["size"]), b"")


@pytest.mark.parametrize(
    ("asked", "status", "part"),
    [
        ("bytes=0-3", 206, slice(0, 4)),
        ("bytes=5-", 206, slice(5, None)),
        ("bytes=-4", 206, slice(-4, None)),
        ("bytes=3-999999999", 206, slice(3, None)),
        ("bytes=999999999-", 416, slice(0, 0)),
        ("lines=1-2", 200, slice(None)),
    ],
)
def test_the_server_knows_ranges(client: Any, asked: str, status: int, part: slice) -> None:
    """What a resuming client asks for, and what nobody can have."""
    _, whole = ask(client, "GET", "/artifacts/src/abc.py")
    response, body = ask(client, "GET", "/artifacts/src/abc.py", headers={"Range": asked})
    assert (response.status, body) == (status, whole[part])


def test_the_server_knows_conditions(client: Any) -> None:
    """A client that has the file is told so; a part of another version becomes the whole."""
    response, whole = ask(client, "GET", "/artifacts/src/abc.py")
    headers = {"If-None-Match": response.headers["ETag"]}
    response, body = ask(client, "GET", "/artifacts/src/abc.py", headers=headers)
    assert (response.status, body) == (304, b"")
    headers = {"Range": "bytes=0-3", "If-Range": '"other"'}
    response, body = ask(client, "GET", "/artifacts/src/abc.py", headers=headers)
    assert (response.status, body) == (200, whole)


def test_the_server_takes_uploads(client: Any, served: tuple[int, Path]) -> None:
    """Whole under their name, answered with their digest."""
    content = os.urandom(300_000)
    response, _ = ask(client, "PUT", "/uploads/x.bin", body=content)
    assert response.status == 201
    assert response.headers["ETag"].strip('"') == hashlib.sha256(content).hexdigest()
    assert (served[1] / "uploads" / "x.bin").read_bytes() == content
    assert not list((served[1] / "uploads").glob("*.part"))


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", "/artifacts/nothing", 404),
        ("GET", "/artifacts/../manifest.json", 404),
        ("GET", "/artifacts/src/%2e%2e/%2e%2e/manifest.json", 404),
        ("DELETE", "/artifacts/src/abc.py", 405),
        ("PUT", "/uploads/../x", 400),
        ("PUT", "/uploads/.x", 400),
        ("PUT", "/uploads/", 400),
        ("PUT", "/artifacts/src/abc.py", 405),
    ],
)
def test_the_server_refuses_the_rest(client: Any, method: str, path: str, status: int) -> None:
    """Nothing outside of what was published is read or written."""
    response, _ = ask(client, method, path, body=b"x" if method == "PUT" else None)
    assert response.status == status


def test_the_server_refuses_what_is_no_http(served: tuple[int, Path]) -> None:
    """A line of noise gets 400 and the connection's end."""
    import socket

    with socket.create_connection(("127.0.0.1", served[0]), timeout=20) as raw:
        raw.sendall(b"noise\r\n\r\n")
        assert raw.makefile("rb").read().startswith(b"HTTP/1.1 400 ")


def test_the_receiver_joins_what_one_process_sends() -> None:
    """Batches of equal resources are one, ids are hex, and nothing is lost."""
    from opentelemetry.exporter.otlp.proto.grpc.trace_exporter import OTLPSpanExporter
    from opentelemetry.sdk.resources import Resource
    from opentelemetry.sdk.trace import TracerProvider
    from opentelemetry.sdk.trace.export import SimpleSpanProcessor

    with receiving() as receiver:
        for instance in ("one", "two"):
            provider = TracerProvider(resource=Resource({"service.instance.id": instance}))
            exporter = OTLPSpanExporter(endpoint=receiver.endpoint, insecure=True)
            provider.add_span_processor(SimpleSpanProcessor(exporter))
            tracer = provider.get_tracer("t")
            with tracer.start_as_current_span("outer") as outer, tracer.start_as_current_span("in"):
                pass
            provider.shutdown()
        document = receiver.document()
    assert len(document["resourceSpans"]) == 2
    spans = document["resourceSpans"][1]["scopeSpans"][0]["spans"]
    assert [span["name"] for span in spans] == ["in", "outer"]
    assert spans[0]["parentSpanId"] == spans[1]["spanId"] == f"{outer.context.span_id:016x}"


def test_working_folders_of_the_dead_are_swept(tmp_path: Path) -> None:
    """A demo removes its own folder, and those whose demo was killed; never one that lives."""
    dead, alive = (
        tmp_path / "gostitch-demo-999999999-x",
        tmp_path / f"gostitch-demo-{os.getpid()}-y",
    )
    for folder in (dead, alive):
        folder.mkdir()
    with working_folder(tmp_path, tmp_path, keep=False) as folder:
        assert folder.is_dir()
        assert not dead.exists()
        assert alive.exists()
    assert not folder.exists()
