"""``gostitch.trace_context``: a trace for services without OpenTelemetry's SDK, and where it goes."""

from __future__ import annotations

from pathlib import Path

import pytest

import gostitch
from programs import Programs

TESTS = Path(__file__).parents[1]
PARENT = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"

# As if OpenTelemetry were not installed, and as if only its API were.
BARE = """
import sys
sys.modules["opentelemetry"] = None
"""
API = """
import sys
sys.modules["opentelemetry.sdk"] = None
import opentelemetry.trace
"""
SCENE = f"""
import asyncio, contextvars, threading
import faults, gostitch
PARENT = "{PARENT}"
"""


@pytest.mark.parametrize("beside", [BARE, API], ids=["bare", "api"])
class TestWithoutAnSDK:
    """What is given goes to Go and on, with the API of OpenTelemetry and without."""

    def test_calls_in_the_block_carry_it(self, program: Programs, beside: str) -> None:
        """In a call, a program that Go starts, a callback, threads and tasks; not outside."""
        done = program(
            beside
            + SCENE
            + """
def seen():
    return faults.trace()[:3]

expected = [PARENT, "vendor=x:1", "user=zo%C3%AB%20b"]
assert ["", "", ""] == seen(), seen()
with gostitch.trace_context(
    traceparent=PARENT, tracestate="vendor=x:1", baggage={"user": "zoë b"}
):
    assert expected == seen(), seen()
    program = faults.trace()[3]
    assert "\\n".join(expected) + "\\n" == program, program
    assert expected == faults.trace.submit().result()[:3]

    async def awaited():
        return (await faults.trace.submit())[:3]

    assert expected == asyncio.run(awaited())
    found = []
    context = contextvars.copy_context()
    threads = [
        threading.Thread(target=context.run, args=(lambda: found.append(seen()),)),
        threading.Thread(target=lambda: found.append(seen())),
    ]
    for thread in threads:
        thread.start()
        thread.join()
    assert [expected, ["", "", ""]] == found, found
    answers = []
    faults.ask(1, answer=lambda question: answers.append(seen()) or 1)
    assert [expected] == answers, answers
    with gostitch.trace_context(baggage="a=1"):
        new = seen()
        assert new[0] != PARENT and ["", "a=1"] == new[1:], new
        assert new == seen(), seen()
    with gostitch.trace_context(traceparent="malformed", tracestate="vendor=x:1"):
        assert seen()[0] not in (new[0], PARENT) and ["", ""] == seen()[1:], seen()
    assert expected == seen(), seen()
assert ["", "", ""] == seen(), seen()
print("whole")
"""
        )

        assert (0, "whole\n", "") == (done.returncode, done.stdout, done.stderr)

    def test_what_a_header_cannot_carry_is_counted(self, program: Programs, beside: str) -> None:
        """Names with spaces, lone surrogates and what is too large are dropped; the rest arrives."""
        done = program(
            beside
            + SCENE
            + """
members = {"a b": "1", "lone": "\\ud800", "large": "x" * 9000, "good": "1,2;3=4 %\\\\"}
with gostitch.trace_context(traceparent=PARENT, baggage=members):
    assert "good=1%2C2%3B3=4%20%25%5C" == faults.trace()[2], faults.trace()
assert 3 == gostitch.runtime_info()["baggage_dropped"]
with gostitch.trace_context(baggage="good=1;property=2 , bad name=1,,=3"):
    assert "good=1" == faults.trace()[2], faults.trace()
assert 5 == gostitch.runtime_info()["baggage_dropped"]
with gostitch.trace_context(baggage={"just": "x" * (8192 - len("just="))}):
    assert 8192 == len(faults.trace()[2])
print("whole")
"""
        )

        assert (0, "whole\n", "") == (done.returncode, done.stdout, done.stderr)


@pytest.mark.parametrize(
    "header",
    [
        "x",
        PARENT[:-1],
        PARENT.upper(),
        PARENT + "-more",
        "ff" + PARENT[2:],
        "00-" + "0" * 32 + PARENT[35:],
        PARENT[:36] + "0" * 16 + "-01",
        PARENT + "\nx",
    ],
)
def test_a_malformed_traceparent_is_refused_if_strict(header: str) -> None:
    """The error names the argument and shows what it should look like."""
    with pytest.raises(gostitch.GoValueError, match="traceparent must look like 00-") as caught:
        with gostitch.trace_context(traceparent=header, strict=True):
            pass

    assert {"argument": "traceparent"} == caught.value.details


def test_a_later_version_of_the_header_is_understood() -> None:
    """As the W3C wants it: what is known of it counts."""
    with gostitch.trace_context(traceparent="cc" + PARENT[2:] + "-more"):
        pass


FETCH = """
import http.server, threading
from gostitch import tasks

class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        if self.path == "/moved":
            self.send_response(302)
            self.send_header("Location", "/file")
            self.end_headers()
            return
        seen.append([(k.lower(), v) for k, v in self.headers.items() if k.lower() in names])
        self.send_response(200)
        self.send_header("Content-Length", "1")
        self.end_headers()
        self.wfile.write(b"x")
    def log_message(self, *_):
        pass

names = ("traceparent", "tracestate", "baggage")
seen = []
server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
threading.Thread(target=server.serve_forever, daemon=True).start()
url = f"http://127.0.0.1:{server.server_port}"
"""


def test_downloads_carry_the_trace(program: Programs) -> None:
    """Each request has traceparent and tracestate once, after a redirect too; baggage stays here."""
    done = program(
        SCENE
        + FETCH
        + """
with gostitch.trace_context(traceparent=PARENT, tracestate="v=1", baggage={"secret": "1"}):
    (one, two) = tasks.fetch([{"url": f"{url}/file", "path": "a"}, {"url": f"{url}/moved", "path": "b"}])
    assert one.ok and two.ok, (one, two)
assert [[("traceparent", PARENT), ("tracestate", "v=1")]] * 2 == seen, seen
server.shutdown()
print("whole")
"""
    )

    assert (0, "whole\n", "") == (done.returncode, done.stdout, done.stderr)


def test_a_traceparent_of_the_callers_own_stays(program: Programs) -> None:
    """Who sends the header by hand is not overruled, and it is sent once."""
    done = program(
        SCENE
        + FETCH
        + """
own = PARENT.replace("b7ad", "beef")
with gostitch.trace_context(traceparent=PARENT):
    (one,) = tasks.fetch([{"url": f"{url}/file", "path": "a"}], headers={"traceparent": own})
    assert one.ok, one
assert [[("traceparent", own)]] == seen, seen
server.shutdown()
print("whole")
"""
    )

    assert (0, "whole\n", "") == (done.returncode, done.stdout, done.stderr)
