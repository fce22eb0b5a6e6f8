"""Planted mistakes that show at the first call: libraries, versions, stubs, processes."""

from __future__ import annotations

from pathlib import Path

import pytest

from mistakes.mistake import Mistake, judge
from programs import Programs

CALL = """
import os, faults, gostitch
try:
    faults.add(1, 2)
except gostitch.GoError as error:
    print(error)
"""

MISTAKES_AND_PROGRAMS: list[tuple[Mistake, str, dict[str, str | None]]] = [
    (
        Mistake("no such library", "no Go library at /nowhere/lib.so", "correct or unset it"),
        CALL,
        {"GOSTITCH_LIBRARY": "/nowhere/lib.so"},
    ),
    (
        Mistake("a text as library", "cannot be loaded: .*text.so", "rebuild it, or correct"),
        CALL,
        {"GOSTITCH_LIBRARY": "text.so"},
    ),
    (
        Mistake(
            "somebody else's library", "does not export gostitch_open", "rebuild it, or correct"
        ),
        CALL,
        {"GOSTITCH_LIBRARY": "libz.so"},
    ),
    (
        Mistake("another version", "is version .* package is version 9.9.9", "the same release"),
        "import gostitch._process\ngostitch._process.VERSION = '9.9.9'" + CALL,
        {},
    ),
    (
        Mistake(
            "a stale stub", "generated for another version of the function", "generate the stubs"
        ),
        "import faults\nfaults.add._declaration.checksum = '0123456789abcdef'" + CALL,
        {},
    ),
    (
        Mistake(
            "a function that the library lacks", "has no function 'faults.add'", "generate the"
        ),
        CALL,
        {"GOSTITCH_LIBRARY": None},
    ),
    (
        Mistake(
            "a size in a wrong unit", "GOMEMLIMIT=3GB is not understood", "correct or unset it"
        ),
        "import os\nos.environ['GOMEMLIMIT'] = '3GB'" + CALL,
        {},
    ),
    (
        Mistake("a call in a forked child", "was forked from process", "load it after the fork"),
        """
import os, faults, gostitch
faults.add(1, 2)
child = os.fork()
if child == 0:
    try:
        faults.add(1, 2)
    except gostitch.ForkedHandleError as error:
        print(error, flush=True)
    os._exit(0)
os.waitpid(child, 0)
""",
        {"GOSTITCH_FORK": "error"},
    ),
    (
        Mistake("a policy that there is not", "GOSTITCH_FORK is 'on'", "correct or unset it"),
        CALL,
        {"GOSTITCH_FORK": "on"},
    ),
    (
        Mistake(
            "no compiled part",
            "compiled part of gostitch cannot be imported",
            "reinstall the package",
        ),
        """
import sys
sys.modules["gostitch._bridge"] = None
try:
    from gostitch import tasks
except ImportError as error:
    print(error)
""",
        {},
    ),
    (
        Mistake(
            "a sub-interpreter", "works in the main interpreter only", "set WSGIApplicationGroup"
        ),
        """
import sys
if sys.version_info >= (3, 13):
    import _interpreters as interpreters
else:
    import _xxsubinterpreters as interpreters
from gostitch import tasks
code = '''
try:
    from gostitch import tasks
except ImportError as error:
    print(error, flush=True)
'''
if sys.version_info >= (3, 12):
    interpreters.run_string(interpreters.create("legacy") if sys.version_info >= (3, 13)
                            else interpreters.create(isolated=False), code)
else:
    interpreters.run_string(interpreters.create(), code)
""",
        {},
    ),
]
MISTAKES = [of for of, _, _ in MISTAKES_AND_PROGRAMS]


@pytest.mark.parametrize(
    ("mistake", "text", "env"), MISTAKES_AND_PROGRAMS, ids=[of.name for of in MISTAKES]
)
def test_says_what_is_wrong(
    program: Programs, tmp_path: Path, mistake: Mistake, text: str, env: dict[str, str | None]
) -> None:
    """One sentence names the library or function, and what to do."""
    (tmp_path / "text.so").write_text("no library")
    zlib = next(path for path in Path("/usr/lib").rglob("libz.so*") if path.is_file())
    (tmp_path / "libz.so").symlink_to(zlib)
    done = program(text, env=env)

    assert (0, "") == (done.returncode, done.stderr)
    judge(mistake, done.stdout.strip())
