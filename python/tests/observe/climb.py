"""Does what random trees say, with OpenTelemetry set up: ``python -m observe.climb SEED...``.

The environment says how spans leave (GOSTITCH_EXPORT) and what is broken on
purpose (BREAK). Prints nothing unless something fails.
"""

from __future__ import annotations

import asyncio
import json
import os
import sys
import threading
from collections.abc import Awaitable
from concurrent.futures import ThreadPoolExecutor
from contextvars import copy_context
from typing import Any
from unittest.mock import patch

from opentelemetry import baggage, context, trace
from opentelemetry.exporter.otlp.proto.grpc.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor
from opentelemetry.trace import NonRecordingSpan, SpanContext, TraceFlags, TraceState

import faults
from observe.trees import Node, tree

TRACER = trace.get_tracer("climb")
FLUSH_S = 20


class _Visit:
    """The span of a node, with its entry of the baggage."""

    def __init__(self, node: Node) -> None:
        self._node = node

    def __enter__(self) -> None:
        members = context.get_current()
        if self._node.member:
            members = baggage.set_baggage(*self._node.member, members)
        self._token = context.attach(members)
        self._span = TRACER.start_as_current_span(self._node.name)
        span = self._span.__enter__()
        span.set_attributes(
            {
                "pid": os.getpid(),
                "flags": int(span.get_span_context().trace_flags),
                "baggage": json.dumps(dict(baggage.get_all())),
            }
        )

    def __exit__(self, *error: Any) -> None:
        self._span.__exit__(*error)
        context.detach(self._token)


def visit(node: Node) -> None:
    """Make the span of a node of Python, and do what is below."""
    with _Visit(node):
        for each in node.below:
            go_on(each)


async def visit_in_loop(node: Node) -> None:
    """Do the same in an event loop."""
    with _Visit(node):
        for each in node.below:
            if each.how == "task":
                await asyncio.create_task(visit_in_loop(each))
            elif each.how == "await":
                await _awaited(each)
            else:
                go_on(each)


def go_on(node: Node) -> None:
    """Do what a node below Python's says, as it says."""
    match node.how:
        case "sync":
            visit(node)
        case "thread":
            _in_thread(visit, node)
        case "executor":
            with ThreadPoolExecutor(1) as pool:
                pool.submit(copy_context().run, visit, node).result()
        case "task":
            _in_thread(_run_loop, visit_in_loop(node))
        case "fork":
            _fork(node)
        case "call":
            faults.visit(_steps(node), answer=_answers(node))
        case "submit":
            _in_thread(_submit, node)  # whoever waits in a loop holds up its callbacks
        case "await":
            _in_thread(_run_loop, _awaited(node))
        case "stream":
            for _ in faults.visit_lines(_steps(node)):
                pass
        case other:
            raise ValueError(other)


def _submit(node: Node) -> None:
    faults.visit.submit(_steps(node), answer=_answers(node)).result(timeout=20)


def _in_thread(do: Any, *arguments: Any) -> None:
    failed: list[BaseException] = []

    def run() -> None:
        try:
            do(*arguments)
        except BaseException as error:
            failed.append(error)

    thread = threading.Thread(target=copy_context().run, args=(run,))
    thread.start()
    thread.join()
    if failed:
        raise failed[0]


def _run_loop(work: Any) -> None:
    asyncio.run(work)


async def _awaited(node: Node) -> None:
    questions = _questions(node)

    def answer(question: faults.FaultsQuestion) -> int | Awaitable[int]:
        asked = questions[question.text]
        if question.number % 2:
            visit(asked)
            return 1

        async def later() -> int:
            await visit_in_loop(asked)
            return 1

        return later()

    await faults.visit.submit(_steps(node), answer=answer)


def _answers(node: Node) -> Any:
    questions = _questions(node)

    def answer(question: faults.FaultsQuestion) -> int:
        visit(questions[question.text])
        return 1

    return answer


def _questions(node: Node) -> dict[str, Node]:
    """Give the nodes that the call asks for, by name."""
    found = {}
    for each in node.below:
        if each.how == "ask":
            found[each.name] = each
        else:
            found.update(_questions(each))
    return found


def _steps(node: Node) -> list[faults.FaultsVisitStep]:
    """Give what the call does, each step after the one that it is a part of."""
    steps: list[faults.FaultsVisitStep] = []

    def add(each: Node, below: int) -> None:
        # What is asked for adds its entry itself.
        key, value = each.member if each.member and each.how != "ask" else ("", "")
        steps.append(faults.FaultsVisitStep(each.name, below, each.how, key, value))
        if each.how != "ask":
            number = len(steps) - 1
            for part in each.below:
                add(part, number)

    for each in node.below:
        add(each, -1)
    return steps


def _fork(node: Node) -> None:
    pid = os.fork()
    if pid == 0:
        status = 1
        try:
            visit(node)
            status = 0 if send_all() else 3
        except BaseException:
            import traceback

            traceback.print_exc()
        finally:
            os._exit(status)
    assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 0


def set_up() -> None:
    """Make the tracer provider.

    Its exporter opens no channel before it sends, which it does at the end: gRPC for Python
    deadlocks in children that are forked from a process that has one.
    """
    global _exporter
    with patch.object(OTLPSpanExporter, "_initialize_channel_and_stub"):
        _exporter = OTLPSpanExporter()
    processor = BatchSpanProcessor(
        _exporter,
        max_queue_size=100_000,
        max_export_batch_size=100_000,
        schedule_delay_millis=600_000,
    )
    provider = TracerProvider()
    provider.add_span_processor(processor)
    trace.set_tracer_provider(provider)


def send_all() -> bool:
    """Send what this process has made."""
    _exporter._initialize_channel_and_stub()
    provider: Any = trace.get_tracer_provider()
    return bool(provider.force_flush(FLUSH_S * 1000))


def break_propagation() -> None:
    """Have no call carry anything."""
    from gostitch import _hooks
    from gostitch._process import bridge

    faults.nothing()
    _hooks.trace_context = _hooks.no_trace
    bridge.install(trace=None, context=None)


def break_resource() -> None:
    """Tell Go of the resource once, and in children again of the parent's."""
    from gostitch.observe import _resource

    describe, kept = _resource._attribute, {}

    def stale(key: str, value: Any) -> Any:
        return describe(key, kept.setdefault(key, value))

    _resource._attribute = stale


def add_sentry() -> None:
    """Set up Sentry with its integration for OTLP; SENTRY_DSN says where it sends."""
    import sentry_sdk
    from sentry_sdk.integrations.otlp import OTLPIntegration

    integration = OTLPIntegration(
        setup_propagator=os.environ["SENTRY_PROPAGATOR"] == "True",
        setup_otlp_traces_exporter=os.environ["SENTRY_EXPORTER"] == "True",
    )
    sentry_sdk.init(integrations=[integration])


def climb(seed: int) -> None:
    """Do what the tree of a seed says, below a span of another process."""
    remote = SpanContext(
        0xABC << 64 | seed + 1, 0xDEF, True, TraceFlags(1), TraceState([("vendor", f"s{seed}")])
    )
    token = context.attach(trace.set_span_in_context(NonRecordingSpan(remote), context.Context()))
    try:
        visit(tree(seed))
    finally:
        context.detach(token)


def main(seeds: list[int]) -> None:
    """Climb all trees."""
    set_up()
    if "SENTRY_PROPAGATOR" in os.environ:
        add_sentry()
    how = os.environ.get("BREAK")
    if how:
        {"propagation": break_propagation, "resource": break_resource}[how]()
    for seed in seeds:
        climb(seed)
    assert send_all()


if __name__ == "__main__":
    main([int(word) for word in sys.argv[1:]])
