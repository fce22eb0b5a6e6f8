"""Sentry's own tracing, without OpenTelemetry: calls are in the trace of their scope."""

from __future__ import annotations

import json
import textwrap
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from http_servers import Handler, serving
from observe.envelopes import Item, items, items_and_print

LIFECYCLES = ("static", "stream")

PROGRAM = """
import contextvars, logging, urllib.request
from gostitch import tasks

def begin(lifecycle="static", **options):
    # No thread sends anything by itself, so what came is known at the end.
    init(**{"traces_sample_rate": 1.0, "trace_lifecycle": lifecycle, **options})
    global streams
    streams = lifecycle == "stream"

def root(name="request"):
    if streams:
        return sentry_sdk.traces.start_span(name)
    return sentry_sdk.start_transaction(name=name)

def child(name):
    return sentry_sdk.traces.start_span(name) if streams else sentry_sdk.start_span(name=name)

step = faults.FaultsVisitStep
STEPS = [step("outer", -1, "inline", "", ""), step("inner", 0, "inline", "", "")]
NESTED = [step("outer", -1, "inline", "", ""), step("asked", 0, "ask", "", "")]
"""


class Seen:
    """A span of either lifecycle."""

    def __init__(self, of: dict[str, Any], *, is_streamed: bool) -> None:
        self.id, self.parent = of["span_id"], of.get("parent_span_id")
        self.trace = of["trace_id"]
        self.begun = of["start_timestamp"]
        self.ended = of["end_timestamp" if is_streamed else "timestamp"]
        if is_streamed:
            self.name, self.status = of["name"], of["status"]
            data = {key: value["value"] for key, value in of["attributes"].items()}
            self.op, self.origin = data.get("sentry.op"), data["sentry.origin"]
        else:
            self.name, self.status = of["description"], of.get("status")
            data = of.get("data", {})
            self.op, self.origin = of.get("op"), of["origin"]
        self.data = data


def spans_of(sent: list[Item]) -> list[Seen]:
    """Give all spans that were sent, those of transactions after their root."""
    found = []
    for item in sent:
        if item.kind == "span":
            found += [Seen(each, is_streamed=True) for each in item.body["items"]]
        elif item.kind == "transaction":
            root = item.body["contexts"]["trace"] | {
                "description": item.body["transaction"],
                "start_timestamp": item.body["start_timestamp"],
                "timestamp": item.body["timestamp"],
            }
            inner = item.body["spans"]
            found += [Seen(each, is_streamed=False) for each in [root, *inner]]
    return found


def edges(spans: list[Seen]) -> Counter[tuple[str, str]]:
    """Count what is below what, by names; all is in one trace, and nothing without its parent."""
    by_id = {each.id: each for each in spans}
    assert len(by_id) == len(spans)
    assert 1 == len({each.trace for each in spans})
    return Counter((each.name, by_id[each.parent].name) for each in spans if each.parent)


def run(folder: Path, code: str, **env: str) -> list[Item]:
    """Give what the client of a program has sent."""
    return items(folder, PROGRAM + textwrap.dedent(code), **env)


BOTH = pytest.mark.parametrize("lifecycle", LIFECYCLES)


@BOTH
def test_calls_are_below_the_span_of_their_scope(tmp_path: Path, lifecycle: str) -> None:
    """However they are made; Go's spans are below them, and Python's below those; each once."""
    sent = run(
        tmp_path,
        f"""
        begin({lifecycle!r})

        def answer(question):
            with child("answering"):
                return 1

        async def awaits():
            with child("awaiting"):
                await faults.visit.submit(NESTED, answer=answer)

        with root():
            with child("calling"):
                faults.visit(NESTED, answer=answer)
            with child("submitting"):
                faults.visit.submit(NESTED, answer=answer).result()
            with child("streaming"):
                list(faults.visit_lines(STEPS))
            asyncio.run(awaits())
        sentry_sdk.flush()
        assert not [each for each in sys.modules if each.startswith("opentelemetry.")]
        """,
    )
    spans = spans_of(sent)

    above = {"calling": 1, "submitting": 1, "awaiting": 1, "streaming": 1}
    calls = ("calling", "submitting", "awaiting")
    assert edges(spans) == {
        **{(each, "request"): count for each, count in above.items()},
        **{("faults.visit", each): 1 for each in calls},
        ("faults.visit_lines", "streaming"): 1,
        ("outer", "faults.visit"): len(calls),
        ("answering", "outer"): len(calls),
        ("outer", "faults.visit_lines"): 1,
        ("inner", "outer"): 1,
    }
    of_go = [each for each in spans if each.data.get("gostitch.side") == "go"]
    assert len(of_go) == 2 * len(calls) + 3
    assert {("function", "auto.function.gostitch")} == {(each.op, each.origin) for each in of_go}
    by_id = {each.id: each for each in spans}
    for each in of_go:
        outer = by_id[each.parent]
        assert outer.begun <= each.begun <= each.ended <= outer.ended


@BOTH
def test_a_span_says_how_its_call_ended(tmp_path: Path, lifecycle: str) -> None:
    """With a status as Sentry has them: of an error, of one that has a word of its own, of none."""
    sent = run(
        tmp_path,
        f"""
        begin({lifecycle!r})
        with root():
            for call in (lambda: faults.fail("not_found"), lambda: faults.fail("data"), lambda: faults.log(0, "m")):
                try:
                    call()
                except gostitch.GoError:
                    pass
        sentry_sdk.flush()
        """,
    )

    of_go = [each for each in spans_of(sent) if each.data.get("gostitch.side") == "go"]
    said = (
        ("error", "error", "ok") if lifecycle == "stream" else ("not_found", "internal_error", None)
    )
    assert said == tuple(each.status for each in of_go)


@BOTH
def test_sampled_as_what_is_above(tmp_path: Path, lifecycle: str) -> None:
    """Nothing is recorded below what is not kept, nor outside of a trace."""
    sent = run(
        tmp_path,
        f"""
        begin({lifecycle!r}, traces_sampler=lambda context: 0.0)
        with root():
            list(faults.visit_lines(STEPS))
        list(faults.visit_lines(STEPS))
        sentry_sdk.flush()
        """,
    )

    assert [] == spans_of(sent)


@BOTH
def test_calls_outside_of_any_span(tmp_path: Path, lifecycle: str) -> None:
    """They begin a trace where that was asked for, as sampled as those of Python."""
    sent = run(
        tmp_path,
        f"""
        kept = []
        def sampler(context):
            kept.append((context.get("transaction_context") or context.get("span_context"))["name"])
            return len(kept) == 1

        begin({lifecycle!r}, traces_sampler=sampler)
        gostitch.configure(traces="always")
        for _ in range(3):
            list(faults.visit_lines(STEPS))
        gostitch.force_flush()
        sentry_sdk.flush()
        assert kept == ["faults.visit_lines"] * 3, kept
        """,
    )

    assert {("outer", "faults.visit_lines"): 1, ("inner", "outer"): 1} == edges(spans_of(sent))


def test_many_spans_of_one_call(tmp_path: Path) -> None:
    """A transaction has as many as the client lets it have, none without its parent; others are counted."""
    sent = run(
        tmp_path,
        """
        begin(_experiments={"max_spans": 100})
        with root() as transaction:
            faults.burst(1000, width=10)
            recorder = transaction._span_recorder
            print(len(recorder.spans), recorder.dropped_spans)
        """,
    )
    spans = spans_of(sent)

    assert 100 < len(spans) <= 102
    edges(spans)


def test_streamed_spans_of_one_call(tmp_path: Path) -> None:
    """All are sent or counted, and those that are to be ignored leave no gap."""
    sent, printed = items_and_print(
        tmp_path,
        PROGRAM
        + """
begin("stream", ignore_spans=["outer"])
with root():
    list(faults.visit_lines(STEPS))
    faults.burst(2500, width=10)
gostitch.force_flush()
sentry_sdk.flush()
print(gostitch.runtime_info()["spans_dropped"])
""",
    )
    spans = spans_of(sent)

    assert 1 == edges(spans)["inner", "faults.visit_lines"]
    named = {"request": 1, "faults.visit_lines": 1, "inner": 1, "faults.burst": 1}
    assert 2500 + len(named) == len(spans) + int(printed)


def test_what_is_done_to_spans(tmp_path: Path) -> None:
    """What the client has for transactions, streamed spans and metrics sees those of Go."""
    sent = run(
        tmp_path,
        """
        def mark(event, hint):
            for span in event["spans"]:
                span["description"] += " seen"
            return event

        begin(before_send_transaction=mark)
        with root():
            list(faults.visit_lines(STEPS))
        begin("stream", before_send_span=lambda span, hint: {**span, "name": span["name"] + " seen"})
        with root():
            list(faults.visit_lines(STEPS))
        sentry_sdk.flush()
        begin(before_send_metric=lambda metric, hint: {**metric, "name": "seen"})
        faults.capture("as a metric", "nightly")
        gostitch.force_flush()
        sentry_sdk.flush()
        """,
    )

    names = ["faults.visit_lines seen", "inner seen", "outer seen"]
    (transaction,) = (item.body for item in sent if item.kind == "transaction")
    assert names == sorted(each["description"] for each in transaction["spans"])
    streamed = [each["name"] for item in sent if item.kind == "span" for each in item.body["items"]]
    assert sorted([*names, "request seen"]) == sorted(streamed)
    (metrics,) = (item.body["items"] for item in sent if item.kind == "trace_metric")
    assert ["seen"] == [each["name"] for each in metrics]


HEADERS = ("sentry-trace", "baggage", "traceparent")


class Asked:
    """The headers of what a server was asked for, by the path."""

    def __init__(self) -> None:
        self.headers: dict[str, dict[str, str]] = {}
        self.url = ""


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Asked]:
    """A server that notes what it was asked for."""
    asked = Asked()

    def answer(request: Handler) -> bool:
        seen = {name.lower(): value for name, value in request.headers.items()}
        asked.headers[request.path] = {name: seen[name] for name in HEADERS if name in seen}
        request.answer(b"content")
        return True

    with serving(tmp_path, answer) as url:
        asked.url = url
        yield asked


FETCH = """
def ask(url, path):
    urllib.request.urlopen(f"{url}/python/{path}").read()
    target = os.path.join(os.environ["FOLDER"], path)
    got, = tasks.fetch([{"url": f"{url}/go/{path}", "path": target}])
    assert got.ok, got
"""


@pytest.mark.parametrize("lifecycle", LIFECYCLES)
def test_requests_carry_what_those_of_python_do(
    tmp_path: Path, server: Asked, lifecycle: str
) -> None:
    """The headers of Sentry, with the request's own span, and no others; its span says how it went."""
    sent = run(
        tmp_path,
        FETCH
        + f"""
        begin({lifecycle!r})
        with root() as span:
            ask({server.url!r}, "a?key=1")
        sentry_sdk.flush()
        """.replace("        ", ""),
        FOLDER=str(tmp_path),
    )

    python, go = server.headers["/python/a?key=1"], server.headers["/go/a?key=1"]
    assert {"sentry-trace", "baggage"} == set(python)
    assert python["baggage"] == go["baggage"]
    trace, span_id, sampled = go["sentry-trace"].split("-")
    spans = {each.id: each for each in spans_of(sent)}
    request = spans[span_id]
    assert (trace, "1") == (request.trace, sampled)
    (of_python,) = (each for each in spans.values() if "/python/a" in each.name)
    assert ("http.client", of_python.name.replace("/python/", "/go/")) == (request.op, request.name)
    assert of_python.status == request.status
    assert "tasks.fetch" == spans[request.parent].name
    assert set(python) == set(go)


@pytest.mark.parametrize("traces", [1.0, None], ids=["traces", "no traces"])
def test_whom_the_trace_is_told(tmp_path: Path, server: Asked, traces: float | None) -> None:
    """Whoever Python's requests tell it, by the same expressions."""
    host = server.url.partition("//")[2]
    rows: dict[str, dict[str, Any]] = {
        "default": {},
        "none": {"trace_propagation_targets": []},
        "host": {"trace_propagation_targets": [host]},
        "other": {"trace_propagation_targets": ["example.org", "^https:"]},
        "path": {"trace_propagation_targets": ["/pa[a-t]h$", "/path-outside$"]},
        "itself": {"dsn": f"http://public@{host}/1"},
        "off": {"propagate_traces": False},
        "organisation": {"org_id": "77"},
        "otel": {"instrumenter": "otel"},
    }
    run(
        tmp_path,
        FETCH
        + f"""
for name, options in {rows!r}.items():
    begin(**{{"traces_sample_rate": {traces!r}, "transport": Kept, **options}})
    with root():
        ask({server.url!r}, name)
    ask({server.url!r}, name + "-outside")
""",
        FOLDER=str(tmp_path),
    )

    told = {}
    for name in rows:
        for at in (name, f"{name}-outside"):
            python, go = (server.headers[f"/{side}/{at}"] for side in ("python", "go"))
            assert set(python) == set(go), at
            assert python.get("baggage") == go.get("baggage"), at
            pieces = [each.get("sentry-trace", "").split("-") for each in (python, go)]
            assert pieces[0][0:1] + pieces[0][2:] == pieces[1][0:1] + pieces[1][2:], at
            told[at] = bool(go)
    expected = [True, False, True, False, True, False, False, True, True]
    assert expected == [told[name] for name in rows]
    if traces:
        assert "sentry-org_id=77" in server.headers["/go/organisation"]["baggage"]


@pytest.mark.parametrize("traces", [1.0, None], ids=["traces", "no traces"])
@BOTH
def test_the_trace_of_a_scope_may_change(
    tmp_path: Path, server: Asked, lifecycle: str, traces: float | None
) -> None:
    """A consumer of messages continues one trace after the other, in one scope."""
    run(
        tmp_path,
        FETCH
        + f"""
begin({lifecycle!r}, traces_sample_rate={traces!r})
api = sentry_sdk.traces if streams else sentry_sdk
for number in (1, 2, 3):
    api.continue_trace({{"sentry-trace": f"{{number:032x}}-{{number:016x}}"}})
    ask({server.url!r}, str(number))
""",
        FOLDER=str(tmp_path),
    )

    for number in (1, 2, 3):
        python, go = (server.headers[f"/{side}/{number}"] for side in ("python", "go"))
        assert python.get("sentry-trace", "")[:32] == go.get("sentry-trace", "")[:32]
        assert python.get("baggage") == go.get("baggage")
    assert (traces is None or lifecycle == "stream") == bool(server.headers["/python/1"])


def test_what_programs_of_go_are_told(tmp_path: Path) -> None:
    """The variables that a program of Python's own gets, in the trace."""
    _, printed = items_and_print(
        tmp_path,
        PROGRAM
        + textwrap.dedent("""
        import subprocess
        for options in ({}, {"propagate_traces": False}):
            begin(**options)
            with root():
                python = subprocess.run(["env"], capture_output=True, text=True).stdout.splitlines()
                go = faults.propagate(span="own").environment
            names = ("SUBPROCESS_", "TRACEPARENT", "BAGGAGE")
            for each in (python, go):
                print(json.dumps(dict(line.split("=", 1) for line in each if line.startswith(names))))
        """),
    )

    python, go, *off = (json.loads(line) for line in printed.splitlines())
    assert [{}, {}] == off
    assert {"SUBPROCESS_SENTRY_TRACE", "SUBPROCESS_BAGGAGE"} == set(python) == set(go)
    assert python["SUBPROCESS_BAGGAGE"] == go["SUBPROCESS_BAGGAGE"]
    (trace, _, kept), (of_go, _, kept_by_go) = (
        each["SUBPROCESS_SENTRY_TRACE"].split("-") for each in (python, go)
    )
    assert (trace, kept) == (of_go, kept_by_go)


LOGGED = """
request = contextvars.ContextVar("request", default="none")
seen = []
class Look(logging.Handler):
    def emit(self, record):
        scope = sentry_sdk.get_current_scope()
        tags = sentry_sdk.get_isolation_scope()._tags
        seen.append((record.getMessage(), request.get(), tags.get("who"), scope.get_trace_context()["trace_id"]))
logging.getLogger().addHandler(Look())
def told(count):
    wait_until(lambda: len(seen) == count)
    return seen.pop() if count == 1 else sorted(seen)
"""


@pytest.mark.parametrize("traces", [None, 1.0], ids=["no traces", "traces"])
def test_handlers_of_logs_run_for_the_caller(tmp_path: Path, traces: float | None) -> None:
    """With its variables, scopes and trace, whoever calls at the same time; also as Sentry's logs."""
    sent = run(
        tmp_path,
        LOGGED
        + f"""
init(traces_sample_rate={traces!r}, enable_logs=True, send_default_pii=True)
expected = []
def serve(number):
    with sentry_sdk.isolation_scope() as scope:
        name = f"caller {{number}}"
        scope.set_new_propagation_context()
        scope.set_tag("who", name)
        scope.set_user({{"id": name}})
        request.set(name)
        trace = sentry_sdk.get_current_scope().get_trace_context()["trace_id"]
        expected.extend([(name, name, name, trace)] * 2)
        faults.log(8, name) if number % 2 else faults.log.submit(8, name).result()
        faults.log(8, name)
threads = [threading.Thread(target=serve, args=[number]) for number in range(8)]
for each in threads: each.start()
for each in threads: each.join()
wait_until(lambda: len(seen) == len(expected))
assert sorted(seen) == sorted(expected), (sorted(seen), sorted(expected))
sentry_sdk.flush()
""",
    )

    logs = [log for item in sent if item.kind == "log" for log in item.body["items"]]
    assert 16 == len(logs)
    for log in logs:
        assert log["body"] == log["attributes"]["user.id"]["value"]
    errors = [item.body for item in sent if item.kind == "event"]
    assert 16 == len(errors)
    traces_of = {}
    for each in errors:
        name = (each.get("logentry") or {}).get("message") or each["message"]
        assert (name, {"id": name}) == (each["tags"]["who"], each["user"])
        traces_of.setdefault(name, set()).add(each["contexts"]["trace"]["trace_id"])
    assert [1] * 8 == [len(each) for each in traces_of.values()]
    assert {log["body"]: {log["trace_id"]} for log in logs} == traces_of


def test_opentelemetry_comes_first(tmp_path: Path) -> None:
    """Where it makes spans, calls are in its traces; where it makes none, in those of Sentry."""
    sent = run(
        tmp_path,
        """
        from opentelemetry import baggage, context, trace
        from opentelemetry.sdk.trace import TracerProvider
        from opentelemetry.sdk.trace.export import SimpleSpanProcessor
        from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

        begin()
        with root("before"):
            context.attach(baggage.set_baggage("who", "me"))
            print(faults.trace()[2])
            list(faults.visit_lines(STEPS))
        with gostitch.trace_context(traceparent="00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"):
            print(faults.trace()[0][3:35])
        memory = InMemorySpanExporter()
        provider = TracerProvider()
        provider.add_span_processor(SimpleSpanProcessor(memory))
        trace.set_tracer_provider(provider)
        with root("after"), trace.get_tracer("x").start_as_current_span("otel"):
            list(faults.visit_lines(STEPS))
        gostitch.force_flush()
        print(sorted(each.name for each in memory.get_finished_spans()))
        """,
    )
    by_root = [item.body for item in sent if item.kind == "transaction"]

    assert ["before", "after"] == [each["transaction"] for each in by_root]
    assert ["faults.trace", "faults.visit_lines", "inner", "outer"] == sorted(
        each["description"] for each in by_root[0]["spans"]
    )
    assert [] == by_root[1]["spans"]


def test_children_and_other_clients(tmp_path: Path) -> None:
    """A forked child's calls are in its own traces; a client that comes later is followed."""
    sent = run(
        tmp_path,
        """
        logging.basicConfig(format="unexpected: %(message)s")
        begin()
        with root("first"):
            list(faults.visit_lines(STEPS))
        if os.fork() == 0:
            with root("child"):
                list(faults.visit_lines(STEPS))
            os._exit(0)
        assert os.wait()[1] == 0
        init()
        with root("none"):
            list(faults.visit_lines(STEPS))
        begin()
        with root("last"):
            list(faults.visit_lines(STEPS))
        """,
    )

    found = {
        item.body["transaction"]: item.body["spans"] for item in sent if item.kind == "transaction"
    }
    assert {"first": 3, "child": 3, "last": 3} == {name: len(of) for name, of in found.items()}


@BOTH
def test_what_is_kept_of_callers_is_bounded(tmp_path: Path, lifecycle: str) -> None:
    """However many spans and scopes have called, and whether they were sampled or not."""
    run(
        tmp_path,
        f"""
        import gc
        from gostitch.observe import _sentry_spans, _sentry_traces

        Kept.capture_envelope = lambda *_: None
        for rate in (1.0, 0.0, None):
            begin({lifecycle!r}, traces_sample_rate=rate)
            for _ in range(1000):
                with sentry_sdk.new_scope(), root():
                    faults.add(1, 2)
            assert len(_sentry_spans._kept) <= 600, (rate, len(_sentry_spans._kept))
        gc.collect()
        marks = [each for each in gc.get_objects() if type(each) is _sentry_traces._Mark]
        assert len(marks) <= 200, len(marks)
        """,
    )


@BOTH
def test_a_span_is_kept_at_the_same_cost(tmp_path: Path, lifecycle: str) -> None:
    """Whether one has ended is looked at a few times at most, also where thousands go on."""
    run(
        tmp_path,
        f"""
        from gostitch.observe import _sentry_spans

        looks = []
        has_ended = _sentry_spans._has_ended
        _sentry_spans._has_ended = lambda span: looks.append(span) or has_ended(span)
        begin({lifecycle!r})
        scope = sentry_sdk.get_current_scope()
        with root():
            going = [child("goes on") for _ in range(9000)]
            for each in going:
                _sentry_spans.keep(each, scope)
        assert len(looks) < 3 * len(going), len(looks)
        assert _sentry_spans._kept[going[-1].span_id].span is going[-1]
        assert len(_sentry_spans._kept) <= 4096
        """,
    )


def test_scopes_that_fail(tmp_path: Path) -> None:
    """Calls go on where Sentry's scopes are others, and that is said once for each thing that goes."""
    _, printed = items_and_print(
        tmp_path,
        PROGRAM
        + """
def fail(*_):
    raise ValueError("another scope")

begin(default_integrations=False)  # which are Sentry's own to see to
faults.nothing()
logging.basicConfig(stream=sys.stdout, format="%(message)s")
with root():
    sentry_sdk.Scope._span = property(fail)
    for _ in range(2):
        faults.visit(NESTED, answer=lambda question: 1)
        faults.visit.submit(NESTED, answer=lambda question: 1).result()
    del sentry_sdk.Scope._span
""",
    )

    said = printed.splitlines()
    assert [True] * 2 == ["(ValueError: another scope)" in line for line in said], printed
