"""Calls in the middle of what the package imports late.

A signal's handler, a finalizer or a trace function may run there, and call Go, wait for another
thread that does, or raise. Python itself promises a module that is partly there to the first, and
has the second wait for the lock of the module; the caller of a function must notice nothing of it,
and later calls are observed as ever.
"""

from __future__ import annotations

import pytest

from programs import Programs

_BEGIN = """
import array, asyncio, concurrent.futures, importlib.abc, importlib.machinery, logging, sys, threading, time
{observers}
import faults, gostitch

failed = []

class Told(logging.Handler):
    def emit(self, record):
        failed.append(record.getMessage())

logging.getLogger("gostitch").addHandler(Told())

class Finder(importlib.abc.MetaPathFinder):
    def find_spec(self, name, path, target=None):
        spec = importlib.machinery.PathFinder.find_spec(name, path, target)
        if not name.startswith("gostitch.") or not isinstance(spec.loader, importlib.machinery.SourceFileLoader):
            return None
        spec.loader = Loader(spec.loader.name, spec.loader.path)
        return spec

class Loader(importlib.machinery.SourceFileLoader):
    # Each module that comes late has something done before it is executed, once.
    done = set()
    def exec_module(self, module):
        if module.__name__ not in self.done:
            self.done.add(module.__name__)
            try:
                in_the_middle()
            except Exception as error:
                failed.append((module.__name__, repr(error)))
        super().exec_module(module)

PARENT = "00-" + 32 * "a" + "-" + 16 * "b" + "-01"
async def in_loop():
    got = [line.number async for line in faults.lines(3)]
    return got + [await faults.add.submit(1, 2)]
"""
_TELEMETRY = """
import opentelemetry.trace, opentelemetry.metrics
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import InMemoryMetricReader
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
exporter, reader = InMemorySpanExporter(), InMemoryMetricReader()
opentelemetry.trace.set_tracer_provider(TracerProvider())
opentelemetry.trace.get_tracer_provider().add_span_processor(SimpleSpanProcessor(exporter))
opentelemetry.metrics.set_meter_provider(MeterProvider([reader]))
"""
_SENTRY = """
import sentry_sdk
sentry_sdk.init("http://key@127.0.0.1:1/1")
"""
_OBSERVERS = {"none": "", "all": _TELEMETRY + _SENTRY}
_FIRST = {
    "a call": "faults.add(1, 2)",
    "an await": "asyncio.run(in_loop())",
    "a table": "faults.table_of(array.array('d', [1.0]))",
    "a trace from outside": """
with gostitch.trace_context(traceparent=PARENT):
    faults.add(1, 2)
""",
    "a flush": "gostitch.force_flush(5); faults.add(1, 2)",
    "a dump": "gostitch.dump_text(); faults.add(1, 2); gostitch.dump_text()",
    "what is known": "gostitch.runtime_info(); faults.add(1, 2); gostitch.free_memory()",
}
_IN_THE_MIDDLE = {
    "calls": """
from gostitch import dump_text, force_flush, free_memory, runtime_info, trace_context
def in_the_middle():
    loop = asyncio._get_running_loop()
    wanted = [3, 3, [0, 1, 2], 3, {"values": [2.0]}]
    got = [
        faults.add(1, 2), faults.add.submit(1, 2).result(20), [line.number for line in faults.lines(3)],
        faults.ask(3, lambda question: question.number), faults.table_of(array.array("d", [2.0])).to_pydict(),
    ]
    with trace_context(traceparent=PARENT):
        got.append(faults.add(1, 2))
    asyncio._set_running_loop(None)
    try:
        got.append(asyncio.run(in_loop()))
    finally:
        asyncio._set_running_loop(loop)
    dump_text(), free_memory(), runtime_info()
    if got != [*wanted, 3, [0, 1, 2, 3]]:
        failed.append(got)
""",
    "waits for another thread": """
from gostitch import dump_text, trace_context
elsewhere = concurrent.futures.ThreadPoolExecutor(1)
def of_the_other():
    with trace_context(traceparent=PARENT):
        faults.add(1, 2)
    if "opentelemetry.trace" in sys.modules:
        with opentelemetry.trace.get_tracer("test").start_as_current_span("of the other"):
            faults.add(1, 2)
    dump_text()
def in_the_middle():
    elsewhere.submit(of_the_other).result(20)
""",
    "calls and raises": """
class Ended(BaseException):
    pass
def in_the_middle():
    faults.add(1, 2)
    raise Ended
""",
}
_LATER = """
if "opentelemetry.trace" in sys.modules:
    with opentelemetry.trace.get_tracer("test").start_as_current_span("later") as span:
        if f"{span.get_span_context().trace_id:032x}" not in str(faults.trace()):
            failed.append("a later call carries no trace")
        try:
            faults.panic("index")
        except gostitch.GoPanic as error:
            if not error.reported:
                failed.append("a later panic is not reported to Sentry")
    gostitch.force_flush(5)
    if "faults.trace" not in [each.name for each in exporter.get_finished_spans()]:
        failed.append("a later call has no span")
    if "gostitch.calls" not in reader.get_metrics_data().to_json():
        failed.append("no calls are counted")
"""


@pytest.mark.parametrize(
    ("act", "observers"), [("calls", "none"), *((act, "all") for act in _IN_THE_MIDDLE)]
)
@pytest.mark.parametrize("first", _FIRST)
def test_in_the_middle(program: Programs, act: str, first: str, observers: str) -> None:
    """Each call gives its result, nothing is warned of, and later calls are observed."""
    done = program(
        _BEGIN.format(observers=_OBSERVERS[observers])
        + _IN_THE_MIDDLE[act]
        + f"""
sys.meta_path.insert(0, Finder())
def first():
    exec({_FIRST[first]!r}, globals())
for _ in range(50):
    try:
        first()
        break
    except BaseException as error:
        if type(error).__name__ != "Ended":
            raise
else:
    failed.append("it never ended")
sys.meta_path.pop(0)
{_LATER}
print(failed)
""",
        timeout=50,
    )

    assert (0, "[]\n") == (done.returncode, done.stdout), done.stderr


@pytest.mark.parametrize("seconds", [0.2, 5.0])
def test_a_fork_in_the_middle(program: Programs, seconds: float) -> None:
    """A fork waits a second for a thread that imports; where that takes longer, the log says so."""
    done = program(
        _BEGIN.format(observers=_OBSERVERS["all"])
        + f"""
import os, warnings
warnings.simplefilter("ignore", DeprecationWarning)
begun, ends = threading.Event(), threading.Event()
def in_the_middle():
    if threading.current_thread() is importing and not begun.is_set():
        begun.set()
        ends.wait({seconds})
sys.meta_path.insert(0, Finder())
importing = threading.Thread(target=faults.add, args=(1, 2))
importing.start()
begun.wait(20)
pid = os.fork()
if pid == 0:
    print(faults.add(1, 2), failed)
    with opentelemetry.trace.get_tracer("test").start_as_current_span("later") as span:
        print(f"{{span.get_span_context().trace_id:032x}}" in str(faults.trace()), flush=True)
    os._exit(0)
os.waitpid(pid, 0)
ends.set()
importing.join(20)
"""
    )

    assert 0 == done.returncode, done.stderr
    if seconds < 1:
        assert "3 []\nTrue\n" == done.stdout
    else:
        assert "was forked while another thread imported a part of gostitch" in done.stdout
        assert done.stdout.startswith("3 [")
        assert done.stdout.endswith("False\n")


def test_another_thread_imports_what_is_observed(program: Programs) -> None:
    """Nobody waits for it: calls are traced, names come, and Sentry is attached to once it is there."""
    done = program(
        _BEGIN.format(observers=_TELEMETRY)
        + f"""
begun, ends = threading.Event(), threading.Event()
class Slow(importlib.machinery.SourceFileLoader):
    def exec_module(self, module):
        begun.set()
        ends.wait(20)
        super().exec_module(module)
class Finds(importlib.abc.MetaPathFinder):
    def find_spec(self, name, path, target=None):
        spec = importlib.machinery.PathFinder.find_spec(name, path, target)
        if name == "sentry_sdk.client":
            spec.loader = Slow(spec.loader.name, spec.loader.path)
            return spec
sys.meta_path.insert(0, Finds())
def imports():
    exec({_SENTRY!r}, globals())
importing = threading.Thread(target=imports)
importing.start()
begun.wait(20)
started = time.monotonic()
with gostitch.trace_context(traceparent=PARENT):
    print(PARENT[3:35] in str(faults.trace()))
with opentelemetry.trace.get_tracer("test").start_as_current_span("meanwhile") as span:
    print(f"{{span.get_span_context().trace_id:032x}}" in str(faults.trace()))
gostitch.force_flush(5)
print("faults.trace" in [each.name for each in exporter.get_finished_spans()])
print(time.monotonic() - started < 10)
ends.set()
importing.join(20)
faults.add(1, 2)
{_LATER}
print(failed)
"""
    )

    assert (0, "True\nTrue\nTrue\nTrue\n[]\n") == (done.returncode, done.stdout), done.stderr


def test_a_fork_beside_other_work(program: Programs) -> None:
    """What another thread does under the same gate is no import: calls of the child are observed."""
    done = program(
        _BEGIN.format(observers=_TELEMETRY)
        + """
import os, warnings
from gostitch import _late
warnings.simplefilter("ignore", DeprecationWarning)
begun, ends = threading.Event(), threading.Event()
def work():
    begun.set()
    ends.wait(20)
working = threading.Thread(target=_late.do, args=(work,))
working.start()
begun.wait(20)
pid = os.fork()
if pid == 0:
    with opentelemetry.trace.get_tracer("test").start_as_current_span("later") as span:
        print(f"{span.get_span_context().trace_id:032x}" in str(faults.trace()), failed, flush=True)
    os._exit(0)
os.waitpid(pid, 0)
ends.set()
working.join(20)
"""
    )

    assert (0, "True []\n") == (done.returncode, done.stdout), done.stderr
