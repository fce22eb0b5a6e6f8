"""Which library a process loads, and what is said when two are wanted or one does not fit."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import elf_facts

from own.projects import Project

Play = Callable[..., list[str]]
Built = dict[str, Project]

CAUGHT = """
import gostitch
def attempt(f, *args):
    try:
        print(f(*args))
    except (gostitch.LibraryError, TypeError, OverflowError, ValueError) as error:
        print(error)
"""

ONE_LIBRARY = (
    "one process can have one Go library, so build one from all the Go packages: list them in 'go' "
    "of [tool.gostitch] of one project (gostitch.tasks is in every library, unless tasks = false)"
)


def test_a_module_brings_its_library(built: Built, play: Play) -> None:
    """The first call loads it, and not the import."""
    text = """
import sums, gostitch
print(gostitch.runtime_info()["loaded"])
print(sums.add(1, 2), gostitch.runtime_info()["library"])
"""

    assert ["False", f"3 {built['sums'].library}"] == play(text, built["sums"])


def test_the_tasks_work_from_it_whichever_is_called_first(
    built: Built, play: Play, tmp_path: Path
) -> None:
    """A module that is imported chooses the library, also for a task that is called before."""
    text = f"""
from gostitch import tasks
import sums
print(tasks.hash_tree({str(built["sums"].source / "sums" / "__init__.py")!r}).files, sums.add(1, 2))
"""

    assert ["1 3"] == play(text, built["sums"])


def test_a_task_that_was_called_before_the_import(built: Built, play: Play) -> None:
    """The shipped library is loaded then; the error names both and says what to do."""
    text = f"""{CAUGHT}
from gostitch import tasks
tasks.hash_tree({str(built["sums"].source / "sums" / "__init__.py")!r})
import sums
attempt(sums.add, 1, 2)
"""
    (said,) = play(text, built["sums"])

    assert said.startswith(f"sums.add is in the library {built['sums'].library}, and this process")
    assert "libgostitch.so already" in said
    assert said.endswith(
        "import sums._generated before the first call into Go: its library is loaded then"
    )


def test_two_libraries(built: Built, play: Play) -> None:
    """The first call names both, and the remedy."""
    sums, others = built.values()
    text = f"{CAUGHT}\nimport sums, others\nattempt(sums.add, 1, 2)\nattempt(others.add, 1, 2)"
    expected = (
        f"modules with two Go libraries were imported: {sums.library} (of sums._generated) and "
        f"{others.library} (of others._generated); {ONE_LIBRARY}"
    )

    assert [expected] * 2 == play(text, sums, others)


def test_a_second_library_after_the_first_call(built: Built, play: Play) -> None:
    """The first goes on working."""
    sums, others = built.values()
    text = f"""{CAUGHT}
import sums
attempt(sums.add, 1, 2)
import others
attempt(others.add, 1, 2)
attempt(sums.add, 2, 2)
"""
    first, second, third = play(text, sums, others)

    assert ("3", "4") == (first, third)
    assert second == (
        f"others.add is in the library {others.library}, and this process has loaded "
        f"{sums.library} already; {ONE_LIBRARY}"
    )


def test_one_library_of_several_packages(project: Project, play: Play) -> None:
    """The remedy works: two Go packages that register, one of them internal, one by init."""
    text = (project.root / "sums.go").read_text()
    project.write(
        "internal/more/more.go",
        text.replace("sums", "more").replace("Add", "Plus").replace("more.add", "more.plus"),
    )
    project.write(
        "third/third.go",
        text.replace("sums", "third")
        .replace("func Register()", "func init()")
        .replace("third.add", "third.third"),
    )
    project.add_settings('go = [".", "./internal/more", "./third"]')
    project.develop()

    assert ["3 5 7"] == play(
        "import sums; print(sums.add(1, 2), sums.plus(2, 3), sums.third(3, 4))", project
    )


def test_a_library_without_the_tasks(project: Project, play: Play) -> None:
    """It is smaller, and a task says how to get it back."""
    project.add_settings("tasks = false")
    project.develop()
    text = f"""{CAUGHT}
import sums
from gostitch import tasks
attempt(sums.add, 1, 2)
attempt(tasks.hash_tree, ".")
"""
    first, second = play(text, project)

    assert first == "3"
    assert "has no function 'tasks.hash_tree'" in second
    assert second.endswith("remove tasks = false from [tool.gostitch] and build it again")


def test_a_stale_stub(project: Project, play: Play) -> None:
    """A module of another build than its library is refused with the command that mends it."""
    project.develop()
    generated = project.source / "sums" / "_generated.py"
    before = generated.read_text()
    project.edit("sums.go", "B int64", 'B int64 `gostitch:"b,default=1"`')
    project.develop()
    generated.write_text(before)
    (said,) = play(f"{CAUGHT}\nimport sums; attempt(sums.add, 1, 2)", project)

    assert said.startswith("the Python stub of sums.add (contract ")
    assert "; run 'gostitch develop' in its project, or install it again; " in said
    assert said.endswith("restart it (in Jupyter, the kernel): a library that was loaded stays")


def test_a_library_that_is_not_there(project: Project, play: Play) -> None:
    """A module without its library says where it should be, and how it comes there."""
    project.develop()
    project.library.unlink()
    (said,) = play(f"{CAUGHT}\nimport sums; attempt(sums.add, 1, 2)", project)

    assert said == (
        f"there is no Go library at {project.library} (a module that was imported names it); run "
        "'gostitch develop' in its project, or install it again"
    )


def test_a_library_of_another_gostitch(built: Built, play: Play) -> None:
    """The library is of the release that built it; the remedy is to build it again."""
    text = f"""{CAUGHT}
import gostitch._process
gostitch._process.VERSION = "9.9.9"
import sums
attempt(sums.add, 1, 2)
"""
    (said,) = play(text, built["sums"])

    assert said.startswith(f"the library {built['sums'].library} is version ")
    assert "the Python package is version 9.9.9" in said
    assert said.endswith("run 'gostitch develop' in its project, or install it again")


def test_the_variable_overrides_it(built: Built, play: Play, tmp_path: Path) -> None:
    """GOSTITCH_LIBRARY names the library, whatever modules choose."""
    copy = shutil.copy(built["sums"].library, tmp_path / "copy.so")
    text = "import sums, gostitch; print(sums.add(1, 2), gostitch.runtime_info()['library'])"

    assert [f"3 {copy}"] == play(text, built["sums"], GOSTITCH_LIBRARY=str(copy))


def test_its_symbols(built: Built, play: Play, tmp_path: Path) -> None:
    """They are beside it; with them inside it still is the library of its module."""
    joined = tmp_path / "joined.so"
    done = built["sums"].gostitch("symbols", str(joined), "--library", str(built["sums"].library))

    assert (0, "") == (done.returncode, done.stderr)
    library, symbols = (
        elf_facts.read_symbols("", of.read_bytes()) for of in (built["sums"].library, joined)
    )
    assert not library.functions
    assert "example.com/sums.Add" in symbols.functions
    assert ["3"] == play(
        "import sums; print(sums.add(1, 2))", built["sums"], GOSTITCH_LIBRARY=str(joined)
    )


def test_wrong_types_in_python(built: Built, play: Play) -> None:
    """They are refused before Go is asked; the sentence names function and argument."""
    text = f"""{CAUGHT}
import sums
attempt(sums.add, 1, "2")
attempt(sums.add, 1, 2**63)
attempt(sums.add, 1)
"""
    wrong, large, missing = play(text, built["sums"])

    assert "add() argument b" in wrong
    assert "add() argument b" in large
    assert "'b'" in missing


def test_the_doctor_knows_it(built: Built, play: Play) -> None:
    """In a process that imported such a module, the doctor looks at its library."""
    text = """
import sums
from gostitch import doctor
(finding,) = [of for of in doctor.examine(load="no") if of.id == "library.file"]
print(finding.status, finding.facts["path"])
"""

    assert [f"ok {built['sums'].library}"] == play(text, built["sums"])
