"""What the tests of pages share: traces in OTLP/JSON made by hand, and a strict reader of HTML."""

from __future__ import annotations

from html.parser import HTMLParser
from typing import Any

import pytest

TRACE = "4bf92f3577b34da6a3ce929d0e0e4736"
VOID = frozenset({"meta", "link", "input", "br", "hr", "img"})


def attribute(key: str, value: str) -> dict[str, Any]:
    return {"key": key, "value": {"stringValue": value}}


class TraceMaker:
    """Builds one OTLP/JSON document, span by span."""

    def __init__(self) -> None:
        self._processes: dict[str, list[dict[str, Any]]] = {}
        self._count = 0

    def span(
        self,
        name: str,
        parent: str = "",
        start: float = 0.0,
        end: float = 1.0,
        *,
        process: str = "run.py",
        side: str = "",
        error: str = "",
        **attributes: str,
    ) -> str:
        """Add a span (times in seconds); returns its id."""
        self._count += 1
        pairs = [attribute(key.replace("__", "."), value) for key, value in attributes.items()]
        span: dict[str, Any] = {
            "traceId": TRACE,
            "spanId": f"{self._count:016x}",
            "name": name,
            "kind": 1,
            "startTimeUnixNano": str(10**18 + int(start * 1e9)),
            "endTimeUnixNano": str(10**18 + int(end * 1e9)),
            "attributes": [*pairs, *([attribute("gostitch.side", side)] if side else [])],
        }
        if parent:
            span["parentSpanId"] = parent
        if error:
            span["status"] = {"code": 2, "message": error}
        self._processes.setdefault(process, []).append(span)
        return str(span["spanId"])

    def document(self) -> dict[str, Any]:
        """Give the trace so far."""
        return {
            "resourceSpans": [
                {
                    "resource": {
                        "attributes": [
                            attribute("service.name", "ci-pipeline"),
                            attribute("process.command", process),
                            attribute("telemetry.sdk.language", "python"),
                        ]
                    },
                    "scopeSpans": [{"scope": {"name": "tests"}, "spans": spans}],
                }
                for process, spans in self._processes.items()
            ]
        }


@pytest.fixture
def maker() -> TraceMaker:
    return TraceMaker()


@pytest.fixture
def stitched() -> dict[str, Any]:
    """Make a small trace over three processes: Python and Go spans, one failure."""
    made = TraceMaker()
    root = made.span("demo", end=10)
    before = made.span("build", root, 1, 6, process="before.py")
    made.span("pack", before, 2, 5, process="before.py")
    after = made.span("build", root, 6, 9, process="after.py")
    step = made.span("pack", after, 7, 8, process="after.py", ci__step="pack")
    made.span("tasks.pack", step, 7.1, 7.9, process="after.py", side="go", gostitch__x="1")
    bad = made.span("unpack", after, 8, 8.5, process="after.py", error="refused")
    made.span("tasks.unpack", bad, 8.1, 8.4, process="after.py", side="go", error="has .. in it")
    return made.document()


@pytest.fixture
def summary() -> dict[str, Any]:
    """Make a summary with a step that is faster, one that is slower, and one that stayed."""
    steps = {
        "fetch": {"before_s": 8.0, "after_s": 1.0, "ratio": 8.0, "moved": True},
        "hash": {"before_s": 0.5, "after_s": 1.0, "ratio": 0.5, "moved": True},
        "test": {"before_s": 2.0, "after_s": 2.0, "ratio": 1.0, "moved": False},
    }
    return {
        "steps": steps,
        "total_ratio": 4.25,
        "equal": True,
        "trace_id": TRACE,
        "spans": {"python": 6, "go": 2},
    }


class Page(HTMLParser):
    """Reads a page strictly: every element must be closed in the right order."""

    def __init__(self, source: str) -> None:
        super().__init__(convert_charrefs=True)
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.texts: list[str] = []
        self._open: list[str] = []
        self.feed(source)
        self.close()
        assert not self._open, f"never closed: {self._open}"

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))
        if tag not in VOID:
            self._open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self._open, f"</{tag}> closes nothing"
        assert self._open.pop() == tag

    def handle_data(self, data: str) -> None:
        if self._open and self._open[-1] not in ("style", "script"):
            self.texts.append(data)

    @property
    def text(self) -> str:
        """Give all text, with one space wherever anything separates two words."""
        return " ".join(" ".join(self.texts).split())

    def all(self, tag: str, name: str = "") -> list[dict[str, str | None]]:
        """Give the attributes of all elements of this tag (and class)."""
        found = (attributes for kind, attributes in self.elements if kind == tag)
        return [one for one in found if not name or name in (one.get("class") or "").split()]


@pytest.fixture
def parse() -> type[Page]:
    return Page
