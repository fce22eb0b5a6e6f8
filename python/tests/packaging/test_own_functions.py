"""Projects with Go functions of their own, where nothing but the wheel of gostitch is installed."""

from __future__ import annotations

import os
import platform
import re
import subprocess
import sys
import tarfile
import venv
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import pytest
import wheel_checks

from own.projects import Project

ROOT = Path(__file__).parents[3]

pytestmark = pytest.mark.timeout(300)


class Step(NamedTuple):
    """A command of the guide and the output it shows, or a file and its text."""

    name: str
    text: str
    is_file: bool


def steps() -> Iterator[Step]:
    """Give what the guide's section says, in order."""
    section = (ROOT / "docs" / "guide.md").read_text().split("## Your own function\n")[1]
    section = section.split("\n### Settings")[0]
    blocks = re.findall(r"(?:^`([\w./]+)`\n\n)?^```(\w*)\n(.*?)^```$", section, re.M | re.S)
    for name, kind, text in blocks:
        if kind == "console":
            for command, shown in re.findall(r"^\$ (.*)\n((?:[^$\n].*\n)*)", text, re.MULTILINE):
                yield Step(command, shown, is_file=False)
        else:
            assert name, f"the guide shows a file without its name: {text}"
            yield Step(name, text, is_file=True)


@pytest.fixture(scope="module")
def clean(wheel: Path) -> dict[str, str]:
    """An environment in which pip finds the wheel, and nothing leads to the checkout."""
    unwanted = ("GOSTITCH_", "PYTHON", "VIRTUAL_ENV")
    env = {name: of for name, of in os.environ.items() if not name.startswith(unwanted)}
    return env | {"PIP_FIND_LINKS": str(wheel.parent), "PIP_DISABLE_PIP_VERSION_CHECK": "1"}


@pytest.fixture(scope="module")
def installed(clean: dict[str, str], wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The Python of a fresh environment that has gostitch."""
    folder = tmp_path_factory.mktemp("installed")
    venv.create(folder, with_pip=True)
    python = folder / "bin" / "python"
    must(python, "-m", "pip", "install", "--quiet", wheel, cwd=folder, env=clean)
    return python


def must(*command: str | Path, cwd: Path, env: dict[str, str]) -> str:
    """Run a command that must succeed, and give all that it says."""
    done = subprocess.run(
        list(map(str, command)),
        cwd=cwd,
        env=env,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=240,
        check=False,
    )
    assert done.returncode == 0, f"{command}\n{done.stdout}"
    return done.stdout


def test_the_guide_from_an_empty_folder(tmp_path: Path, clean: dict[str, str]) -> None:
    """Every command and file of the guide, literally; the output it shows is what comes."""
    script, expected = ["set -e"], []
    for step in steps():
        if step.is_file:
            end = "END_OF_FILE"
            script.append(f"cat > {step.name} <<'{end}'\n{step.text}{end}")
        elif step.text:
            script.append(f"echo '--- shown'\n{step.name}\necho '--- end'")
            expected.append(step.text)
        else:
            script.append(step.name)
    env = clean | {"PATH": f"{Path(sys.executable).parent}{os.pathsep}{clean['PATH']}"}
    out = must("bash", "-c", "\n".join(script), cwd=tmp_path, env=env)
    shown = re.findall(r"^--- shown\n(.*?)^--- end$", out, re.M | re.S)

    assert 3 == len(expected)
    assert expected == shown


def test_pip_builds_a_wheel_in_isolation(
    tmp_path: Path, clean: dict[str, str], installed: Path
) -> None:
    """pip gets gostitch and what it needs for the build; the folder of the project stays as it is."""
    project = Project(tmp_path / "sums")
    project.add_settings('package = "sums"')
    before = sorted(project.root.rglob("*"))
    env = clean | {"SOURCE_DATE_EPOCH": "1700000000"}
    for into in ("one", "two"):
        must(
            installed, "-m", "pip", "wheel", "--quiet", "--no-deps", "-w", tmp_path / into, ".",
            cwd=project.root, env=env,
        )  # fmt: skip
    first, second = (next((tmp_path / into).iterdir()) for into in ("one", "two"))
    with zipfile.ZipFile(first) as archive:
        metadata = archive.read("sums-1.0.dist-info/METADATA").decode()

    assert before == sorted(project.root.rglob("*"))
    assert re.fullmatch(r"sums-1\.0-py3-none-manylinux_2_\d+_\w+\.whl", first.name)
    assert re.search(r"^Requires-Dist: gostitch==\d", metadata, re.MULTILINE)
    assert first.name == second.name
    assert first.read_bytes() == second.read_bytes()


def test_a_wheel_for_another_machine(tmp_path: Path) -> None:
    """zig builds it, its tag says the machine and glibc 2.17, and its symbols are beside it."""
    other = "aarch64" if platform.machine() == "x86_64" else "x86_64"
    project = Project(tmp_path / "sums")
    done = project.gostitch("build", "--target", other, timeout_s=240)
    assert done.returncode == 0, done.stderr
    (wheel,) = (project.root / "dist").iterdir()

    assert f"sums-1.0-py3-none-manylinux_2_17_{other}.whl" == wheel.name
    assert f"dist/{wheel.name} has sums.add\n" == done.stdout
    (library,), symbols = wheel_checks.libraries(wheel), wheel_checks.symbols_files(wheel)
    of = symbols["sums/libsums.so.debug"]
    assert other == library.machine
    assert library.stripped
    assert [] == list(wheel_checks.without_symbols(library, of))
    assert "example.com/sums.Add" in of.functions


def test_an_editable_install_and_an_sdist(
    tmp_path: Path, clean: dict[str, str], installed: Path
) -> None:
    """pip install -e builds in place; the wheel of the sdist is that of the folder, and works."""
    project = Project(tmp_path / "sums")
    project.write(
        "pyproject.toml",
        (project.root / "pyproject.toml").read_text().replace(
            "[tool.gostitch]", '[project.scripts]\nsums = "sums:main"\n\n[tool.gostitch]'
        ),
    )  # fmt: skip
    project.write(
        "python/sums/__init__.py",
        '"""Sums."""\nfrom sums._generated import add\n\ndef main():\n    print(add(1, 2))\n',
    )
    pip = [installed, "-m", "pip", "install", "--quiet", "--no-build-isolation", "--no-deps"]
    must(*pip, "--editable", ".", cwd=project.root, env=clean)
    script = installed.parent / "sums"

    assert project.library.is_file()
    assert "3\n" == must(script, cwd=tmp_path, env=clean)
    hook = "import gostitch.build as b; print(b.build_sdist('dist'))"
    name = must(installed, "-c", hook, cwd=project.root, env=clean).split()[-1]
    with tarfile.open(project.root / "dist" / name) as archive:
        inside = sorted(archive.getnames())
        archive.extractall(tmp_path / "unpacked", filter="data")
    assert inside == [
        "sums-1.0/PKG-INFO", "sums-1.0/go.mod", "sums-1.0/pyproject.toml",
        "sums-1.0/python/sums/__init__.py", "sums-1.0/python/sums/_generated.py",
        "sums-1.0/python/sums/py.typed", "sums-1.0/sums.go",
    ]  # fmt: skip
    project.library.unlink()
    must(*pip, "--force-reinstall", ".", cwd=tmp_path / "unpacked" / "sums-1.0", env=clean)
    assert "3\n" == must(script, cwd=tmp_path, env=clean)
