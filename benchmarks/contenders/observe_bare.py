"""trace.absent without observers: the library of the tests with none in it, and none in Python."""

from __future__ import annotations

import os
from pathlib import Path

from benchmarks.work import Work

os.environ["GOSTITCH_LIBRARY"] = str(Path(os.environ["GOSTITCH_LIBRARY"]).with_name("libbare.so"))


def structured(count: int) -> Work:
    """Give the structured call of ``call.structured``."""
    # After the variable was set: from here on the library is known.
    from benchmarks.contenders import calls_gostitch
    from gostitch import _hooks

    _hooks.look = lambda: None
    return calls_gostitch.structured(count)
