"""The cffi module that setup.py compiles from python/native."""

from typing import Any

ffi: Any
lib: Any
