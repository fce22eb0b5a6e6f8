"""Load a library that was just built, in a process of its own."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path

_TIMEOUT_S = 60

_PROGRAM = """
import json
from gostitch import LibraryError, _process
try:
    print(json.dumps(sorted(_process.library().functions)))
except LibraryError as error:
    print(json.dumps(str(error)))
"""


def functions_of(library: Path, name: str) -> list[str]:
    """Give the functions of a library; exits with one sentence if it cannot be loaded.

    Go cannot recover a panic in ``init``, so that would end the process that loads it.
    """
    from gostitch import _process

    # The package of this process, wherever it was imported from.
    path = [str(Path(_process.__file__).parents[1]), *sys.path]
    env = os.environ | {
        _process.LIBRARY_VARIABLE: str(library),
        "PYTHONPATH": os.pathsep.join(path),
    }
    try:
        done = subprocess.run(
            [sys.executable, "-c", _PROGRAM],
            cwd=library.parent,  # where nothing shadows Python's own modules
            env=env,
            capture_output=True,
            text=True,
            errors="replace",
            timeout=_TIMEOUT_S,
            check=False,
        )
    except subprocess.TimeoutExpired:
        sys.exit(
            f"{name} was built, but loading it takes more than {_TIMEOUT_S} s; do not wait in "
            "init() or Register()"
        )
    if done.returncode != 0:
        sys.exit(f"{name} was built, but {_ending(done)}")
    said = json.loads(done.stdout.splitlines()[-1])
    if isinstance(said, str):
        sys.exit(f"{name} was built, but it cannot be used: {said}")
    return list(said)


def _ending(done: subprocess.CompletedProcess[str]) -> str:
    """Say how the process ended."""
    panic = re.search(r"^(?:panic|fatal error): (.*)", done.stderr, re.MULTILINE)
    if panic is None:
        words = (done.stderr.strip().splitlines() or ["it says nothing"])[-1]
        return f"the process that loads it ends with status {done.returncode} ({words})"
    # The first line of the stack that is not of Go's own packages, whose first element has no dot.
    places = re.findall(r"^\t(\S+\.go:\d+)", done.stderr, re.MULTILINE)
    own = next((of for of in places if "." in of.partition("/")[0] and "/" in of), None)
    where = f" at {own}" if own else ""
    return (
        f"the process that loads it is aborted by a panic{where}: {panic[1].strip()}; correct it, "
        "or do that work in the function Register(), where a panic is an error at load"
    )
