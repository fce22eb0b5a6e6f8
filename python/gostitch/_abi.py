"""The door: the compiled shim, and nothing else.

Only ``_process`` may import this module (a test checks it), so that no call
crosses before the library is loaded or in a forked child.
"""

from __future__ import annotations

from typing import Any

from gostitch import _shim

ffi: Any = _shim.ffi
lib: Any = _shim.lib

__all__ = ["ffi", "lib"]
