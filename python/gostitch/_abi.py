"""The door: the compiled bridge, and nothing else.

Only ``_process`` and ``_shapes`` may import this module (a test checks it), so that no call
crosses before the library is loaded or in a forked child.
"""

from __future__ import annotations

try:
    from gostitch import _bridge
except ImportError as error:
    from gostitch import _absence

    raise ImportError(
        f"the compiled part of gostitch cannot be imported: {_absence.of_bridge(error)}",
        name="gostitch._bridge",
    ) from error

if not _bridge.is_main_interpreter():
    # Its hooks are objects of one interpreter, and the others would run them.
    raise ImportError(
        "gostitch works in the main interpreter only, and this is a sub-interpreter; under "
        "mod_wsgi set WSGIApplicationGroup %{GLOBAL}",
        name="gostitch",
    )

bridge = _bridge

__all__ = ["bridge"]
