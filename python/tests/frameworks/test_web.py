"""Calls in web frameworks: results as responses, records as bodies.

What a response must hold is what Go counted, read back by a client that knows JSON only.
"""

from __future__ import annotations

import json

from frameworks.conftest import Run

_TREE = """
import pathlib
root = pathlib.Path("tree")
root.mkdir(exist_ok=True)
(root / "a").write_text("12345")
from gostitch import tasks
"""

_FASTAPI = (
    _TREE
    + """
import json
from typing import Any
from fastapi import FastAPI
from fastapi.testclient import TestClient

app = FastAPI()

@app.get("/typed")
def typed() -> tasks.HashTreeResult:
    return tasks.hash_tree(root)

@app.get("/awaited")
async def awaited() -> tasks.HashTreeResult:
    return await tasks.hash_tree.submit(root)

@app.get("/listed")
async def listed() -> list[tasks.HashTreeResult]:
    return [await tasks.hash_tree.submit(root)]

@app.get("/untyped")
def untyped():
    return tasks.hash_tree(root)

@app.get("/chosen")
def chosen(algorithm: tasks.HashAlgorithm):
    return tasks.hash_tree(root, algorithm=algorithm).digest

@app.post("/body")
def body(item: tasks.FetchItem) -> Any:
    return {"url": item.url, "path": item.path, "digest": item.digest}

client = TestClient(app)
found = {}
for path in ("typed", "awaited", "listed", "untyped"):
    found[path] = client.get(f"/{path}").json()
found["digests"] = [len(client.get("/chosen", params={"algorithm": name}).json()) for name in ("blake3", "sha256")]
found["wrong"] = client.get("/chosen", params={"algorithm": "md5"}).status_code
found["body"] = client.post("/body", json={"url": "http://a", "path": "b"}).json()
found["lacking"] = client.post("/body", json={"url": "http://a"}).status_code
schemas = app.openapi()["components"]["schemas"]
found["schema"] = {name: kind["type"] for name, kind in schemas["HashTreeResult"]["properties"].items()}
found["required"] = schemas["FetchItem"]["required"]
print(json.dumps(found))
"""
)


def test_fastapi(run: Run) -> None:
    """Results are responses, records are bodies, enums are parameters, and OpenAPI says so."""
    found = json.loads(run(_FASTAPI))

    result = found["typed"]
    assert {"digest": result["digest"], "files": 1, "bytes": 5} == result
    assert [result, [result], result] == [found[each] for each in ("awaited", "listed", "untyped")]
    assert ([64, 64], 422) == (found["digests"], found["wrong"])
    assert {"url": "http://a", "path": "b", "digest": ""} == found["body"]
    assert 422 == found["lacking"]
    assert {"digest": "string", "files": "integer", "bytes": "integer"} == found["schema"]
    assert ["url", "path"] == found["required"]


def test_starlette(run: Run) -> None:
    """``JSONResponse`` takes what ``to_dict()`` returns; endpoints may await."""
    out = run(
        _TREE
        + """
from starlette.applications import Starlette
from starlette.responses import JSONResponse
from starlette.routing import Route
from starlette.testclient import TestClient

async def awaited(request):
    return JSONResponse((await tasks.hash_tree.submit(root)).to_dict())

def in_thread(request):
    return JSONResponse(tasks.hash_tree(root).to_dict())

client = TestClient(Starlette(routes=[Route("/a", awaited), Route("/b", in_thread)]))
print(client.get("/a").json()["bytes"], client.get("/b").json()["files"])
"""
    )

    assert "5 1\n" == out


_DJANGO = (
    _TREE
    + """
import asyncio, django
from django.conf import settings
settings.configure(ROOT_URLCONF=__name__, ALLOWED_HOSTS=["*"], SECRET_KEY="x", DEBUG=True)
django.setup()
from django.core.serializers.json import DjangoJSONEncoder
from django.http import JsonResponse
from django.test import AsyncClient, Client
from django.urls import path

def view(request):
    return JsonResponse(tasks.hash_tree(root).to_dict())

async def async_view(request):
    return JsonResponse((await tasks.hash_tree.submit(root)).to_dict())

urlpatterns = [path("a", view), path("b", async_view)]

async def both():
    return [(await AsyncClient().get(f"/{name}")).json()["bytes"] for name in "ab"]

print([Client().get(f"/{name}").json()["bytes"] for name in "ab"], asyncio.run(both()))
"""
)


def test_django(run: Run) -> None:
    """Sync and async views, under WSGI and ASGI."""
    assert "[5, 5] [5, 5]\n" == run(_DJANGO)


def test_flask(run: Run) -> None:
    """Records are answers: Flask's JSON knows data classes. Async views need an extra of Flask."""
    out = run(
        _TREE
        + """
from flask import Flask, jsonify
app = Flask("a")

@app.get("/a")
def a():
    return jsonify(tasks.hash_tree(root))

@app.get("/b")
def b():
    return tasks.hash_tree(root).to_dict()

client = app.test_client()
print(client.get("/a").json["bytes"], client.get("/b").json["files"])
"""
    )

    assert "5 1\n" == out
