"""sentry-go used in Go code, and panics of the background: events of Python's client."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from observe.envelopes import events, items, items_and_print, values
from observe.spotlight import Spotlight
from observe.test_sentry import run

HUBS = ("by the hub in the context", "by the global hub")

BACKGROUND = """
faults.background_panic()
wait_until(lambda: gostitch.runtime_info()["background_panics"])
"""


def test_a_background_panic_has_what_was_configured(tmp_path: Path) -> None:
    """The scope of the call that left it behind, options of the client, what processors add."""
    (event,) = events(
        tmp_path,
        """
        def add(event, hint):
            event["extra"]["processed"] = True
            return event

        init(dist="d7", environment="staging", server_name="host", before_send=add)
        with sentry_sdk.new_scope() as scope:
            scope.set_tag("request", "r-1")
            scope.set_user({"id": "u-1"})
            scope.add_breadcrumb(message="before")
            faults.background_panic()
        wait_until(lambda: gostitch.runtime_info()["background_panics"])
        """,
    )

    assert [("panic", "in the background")] == values(event)
    assert ("go", "fatal") == (event["platform"], event["level"])
    assert event["exception"]["values"][0]["mechanism"]["handled"] is False
    named = [event[name] for name in ("release", "dist", "environment", "server_name")]
    assert ["shop@1.2.3", "d7", "staging", "host"] == named
    assert ("r-1", {"id": "u-1"}) == (event["tags"]["request"], event["user"])
    assert "before" in [crumb["message"] for crumb in event["breadcrumbs"]["values"]]
    assert event["extra"]["processed"] is True
    assert "faults.background_panic" == event["transaction"]


def test_a_background_panic_before_the_reply_has_its_scope(tmp_path: Path) -> None:
    """The event comes another way than the reply, and may be handled while a loop is blocked."""
    (event,) = events(
        tmp_path,
        """
        init()
        async def main():
            with sentry_sdk.isolation_scope() as scope:
                scope.set_tag("number", 7)
                future = faults.fail_as.submit("background")
            wait_until(lambda: os.path.exists(os.environ["ENVELOPES"]))  # the loop does nothing
            await future
        asyncio.run(main())
        """,
    )

    assert 7 == event["tags"]["number"]


def test_before_send_keeps_it_in(sentry: Spotlight) -> None:
    """What before_send drops is sent by nobody: the server gets nothing."""
    found = run(
        sentry,
        """
        import time
        import faults, gostitch
        faults.background_panic()
        faults.capture("by the global hub", "private")
        deadline = time.monotonic() + 20
        while gostitch.runtime_info()["background_panics"] == 0:
            assert time.monotonic() < deadline, "unexpected: no panic"
        gostitch.force_flush()
        """,
        init="import sentry_sdk\nsentry_sdk.init(before_send=lambda event, hint: None, auto_enabling_integrations=False)\n",
    )

    assert [] == found


def test_it_goes_to_spotlight_without_a_dsn(sentry: Spotlight) -> None:
    """A client that only shows events in Spotlight shows those of Go."""
    port = sentry.dsn.rpartition(":")[2].split("/")[0]
    (event,) = run(
        sentry,
        """
        import faults
        faults.capture("by the hub in the context", "shown")
        """,
        init=f"import sentry_sdk\nsentry_sdk.init(spotlight='http://127.0.0.1:{port}/stream')\n",
        SENTRY_DSN="",
    )

    assert [("*faults.CapturedError", "shown")] == values(event)


@pytest.mark.parametrize("rate", [0.0, 0.5, 1.0])
def test_errors_are_sampled_once(tmp_path: Path, rate: float) -> None:
    """Each event is put to the sampler once, and what that says is done."""
    found, out = items_and_print(
        tmp_path,
        f"""
        asked = []
        def sampler(event, hint):
            asked.append(event["exception"]["values"][0]["value"])
            return 1.0 if {rate} == 1.0 or ({rate} and len(asked) % 2) else 0.0

        init(error_sampler=sampler)
        for number in range(6):
            faults.capture("by the hub in the context", str(number))
        {BACKGROUND.strip().replace(chr(10), chr(10) + " " * 8)}
        gostitch.force_flush()
        print(len(asked), len(set(asked)))
        """,
    )

    assert "7 7" == out.strip()
    assert {0.0: 0, 0.5: 4, 1.0: 7}[rate] == len(found)


def test_a_child_of_fork_reports(tmp_path: Path) -> None:
    """A forked child, whose library is another, reports by the client that it has inherited."""
    found = events(
        tmp_path,
        """
        init()
        faults.capture("by the global hub", "parent")
        if (child := os.fork()) == 0:
            sentry_sdk.set_tag("in", "child")
            faults.capture("by the global hub", "child")
            faults.background_panic()
            wait_until(lambda: gostitch.runtime_info()["background_panics"])
            gostitch.force_flush()
            os._exit(0)
        assert os.waitpid(child, 0)[1] == 0, "unexpected: the child failed"
        """,
    )

    texts = [(values(event)[0][1], event.get("tags", {}).get("in")) for event in found]
    assert [("parent", None), ("child", "child"), ("in the background", "child")] == texts


def test_a_child_waits_for_no_thread_of_its_parent(tmp_path: Path) -> None:
    """What another thread was reporting when the process forked is that thread's, which is not there."""
    _, out = items_and_print(
        tmp_path,
        """
        begun, goes_on = threading.Event(), threading.Event()
        def before(event, hint):
            begun.set()
            goes_on.wait(20)
            return event

        init(before_send=before)
        thread = threading.Thread(target=lambda: faults.capture("by the hub in the context", "x"))
        thread.start()
        assert begun.wait(20)
        if (child := os.fork()) == 0:
            faults.nothing()
            start = time.monotonic()
            gostitch.force_flush(10)
            print(time.monotonic() - start < 5, flush=True)
            os._exit(0)
        os.waitpid(child, 0)
        goes_on.set()
        thread.join()
        """,
    )

    assert "True\n" == out


def test_without_a_client_nothing_is_reported(sentry: Spotlight) -> None:
    """Where Sentry is not used there is a hub, and a program that reports by it goes on."""
    found = run(
        sentry,
        """
        import faults
        assert faults.has_hub(), "unexpected: no hub"
        for how in ("by the hub in the context", "by the global hub", "with a scope"):
            faults.capture(how, "x")
        """,
        init="",
    )

    assert [] == found


def test_a_client_that_is_taken_away_reports_nothing(sentry: Spotlight) -> None:
    """From then on nothing leaves the process, by neither language."""
    found = run(
        sentry,
        """
        import faults
        faults.capture("by the global hub", "first")
        sentry_sdk.get_client().close()
        sentry_sdk.get_global_scope().set_client(None)
        faults.capture("by the global hub", "second")
        faults.background_panic()
        """,
    )

    assert [[("*faults.CapturedError", "first")]] == [values(event) for event in found]


@pytest.mark.parametrize(
    ("hub", "tracing"),
    [
        *[(hub, tracing) for hub in HUBS for tracing in ("none", "opentelemetry")],
        ("in a goroutine", "opentelemetry"),
    ],
)
def test_a_call_reports_with_its_scope(tmp_path: Path, hub: str, tracing: str) -> None:
    """By whatever hub: tags, user, breadcrumbs and transaction are those of the caller."""
    (event,) = events(
        tmp_path,
        f"""
        init()
        from opentelemetry import trace
        from opentelemetry.sdk.trace import TracerProvider
        if {tracing!r} != "none":
            trace.set_tracer_provider(TracerProvider())
        with sentry_sdk.isolation_scope() as scope, trace.get_tracer("x").start_as_current_span("s"):
            scope.set_tag("request", "r-1")
            scope.set_user({{"id": "u-1"}})
            scope.add_breadcrumb(message="before")
            scope.set_transaction_name("GET /")
            faults.capture({hub!r}, "it failed")
        """,
    )

    assert [("*faults.CapturedError", "it failed")] == values(event)
    assert ("r-1", {"id": "u-1"}) == (event["tags"]["request"], event["user"])
    assert ["before"] == [crumb["message"] for crumb in event["breadcrumbs"]["values"]]
    assert "GET /" == event["transaction"]


def test_a_submitted_call_reports_where_no_crash_is_kept(tmp_path: Path) -> None:
    """The global hub finds it by the labels of its goroutine, which crashes show as well."""
    (event,) = events(
        tmp_path,
        """
        init()
        with sentry_sdk.isolation_scope() as scope:
            scope.set_tag("request", "r-1")
            other = faults.spin_ignoring_context.submit(0.2)
            faults.capture.submit("by the global hub", "it failed").result()
            other.result()
            gostitch.force_flush()
        """,
        GOSTITCH_CRASH_DIR="off",
    )

    assert "r-1" == event["tags"]["request"]


def test_its_stack_ends_at_the_function(tmp_path: Path) -> None:
    """The frames are the user's and those of the standard library, as in a program of Go's own."""
    (event,) = events(
        tmp_path, "init()\nfaults.capture('by the hub in the context', 'it failed')\n"
    )

    frames = event["exception"]["values"][0]["stacktrace"]["frames"]
    assert ["Capture"] == [frame["function"] for frame in frames[:1]]
    assert {"github.com/gostitch/gostitch/gocore/internal/faults"} == {f["module"] for f in frames}
    assert all(frame["in_app"] for frame in frames)


def test_gos_scope_is_nearer(tmp_path: Path) -> None:
    """What Go says of tags, user and contexts wins; the rest of both is there, attachments too."""
    found = items(
        tmp_path,
        """
        init()
        sentry_sdk.set_tags({"side": "python", "other": "python"})
        sentry_sdk.set_user({"id": "of python"})
        sentry_sdk.set_context("order", {"number": 1})
        sentry_sdk.add_breadcrumb(message="in python")
        faults.capture("with a scope", "it failed")
        faults.capture("by the hub in the context", "the next call")
        """,
    )

    (_, _, event, _), (kind, headers, content, _), (_, _, after, _) = found
    assert {"side": "go", "other": "python"} == {
        name: event["tags"][name] for name in ("side", "other")
    }
    assert ({"id": "of go"}, {"number": 7}) == (event["user"], event["contexts"]["order"])
    crumbs = [crumb["message"] for crumb in event["breadcrumbs"]["values"]]
    assert ["in python", "a step"] == crumbs
    assert ("attachment", "a.txt", "attached") == (kind, headers["filename"], content)
    # What a call has set is gone with it.
    assert ("python", {"id": "of python"}) == (after["tags"]["side"], after["user"])


def test_an_event_of_the_programs_own_making(tmp_path: Path) -> None:
    """It may lack what sentry-go puts into those that it makes: it is an event all the same."""
    (event,) = events(tmp_path, "init()\nfaults.capture('as an event of its own', 'bare')")

    assert "bare" == event["message"]
    crumbs = event["breadcrumbs"]["values"]
    assert {"at no time", "long ago"} == {crumb["message"] for crumb in crumbs}
    assert all(crumb["timestamp"] for crumb in crumbs)


def test_breadcrumbs_of_a_scope_stay_in_its_events(tmp_path: Path) -> None:
    """An event that a client takes past the current scope gets what Go logged, once, and no more."""
    (event,) = events(
        tmp_path,
        """
        import logging
        logging.getLogger("gostitch.go").setLevel(logging.INFO)
        init()
        sentry_sdk.add_breadcrumb(message="of the application")
        faults.log(0, "of Go")
        other = sentry_sdk.Client(dsn="http://other@127.0.0.1:9/2", transport=Kept({}))
        other.capture_event({"message": "of a package"}, scope=sentry_sdk.Scope())
        """,
    )

    assert ["of Go"] == [crumb["message"] for crumb in event["breadcrumbs"]["values"]]


def test_what_fails_while_an_event_is_made(tmp_path: Path) -> None:
    """A before_send whose Go function panics, or reports, is asked about that once at most."""
    found = events(
        tmp_path,
        """
        def before(event, hint):
            try:
                faults.panic_with("within")
            except gostitch.GoPanic:
                faults.capture("by the hub in the context", "within, too")
            return event

        init(before_send=before)
        for call in (lambda: faults.panic_with("one"), lambda: faults.capture("by the global hub", "two")):
            try:
                call()
            except gostitch.GoPanic:
                pass
        sentry_sdk.capture_message("three")
        """,
    )

    texts = [values(event)[-1][1] if "exception" in event else event["message"] for event in found]
    assert ["one", "two", "within", "within, too", "three"] == texts


def test_an_error_that_wraps_itself(tmp_path: Path) -> None:
    """Captured, logged, returned or panicked with, it is an event, and nobody looks for its end."""
    found = events(
        tmp_path,
        """
        init()
        for kind in ("captured", "logged", "returned", "panic"):
            try:
                faults.fail_endless(kind)
            except gostitch.GoError as error:
                sentry_sdk.capture_exception(error)
        gostitch.force_flush()
        """,
    )

    errors = [values(event)[0] for event in found if "exception" in event]
    assert [("*faults.endlessError", "without end")] * 3 == errors
    assert "it failed" in [(event.get("logentry") or {}).get("message") for event in found]


def test_before_breadcrumb_sees_those_of_go(tmp_path: Path) -> None:
    """A breadcrumb of Go passes what Python's client has for breadcrumbs."""
    (event,) = events(
        tmp_path,
        """
        init(before_breadcrumb=lambda crumb, hint: None if crumb["category"] == "go" else crumb)
        faults.capture("with a scope", "it failed")
        """,
    )

    assert [] == event["breadcrumbs"]["values"]


def test_a_client_in_a_scope_of_its_own(tmp_path: Path) -> None:
    """What a package has for itself is its own: it neither takes the application's nor ends it."""
    found = events(
        tmp_path,
        """
        init()
        faults.nothing()
        with sentry_sdk.new_scope() as scope:
            own = sentry_sdk.Client(dsn="http://own@127.0.0.1:9/2", transport=Kept({}), release="own")
            scope.set_client(own)
            faults.capture("by the hub in the context", "own")
        faults.capture("by the hub in the context", "after")
        own.close()
        faults.background_panic()
        wait_until(lambda: gostitch.runtime_info()["background_panics"])
        """,
    )

    assert [("own", "own"), ("after", "shop@1.2.3"), ("in the background", "shop@1.2.3")] == [
        (values(event)[0][1], event["release"]) for event in found
    ]


@pytest.mark.parametrize("hub", HUBS)
@pytest.mark.parametrize("how", ["threads", "tasks", "futures"])
@pytest.mark.parametrize("traced", [True, False])
def test_concurrent_calls_keep_their_scopes(
    tmp_path: Path, how: str, hub: str, traced: bool
) -> None:
    """Each of 24 calls that run at once reports for its own caller.

    What is told to the global hub in no trace, while others like it run, may be nobody's. It is
    never another caller's.
    """
    found = events(
        tmp_path,
        f"""
        from concurrent.futures import ThreadPoolExecutor
        from opentelemetry import trace
        from opentelemetry.sdk.trace import TracerProvider
        if {traced}:
            trace.set_tracer_provider(TracerProvider())
        tracer = trace.get_tracer("x")
        init()

        def one(number):
            with sentry_sdk.isolation_scope() as scope, tracer.start_as_current_span("s"):
                scope.set_tag("number", number)
                faults.capture({hub!r}, str(number))

        async def task(number):
            with sentry_sdk.isolation_scope() as scope, tracer.start_as_current_span("s"):
                scope.set_tag("number", number)
                await faults.capture.submit({hub!r}, str(number))

        async def tasks():
            await asyncio.gather(*map(task, range(24)))

        def future(number):
            with sentry_sdk.isolation_scope() as scope, tracer.start_as_current_span("s"):
                scope.set_tag("number", number)
                return faults.capture.submit({hub!r}, str(number))

        if {how!r} == "threads":
            with ThreadPoolExecutor(8) as pool:
                list(pool.map(one, range(24)))
        elif {how!r} == "tasks":
            asyncio.run(tasks())
        else:
            for each in [future(number) for number in range(24)]:
                each.result()
        """,
    )

    assert set(map(str, range(24))) == {values(event)[0][1] for event in found}
    owners = [(values(event)[0][1], event.get("tags", {}).get("number")) for event in found]
    may_be_nobodys = not traced and hub == "by the global hub" and how != "threads"
    assert all(
        str(owner) == text for text, owner in owners if not (may_be_nobodys and owner is None)
    )


def test_an_event_is_there_when_its_call_returns(tmp_path: Path) -> None:
    """As of Python's own: who flushes after a call, waited for or awaited, sends its events."""
    _, out = items_and_print(
        tmp_path,
        """
        init()
        def sent():
            return len(open(os.environ["ENVELOPES"]).readlines())
        faults.capture("by the hub in the context", "1")
        print(sent())
        faults.capture.submit("by the hub in the context", "2").result()
        print(sent())
        async def main():
            await faults.capture.submit("by the hub in the context", "3")
            print(sent())
        asyncio.run(main())
        """,
    )

    assert ["1", "2", "3"] == out.split()


def test_a_goroutine_without_a_context_is_nobodys(tmp_path: Path) -> None:
    """It may have outlived its call, so no other caller's data are put to what it reports."""
    (event,) = events(
        tmp_path,
        """
        init()
        sentry_sdk.set_tag("request", "r-1")
        faults.capture("in a goroutine", "x")
        gostitch.force_flush()
        """,
    )

    assert "request" not in event.get("tags", {})


def test_what_comes_after_the_call_has_its_scope(tmp_path: Path) -> None:
    """A goroutine that was left behind reports for the caller, sync and awaited."""
    found = events(
        tmp_path,
        """
        init()
        def tagged(tag):
            sentry_sdk.get_isolation_scope().set_tag("request", tag)
        with sentry_sdk.isolation_scope():
            tagged("one")
            faults.capture("after the call", "1", seconds=0.2)
        with sentry_sdk.isolation_scope():
            tagged("two")
            faults.capture.submit("after the call", "2", seconds=0.2).result()
        wait_until(lambda: gostitch.runtime_info()["background_goroutines"] == 0)
        gostitch.force_flush()
        """,
    )

    requests = {values(event)[0][1]: event["tags"]["request"] for event in found}
    assert {"1": "one", "2": "two"} == requests


def test_a_call_that_goes_on_does_not_keep_it_for_ever(tmp_path: Path) -> None:
    """A thread in a long call gets its events after five seconds at most, and at once if flushed."""
    _, out = items_and_print(
        tmp_path,
        """
        init()
        path = os.environ["ENVELOPES"]
        def sent():
            return len(open(path).readlines()) if os.path.exists(path) else 0
        begun = time.monotonic()
        for how in ("long before the end", "and flushed"):
            at = time.monotonic()
            before = sent()
            thread = threading.Thread(target=faults.capture, args=(how, "x"), kwargs={"seconds": 9})
            thread.daemon = True
            thread.start()
            wait_until(lambda: sent() > before)
            print(round(time.monotonic() - at))
        os._exit(0)
        """,
    )

    long, flushed = map(int, out.split())
    assert (5 <= long <= 7, flushed <= 1) == (True, True), out


@pytest.mark.parametrize("submitted", [False, True])
@pytest.mark.parametrize(
    ("how", "count"),
    [
        ("and returned", 1),
        ("and returned, by the global hub", 1),
        ("and panicked", 1),
        ("and wrapped", 2),
        ("and another returned", 2),
    ],
)
def test_an_error_that_go_has_reported_is_one_event(
    tmp_path: Path, how: str, count: int, submitted: bool
) -> None:
    """Captured in Go and returned, it is no news in Python; what wraps it is, as in Python alone."""
    found = events(
        tmp_path,
        f"""
        init()
        try:
            if {submitted}:
                faults.capture.submit({how!r}, "it failed").result()
            else:
                faults.capture({how!r}, "it failed")
        except gostitch.GoError as error:
            sentry_sdk.capture_exception(error)
        else:
            raise AssertionError("unexpected: no error")
        """,
    )
    alone = events(
        tmp_path,
        f"""
        init()
        try:
            try:
                raise ValueError("it failed")
            except ValueError as error:
                sentry_sdk.capture_exception(error)
                if {how == "and wrapped"}:
                    raise LookupError("wrapped") from error
                if {how == "and another returned"}:
                    raise ValueError("another")
                raise
        except Exception as error:
            sentry_sdk.capture_exception(error)
        """,
    )

    assert count == len(found) == len(alone)


def test_a_transaction_is_below_the_callers_span(tmp_path: Path) -> None:
    """sentry-go's spans are a transaction of the caller's trace, with the caller's tags."""
    found, out = items_and_print(
        tmp_path,
        """
        from opentelemetry import trace
        from opentelemetry.sdk.trace import TracerProvider
        trace.set_tracer_provider(TracerProvider())
        init(traces_sample_rate=1.0)
        sentry_sdk.set_tag("request", "r-1")
        with trace.get_tracer("x").start_as_current_span("s") as span:
            faults.capture("as a transaction", "import")
        print(f"{span.get_span_context().trace_id:032x}")
        """,
    )

    (transaction,) = [item.body for item in found if item.kind == "transaction"]
    context = transaction["contexts"]["trace"]
    assert out.strip() == context["trace_id"]
    assert context["parent_span_id"] != context["span_id"]
    assert ("import", "r-1") == (transaction["transaction"], transaction["tags"]["request"])
    (child,) = transaction["spans"]
    assert (context["span_id"], out.strip()) == (child["parent_span_id"], child["trace_id"])


@pytest.mark.parametrize(("options", "count"), [("", 0), ("traces_sample_rate=0.0", 0)])
def test_no_transaction_where_python_makes_none(tmp_path: Path, options: str, count: int) -> None:
    """Without tracing in Python, or where it samples nothing, sentry-go's spans go nowhere."""
    found = items(tmp_path, f"init({options})\nfaults.capture('as a transaction', 'import')\n")

    assert count == len(found)


def test_check_ins_logs_and_metrics(tmp_path: Path) -> None:
    """What else sentry-go makes is made of Python's client, with its release, as Python's own is."""
    found = {
        item.kind: item.body
        for item in items(
            tmp_path,
            """
            init(enable_logs=True, environment="staging")
            for how in ("as a check-in", "as a log", "as a metric"):
                faults.capture(how, "nightly")
            gostitch.force_flush()
            sentry_sdk.get_client().flush()
            """,
        )
    }

    check_in = found["check_in"]
    assert ("nightly", "ok", 1) == tuple(
        check_in[name] for name in ("monitor_slug", "status", "duration")
    )
    assert ("shop@1.2.3", "staging") == (check_in["release"], check_in["environment"])
    (log,) = found["log"]["items"]
    (metric,) = found["trace_metric"]["items"]
    assert ("nightly", "warn") == (log["body"], log["level"])
    assert ("nightly", "counter", 3) == (metric["name"], metric["type"], metric["value"])
    for item in (log, metric):
        attributes = {name: each["value"] for name, each in item["attributes"].items()}
        assert ("value", "shop@1.2.3") == (attributes["key"], attributes["sentry.release"])
        assert "gostitch: not set" not in json.dumps(item)


def test_what_is_no_json_is_said(tmp_path: Path) -> None:
    """An event that sentry-go could not write is dropped, as by itself, and the log tells."""
    found, out = items_and_print(
        tmp_path,
        """
        import logging
        logging.basicConfig(stream=sys.stdout)
        init()
        faults.capture("with what is no JSON", "x")
        gostitch.force_flush()
        """,
    )

    assert [] == [item for item in found if item.kind == "event"]
    assert "an event for Sentry cannot be written as JSON" in out


def test_a_client_of_the_programs_own_is_left_alone(tmp_path: Path) -> None:
    """A program that calls sentry.Init in Go has its own client, which gets its own events."""
    assert [] == events(tmp_path, "init()\nfaults.capture('by a client of its own', 'x')\n")


def test_nothing_is_read_from_the_environment(tmp_path: Path) -> None:
    """sentry-go runs no git and reads no variable: what Python has not set stays not set."""
    (tmp_path / "git").write_text(f"#!/bin/sh\ntouch {tmp_path}/was-run\necho 1\n")
    (tmp_path / "git").chmod(0o755)
    (event,) = events(
        tmp_path,
        """
        init(release=None)
        sentry_sdk.get_client().options["release"] = None
        os.environ["PATH"] = os.environ["GIT"] + ":" + os.environ["PATH"]
        os.environ |= {"SENTRY_RELEASE": "stray", "SENTRY_TAGS_x": "stray", "GITHUB_SHA": "stray"}
        faults.capture("by the hub in the context", "x")
        """,
        GIT=str(tmp_path),
    )

    assert not (tmp_path / "was-run").exists()
    assert "stray" not in json.dumps(event)
    assert event.get("release") is None


def test_the_end_of_the_process_loses_none(tmp_path: Path) -> None:
    """What Go has reported just before the end is sent, whether the client came first or Go."""
    for order in ("init()\nfaults.nothing()\n", "faults.nothing()\ninit()\n"):
        found = events(
            tmp_path,
            order
            + "futures = [faults.capture.submit('by the global hub', 'x') for _ in range(100)]\n"
            + "[each.result() for each in futures]\nfaults.capture('by the global hub', 'y')\n",
        )
        assert 101 == len(found)


_AT_EXIT = """
import atexit
atexit.register(lambda: faults.capture("by the hub in the context", "{}"))
"""


def test_handlers_of_exit_report(tmp_path: Path) -> None:
    """What they call is reported as long as Python's own is: until the client is closed."""
    for order in ("init()\nfaults.nothing()\n", "faults.nothing()\ninit()\n"):
        found = events(
            tmp_path,
            _AT_EXIT.format("too late") + order + "faults.nothing()\n" + _AT_EXIT.format("in time"),
        )
        assert ["in time"] == [values(event)[0][1] for event in found]


def test_a_client_that_is_closed_reports_nothing(sentry: Spotlight) -> None:
    """What was reported before is sent, logs that wait for company too; nothing afterwards."""
    found = run(
        sentry,
        """
        import faults
        faults.capture("by the global hub", "before")
        sentry_sdk.get_client().close()
        faults.capture("by the global hub", "afterwards")
        faults.background_panic()
        """,
    )

    assert [[("*faults.CapturedError", "before")]] == [values(event) for event in found]


def test_at_the_very_end_go_sends_by_itself(sentry: Spotlight) -> None:
    """Once Python's client is closed at exit, if it would have sent just that."""
    code = """
import atexit
import faults
atexit.register(lambda: faults.capture("by the global hub", "at last"))
import sentry_sdk
sentry_sdk.init({})
faults.nothing()
"""
    for options, count in (
        ("release='shop@1'", 1),
        ("before_send=lambda event, hint: event", 0),
        ("event_scrubber=sentry_sdk.scrubber.EventScrubber(denylist=['colour'])", 0),
        (")\nsentry_sdk.get_global_scope().add_event_processor(lambda event, hint: event", 0),
    ):
        found = run(sentry, code.format(options), init="")
        assert count == len(found)
        assert all(event["release"] == "shop@1" for event in found)


def test_what_was_closed_before_the_end_stays_so(sentry: Spotlight) -> None:
    """Sentry closes its client at the end again; that lets Go send nothing."""
    code = """
import atexit
import faults
atexit.register(lambda: faults.capture("by the global hub", "at last"))
import sentry_sdk
sentry_sdk.init()
faults.nothing()
sentry_sdk.get_client().close()
"""
    assert [] == run(sentry, code, init="")
