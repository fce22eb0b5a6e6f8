"""Go code of users that uses OpenTelemetry's own packages, as it would in a Go service."""

from __future__ import annotations

import ast
import subprocess
from collections.abc import Callable
from pathlib import Path

from shipped import toolchain

import http_servers
from ci_pipeline.receiver import receiving
from observe.scenario import run_to
from observe.spans import spans_of
from own.projects import Project

OTELHTTP = "go.opentelemetry.io/contrib/instrumentation/net/http/otelhttp@v0.72.0"

# The tracer and the client are made when the package is loaded: long before Python has a provider.
GO = """
// Package web asks servers.
package web

import (
	"context"
	"io"
	"net/http"

	"github.com/gostitch/gostitch/gocore"
	"go.opentelemetry.io/contrib/instrumentation/net/http/otelhttp"
	"go.opentelemetry.io/otel"
)

var (
	tracer = otel.Tracer("web")
	client = http.Client{Transport: otelhttp.NewTransport(http.DefaultTransport)}
)

// Args say whom to ask.
type Args struct {
	// URL of the page.
	URL string
}

// Get gives a page.
func Get(ctx context.Context, a Args) (string, error) {
	ctx, span := tracer.Start(ctx, "ask")
	defer span.End()
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, a.URL, nil)
	if err != nil {
		return "", err
	}
	answer, err := client.Do(request)
	if err != nil {
		return "", err
	}
	defer answer.Body.Close()
	page, err := io.ReadAll(answer.Body)
	return string(page), err
}

// Register is called when the library is loaded.
func Register() { gocore.Register("web.get", Get) }
"""


def test_a_request_through_otelhttp(projects: Callable[[str], Project], tmp_path: Path) -> None:
    """Its span is below those of Go and Python, and the server is told of it, with the baggage."""
    project = projects("web")
    project.write("web.go", GO)
    go = toolchain.go()
    assert go is not None
    subprocess.run([go, "get", OTELHTTP], cwd=project.root, check=True, timeout=60)
    project.develop()
    (tmp_path / "served").mkdir()
    (tmp_path / "served" / "page").write_text("text")
    asked: list[dict[str, str]] = []

    def note(handler: http_servers.Handler) -> bool:
        asked.append({name.lower(): value for name, value in handler.headers.items()})
        return False

    with receiving() as receiver, http_servers.serving(tmp_path / "served", note) as url:
        said = run_to(
            receiver,
            f"""
import web
from opentelemetry import baggage, context
context.attach(baggage.set_baggage("user", "zoë"))
with tracer.start_as_current_span("caller"):
    print(web.get("{url}/page"))
""",
            {"PYTHONPATH": str(project.source), "GOSTITCH_LIBRARY": ""},
        )
        spans = {span.name: span for span in spans_of(receiver.document())}

    assert "text\n" == said
    chain = ["caller", "web.get", "ask", "HTTP GET"]
    assert set(chain) == spans.keys()
    assert [spans[name].span_id for name in chain[:-1]] == [
        spans[name].parent_id for name in chain[1:]
    ]
    (headers,) = asked
    last = spans["HTTP GET"]
    assert f"00-{last.trace_id}-{last.span_id}-{last.flags & 255:02x}" == headers["traceparent"]
    assert "user=zo%C3%AB" == headers["baggage"]


SHORT = """
// Package shop sells.
package shop

import (
	"context"

	"github.com/gostitch/gostitch/gocore"
	"shop/stock"
)

// Args say what is sold.
type Args struct {
	// Number of the thing.
	Number int
}

// Sell sells a thing.
func Sell(_ context.Context, a Args) (string, error) { return stock.Take(a.Number), nil }

// Register is called when the library is loaded.
func Register() { gocore.Register("shop.sell", Sell) }
"""

STOCK = """
// Package stock has things.
package stock

import "slices"

var things []string

// Take takes a thing.
func Take(number int) string { return slices.Insert(things, number, "thing")[number] }
"""


def test_a_module_whose_path_has_no_dot(
    projects: Callable[[str], Project], play: Callable[..., list[str]]
) -> None:
    """Its functions are the application's, as those of any other, and errors are grouped by them."""
    project = projects("shop")
    project.edit("go.mod", "example.com/shop", "shop")
    project.write("shop.go", SHORT)
    project.write("stock/stock.go", STOCK)
    project.develop()
    of, place, in_app = play(
        """
import sentry_sdk

def show(event, hint):
    frames = event["exception"]["values"][0]["stacktrace"]["frames"]
    print(event["exception"]["values"][0]["type"])
    print(event["fingerprint"][-1])
    print({frame["module"]: frame["in_app"] for frame in frames})

sentry_sdk.init("http://public@127.0.0.1:9/1", before_send=show)
import shop
try:
    shop.sell(number=7)
except Exception:
    pass
""",
        project,
    )

    assert "runtime.boundsError" == of
    assert "shop/stock.Take" == place
    assert {"shop": True, "shop/stock": True, "slices": False} == ast.literal_eval(in_app)
