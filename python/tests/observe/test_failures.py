"""Each kind of failure is the number of Sentry events that it should be, with all it should have."""

from __future__ import annotations

from typing import Any

import pytest

from observe.spotlight import Spotlight, frames
from observe.test_sentry import run_and_print

_INIT = """
import sentry_sdk
from opentelemetry import trace
from opentelemetry.sdk.trace import TracerProvider
{before}
sentry_sdk.init(
    release="shop@1.2.3", environment="staging", integrations=[{integrations}],
    auto_enabling_integrations=False,
)
{after}
import asyncio, time
import faults, gostitch

def in_span(work):
    with trace.get_tracer("test").start_as_current_span("caller") as span:
        print("trace", f"{{span.get_span_context().trace_id:032x}}", flush=True)
        work()
"""

_PROVIDER = "trace.set_tracer_provider(TracerProvider())"
_OTLP = "from sentry_sdk.integrations.otlp import OTLPIntegration"

# How OpenTelemetry and Sentry know of each other.
_SETTINGS = {
    "apart": _INIT.format(before="", integrations="", after=_PROVIDER),
    "integrated": _INIT.format(
        before=f"{_PROVIDER}; {_OTLP}", integrations="OTLPIntegration()", after=""
    ),
    "integrated by half": _INIT.format(
        before=f"{_PROVIDER}; {_OTLP}",
        integrations="OTLPIntegration(setup_otlp_traces_exporter=False, setup_propagator=False)",
        after="",
    ),
}

_CALLBACK = """
def answer(question):
    raise LookupError("in the callback")

def work():
    faults.ask(1, answer)
"""

_TASK = """
async def main():
    waiting = faults.sleep.submit(60)
    asyncio.get_running_loop().call_later(0.05, waiting.cancel)
    await asyncio.gather(waiting, return_exceptions=True)

def work():
    asyncio.run(main())
"""

_BACKGROUND = """
def work():
    faults.background_panic()
    deadline = time.monotonic() + 20
    while gostitch.runtime_info()["background_panics"] == 0:
        assert time.monotonic() < deadline, "unexpected: no panic"
"""

_HANDLED = """
def work():
    try:
        faults.fail("not_found")
    except gostitch.GoError:
        pass
"""


def _calling(call: str) -> str:
    return f"def work():\n    {call}\n"


# kind: the program, and how many events it should be.
_KINDS = {
    "plain": (_calling("faults.fail_standard('plain')"), 1),
    "wrapped": (_calling("faults.fail_wrapped(2)"), 1),
    "joined": (_calling("faults.fail_joined(3)"), 1),
    "typed": (_calling("faults.fail_typed()"), 1),
    "panic": (_calling("faults.panic('string')"), 1),
    "nil dereference": (_calling("faults.panic('dereference')"), 1),
    "callback": (_CALLBACK, 1),
    "background": (_BACKGROUND, 1),
    "timeout": (_calling("faults.sleep(60, timeout=0.05)"), 1),
    "cancelled": (_TASK, 0),
    "handled": (_HANDLED, 0),
}


@pytest.mark.parametrize("setting", _SETTINGS)
@pytest.mark.parametrize("kind", _KINDS)
def test_kinds(sentry: Spotlight, kind: str, setting: str) -> None:
    """Nobody catches it, or somebody does: it is one event or none, on the trace of its caller."""
    code, count = _KINDS[kind]
    events, out = run_and_print(sentry, code + "\nin_span(work)\n", init=_SETTINGS[setting])

    assert count == len(events), [event.get("exception") for event in events]
    for event in events:
        assert ("shop@1.2.3", "staging") == (event["release"], event["environment"])
        assert out.split()[1] == event["contexts"]["trace"]["trace_id"]
        assert any("faults." in function for function in frames(event, "go")), event
        if kind != "background":
            assert "work" in frames(event, "python")


@pytest.mark.parametrize("setting", _SETTINGS)
def test_a_crash(sentry: Spotlight, setting: str, tmp_path: Any) -> None:
    """What ended a process is one event, sent by the next one, on the trace that it happened in."""
    folder = {"GOSTITCH_CRASH_DIR": str(tmp_path / "crashes")}
    crash = _calling("faults.crash('goroutine')")
    before, out = run_and_print(
        sentry, crash + "\nin_span(work)\n", init=_SETTINGS[setting], **folder
    )
    events, _ = run_and_print(sentry, "faults.add(1, 2)\n", init=_SETTINGS[setting], **folder)
    again, _ = run_and_print(sentry, "faults.add(1, 2)\n", init=_SETTINGS[setting], **folder)

    assert ([], 1, []) == (before, len(events), again)
    (event,) = events
    assert ("shop@1.2.3", "staging") == (event["release"], event["environment"])
    assert out.split()[1] == event["contexts"]["trace"]["trace_id"]
    assert "faults.crash" == event["transaction"]
    assert "panic: in a bare goroutine" == event["exception"]["values"][0]["value"]
    assert any("faults." in function for function in frames(event, "go"))


_GROUP = """
import sys
if sys.version_info < (3, 11):
    from exceptiongroup import ExceptionGroup

def failed(call):
    try:
        call()
    except gostitch.GoError as error:
        return error
"""


def test_a_group(sentry: Spotlight) -> None:
    """Each error of Go in a group has Go's values, and belongs where it was, equal ones too."""
    code = (
        _GROUP
        + """
errors = [failed(faults.fail_typed), failed(faults.fail_typed)]
sentry_sdk.capture_exception(ExceptionGroup("both", [ExceptionGroup("inner", errors)]))
"""
    )
    ((event,), _) = run_and_print(sentry, code, init=_SETTINGS["apart"])
    values = {value["mechanism"]["exception_id"]: value for value in event["exception"]["values"]}
    chains = []
    for value in values.values():
        if value["type"] == "*errors.errorString":
            chain = [value]
            while "parent_id" in chain[-1]["mechanism"]:
                chain.append(values[chain[-1]["mechanism"]["parent_id"]])
            chains.append([each["type"] for each in chain[1:]])

    each = ["*faults.typedError", "GoError", "ExceptionGroup", "ExceptionGroup"]
    assert [each, each] == chains
    assert 2 == sum("faults." in function for function in frames(event, "go"))


def test_a_group_of_panics(sentry: Spotlight) -> None:
    """What a group of tasks raises was reported already; with another exception it is news."""
    code = (
        _GROUP
        + """
panics = [failed(lambda: faults.panic("string")), failed(lambda: faults.panic("index"))]
sentry_sdk.capture_exception(ExceptionGroup("panics", [ExceptionGroup("inner", panics)]))
sentry_sdk.capture_exception(ExceptionGroup("more", [*panics, ValueError("news")]))
"""
    )
    events, _ = run_and_print(sentry, code, init=_SETTINGS["apart"])

    outer = [event["exception"]["values"][-1] for event in events]
    assert ["GoPanic", "GoPanic", "ExceptionGroup"] == [value["type"] for value in outer]
    assert outer[-1]["value"].startswith("more")


_CLIENT = "sentry_sdk.init(dsn={dsn}, release={release!r}, default_integrations=False{more})"


@pytest.mark.parametrize(
    ("dsn", "more", "releases"),
    [("DSN", "", ["two"]), ("DSN", ", sample_rate=0.0", []), ("''", "", [])],
    ids=["another", "that samples nothing", "without a DSN"],
)
def test_a_client_that_is_replaced(
    sentry: Spotlight, dsn: str, more: str, releases: list[str]
) -> None:
    """What fails in the background goes where the new client says, although no module comes."""
    first = _CLIENT.format(dsn="DSN", release="one", more="")
    second = _CLIENT.format(dsn=dsn, release="two", more=more)
    code = f"""
import faults, gostitch, os, sentry_sdk, time
DSN = os.environ["SENTRY_DSN"]
{first}
faults.nothing()
{second}
{_BACKGROUND}
work()
assert gostitch.force_flush(20)
"""
    events, _ = run_and_print(sentry, code, init="")

    assert releases == [event["release"] for event in events]


def test_a_transaction_has_no_breadcrumbs(sentry: Spotlight) -> None:
    """What Go has logged is for events of failures."""
    code = """
import logging
logging.getLogger("gostitch.go").setLevel("INFO")
kept = []
sentry_sdk.get_client().options["before_send_transaction"] = lambda event, hint: kept.append(event)
with sentry_sdk.start_transaction(name="t"):
    faults.log(0, "in the transaction")
    gostitch.force_flush()
assert ["t"] == [event["transaction"] for event in kept], "unexpected: no transaction"
print("breadcrumbs" in kept[0])
"""
    init = _SETTINGS["apart"].replace(
        "sentry_sdk.init(", "sentry_sdk.init(traces_sample_rate=1.0, "
    )
    events, out = run_and_print(sentry, code, init=init)

    assert ([], "False\n") == (events, out)


def test_the_values_of_a_chain(sentry: Spotlight) -> None:
    """Causes come first; each value says of which other it is the cause."""
    code = """
try:
    faults.fail_wrapped(2)
except gostitch.GoError as error:
    try:
        raise RuntimeError("of the application") from error
    except RuntimeError as outer:
        sentry_sdk.capture_exception(outer)
"""
    ((event,), _) = run_and_print(sentry, code, init=_SETTINGS["apart"])
    values = event["exception"]["values"]
    mechanisms = [value["mechanism"] for value in values]

    assert "RuntimeError" == values[-1]["type"]
    assert values[-2]["type"].startswith("Go")
    assert all("stacktrace" in value or "*" in value["type"] for value in values)
    assert sorted(range(len(values)), reverse=True) == [each["exception_id"] for each in mechanisms]
    assert list(range(len(values) - 2, -1, -1)) == [each["parent_id"] for each in mechanisms[:-1]]
    assert "fingerprint" not in event or event["fingerprint"] == ["{{ default }}"]


def test_grouping(sentry: Spotlight) -> None:
    """Events are grouped by the function in Go, wherever it was called from; the user's own rule wins."""
    code = """
def one():
    faults.panic("string")

def other():
    faults.panic.submit("string").result()

for each in (one, other):
    try:
        each()
    except gostitch.GoPanic:
        pass
with sentry_sdk.new_scope() as scope:
    scope.fingerprint = ["own"]
    try:
        one()
    except gostitch.GoPanic:
        pass
"""
    (first, second, own), _ = run_and_print(sentry, code, init=_SETTINGS["apart"])

    assert first["fingerprint"] == second["fingerprint"]
    assert first["fingerprint"][-1].endswith("faults.Panic")
    assert ["own"] == own["fingerprint"]


def test_frames_of_the_application(sentry: Spotlight) -> None:
    """Frames of the user's own Go code are marked, those of Go's library are not."""
    (event,), _ = run_and_print(
        sentry, _calling("faults.panic('repanic')") + "work()\n", init=_SETTINGS["apart"]
    )
    frames = [
        frame
        for value in event["exception"]["values"]
        for frame in value["stacktrace"]["frames"]
        if frame.get("platform") == "go"
    ]

    assert {True, False} == {frame["in_app"] for frame in frames}, frames
    assert all(("faults" in frame["module"]) == frame["in_app"] for frame in frames), frames


class TestBreadcrumbs:
    def test_of_the_trace(self, sentry: Spotlight) -> None:
        """An event has what Go logged in its scope, in order, and nothing of another request's."""
        code = """
import logging
logging.getLogger("gostitch.go").setLevel(logging.INFO)
with sentry_sdk.isolation_scope():
    in_span(lambda: faults.log(0, "of another"))

def work():
    faults.log(0, "first")
    faults.log(4, "second")
    sentry_sdk.add_breadcrumb(message="of Python")
    faults.panic("string")

in_span(work)
"""
        (event,), _ = run_and_print(sentry, code, init=_SETTINGS["apart"])
        crumbs = event["breadcrumbs"]["values"]
        texts = [crumb["message"].split(" fixed")[0] for crumb in crumbs]

        assert ["first", "second", "of Python"] == texts
        assert ["info", "warning"] == [crumb["level"] for crumb in crumbs[:2]]

    def test_once(self, sentry: Spotlight) -> None:
        """Events that follow one another have each record once."""
        code = """
import logging
logging.getLogger("gostitch.go").setLevel(logging.INFO)
faults.log(0, "first")
sentry_sdk.capture_message("one")
sentry_sdk.capture_message("two")
"""
        events, _ = run_and_print(sentry, code, init=_SETTINGS["apart"])

        for event in events:
            crumbs = event["breadcrumbs"]["values"]
            assert 1 == sum("first" in (crumb.get("message") or "") for crumb in crumbs), crumbs


def test_an_error_that_go_logs(sentry: Spotlight) -> None:
    """Sentry makes an event of it, as of each error that is logged; it is on Go's trace."""
    code = (
        _calling("faults.log(8, 'it went wrong')")
        + "in_span(work)\nimport time\nfrom gostitch import _pending\n"
        + "_pending.drain_host(time.monotonic() + 20)\n"
    )
    (event,), out = run_and_print(sentry, code, init=_SETTINGS["apart"])

    assert out.split()[1] == event["contexts"]["trace"]["trace_id"]
    assert "gostitch.go" == event["logger"]
