"""What annotations call memory that crosses without a copy."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    from typing_extensions import Buffer as _Buffer  # collections.abc has it from 3.12 on

    class _Array(Protocol):
        """An array of numpy, whose stubs tell of its buffer only from 3.12 on."""

        @property
        def __array_interface__(self) -> dict[str, Any]: ...

    Buffer = _Buffer | _Array
    Bytes = Buffer
    View = memoryview

else:  # what libraries that check values by annotations are to let through
    Buffer = Any
    Bytes = bytes

    class View:
        """``memoryview`` with the type of its items, for which it has brackets from 3.14 on."""

        def __class_getitem__(cls, item: Any) -> type[memoryview]:
            return memoryview


WritableBuffer = Buffer
"""What a Go ``gocore.Mutable`` takes; that it is writable no type can say.

``Bytes`` is what a Go ``[]byte`` takes: anything with contiguous memory. ``Buffer`` is what a
``gocore.Buffer`` takes, whose items must be of its type; ``View`` is what it is as a result.
"""
