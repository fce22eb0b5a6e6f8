"""Calling a function: arguments out, reply in.

The trip of a call is functions -> here -> codec -> the shim || Go, and back.
Nothing is looked up or built here that could be done once, when the function
is bound; what one call costs is the benchmark ``call.scalar``.
"""

from __future__ import annotations

import select
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from time import monotonic
from typing import Any, Generic, TypeVar

import msgspec

from gostitch import _arguments, _buffers, _codec, _hooks, _pending, _process
from gostitch._future import Future
from gostitch._queue import Queue, take_error
from gostitch.exceptions import GoTypeError, GoValueError, LibraryError

R = TypeVar("R")


class Function(Generic[R]):
    """A Go function, callable from Python.

    The generator writes a subclass for each registered function, with a typed
    ``__call__``, ``submit`` and ``map``; this class has what they share. It is
    immutable but for the binding to the library at the first call, and safe
    for concurrent use.
    """

    def __init__(
        self,
        name: str,
        checksum: str,
        parameters: Sequence[str],
        result: Any,
        message: Any = None,
    ) -> None:
        self.name = name
        self._checksum = checksum
        self._parameters = tuple(parameters)
        self._decode = _decoder(result)
        self._decode_message = _frame_decoder(message)
        self._number = -1
        self.__name__ = name.rpartition(".")[2]
        self.__qualname__ = self.__name__
        self.__doc__ = type(self).__call__.__doc__

    def __repr__(self) -> str:
        return f"<Go function {self.name}>"

    def __reduce__(self) -> str | tuple[Any, ...]:
        # Pickled by name, as functions are.
        return _by_name, (type(self).__module__, self.__name__)

    def __call__(self, *args: Any, **kwargs: Any) -> R:
        """Call the function and wait for its reply."""
        raise TypeError(f"{self!r} has no generated signature; run gostitch-gen")

    def _bind(self, library: _process.Library) -> int:
        """Find the function in the library and check that both mean the same."""
        entry = library.functions.get(self.name)
        if entry is None:
            raise LibraryError(
                f"the library {library.path} has no function {self.name!r}; it has "
                f"{', '.join(sorted(library.functions)) or 'none'}. Build the library and "
                "generate the Python stubs from the same Go sources",
                details={"function": self.name, "path": library.path},
            )
        if entry.checksum != self._checksum:
            raise LibraryError(
                f"the Python stub of {self.name} (contract {self._checksum}) was generated for "
                f"another version of the function than the library {library.path} holds "
                f"(contract {entry.checksum}); generate the stubs again and rebuild",
                details={"function": self.name, "path": library.path},
            )
        # Logs and spans of the function may come from now on.
        _pending.pump()
        self._number = entry.number
        return entry.number

    def _frame(self, args: tuple[Any, ...]) -> bytes:
        try:
            return _codec.encode(args)
        except Exception as error:
            _arguments.refuse_arguments(self.name, self._parameters, args, error)

    def _call(
        self, args: tuple[Any, ...], timeout: float | None, beside: list[Any] | None = None
    ) -> R:
        """Run the function on this thread and give its result."""
        library = _process._library or _process.library()
        number = self._number
        if number < 0:
            number = self._bind(library)
        if monotonic() >= _process.watch_again_at:
            _process.watch_signals()
        frame = self._frame(args)
        trace = _hooks.trace_context()
        timeout_ns = 0 if timeout is None else _arguments.timeout_ns(timeout)
        scratch = _buffers.take(library.ffi)
        try:
            if beside:
                loan = _buffers.Loan(library.ffi, beside)
                try:
                    length = library.call_views(
                        number, timeout_ns, trace, len(trace), frame, len(frame), loan.array,
                        len(beside), scratch.pointer, _buffers.SCRATCH_SIZE, scratch.out,
                    )  # fmt: skip
                finally:
                    loan.end()
            else:
                length = library.call(
                    number, timeout_ns, trace, len(trace), frame, len(frame),
                    scratch.pointer, _buffers.SCRATCH_SIZE, scratch.out,
                )  # fmt: skip
            if length < 0:
                return self._receive(library, scratch, trace)
            if self._decode is None:
                return memoryview(bytes(scratch.view[:length]))  # type: ignore[return-value]
            return self._decode(scratch.view[:length])  # type: ignore[no-any-return]
        except BaseException:
            # Ctrl-C may strike between the crossing and taking what it brought.
            _buffers.drop(scratch.out, library.release)
            raise
        finally:
            _buffers.pool.append(scratch)

    def _receive(self, library: _process.Library, scratch: _buffers.Scratch, trace: bytes) -> R:
        """Read a reply that is not in the scratch, or is an error."""
        out = scratch.out
        if out.status != _codec.OK:
            raise take_error(library, out, trace)
        view = _buffers.hold(library.ffi, out.data, out.length, out.handle, library.release_buffer)
        out.handle = 0
        if self._decode is None:
            return view  # type: ignore[return-value]
        return self._decode(view)  # type: ignore[no-any-return]

    def _submit(
        self,
        args: tuple[Any, ...],
        timeout: float | None,
        beside: list[Any] | None = None,
        on_message: Callable[[Any], object] | None = None,
        queue: Queue | None = None,
    ) -> Future[R]:
        """Start the function on a goroutine and give the future of its reply."""
        library = _process._library or _process.library()
        number = self._number
        if number < 0:
            number = self._bind(library)
        frame = self._frame(args)
        timeout_ns = 0 if timeout is None else _arguments.timeout_ns(timeout)
        if queue is None:
            queue = _pending.queue_here(library)
        receive = None if on_message is None else self._receiver(on_message)
        return queue.submit(number, timeout_ns, frame, beside or [], self._decode, receive)

    def _receiver(self, on_message: Callable[[Any], object]) -> Callable[[memoryview], None]:
        if not callable(on_message):
            raise GoTypeError(
                f"{self.name}() wants a callable for its messages, got {type(on_message).__name__}",
                details={"argument": "on_message"},
            )
        decode = self._decode_message
        if decode is None:
            raise GoTypeError(
                f"{self.name}() sends no messages", details={"argument": "on_message"}
            )

        def receive(payload: memoryview) -> None:
            on_message(decode(payload))

        return receive

    def _call_with_messages(
        self,
        args: tuple[Any, ...],
        timeout: float | None,
        beside: list[Any] | None,
        on_message: Callable[[Any], object],
    ) -> R:
        """Run the function and hand its messages to a callable, on this thread."""
        queue = _pending.private_queue()
        try:
            future = self._submit(args, timeout, beside, on_message, queue)
            poll = select.poll()
            poll.register(queue.fd, select.POLLIN)
            try:
                while not future.done():
                    # Interrupted by signals, whose handlers Python then runs.
                    poll.poll()
                    queue.drain()
            except BaseException:
                future.cancel()
                raise
            return future.result()
        finally:
            queue.retire()

    def _map(
        self, submit: Callable[..., Future[R]], iterables: Iterable[Iterable[Any]], in_flight: int
    ) -> Iterator[R]:
        """Give the results for each item in order, a bounded number of calls ahead."""
        if type(in_flight) is not int:
            raise GoTypeError(
                f"in_flight must be an int, not {type(in_flight).__name__}",
                details={"argument": "in_flight"},
            )
        if in_flight < 1:
            raise GoValueError(
                f"in_flight must be at least 1, not {in_flight}", details={"argument": "in_flight"}
            )
        return _in_order(submit, zip(*iterables, strict=False), in_flight)


def _in_order(
    submit: Callable[..., Future[R]], items: Iterator[tuple[Any, ...]], in_flight: int
) -> Iterator[R]:
    ahead: deque[Future[R]] = deque()
    try:
        for item in items:
            ahead.append(submit(*item))
            if len(ahead) >= in_flight:
                yield ahead.popleft().result()
        while ahead:
            yield ahead.popleft().result()
    finally:
        for future in ahead:
            future.cancel()


def _decoder(kind: Any) -> Callable[[Any], Any] | None:
    """Give the decoder of a reply of this type; None for bytes, which are not encoded."""
    if kind is memoryview:
        return None
    return _frame_decoder(kind) or _decode_nothing


def _frame_decoder(kind: Any) -> Callable[[Any], Any] | None:
    """Give the decoder of a frame of this type; None if there is no type."""
    if kind is None:
        return None
    decode = msgspec.msgpack.Decoder(kind).decode
    if not _has_views(msgspec.inspect.type_info(kind)):
        return decode

    def decode_copy(frame: Any) -> Any:
        # The value's views would be views of a scratch that is about to be reused.
        return decode(bytes(frame))

    return decode_copy


def _has_views(info: Any) -> bool:
    """Tell whether a type has bytes somewhere inside, which are decoded as views of the frame."""
    match info:
        case msgspec.inspect.MemoryViewType():
            return True
        case msgspec.inspect.ListType(item_type=inner) | msgspec.inspect.DictType(value_type=inner):
            return _has_views(inner)
        case msgspec.inspect.UnionType(types=several):
            return any(map(_has_views, several))
        case msgspec.inspect.StructType(fields=fields):
            return any(_has_views(field.type) for field in fields)
    return False


def _decode_nothing(_: Any) -> None:
    """Give the result of a function that has none."""


def _by_name(module: str, name: str) -> Any:
    import importlib

    return getattr(importlib.import_module(module.removesuffix("._generated")), name)
