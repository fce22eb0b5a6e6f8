"""Pack a project's sources."""

from __future__ import annotations

import io
import os
import subprocess
import tarfile
import tempfile
from pathlib import Path

from . import _metadata
from ._project import Project

_FOLDERS_LEFT_OUT = ("__pycache__", "build", "dist", "node_modules")
_ENDINGS_LEFT_OUT = (".so", ".so.debug", ".pyc", ".egg-info")
_WORKSPACE = ("go.work", "go.work.sum")  # names folders of one machine


def build(project: Project, into: Path) -> Path:
    """Pack what git has or would have; without git, what is not hidden or built."""
    metadata = _metadata.read(project)
    into.mkdir(parents=True, exist_ok=True)
    target = into / f"{metadata.stem}.tar.gz"
    with tempfile.NamedTemporaryFile(prefix=".gostitch-", dir=into, delete=False) as unfinished:
        try:
            with tarfile.open(
                fileobj=unfinished, mode="w:gz", format=tarfile.PAX_FORMAT
            ) as archive:
                for name in _files(project):
                    path, inside = project.root / name, f"{metadata.stem}/{name}"
                    archive.add(path, inside, recursive=False, filter=_plain)
                info = tarfile.TarInfo(f"{metadata.stem}/PKG-INFO")
                info.size = len(metadata.text)
                archive.addfile(_plain(info), io.BytesIO(metadata.text))
            unfinished.close()
            os.chmod(unfinished.name, 0o644)
            os.replace(unfinished.name, target)
        except BaseException:
            os.unlink(unfinished.name)
            raise
    return target


def _plain(info: tarfile.TarInfo) -> tarfile.TarInfo:
    """Leave out who packed it and when, if the environment gives a time."""
    info.uid = info.gid = 0
    info.uname = info.gname = ""
    info.mode = 0o755 if info.mode & 0o100 else 0o644
    epoch = os.environ.get("SOURCE_DATE_EPOCH")
    if epoch:
        info.mtime = int(epoch)
    return info


def _files(project: Project) -> list[str]:
    names = _of_git(project.root)
    if names is None:
        names = _found(project.root)
    return sorted(
        name
        for name in names
        if (project.root / name).is_file()
        and not name.endswith(_ENDINGS_LEFT_OUT)
        and Path(name).name not in (*_WORKSPACE, "PKG-INFO")
    )


def _of_git(root: Path) -> list[str] | None:
    command = ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    try:
        done = subprocess.run(command, cwd=root, capture_output=True, text=True, check=False)
    except OSError:
        return None
    # An sdist that lies somewhere below a checkout is ignored there, so nothing is listed.
    names = [name for name in done.stdout.split("\0") if name]
    return names if done.returncode == 0 and "pyproject.toml" in names else None


def _found(root: Path) -> list[str]:
    found = []
    for folder, folders, names in os.walk(root):
        folders[:] = [
            of
            for of in folders
            if not of.startswith(".")
            and of not in _FOLDERS_LEFT_OUT
            and not of.endswith(_ENDINGS_LEFT_OUT)
            and not Path(folder, of, "pyvenv.cfg").is_file()
        ]
        found += [os.path.relpath(Path(folder, of), root) for of in names if not of.startswith(".")]
    return found
