"""What the trial process does: import the compiled part, load the library, make a call.

It tells each stage on its standard output as soon as it is over, so that what
ends the process shows how far it came. Its twin is ``_trial``.
"""

from __future__ import annotations

import json
import tempfile
import time
from typing import Any

MARK = "gostitch-doctor:"
"""What a told stage begins with, for the case that others print too."""

_CALL = "tasks.hash_tree"
_TIMEOUT_S = 10.0


def main(*, load: bool) -> None:
    """Go through the stages until one fails, or up to loading the library."""
    from gostitch.doctor import _package

    modules = _package.import_compiled()
    _tell("compiled", modules=modules)
    if not load:
        return
    begun = time.perf_counter()
    try:
        from gostitch import _info, _process

        _process.library()
    except Exception as error:
        _tell("load", error=str(error))
        return
    seconds = time.perf_counter() - begun
    info = _info.runtime_info()
    _tell("load", seconds=seconds, info=info)
    if _CALL not in info["functions"]:
        return
    begun = time.perf_counter()
    try:
        _call()
    except Exception as error:
        _tell("call", error=f"{type(error).__name__}: {error}")
        return
    _tell("call", seconds=time.perf_counter() - begun)


def _call() -> None:
    """Call a function that waits and one that is submitted, on an empty folder."""
    from gostitch import tasks

    with tempfile.TemporaryDirectory(prefix="gostitch-doctor-") as folder:
        tasks.hash_tree(folder, timeout=_TIMEOUT_S)
        tasks.hash_tree.submit(folder, timeout=_TIMEOUT_S).result(_TIMEOUT_S)


def _tell(stage: str, **what: Any) -> None:
    print(MARK + json.dumps({"stage": stage} | what), flush=True)
