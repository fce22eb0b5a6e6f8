"""Functions: binding them to the library, submitting, and what the bridge leaves to Python.

The trip of a plain call is in C (python/native/function.c); a submitted one
goes functions -> here -> queue -> bridge || Go, and back.
"""

from __future__ import annotations

import contextvars
import functools
import sys
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from typing import TYPE_CHECKING, Any, Generic, ParamSpec, Protocol, TypeVar

from gostitch import _arguments, _hooks, _pending, _process, _shapes, _waiting
from gostitch import _w3c as _w3c  # not in the middle of runtime_info, where a handler may ask
from gostitch._future import Future
from gostitch._process import bridge
from gostitch._queue import Call, Queue, decode_error
from gostitch._record import defaults_of
from gostitch.exceptions import GoTypeError, GoValueError, LibraryError

P = ParamSpec("P")
R = TypeVar("R")

if TYPE_CHECKING:
    from types import FrameType

    class Function(Generic[P, R]):
        """A Go function, callable from Python.

        Immutable but for the binding to the library at the first call, and
        safe for concurrent use.
        """

        name: str

        def __call__(self, *args: P.args, **kwargs: P.kwargs) -> R:
            """Call the function and wait for its reply; the GIL is free meanwhile."""

        def submit(self, *args: P.args, **kwargs: P.kwargs) -> Future[R]:
            """Start the function and give the future of its result."""

        def map(
            self, *iterables: Iterable[Any], in_flight: int = 32, **options: Any
        ) -> Iterator[R]:
            """Give the results for each item in order, with ``in_flight`` calls ahead."""

else:
    Function = bridge.Function


_TAKE_ONLY_PYTHON = ("pydantic", "ray")
"""What refuses all but Python's own functions, and does not touch their code. To others a function
of Go's says what it is: they read, copy or change the code of what says that it is Python's."""

_ASK_FOR_OTHERS = ("functools", "inspect", "gostitch._stream")


class Declaration:
    """What a generated module says of a function; kept in its ``__dict__``."""

    __slots__ = (
        "answer",
        "callback",
        "checksum",
        "definition",
        "long",
        "message",
        "parameters",
        "result",
    )

    def __init__(
        self,
        definition: Callable[..., Any],
        checksum: str,
        parameters: str,
        result: str,
        callback: str | None,
        message: str | None,
        answer: str | None,
        long: bool,
    ) -> None:
        self.definition = definition
        self.checksum = checksum
        self.parameters = parameters
        self.result = result
        self.callback = callback
        self.message: Any = message  # the shape; the schema from the first use on
        self.answer: Any = answer
        self.long = long

    @staticmethod
    def is_taken_for_python() -> bool:
        """Tell whether a tool asks for class or code that takes only functions of Python's."""
        try:
            asks: FrameType | None = sys._getframe(1)
        except ValueError:  # C code, with no Python below it
            return False
        while asks is not None and asks.f_globals.get("__name__") in _ASK_FOR_OTHERS:
            asks = asks.f_back
        name = "" if asks is None else str(asks.f_globals.get("__name__"))
        return name.partition(".")[0] in _TAKE_ONLY_PYTHON


def function(
    name: str,
    checksum: str,
    parameters: str,
    result: str,
    *,
    message: str | None = None,
    question: str | None = None,
    answer: str | None = None,
    callback: str | None = None,
    long: bool = False,
) -> Callable[[Callable[P, R]], Function[P, R]]:
    """Make a definition, whose body is in Go, the Go function of that name.

    The main thread waits for a ``long`` one outside of Go, where handlers of signals can run.
    """

    def bind(definition: Callable[P, R]) -> Function[P, R]:
        made: Any = bridge.Function(name)
        wear(made, definition)
        made.__call__ = made  # where mock looks for the signature
        made._declaration = Declaration(
            definition, checksum, parameters, result, callback, message or question, answer, long
        )
        return made  # type: ignore[no-any-return]

    return bind


def wear(made: Any, definition: Callable[..., Any]) -> None:
    """Give what stands for a definition its names and texts.

    Not ``__wrapped__``, which tools call instead, or take for what they shall read.
    """
    functools.update_wrapper(made, definition)
    del made.__wrapped__


def prepare(made: Any) -> None:
    """Give a function its schemas, at its first use."""
    declaration: Declaration = made._declaration
    # Not through sys.modules, which is empty when destructors call at the interpreter's end.
    names = declaration.definition.__globals__
    parameters, schemas = _shapes.schemas(declaration.parameters, names)
    given = defaults_of(declaration.definition)
    defaults = tuple(
        schema.encode(given[parameter])
        for parameter, schema in zip(parameters, schemas, strict=True)
        if parameter in given
    )
    result = _shapes.schema(declaration.result, names)
    if isinstance(declaration.message, str):
        declaration.message = _shapes.schema(declaration.message, names)
    if isinstance(declaration.answer, str):
        declaration.answer = _shapes.schema(declaration.answer, names)
    made.shape(
        parameters,
        schemas,
        defaults,
        result,
        declaration.result == "bytes",
        declaration.callback,
        declaration.answer is not None,
        declaration.long,
    )


_TELEMETRY = "gostitch.observe._generated"
"""The module whose functions observing calls, after close() too: for spans of the last calls."""


def bind(made: Any) -> None:
    """Find a function in the library and check that both mean the same."""
    module = made._declaration.definition.__module__
    if module != _TELEMETRY:
        _process.refuse_if_closed()
    library = _process.library()
    library.refuse_unnoticed_fork()
    own = _process.own_library(module)
    if own is not None and own != library.path:
        raise LibraryError(
            f"{made.name} is in the library {own}, and this process has loaded {library.path} "
            "already; "
            + (
                _process.ONE_LIBRARY
                if _process.is_own(library.path)
                else f"import {module} before the first call into Go: its library is loaded then"
            ),
            details={"function": made.name, "path": own, "loaded": library.path},
        )
    entry = library.functions.get(made.name)
    if entry is None:
        raise LibraryError(
            f"the library {library.path} has no function {made.name!r}; it has "
            f"{', '.join(sorted(library.functions)) or 'none'}; {_remedy(made, own)}",
            details={"function": made.name, "path": library.path},
        )
    checksum = made._declaration.checksum
    if entry.checksum != checksum:
        raise LibraryError(
            f"the Python stub of {made.name} (contract {checksum}) was generated for "
            f"another version of the function than the library {library.path} holds "
            f"(contract {entry.checksum}); "
            + (_process.REBUILD if own else "generate the stubs again and rebuild")
            + "; if that was done since this process began, restart it (in Jupyter, the kernel): a "
            "library that was loaded stays",
            details={"function": made.name, "path": library.path},
        )
    # Logs and spans of the function may come from now on.
    _pending.pump()
    made.set_number(entry.number)


def _remedy(made: Any, own: str | None) -> str:
    """Say how a function comes into the library."""
    if own is not None:
        return f"the module and the library are of two builds; {_process.REBUILD}"
    if made.name.startswith("tasks."):
        return (
            "if it is one of your own, remove tasks = false from [tool.gostitch] and build it again"
        )
    return "build the library and generate the Python stubs from the same Go sources"


class StandIn(Protocol):
    """What functions are given to instead of the library, with what they were called with."""

    def call(self, made: Any, args: tuple[Any, ...], kwargs: dict[str, Any], /) -> Any:
        """Give or raise what the call ends with."""

    def submit(self, made: Any, args: tuple[Any, ...], kwargs: dict[str, Any], /) -> Future[Any]:
        """Give the future of a submitted call."""

    def stream(self, made: Any, args: tuple[Any, ...], kwargs: dict[str, Any], /) -> Any:
        """Give the stream of a call."""


_stand_in: StandIn | None = None


def stand_in() -> StandIn | None:
    """Give what stands in for the library, if anything does."""
    return _stand_in


def install_stand_in(chosen: StandIn | None) -> None:
    """Give all calls from now on to a stand-in, or to the library again."""
    global _stand_in
    _stand_in = chosen
    bridge.install(
        stand_in=None if chosen is None else chosen.call,
        stand_in_submit=None if chosen is None else chosen.submit,
    )


def call_of(
    made: Any,
    frame: bytes,
    loan: Any,
    timeout_ns: int,
    callback: Any,
    context: contextvars.Context | None,
) -> Call:
    """Describe a call with messages for the queue that they will arrive on."""
    declaration = made._declaration
    message_of, answer = declaration.message.decode, declaration.answer
    return Call(made, frame, loan, timeout_ns, message_of, callback, answer, context)


def _queue_here() -> Queue:
    return _pending.queue_here(_process.library())


def _converse_later(made: Any, frame: bytes, loan: Any, timeout_ns: int, callback: Any) -> Any:
    """Start a function whose messages or questions are handled where its reply is."""
    context = contextvars.copy_context()
    return _queue_here().converse(call_of(made, frame, loan, timeout_ns, callback, context))


def converse(made: Any, frame: bytes, loan: Any, timeout_ns: int, callback: Any) -> Any:
    """Run a function whose messages or questions are handled on this thread."""
    queue = _pending.private_queue()
    try:
        context = contextvars.copy_context()
        future = queue.converse(call_of(made, frame, loan, timeout_ns, callback, context))
        try:
            return _waiting.result_of(queue, future, timeout_ns)
        finally:
            del future  # it holds the exception, whose traceback holds this frame
    finally:
        queue.retire()


def _map(
    self: Any, /, *iterables: Iterable[Any], in_flight: int = 32, **options: Any
) -> Iterator[Any]:
    """Give the results for each item in order, with ``in_flight`` calls ahead."""
    if type(in_flight) is not int:
        raise GoTypeError(
            f"in_flight must be an int, not {type(in_flight).__name__}",
            details={"argument": "in_flight"},
        )
    if in_flight < 1:
        raise GoValueError(
            f"in_flight must be at least 1, not {in_flight}", details={"argument": "in_flight"}
        )
    if not iterables:
        raise GoTypeError(
            f"{self.name}.map() needs an iterable for each positional argument",
            details={"argument": "iterables"},
        )
    items = zip(*iterables, strict=False)
    return _in_order(functools.partial(self.submit, **options), items, in_flight)


def _in_order(
    submit: Callable[..., Future[R]], items: Iterator[tuple[Any, ...]], in_flight: int
) -> Iterator[R]:
    ahead: deque[Future[R]] = deque()
    refused: Exception | None = None
    try:
        for item in items:
            try:
                ahead.append(submit(*item))
            except Exception as error:  # raised where its result would stand
                refused = error
                break
            if len(ahead) >= in_flight:
                yield ahead.popleft().result()
        while ahead:
            yield ahead.popleft().result()
        if refused is not None:
            raise refused
    finally:
        del refused
        for future in ahead:
            future.cancel()


def _reduce(self: Any) -> tuple[Any, ...]:
    # Pickled by name, as functions are.
    return _by_name, (self.__module__, self.__name__)


def _by_name(module: str, name: str) -> Any:
    import importlib

    return getattr(importlib.import_module(module.removesuffix("._generated")), name)


def _observe() -> None:
    """Look for observers, and have the bridge ask for the trace context if there are any.

    For another Go runtime too: a module that was imported may have brought one. And where
    a level of logging has changed, it counts from this call on.
    """
    _process.warn_of_other_runtimes()
    if not _hooks.look():
        bridge.look_again()  # by the next call
    _pending.tell_level()
    traced = _hooks.trace_context is not _hooks.no_trace
    bridge.install(trace=_hooks.trace_context if traced else None)


# The bridge's type is the function itself, so that a call costs no Python code;
# what is written in Python joins it here.
for _name, _method in {"map": _map, "__reduce__": _reduce}.items():
    setattr(bridge.Function, _name, _method)

bridge.install(
    refuse=_arguments.refusal,
    damaged=_arguments.damage,
    timeout=_arguments.timeout_ns,
    prepare=prepare,
    bind=bind,
    converse=converse,
    converse_later=_converse_later,
    queue=_queue_here,
    fail=decode_error,
    observe=_observe,
)
