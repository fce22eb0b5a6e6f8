"""The interpreter: whether gostitch can work in it."""

from __future__ import annotations

import platform
import sys
import sysconfig
from typing import Any

from gostitch.doctor import _versions
from gostitch.doctor._finding import Verdict, note, ok, problem

_OLDEST = (3, 10)
_NEWEST_TESTED = (3, 15)


def interpreter() -> Verdict:
    """Check the interpreter's kind, version and build."""
    return judge(
        {
            "implementation": platform.python_implementation(),
            "version": platform.python_version(),
            "executable": sys.executable,
            "bits": 64 if sys.maxsize > 2**32 else 32,
            "debug_build": hasattr(sys, "gettotalrefcount"),
            "free_threaded": bool(sysconfig.get_config_var("Py_GIL_DISABLED")),
            "virtual_environment": sys.prefix if sys.prefix != sys.base_prefix else None,
        }
    )


def judge(facts: dict[str, Any]) -> Verdict:
    """Judge an interpreter by these facts."""
    bits = facts["bits"]
    where = (
        f"in the virtual environment {facts['virtual_environment']}"
        if facts["virtual_environment"]
        else (f"without a virtual environment ({facts['executable']})")
    )
    name = f"{facts['implementation']} {facts['version']}"
    supported = (
        f"Use a 64-bit CPython {_versions.text(_OLDEST)} to {_versions.text(_NEWEST_TESTED)} "
        "with the GIL."
    )
    if facts["implementation"] != "CPython":
        return problem(f"This is {name}; gostitch needs CPython.", supported, **facts)
    if facts["free_threaded"]:
        words = f"This is a free-threaded build of {name}, for which gostitch is not made yet."
        return problem(words, supported, **facts)
    if bits != 64:
        return problem(f"This is a {bits}-bit {name}; gostitch needs 64 bits.", supported, **facts)
    words = f"{name}, {bits} bit, {where}."
    if _versions.numbers(facts["version"])[:2] > _NEWEST_TESTED:
        words += f" gostitch is tested up to {_versions.text(_NEWEST_TESTED)}."
        return note(words, **facts)
    if facts["debug_build"]:
        return note(f"{words} It is a debug build, so figures mean little.", **facts)
    return ok(words, **facts)
