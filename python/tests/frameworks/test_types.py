"""Records and functions in libraries of types, type checkers and documentation."""

from __future__ import annotations

from pathlib import Path

import pytest

from frameworks.conftest import Run

_MODELS = {
    "pydantic": """
from pydantic import BaseModel
class Inner(BaseModel):
    id: int
    label: str
""",
    "msgspec": """
import msgspec
class Inner(msgspec.Struct):
    id: int
    label: str
""",
    "attrs": """
import attrs
@attrs.define
class Inner:
    id: int
    label: str
""",
    "dataclasses": """
import dataclasses
@dataclasses.dataclass
class Inner:
    id: int
    label: str
""",
    "typed dicts": """
from typing import TypedDict
class Inner(TypedDict):
    id: int
    label: str
""",
}


@pytest.mark.parametrize("library", _MODELS)
def test_as_arguments(run: Run, library: str) -> None:
    """Objects with fitting fields are taken where a record is expected."""
    out = run(
        _MODELS[library]
        + """
import faults
print(faults.structured("a", [1, 2], Inner(id=3, label="x")) == faults.structured("a", [1, 2], faults.FaultsInner(3, "x")))
"""
    )

    assert "True\n" == out


def test_pydantic(run: Run) -> None:
    """Records are types of fields, are validated, dumped and described."""
    out = run(
        """
import array, json
from pydantic import BaseModel, TypeAdapter, ValidationError, validate_call
import faults
from gostitch import tasks

class Build(BaseModel):
    tree: tasks.HashTreeResult
    algorithm: tasks.HashAlgorithm = tasks.HashAlgorithm.BLAKE3

build = Build.model_validate({"tree": {"digest": "d", "files": 1, "bytes": 2}, "algorithm": "sha256"})
print(type(build.tree).__name__, build.tree.bytes, build.algorithm is tasks.HashAlgorithm.SHA256)
print(build.model_dump_json())
adapter = TypeAdapter(tasks.HashTreeResult)
print(adapter.validate_json(adapter.dump_json(build.tree)) == build.tree)
print(sorted(adapter.json_schema()["properties"]), adapter.json_schema()["required"])
try:
    adapter.validate_python({"digest": "d", "files": "many", "bytes": 2})
except ValidationError as error:
    print(error.errors()[0]["loc"])
print(validate_call(faults.add)("1", 2))

items = TypeAdapter(list[tasks.FetchItem])
print(items.validate_json('[{"url": "http://a", "path": "b"}]') == [tasks.FetchItem("http://a", "b")])
print(validate_call(tasks.fetch)([tasks.FetchItem("http://127.0.0.1:9", "b")], retries="0")[0].ok)
print(validate_call(tasks.fetch)([{"url": "http://127.0.0.1:9", "path": "b"}], retries=0)[0].ok)
print(sorted(TypeAdapter(tasks.FetchItemDict).json_schema()["properties"]))
try:
    TypeAdapter(tasks.FetchItemDict).validate_python({"url": "http://a"})
except ValidationError as error:
    print(error.errors()[0]["loc"])
print(TypeAdapter(faults.FaultsPoint).validate_json('{"x": 1, "label": "a", "data": "b"}'))
print(validate_call(faults.bytes_in)(b"ab"), validate_call(faults.sum_floats)(array.array("d", [1.5])))
"""
    )

    assert [
        "HashTreeResult 2 True",
        '{"tree":{"digest":"d","files":1,"bytes":2},"algorithm":"sha256"}',
        "True",
        "['bytes', 'digest', 'files'] ['digest', 'files', 'bytes']",
        "('files',)",
        "3",
        "True",
        "False",
        "False",
        "['digest', 'path', 'url']",
        "('path',)",
        "FaultsPoint(x=1.0, label='a', data=b'b')",
        "100 1.5",
    ] == out.splitlines()


def test_msgspec(run: Run) -> None:
    """Records are encoded and converted as data classes are."""
    out = run(
        """
import msgspec
from gostitch import tasks

record = tasks.HashTreeResult("d", 1, 2)
text = msgspec.json.encode(record)
print(text.decode(), msgspec.json.decode(text, type=tasks.HashTreeResult) == record)
print(msgspec.convert({"digest": "d", "files": 1, "bytes": 2}, tasks.HashTreeResult) == record)
print(msgspec.to_builtins(record))
print(msgspec.convert({"url": "u", "path": "p"}, tasks.FetchItem))
"""
    )

    assert [
        '{"digest":"d","files":1,"bytes":2} True',
        "True",
        "{'digest': 'd', 'files': 1, 'bytes': 2}",
        "FetchItem(url='u', path='p', digest='')",
    ] == out.splitlines()


def test_cattrs(run: Run) -> None:
    """cattrs takes records for the data classes that they say they are."""
    out = run(
        """
import cattrs
from gostitch import tasks

record = tasks.HashTreeResult("d", 1, 2)
print(cattrs.unstructure(record), cattrs.structure(cattrs.unstructure(record), tasks.HashTreeResult) == record)
print(cattrs.structure({"url": "u", "path": "p"}, tasks.FetchItem))
"""
    )

    assert [
        "{'digest': 'd', 'files': 1, 'bytes': 2} True",
        "FetchItem(url='u', path='p', digest='')",
    ] == out.splitlines()


_CHECKED = """
from typing import Literal
from typing_extensions import assert_type
import gostitch
from gostitch import tasks

assert_type(tasks.hash_tree("."), tasks.HashTreeResult)
assert_type(tasks.hash_tree.submit("."), gostitch.Future[tasks.HashTreeResult])
tasks.hash_tree(".", algorithm="sha256")
tasks.hash_tree(".", algorithm=tasks.HashAlgorithm.BLAKE3)
tasks.fetch([{"url": "http://a", "path": "b"}])
tasks.fetch([tasks.FetchItem(url="http://a", path="b")])

async def main() -> None:
    assert_type(await tasks.hash_tree.submit("."), tasks.HashTreeResult)
"""

_REFUSED = [
    'tasks.hash_tree(".", algorithm="md5")',
    "tasks.hash_tree(3)",
    'tasks.hash_tree(".", nothing=1)',
    'tasks.fetch([{"url": "http://a"}])',
    'tasks.fetch([{"url": "http://a", "path": "b", "digset": ""}])',
    'tasks.fetch([tasks.FetchItem("http://a")])',
    'tasks.HashTreeResult("d", 1, 2).files = 3',
    'tasks.hash_tree(".").size',
]


@pytest.mark.timeout(150)
@pytest.mark.parametrize("checker", ["mypy", "pyright"])
def test_type_checkers(run: Run, tmp_path: Path, checker: str) -> None:
    """What works is accepted, and each mistake is found, in its line."""
    command = {"mypy": ["mypy", "--strict"], "pyright": ["pyright"]}[checker]
    (tmp_path / "right.py").write_text(_CHECKED)
    run(command=[*command, "right.py"], timeout=140)
    for i, line in enumerate(_REFUSED):
        (tmp_path / f"wrong{i}.py").write_text(f"from gostitch import tasks\n\n{line}\n")
    names = [f"wrong{i}.py" for i in range(len(_REFUSED))]
    with pytest.raises(AssertionError) as refused:
        run(command=[*command, *names], timeout=140)
    said = str(refused.value)
    assert [] == [line for i, line in enumerate(_REFUSED) if f"wrong{i}.py:3" not in said]


def test_sphinx(run: Run, tmp_path: Path) -> None:
    """Autodoc shows functions with signature and text, records with their fields."""
    (tmp_path / "conf.py").write_text(
        "extensions = ['sphinx.ext.autodoc', 'sphinx.ext.napoleon']\n"
    )
    (tmp_path / "index.rst").write_text(
        "Title\n=====\n\n.. automodule:: gostitch.tasks\n   :members:\n   :imported-members:\n"
    )
    run(command=["sphinx-build", "-q", "-b", "text", ".", "out"], timeout=80)
    text = (tmp_path / "out" / "index.txt").read_text()

    assert "gostitch.tasks.hash_tree(root: str | PathLike[str], *, algorithm: " in text
    assert "Gives the Merkle digest of a directory tree" in text
    assert "class gostitch.tasks.HashTreeResult(digest: str, files: int, bytes: int)" in text
