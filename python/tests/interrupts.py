"""KeyboardInterrupt wherever CPython may run a signal's handler, at one place after the other."""

from __future__ import annotations

import dis
import functools
import itertools
import os
import sys
from collections.abc import Callable
from types import CodeType, FrameType
from typing import Any

import gostitch

_OURS = os.path.dirname(gostitch.__file__)
# After these the interpreter looks whether a signal has come.
_LOOKS = ("CALL", "JUMP_BACKWARD", "JUMP_ABSOLUTE", "RESUME")
_NOTHING = ("CACHE", "PRECALL", "EXTENDED_ARG")


@functools.cache
def _places(code: CodeType) -> frozenset[int]:
    """Give the offsets of what stands behind an instruction that looks for signals."""
    names = [(each.opname, each.offset) for each in dis.get_instructions(code)]
    real = [each for each in names if each[0] not in _NOTHING]
    return frozenset(
        after for (before, _), (_, after) in itertools.pairwise(real) if before.startswith(_LOOKS)
    )


class Interrupter:
    """Raises KeyboardInterrupt at one place of gostitch's Python code, counted from 0."""

    def __init__(self, at: int) -> None:
        self._left = at
        self.where = ""  # it struck

    def run(self, work: Callable[[], object]) -> BaseException | None:
        """Do the work and give what it raised."""
        before = sys.gettrace()
        sys._getframe().f_trace_opcodes = True  # for 3.12, which looks for one at settrace
        sys.settrace(self._trace)
        try:
            work()
        except BaseException as error:
            return error.with_traceback(None)
        finally:
            sys.settrace(before)
        return None

    def _trace(self, frame: FrameType, event: str, _: Any) -> Any:
        code = frame.f_code
        if not code.co_filename.startswith(_OURS) or self.where:
            return None
        frame.f_trace_opcodes, frame.f_trace_lines = True, False
        if event == "opcode" and frame.f_lasti in _places(code):
            self._left -= 1
            if self._left < 0:
                self.where = f"{os.path.basename(code.co_filename)}:{frame.f_lineno} {code.co_name}"
                raise KeyboardInterrupt
        return self._trace
