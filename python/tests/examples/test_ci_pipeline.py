"""The CI pipeline demo, run whole with a small input: equal results, one trace, one page."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

pytestmark = pytest.mark.timeout(240)

ROOT = Path(__file__).resolve().parents[3]
RUN = [sys.executable, str(ROOT / "examples" / "ci_pipeline" / "run.py")]
STEPS = ["fetch", "verify", "unpack", "stage", "hash", "test", "pack", "upload", "report"]
MOVED = {"fetch", "verify", "unpack", "hash", "pack"}
TOLERANCE_NS = 1_000_000
LIMIT_S = 200


def environment() -> dict[str, str]:
    """Let the demo load the library that is shipped, not the one of the tests."""
    return {name: value for name, value in os.environ.items() if name != "GOSTITCH_LIBRARY"}


@pytest.fixture(scope="module")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Give the folder that one small run left behind."""
    out = tmp_path_factory.mktemp("demo")
    command = [*RUN, "--small", "--out", str(out), "--work", str(out / "work")]
    done = subprocess.run(
        command, env=environment(), capture_output=True, text=True, timeout=LIMIT_S, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    (out / "stdout.txt").write_text(done.stdout, encoding="utf-8")
    assert list((out / "work").iterdir()) == []
    return out


@pytest.fixture(scope="module")
def summary(demo: Path) -> dict[str, Any]:
    loaded: dict[str, Any] = json.loads((demo / "summary.json").read_text(encoding="utf-8"))
    return loaded


@pytest.fixture(scope="module")
def resources(demo: Path) -> list[dict[str, Any]]:
    document = json.loads((demo / "trace.json").read_text(encoding="utf-8"))
    assert list(document) == ["resourceSpans"]
    return list(document["resourceSpans"])


@pytest.fixture(scope="module")
def spans(resources: list[dict[str, Any]]) -> dict[str, dict[str, Any]]:
    """All spans by id, each with the number of its resource as `process`."""
    found: dict[str, dict[str, Any]] = {}
    for number, resource_spans in enumerate(resources):
        for span in each(resource_spans):
            assert span["spanId"] not in found, "a span came twice"
            found[span["spanId"]] = {**span, "process": number}
    return found


def each(resource_spans: dict[str, Any]) -> Iterator[dict[str, Any]]:
    for scope_spans in resource_spans["scopeSpans"]:
        yield from scope_spans["spans"]


def attributes(holder: dict[str, Any]) -> dict[str, Any]:
    return {pair["key"]: next(iter(pair["value"].values())) for pair in holder["attributes"]}


def is_go(span: dict[str, Any]) -> bool:
    return bool(attributes({"attributes": span.get("attributes", [])}).get("gostitch.side") == "go")


def test_the_summary_has_its_shape(summary: dict[str, Any]) -> None:
    """Every step with its times, in the order they ran, and the ratio of the moved ones."""
    assert list(summary) == ["steps", "total_ratio", "equal", "trace_id", "spans"]
    assert list(summary["steps"]) == STEPS
    for name, step in summary["steps"].items():
        assert list(step) == ["before_s", "after_s", "ratio", "moved"]
        assert step["moved"] is (name in MOVED)
        assert step["before_s"] > 0
        assert step["after_s"] > 0
        assert step["ratio"] == pytest.approx(step["before_s"] / step["after_s"], rel=0.2)
    before, after = (
        sum(summary["steps"][name][side] for name in MOVED) for side in ("before_s", "after_s")
    )
    assert summary["total_ratio"] == pytest.approx(before / after, rel=0.01)


def test_both_runs_made_the_same(summary: dict[str, Any]) -> None:
    """Trees, tar stream and unpacked release are equal."""
    assert summary["equal"] is True


def test_the_trace_is_otlp_json(spans: dict[str, dict[str, Any]]) -> None:
    """Ids in hex, times as strings, kinds and codes as numbers."""
    for span in spans.values():
        assert re.fullmatch("[0-9a-f]{32}", span["traceId"])
        assert re.fullmatch("[0-9a-f]{16}", span["spanId"])
        assert re.fullmatch("[0-9a-f]{16}|", span.get("parentSpanId", ""))
        assert int(span["startTimeUnixNano"]) > 10**18
        assert isinstance(span["startTimeUnixNano"], str)
        assert isinstance(span["endTimeUnixNano"], str)
        assert isinstance(span["kind"], int)


def test_one_trace_one_root_no_orphan(
    spans: dict[str, dict[str, Any]], summary: dict[str, Any]
) -> None:
    """Before, after, the artifact server and the demo itself are one tree."""
    assert {span["traceId"] for span in spans.values()} == {summary["trace_id"]}
    roots = [span["name"] for span in spans.values() if not span.get("parentSpanId")]
    assert roots == ["ci_pipeline demo"]
    parents = {span["parentSpanId"] for span in spans.values() if span.get("parentSpanId")}
    assert parents <= set(spans)


def test_children_lie_inside_their_parents(spans: dict[str, dict[str, Any]]) -> None:
    """Within one millisecond, across processes and languages."""
    outside = []
    for span in spans.values():
        if parent := spans.get(span.get("parentSpanId", "")):
            early = int(parent["startTimeUnixNano"]) - int(span["startTimeUnixNano"])
            late = int(span["endTimeUnixNano"]) - int(parent["endTimeUnixNano"])
            if max(early, late) > TOLERANCE_NS:
                outside.append((parent["name"], span["name"], early, late))
    assert outside == []


def test_each_process_is_one_resource_of_one_service(resources: list[dict[str, Any]]) -> None:
    """Go's spans come under the very resource of the Python process they ran in."""
    described = [attributes(resource["resource"]) for resource in resources]
    assert {one["service.name"] for one in described} == {"ci-pipeline"}
    commands = Counter(one["process.command"] for one in described)
    assert commands.pop("artifact server") in (1, 2)  # it has workers, and both may have answered
    assert commands == {"after.py": 1, "before.py": 1, "run.py": 1}
    for name in ("process.pid", "service.instance.id"):
        assert len({one[name] for one in described}) == len(resources)


def test_go_spans_hang_below_the_python_spans_that_called(
    spans: dict[str, dict[str, Any]], resources: list[dict[str, Any]]
) -> None:
    """In the same process, below the step; and only after.py has any."""
    go = [span for span in spans.values() if is_go(span)]
    callers = Counter()
    for span in go:
        parent = spans[span["parentSpanId"]]
        assert parent["process"] == span["process"]
        assert attributes(resources[span["process"]]["resource"])["process.command"] == "after.py"
        if not is_go(parent):
            callers[(parent["name"], span["name"])] += 1
    assert callers.pop(("unpack", "tasks.unpack")) >= 1
    assert callers == {
        ("fetch", "tasks.fetch"): 1,
        ("verify", "tasks.hash_tree"): 1,
        ("hash", "tasks.hash_tree"): 1,
        ("pack", "tasks.pack"): 1,
        ("unpack a tampered artifact", "tasks.unpack"): 1,
    }


def test_spans_are_counted_by_side(
    spans: dict[str, dict[str, Any]], summary: dict[str, Any]
) -> None:
    """The summary counts what the trace holds."""
    go = sum(is_go(span) for span in spans.values())
    assert summary["spans"] == {"python": len(spans) - go, "go": go}


def test_the_artifact_server_continues_its_callers(
    spans: dict[str, dict[str, Any]], resources: list[dict[str, Any]]
) -> None:
    """Each server span hangs below the client span of another process."""
    server = [span for span in spans.values() if span["kind"] == 2]
    assert len(server) >= 6
    for span in server:
        assert attributes(resources[span["process"]]["resource"])["process.command"] == (
            "artifact server"
        )
        assert spans[span["parentSpanId"]]["kind"] == 3


def test_the_refused_artifact_is_an_error_on_both_sides(spans: dict[str, dict[str, Any]]) -> None:
    """The failure has status ERROR in Python and in Go, and nothing else has."""
    failed = [span for span in spans.values() if span.get("status", {}).get("code") == 2]
    assert sorted((span["name"], is_go(span)) for span in failed) == [
        ("tasks.unpack", True),
        ("unpack a tampered artifact", False),
    ]


def test_the_page_holds_the_table_the_trace_and_the_failure(demo: Path) -> None:
    """One file with the figures, a row per span and the stacks of both languages."""
    page = (demo / "index.html").read_text(encoding="utf-8")
    assert "http://" not in re.sub(r"http://127\.0\.0\.1:\d+/", "", page)
    assert page.count('<details class="sp') >= 40
    for words in ("Step by step", "One trace", "One failure, both stacks", "GoUnsafeError"):
        assert words in page
    assert "archive.Unpack" in page
    assert "examples/ci_pipeline/failure.py" in page


def test_the_page_and_the_output_name_no_folder_of_this_machine(demo: Path) -> None:
    """What people publish does not tell where it was made, but for the attributes of the trace."""
    page = (demo / "index.html").read_text(encoding="utf-8")
    assert str(ROOT) not in page.partition("One failure, both stacks")[2]


def test_the_output_ends_with_the_table(demo: Path) -> None:
    """Plain lines without a terminal: a line per step of both runs, then the table."""
    output = (demo / "stdout.txt").read_text(encoding="utf-8")
    for side in ("before", "after"):
        lines = re.findall(rf"^{side} +(\w+) +[\d.]+ s$", output, re.M)
        assert lines == STEPS
    assert "results equal: yes" in output
    assert "\x1b" not in output


@pytest.mark.parametrize("by", ["Ctrl-C", "SIGTERM"])
def test_a_stopped_demo_leaves_nothing(tmp_path: Path, by: str) -> None:
    """Stopped in mid-work it ends soon, with its children, and leaves no working folder."""
    command = [*RUN, "--small", "--out", str(tmp_path), "--work", str(tmp_path / "work")]
    demo = subprocess.Popen(
        command,
        env=environment(),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
        # Whoever started the tests may have had it ignored.
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.default_int_handler),
    )
    assert demo.stdout is not None
    assert any(line.startswith("before") for line in demo.stdout)
    if by == "Ctrl-C":
        os.killpg(demo.pid, signal.SIGINT)  # a terminal tells the whole group
    else:
        demo.terminate()
    told, _ = demo.communicate(timeout=60)
    assert demo.returncode == 130, told
    assert "Traceback" not in told
    assert list((tmp_path / "work").iterdir()) == []
    deadline = time.monotonic() + 10
    while group_lives(demo.pid) and time.monotonic() < deadline:
        time.sleep(0.05)
    assert not group_lives(demo.pid)


def group_lives(group: int) -> bool:
    try:
        os.killpg(group, 0)
    except ProcessLookupError:
        return False
    return True
