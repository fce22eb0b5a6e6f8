"""Calls in the middle of what the package imports late, on the same thread.

A signal's handler, a finalizer or a trace function may run there, and call Go. Python itself
promises only a module that is partly there; the caller of a function must not notice.
"""

from __future__ import annotations

import pytest

from programs import Programs

# A call of each kind before any module of the package is executed that comes late.
_BEGIN = """
import asyncio, importlib.abc, importlib.machinery, logging, sys, warnings
warnings.simplefilter("error")
{observers}
import faults, gostitch
from gostitch import dump_text, trace_context

nested, failed = set(), []

async def in_loop():
    got = [line.number async for line in faults.lines(3)]
    return got + [await faults.add.submit(1, 2)]

def calls():
    wanted = [3, 3, [0, 1, 2], 3]
    loop = asyncio._get_running_loop()
    got = [
        faults.add(1, 2), faults.add.submit(1, 2).result(20), [line.number for line in faults.lines(3)],
        faults.ask(3, lambda question: question.number),
    ]
    with trace_context(traceparent="00-" + 32 * "a" + "-" + 16 * "b" + "-01"):
        got.append(faults.add(1, 2))
    asyncio._set_running_loop(None)
    try:
        got.append(asyncio.run(in_loop()))
    finally:
        asyncio._set_running_loop(loop)
    if loop is not None:
        faults.add.submit(1, 2)
    dump_text()
    if got != [*wanted, 3, [0, 1, 2, 3]]:
        failed.append(got)

class Finder(importlib.abc.MetaPathFinder):
    def find_spec(self, name, path, target=None):
        if not name.startswith("gostitch"):
            return None
        spec = importlib.machinery.PathFinder.find_spec(name, path, target)
        if spec is not None and isinstance(spec.loader, importlib.machinery.SourceFileLoader):
            spec.loader = Loader(spec.loader.name, spec.loader.path)
        return spec

class Loader(importlib.machinery.SourceFileLoader):
    def exec_module(self, module):
        if module.__name__ not in nested:
            nested.add(module.__name__)
            try:
                calls()
            except BaseException as error:
                failed.append((module.__name__, repr(error)))
        super().exec_module(module)

class Told(logging.Handler):
    def emit(self, record):
        failed.append(record.getMessage())

logging.getLogger("gostitch").addHandler(Told())
sys.meta_path.insert(0, Finder())
"""
_OBSERVERS = {
    "none": "",
    "OpenTelemetry and Sentry": """
import opentelemetry.trace, opentelemetry.metrics, sentry_sdk
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.metrics import MeterProvider
opentelemetry.trace.set_tracer_provider(TracerProvider())
opentelemetry.metrics.set_meter_provider(MeterProvider())
sentry_sdk.init()
""",
}


@pytest.mark.parametrize("observers", _OBSERVERS)
def test_calls_in_the_middle(program: Programs, observers: str) -> None:
    """Each gives its result, and nothing is warned of."""
    done = program(
        _BEGIN.format(observers=_OBSERVERS[observers])
        + """
calls()
if "opentelemetry.trace" in sys.modules:
    with opentelemetry.trace.get_tracer("test").start_as_current_span("outer"):
        calls()
asyncio.run(in_loop())
print(failed)
print("nested" if nested else "")
"""
    )

    assert (0, "[]\nnested\n") == (done.returncode, done.stdout), done.stderr
