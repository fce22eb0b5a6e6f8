"""Fails in each way, in a process of its own: as Python alone does, and as Go called from Python does.

What Sentry's client sends goes to the file that ENVELOPES names, each envelope with what it is of. The
failures of Go are those of the package ``kinds``; ``PYTHON`` has what compares to each in Python.
"""

from __future__ import annotations

import json
import logging
import os
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from typing import Any

import sentry_sdk
from sentry_sdk.transport import Transport

if sys.version_info < (3, 11):
    from exceptiongroup import ExceptionGroup


class StockError(Exception):
    """An error of a type of its own, with fields."""

    def __init__(self, item: str, left: int) -> None:
        super().__init__(f"{left} left of {item}")
        self.item, self.left = item, left


class SoldOutError(Exception):
    """What stands for a sentinel in Python."""


def _plain() -> None:
    raise RuntimeError("the shop is closed")


def _sentinel() -> None:
    raise SoldOutError("sold out")


def _wrapped() -> None:
    try:
        try:
            _sentinel()
        except SoldOutError as error:
            raise LookupError("reserve: sold out") from error
    except LookupError as error:
        raise RuntimeError("order 17: reserve: sold out") from error


def _joined() -> None:
    raise ExceptionGroup("sold out", [SoldOutError("sold out"), StockError("tea", 0)])


def _typed() -> None:
    raise StockError("tea", 3)


def _string_panic() -> None:
    raise RuntimeError("no price for tea")


def _file() -> None:
    os.stat("/does/not/exist")


def _argument() -> None:
    raise ValueError("it must be positive")


def _dereference() -> None:
    nothing: Any = None
    nothing.left += 1


def _index() -> None:
    items: list[str] = []
    items[5] = "index"


def _map() -> None:
    prices: Any = None
    prices["map"] = 1


def _assertion() -> None:
    name: Any = "assertion"
    name += 1


def _division() -> None:
    1 / len([])


def _timeout() -> None:
    raise TimeoutError("context deadline exceeded")


def _background() -> None:
    thread = threading.Thread(target=_dereference)
    thread.start()
    thread.join()


def _captured() -> None:
    try:
        _typed()
    except StockError as error:
        sentry_sdk.capture_exception(error)


def _recovered() -> None:
    try:
        _dereference()
    except AttributeError as error:
        sentry_sdk.capture_exception(error)


def _message() -> None:
    sentry_sdk.capture_message("tea is running out")


def _logged() -> None:
    logging.getLogger("shop").error("tea is running out", extra={"left": 3})


def answer(question: Any) -> Any:
    """Raise, as a callable of the application does."""
    raise StockError("tea", 3)


def calls(work: Callable[[], object]) -> object:
    """Do some work below a frame that has a source."""
    return work()


def _callback() -> None:
    answer(1)


PYTHON: dict[str, Callable[[], None] | None] = {
    "plain": _plain,
    "sentinel": _sentinel,
    "wrapped": _wrapped,
    "joined": _joined,
    "typed": _typed,
    "traced": _plain,
    "file": _file,
    "coded": _sentinel,
    "argument": _argument,
    "timeout": _timeout,
    "dereference": _dereference,
    "error panic": _sentinel,
    "string panic": _string_panic,
    "index": _index,
    "map": _map,
    "assertion": _assertion,
    "division": _division,
    "background": _background,
    "crash": None,
    "captured": _captured,
    "recovered": _recovered,
    "message": _message,
    "logged": _logged,
    "callback": _callback,
}


class _Kept(Transport):
    """Keeps what it is to send."""

    of: tuple[str, str] = ("", "")

    def capture_envelope(self, envelope: Any) -> None:
        with open(os.environ["ENVELOPES"], "a") as file:
            for item in envelope.items:
                if item.payload.json is not None:
                    line = [*self.of, item.headers.get("type"), item.payload.json]
                    file.write(json.dumps(line, default=str) + "\n")


def _uncaught(work: Callable[[], object]) -> None:
    """Do what the interpreter does with an exception that nobody catches, but for the end."""
    try:
        work()
    except Exception:
        sys.excepthook(*sys.exc_info())


def _each(side: str, kinds: list[str], transport: _Kept, work: Callable[[str], object]) -> None:
    for kind in kinds:
        transport.of = (side, kind)
        with sentry_sdk.isolation_scope() as scope:
            scope.clear_breadcrumbs()  # of what was logged before
            scope.start_session()
            work(kind)
            scope.end_session()
            sentry_sdk.flush()  # of the session too


def main(kinds: list[str]) -> None:
    """Fail in these ways, first in Python alone."""
    transport = _Kept({})
    sentry_sdk.init(
        dsn="http://public@127.0.0.1:9/1",
        transport=transport,
        release="shop@1.2.3",
        environment="staging",
        auto_session_tracking=False,
    )
    alone = [kind for kind in kinds if PYTHON.get(kind)]
    _each("python", alone, transport, lambda kind: _uncaught(PYTHON[kind] or _plain))

    transport.of = ("ours", "crash")  # what the process that crashed has left is found first
    import faults
    import gostitch

    faults.nothing()

    def call(kind: str) -> None:
        timeout = 0.05 if kind == "timeout" else None
        panics = gostitch.runtime_info()["background_panics"]
        if kind == "callback":
            _uncaught(lambda: faults.ask(1, answer))
        else:
            _uncaught(lambda: faults.fail_as(kind, timeout=timeout))
        until = time.monotonic() + 20
        while kind == "background" and gostitch.runtime_info()["background_panics"] == panics:
            assert time.monotonic() < until, "unexpected: no panic"
        gostitch.force_flush()

    _each("ours", [kind for kind in kinds if kind != "crash"], transport, call)


def crash() -> None:
    """End the process, as Go does."""
    sentry_sdk.init(
        dsn="http://public@127.0.0.1:9/1",
        transport=_Kept({}),
        release="shop@1.2.3",
        environment="staging",
    )
    import faults

    faults.fail_as("crash")


if __name__ == "__main__":
    if sys.argv[1:] == ["end"]:
        crash()
    if "crash" in sys.argv[1:]:
        subprocess.run([sys.executable, __file__, "end"], check=False, timeout=60)
    main(sys.argv[1:])
