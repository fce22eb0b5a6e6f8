"""Call methods of the extension's types in random order, on anything: a program for tests.

``python -m adversity.sequences SEED SECONDS LOG SHARED`` makes objects of every type of the extension in
every way that Python has (uninitialised, subclassed, copied), and calls, sets, deletes and
exchanges what they have. Each step is in LOG before it is made, as a line of a program: a crash
or a hang leaves there what led to it. If SHARED is 1, steps also reach the queue that all calls of
the process share: these may then wait for ever, so nothing is said of what is left behind.
"""

from __future__ import annotations

import array
import asyncio
import concurrent.futures
import contextlib
import copy
import faulthandler
import gc
import logging
import operator
import os
import pickle
import random
import signal
import sys
import time
import types
import warnings
import weakref
from collections import deque
from collections.abc import Callable
from typing import Any

import faults
from gostitch import _future, _loop_future, _pending, _process, _queue, _stream, _table

bridge = _process.bridge

STEPS = 120
"""Steps with one set of objects."""

PATIENCE_S = 0.05
"""Seconds until a signal's handler ends a step that waits."""

AGAIN_S = 1.0
"""Seconds until it does again, as where a loop cancels tasks that wait for odd objects at its end."""

HUNG_S = 30
"""Seconds after which a set of objects counts as hung."""


_PLAIN = {bool, int, float, str, bytes, type(None)}
"""What is not kept for later steps."""


class WaitsError(Exception):
    """A step waits for what may never come."""


class Odd:
    """An object whose every method does something that is allowed and unusual."""

    def __init__(self, chance: random.Random, objects: list[Any]) -> None:
        self._chance, self._objects = chance, objects

    def _do(self, *_: Any, **__: Any) -> Any:
        way = self._chance.randrange(5)
        if way == 0:
            raise self._chance.choice([ValueError("odd"), MemoryError, KeyboardInterrupt])
        if way == 1:
            gc.collect(0)
        if way == 2 and self._objects:
            del self._objects[self._chance.randrange(len(self._objects))]
        return self._chance.choice([0, -1, 2**70, None, b"", "text", self])

    __call__ = __index__ = __int__ = __float__ = __len__ = __getitem__ = __iter__ = __next__ = _do
    __bool__ = __getattr__ = __enter__ = __exit__ = __await__ = __bytes__ = __str__ = _do

    def __hash__(self) -> int:
        self._do()
        return 1

    def __eq__(self, other: object) -> bool:
        return bool(self._do() == 0)

    def __del__(self) -> None:
        with contextlib.suppress(BaseException):
            self._do()


class OddBuffer(bytearray):
    """Memory that changes its mind about its length."""

    def __len__(self) -> int:
        return 1 << 40


def base_types() -> list[type]:
    """Return the types of the extension, and ours that inherit from them or wrap them."""
    of_bridge = [each for each in vars(bridge).values() if isinstance(each, type)]
    ours = [_future.Future, _loop_future.LoopFuture, _queue.Queue, _stream.Stream, _table.Table]
    hidden = [type(faults.add.submit(1, 2).__await__())]
    return list({id(each): each for each in [*of_bridge, *ours, *hidden]}.values())


class Sequences:
    """Objects, and steps with them."""

    def __init__(self, seed: int, log: int, left_out: set[str]) -> None:
        self._chance = random.Random(seed)
        self._log = log
        self._left_out = left_out
        self._types = _TYPES
        self._objects: list[Any] = []
        self.steps = 0

    def run(self) -> None:
        """Make objects, take steps with them, and drop them."""
        os.ftruncate(self._log, 0)
        os.lseek(self._log, 0, os.SEEK_SET)
        self._objects = [self._make(each) for each in self._types] + self._living()
        for _ in range(STEPS):
            self._step()
            self.steps += 1
        self._note("drop all")
        self._objects = []
        gc.collect()

    def _note(self, text: str) -> None:
        os.write(self._log, text.encode(errors="backslashreplace")[:500] + b"\n")

    def _living(self) -> list[Any]:
        """Make what calls make."""
        made = []
        for make in _LIVING:
            with contextlib.suppress(BaseException):  # a step has set what is used here
                made.append(make())
        return made

    def _make(self, of: type) -> Any:
        """Make an object without what its class does to initialise it."""
        base: type = of
        if self._chance.random() < 0.3:
            with contextlib.suppress(TypeError):
                base = type("Sub", (of,), self._chance.choice([{}, {"__slots__": ()}]))
        self._note(f"{base.__name__} of {of.__qualname__} uninitialised")
        try:
            return base.__new__(base)
        except BaseException:
            return None

    def _some(self) -> Any:
        """Return anything at all."""
        chance = self._chance
        if chance.random() < 0.5 and self._objects:
            return chance.choice(self._objects)
        return chance.choice(
            [
                None, True, 0, 1, -1, 2**31, 2**63, 2**64 - 1, -(2**63), 2**200, 0.0, float("nan"),
                "", "RUNNING", "FINISHED", "\udcff", b"", b"\x93\x00\x01\xc0", b"\xff" * 40,
                bytearray(8), OddBuffer(8), memoryview(b"abc"), [], [None, None], [None], (), (1, 2),
                (0, 0, 0, b""), {}, {1: 2}, {1}, object(), object, type, self._types[0],
                lambda *_, **__: None, weakref.ref(self._types[0]),
                asyncio.get_event_loop_policy(), Odd(chance, self._objects), types.SimpleNamespace(),
                concurrent.futures.Future(), ValueError("some"), iter(()), Ellipsis,
            ]
        )  # fmt: skip

    def _step(self) -> None:
        if not self._objects:
            self._objects = self._living()
        index = self._chance.randrange(len(self._objects))
        of = self._objects[index]
        way = self._chance.choice(_WAYS)
        names = [name for name in dir(type(of)) if name not in self._left_out]
        name = self._chance.choice(names or ["__repr__"])
        self._note(f"{index}: {type.__repr__(type(of))} {way.__name__} {name}")
        signal.setitimer(signal.ITIMER_REAL, PATIENCE_S, AGAIN_S)
        try:
            found = way(self, of, name)
        except BaseException:
            found = None
        try:
            signal.setitimer(signal.ITIMER_REAL, 0)
        except BaseException:
            signal.setitimer(signal.ITIMER_REAL, 0)
        # Not isinstance, which asks an object for its class, and may be told anything.
        if type(found) in _PLAIN:
            return
        if self._chance.random() < 0.3 and len(self._objects) < 60:
            self._objects.append(found)

    def _arguments(self) -> list[Any]:
        return [self._some() for _ in range(self._chance.choice([0, 0, 1, 1, 2, 3, 4, 6]))]

    def _call(self, of: Any, name: str) -> Any:
        arguments = self._arguments()
        if name in ("result", "exception"):
            arguments = [0.001]
        return getattr(of, name)(*arguments)

    def _call_unbound(self, of: Any, name: str) -> Any:
        return getattr(self._chance.choice(self._types), name)(of, *self._arguments())

    def _initialise(self, of: Any, name: str) -> Any:
        return of.__init__(*self._arguments())

    def _set(self, of: Any, name: str) -> Any:
        return setattr(of, name, self._some())

    def _delete(self, of: Any, name: str) -> Any:
        return delattr(of, name)

    def _get(self, of: Any, name: str) -> Any:
        return getattr(of, name)

    def _new(self, of: Any, name: str) -> Any:
        kind = self._chance.choice(self._types)
        return kind.__new__(kind, *self._arguments())

    def _construct(self, of: Any, name: str) -> Any:
        return self._chance.choice(self._types)(*self._arguments())

    def _become(self, of: Any, name: str) -> Any:
        of.__class__ = self._chance.choice([type(self._some()), self._chance.choice(self._types)])

    def _copy(self, of: Any, name: str) -> Any:
        return (
            self._chance.choice([copy.copy, copy.deepcopy, copy.replace])(of)
            if hasattr(copy, "replace")
            else self._chance.choice([copy.copy, copy.deepcopy])(of)
        )

    def _pickle(self, of: Any, name: str) -> Any:
        return pickle.loads(pickle.dumps(of, self._chance.randrange(6)))

    def _visit(self, of: Any, name: str) -> Any:
        gc.get_referents(of)
        return gc.get_referrers(of) and None

    def _collect(self, of: Any, name: str) -> Any:
        gc.collect()

    def _cycle(self, of: Any, name: str) -> Any:
        of.cycle = [of, self._some()]

    def _drop(self, of: Any, name: str) -> Any:
        self._objects.remove(of)

    def _operate(self, of: Any, name: str) -> Any:
        return self._chance.choice(_OPERATIONS)(of)

    def _compare(self, of: Any, name: str) -> Any:
        other = self._some()
        return self._chance.choice([operator.eq, operator.lt, operator.add, operator.contains])(
            of, other
        )

    def _send(self, of: Any, name: str) -> Any:
        coroutine = of.__await__() if hasattr(of, "__await__") else iter(of)
        self._objects.append(coroutine)
        coroutine.send(None)
        return coroutine.throw(self._chance.choice([ValueError, GeneratorExit, self._some()]))

    def _await(self, of: Any, name: str) -> Any:
        async def wait() -> None:
            await asyncio.wait_for(asyncio.ensure_future(_awaited(of)), 0.01)

        return asyncio.run(wait())

    def _hold(self, of: Any, name: str) -> Any:
        with memoryview(of) as view:
            return bytes(view[:8])

    def _function(self, of: Any, name: str) -> Any:
        return getattr(bridge, self._chance.choice(_FUNCTIONS))(*self._arguments())


def conversation(**changed: Any) -> types.SimpleNamespace:
    """Return what has the attributes by which the bridge knows a call with messages."""
    of = types.SimpleNamespace(waiting=deque(), traces={}, left=None, future=None, holder=None)
    of.is_calling, of.is_reminded, of.is_told = False, False, False
    of.token, of.reminder = 5, [(0, 5, 0, b""), None]
    vars(of).update(changed)
    return of


async def _awaited(of: Any) -> Any:
    return await of


_TYPES = base_types()

_LIVING: list[Callable[[], Any]] = [
    lambda: faults.fail,
    lambda: faults.lines,
    lambda: faults.add.submit(1, 2),
    lambda: faults.sleep.submit(0.01),
    lambda: faults.fail.submit("unknown"),
    lambda: faults.ask.submit(3, lambda question: 1),
    lambda: faults.count_messages.submit(10, progress=lambda tick: None),
    lambda: faults.lines(100),
    lambda: iter(faults.lines(3)),
    lambda: faults.add.submit(1, 2).__await__(),
    lambda: memoryview(faults.count_floats(10)),
    lambda: faults.count_floats(10),
    lambda: faults.every_column(1, 3),
    lambda: _queue.Queue(_process.library(), _pending.pump),
    lambda: faults.sum_floats.submit(array.array("d", range(4000))),
    lambda: faults.sum_floats.pack(array.array("d", range(4000)))[1],
    lambda: conversation(left=[(2, 5, 0, b""), None]),
    lambda: conversation(waiting=deque([(2, 5, 0, b""), (1, 5, 0, b"\xc0")])),
    lambda: _queue.Queue.__new__(_queue.Queue).pending,
]

_FUNCTIONS = ["let_go", "send", "stats", "catalogue"]
"""Of the extension's module; the others load, close or replace what all use."""

_LEFT_OUT = {"_settle_elsewhere"}
"""Of a thread of its own, where it tries for ever: somebody waits for it."""

_SHARED = {"_queue", "_attendant", "__dict__"}
"""What leads to the queue that calls share."""

_OPERATIONS: list[Callable[[Any], Any]] = [
    repr, hash, len, iter, next, bool, list, bytes, memoryview, dir, vars, weakref.ref, sys.getsizeof,
    operator.index, operator.neg, format, reversed, callable, asyncio.isfuture, asyncio.iscoroutine,
]  # fmt: skip

_WAYS: list[Callable[[Sequences, Any, str], Any]] = [
    Sequences._call, Sequences._call, Sequences._call, Sequences._call, Sequences._call_unbound,
    Sequences._call_unbound, Sequences._set, Sequences._set, Sequences._set, Sequences._delete,
    Sequences._delete, Sequences._get, Sequences._new, Sequences._construct, Sequences._initialise,
    Sequences._become, Sequences._copy, Sequences._pickle, Sequences._visit, Sequences._collect,
    Sequences._cycle, Sequences._drop, Sequences._operate, Sequences._operate, Sequences._compare,
    Sequences._send, Sequences._await, Sequences._hold, Sequences._function,
]  # fmt: skip


def _quiet() -> None:
    """Have nothing that the steps provoke printed, but for crashes."""
    warnings.simplefilter("ignore")
    logging.disable()
    sys.unraisablehook = lambda _: None


def main(seed: int, seconds: float, path: str, *, shared: bool) -> None:
    """Run sequences for so long, each with the next seed."""
    log = os.open(path, os.O_CREAT | os.O_RDWR | os.O_TRUNC)
    _quiet()

    def wake(number: int, frame: object) -> None:
        raise WaitsError

    signal.signal(signal.SIGALRM, wake)
    until = time.monotonic() + seconds
    steps, early, sets = 0, _held(), 0
    while time.monotonic() < until:
        faulthandler.dump_traceback_later(HUNG_S, exit=True)
        print(seed, flush=True)
        sequences = Sequences(seed, log, _LEFT_OUT | (set() if shared else _SHARED))
        with contextlib.suppress(WaitsError):
            sequences.run()
        faulthandler.cancel_dump_traceback_later()
        steps += sequences.steps
        seed, sets = seed + 1, sets + 1
        if sets == _WARM_SETS:
            early = _held()
    print(
        "steps",
        steps,
        "grown",
        *(max(now - before, 0) for now, before in zip(_held(), early, strict=True)),
        flush=True,
    )
    os._exit(0)  # what was made may refer to anything, with which no interpreter ends in order


_WARM_SETS = 50
"""Sets of objects after which nothing may grow for ever; what steps leave in others is replaced."""


def _held() -> tuple[int, int]:
    """Return the descriptors and the MiB that the process has."""
    with open("/proc/self/statm") as file:
        pages = int(file.read().split()[1])
    return len(os.listdir("/proc/self/fd")), pages * os.sysconf("SC_PAGESIZE") >> 20


if __name__ == "__main__":
    main(int(sys.argv[1]), float(sys.argv[2]), sys.argv[3], shared=sys.argv[4] == "1")
