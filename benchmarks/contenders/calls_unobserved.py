"""call.structured with no observer in the library and none in Python."""

from __future__ import annotations

import os
from pathlib import Path

from benchmarks.work import Work

os.environ["GOSTITCH_LIBRARY"] = str(Path(os.environ["GOSTITCH_LIBRARY"]).with_name("libbare.so"))


def structured(count: int) -> Work:
    """Do what the observed one does."""
    # Only now, as the library is found once.
    from benchmarks.contenders import calls_gostitch
    from gostitch import _hooks

    _hooks.look = lambda: True
    return calls_gostitch.structured(count)
