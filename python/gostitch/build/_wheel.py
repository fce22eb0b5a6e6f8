"""Pack a project and its library into a wheel."""

from __future__ import annotations

import contextlib
import os
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from gostitch._version import VERSION

from . import _functions, _metadata, _platform_tag, _provide, _symbols
from ._functions import Built
from ._metadata import Metadata
from ._project import GENERATED, Project

_LEFT_OUT = ("__pycache__", ".egg-info", ".dist-info", ".pyc", ".so.h", ".so.debug")


def build(project: Project, into: Path) -> tuple[Path, Built]:
    """Build the library, in a folder of its own, and pack everything."""
    metadata = _metadata.read(project)
    with tempfile.TemporaryDirectory(prefix="gostitch-") as folder:
        built = _functions.build(project, Path(folder))
        tag = f"py3-none-{_platform_tag.of_library(built.library)}"
        inside = project.package.replace(".", "/")
        files: dict[str, Any] = {project.typed: b"", **dict(_sources(project))}
        files[f"{inside}/{GENERATED}"] = built.generated
        for path in (built.library, _symbols.beside(built.library)):
            if path.exists():
                files[f"{inside}/{path.name}"] = path
        return _pack(project, metadata, tag, files, into), built


def build_editable(project: Project, into: Path, *, build_library: bool = True) -> Path:
    """Build in place, and pack a wheel that points there."""
    metadata = _metadata.read(project)
    if build_library:
        _functions.build_in_place(project)
    tag = f"py3-none-{_platform_tag.of_library(project.folder / project.library)}"
    pointer = {f"__editable__.{metadata.stem}.pth": f"{project.source.resolve()}\n".encode()}
    return _pack(project, metadata, tag, pointer, into)


def prepare(project: Project, into: Path) -> str:
    """Write the metadata alone; gives the name of its folder."""
    metadata = _metadata.read(project)
    folder = into / f"{metadata.stem}.dist-info"
    folder.mkdir(parents=True)
    (folder / "METADATA").write_bytes(metadata.text)
    if metadata.entry_points:
        (folder / "entry_points.txt").write_text(metadata.entry_points, encoding="utf-8")
    return folder.name


def _sources(project: Project) -> Iterator[tuple[str, Path]]:
    """Give the Python side: the folder of sources, or the package where that is the project's."""
    alone = project.source == project.root
    top = project.source / project.package.partition(".")[0] if alone else project.source
    for folder, folders, names in os.walk(top):
        folders[:] = sorted(name for name in folders if _is_source(name))
        for name in sorted(filter(_is_source, names)):
            path = Path(folder, name)
            yield path.relative_to(project.source).as_posix(), path


def _is_source(name: str) -> bool:
    return not name.startswith(".") and not name.endswith(_LEFT_OUT)


def _pack(
    project: Project, metadata: Metadata, tag: str, files: dict[str, Any], into: Path
) -> Path:
    """Write the wheel; the file appears whole or not at all."""
    into.mkdir(parents=True, exist_ok=True)
    info = f"{metadata.stem}.dist-info"
    texts = {
        f"{info}/METADATA": metadata.text,
        f"{info}/WHEEL": (
            f"Wheel-Version: 1.0\nGenerator: gostitch {VERSION}\n"
            f"Root-Is-Purelib: false\nTag: {tag}\n"
        ).encode(),
    }
    if metadata.entry_points:
        texts[f"{info}/entry_points.txt"] = metadata.entry_points.encode()
    for path in metadata.licenses:
        texts[f"{info}/licenses/{path.as_posix()}"] = (project.root / path).read_bytes()
    name = f"{metadata.stem}-{tag}.whl"
    with tempfile.TemporaryDirectory(prefix=".gostitch-", dir=into) as near:
        wheel = _provide.wheelfile().WheelFile(f"{near}/{name}", "w")
        try:
            for inside, content in (*sorted(files.items()), *texts.items()):
                if isinstance(content, Path):
                    wheel.write(str(content), inside)
                else:
                    wheel.writestr(inside, content)
            wheel.close()
        except BaseException:
            wheel.mode = "r"  # or what has no room tries once more to end it, and says so at length
            with contextlib.suppress(Exception):
                wheel.close()
            raise
        os.replace(f"{near}/{name}", into / name)
    return into / name
