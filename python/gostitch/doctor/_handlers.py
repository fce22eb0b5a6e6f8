"""The handlers of signals as the operating system knows them, Python's and others'."""

from __future__ import annotations

from typing import NamedTuple

_ON_STACK = 0x08000000  # SA_ONSTACK
_WORDS = 32  # more than any struct sigaction has
_FLAGS_AT = 136  # behind the handler and the mask, in glibc's struct of 64-bit machines
_IGNORED = 1  # SIG_IGN


class Handler(NamedTuple):
    """What happens at a signal; ``address`` is 0 for the default and 1 for nothing."""

    address: int
    on_stack: bool

    @property
    def is_code(self) -> bool:
        """Whether some function handles the signal."""
        return self.address > _IGNORED


def of(signal_number: int) -> Handler | None:
    """Give the handler of a signal, or None where it cannot be found out.

    ``signal.getsignal`` knows Python's handlers only.
    """
    try:
        import ctypes  # which some builds of Python lack

        action = (ctypes.c_uint64 * _WORDS)()
        if ctypes.CDLL(None).sigaction(signal_number, None, action) != 0:
            return None
    except (ImportError, AttributeError, OSError):
        return None
    flags = ctypes.c_uint32.from_buffer(action, _FLAGS_AT).value
    return Handler(action[0], bool(flags & _ON_STACK))
