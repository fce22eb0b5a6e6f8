"""A finalizer that waits for Go, wherever CPython may run one: at one place after the other.

Up to CPython 3.11 a collection of garbage may begin at any allocation, later between any two
steps of Python code; either way it runs on a thread that is in the middle of something.
"""

from __future__ import annotations

import itertools
import os
import sys
import threading
from collections.abc import Callable
from types import FrameType
from typing import Any

import gostitch

_OURS = os.path.dirname(gostitch.__file__)


class Finalizers:
    """Runs something at one step of gostitch's Python code, on this thread or on one of gostitch's.

    To be made before gostitch starts a thread.
    """

    def __init__(self, finalize: Callable[[], object]) -> None:
        self._finalize = finalize
        self._at = -1
        self._steps = itertools.count()  # one thread alone comes to each
        self._on_service_threads = False
        self._main = threading.get_ident()
        self.where = ""  # it ran last
        threading.settrace(self._trace)

    def run(self, work: Callable[[], object], at: int, *, on_service_threads: bool) -> bool:
        """Do the work, with a finalizer at that step; tell whether the work came there."""
        self.where, self._on_service_threads = "", on_service_threads
        self._steps, self._at = itertools.count(), at
        sys._getframe().f_trace_opcodes = True  # for 3.12, which looks for one at settrace
        if not on_service_threads:
            sys.settrace(self._trace)
        try:
            work()
        finally:
            sys.settrace(None)
            self._at = -1
        return bool(self.where)

    def _trace(self, frame: FrameType, event: str, _: Any) -> Any:
        if not frame.f_code.co_filename.startswith(_OURS):
            return None
        frame.f_trace_opcodes, frame.f_trace_lines = True, False
        is_step = event == "opcode" and self._at >= 0 and self._is_meant()
        if is_step and next(self._steps) == self._at:
            name = os.path.basename(frame.f_code.co_filename)
            self.where = f"{name}:{frame.f_lineno} {frame.f_code.co_name}"
            self._finalize()
        return self._trace

    def _is_meant(self) -> bool:
        return (threading.get_ident() != self._main) == self._on_service_threads
