"""The door: the compiled bridge, and nothing else.

Only ``_process`` may import this module (a test checks it), so that no call
crosses before the library is loaded or in a forked child.
"""

from __future__ import annotations

try:
    from gostitch import _bridge
except ImportError as error:
    raise ImportError(
        f"the compiled part of gostitch is missing or does not fit this Python ({error}); "
        "reinstall the package for it: pip install --force-reinstall gostitch",
        name="gostitch._bridge",
    ) from error

bridge = _bridge

__all__ = ["bridge"]
