"""The Go functions, as a Python program sees them."""

from __future__ import annotations

import datetime
from pathlib import Path

import pricing
import pytest
from opentelemetry import trace
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from pricing import PricingItem, PricingTier

import gostitch


@pytest.fixture(scope="session")
def spans() -> InMemorySpanExporter:
    """What the process exports."""
    exporter = InMemorySpanExporter()
    provider = TracerProvider()
    provider.add_span_processor(SimpleSpanProcessor(exporter))
    trace.set_tracer_provider(provider)
    return exporter


def test_a_quote() -> None:
    """Structs go in and come out, with what Go computed."""
    quoted = pricing.quote(
        [PricingItem("cup", 250, 2), {"sku": "tea", "cents": 99}], tier=PricingTier.GOLD
    )

    assert 540 == quoted.cents
    assert [500, 99] == [line.cents for line in quoted.lines]
    assert datetime.timedelta(days=1) == quoted.valid_for
    assert quoted.note is None


def test_an_error_of_ones_own() -> None:
    """It has its own class, which is also a built-in one, and details."""
    with pytest.raises(pricing.NotForSaleError, match="0 of cup are not for sale") as caught:
        pricing.quote([PricingItem("cup", 250, 0)])

    assert isinstance(caught.value, LookupError)
    assert isinstance(caught.value, gostitch.GoError)
    assert {"sku": "cup"} == caught.value.details


def test_a_wrong_type() -> None:
    """It is refused before Go is asked, and the argument is named."""
    with pytest.raises(TypeError, match="items"):
        pricing.quote([{"sku": "cup", "cents": "much"}])  # type: ignore[list-item]


def test_orders_are_a_stream(tmp_path: Path) -> None:
    """They are read as they are taken; a bad line ends them with its place."""
    (tmp_path / "orders").write_text("ann;cup;250;2\nbob;tea;99;1\nnobody\n")
    customers = []
    with pytest.raises(gostitch.GoError, match=r"orders:3: an order has 4 parts, not 1"):
        for order in pricing.read_orders(tmp_path / "orders"):
            customers.append(order.customer)  # noqa: PERF401 - what came before the error counts

    assert ["ann", "bob"] == customers


def test_python_decides() -> None:
    """Go asks about dear items only."""
    asked = []

    def agree(doubt: pricing.PricingDoubt) -> bool:
        asked.append(doubt.cents)
        return doubt.cents < 20_000

    items = [PricingItem("cup", 250), PricingItem("desk", 15_000), PricingItem("piano", 900_000)]
    good = pricing.review(items, agree)

    assert ["cup", "desk"] == [item.sku for item in good]
    assert [15_000, 900_000] == asked


def test_calls_are_spans_below_the_caller(spans: InMemorySpanExporter) -> None:
    """Nothing is configured but Python's own tracing."""
    with trace.get_tracer(__name__).start_as_current_span("order") as order:
        pricing.quote([PricingItem("cup", 250)])
    provider = trace.get_tracer_provider()
    assert isinstance(provider, TracerProvider)
    provider.force_flush()
    (span,) = [span for span in spans.get_finished_spans() if span.name == "pricing.quote"]

    assert span.parent is not None
    assert order.get_span_context().span_id == span.parent.span_id
