"""Says what is wrong with the trace of a tree, as it was received."""

from __future__ import annotations

import json
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator

from observe.spans import Span
from observe.trees import Node, all_nodes, members_of

SLACK_NS = 1_000_000
"""How far a span may stick out of the one above: clocks are read at different moments."""

FUNCTIONS = {"stream": "faults.visit_lines"}
"""The functions that calls are of, by how they are made; all others are of faults.visit."""


def faults_of(root: Node, seed: int, spans: Iterable[Span], *, direct: bool) -> Iterator[str]:
    """Give one sentence for each fault of a tree's trace; ``direct`` if Go itself has sent."""
    trace_id = f"{0xABC << 64 | seed + 1:032x}"
    received = [span for span in spans if span.trace_id == trace_id]
    for span_id, count in Counter(span.span_id for span in received).items():
        if count != 1:
            yield f"span {span_id} came {count} times"
    named: dict[str, Span] = {}
    for span in received:
        if span.name in named and span.name not in ("faults.visit", "faults.visit_lines"):
            yield f"{span.name} was made twice"
        named[span.name] = span
    by_id = {span.span_id: span for span in received}
    expected, of_node = 0, {}
    for node, above in all_nodes(root):
        expected += 1
        span = _span_of(node, named, by_id)
        if span is None:
            yield f"{node.name} is not in its trace"
            continue
        of_node[node.name] = span
        parent = "0000000000000def" if above is None else _id(of_node, above)
        if span.parent_id != parent:
            yield f"{node.name} is not below {above.name if above else 'the remote span'}"
    if len(received) != expected:
        yield f"the trace has {len(received)} spans, not {expected}"
    yield from _nesting(received, by_id)
    yield from _same(root, of_node, seed, direct)


def _span_of(node: Node, named: dict[str, Span], by_id: dict[str, Span]) -> Span | None:
    if not node.is_call:
        return named.get(node.name)
    # The call's own span is what its parts are below, all the same one.
    parents = {named[each.name].parent_id for each in node.below if each.name in named}
    found = by_id.get(parents.pop()) if len(parents) == 1 else None
    function = FUNCTIONS.get(node.how, "faults.visit")
    return found if found is not None and found.name == function else None


def _id(of_node: dict[str, Span], node: Node) -> str:
    return of_node[node.name].span_id if node.name in of_node else "unknown"


def _nesting(received: list[Span], by_id: dict[str, Span]) -> Iterator[str]:
    for span in received:
        above = by_id.get(span.parent_id)
        if above is None:
            continue
        if span.start < above.start - SLACK_NS or span.end > above.end + SLACK_NS:
            late = max(above.start - span.start, span.end - above.end)
            yield f"{span.name} sticks {late} ns out of {above.name}"


def _same(root: Node, of_node: dict[str, Span], seed: int, direct: bool) -> Iterator[str]:
    """Compare what all spans of a trace must have in common."""
    members = members_of(root)
    flags = of_node[root.name].attributes["flags"] if root.name in of_node else None
    for node, _ in all_nodes(root):
        span = of_node.get(node.name)
        if span is None:
            continue
        if span.state != f"vendor=s{seed}":
            yield f"{node.name} has the tracestate {span.state!r}"
        # Python's exporter sends no flags.
        if direct and span.by_go and span.flags & 0xFF != int(flags or 0):
            yield f"{node.name} was sent with flags {span.flags:#x}"
        if node.is_call:
            continue
        if span.attributes["flags"] != flags:
            yield f"{node.name} has the flags {span.attributes['flags']}, not {flags}"
        seen = json.loads(span.attributes["baggage"])
        if seen != members[node.name]:
            yield f"{node.name} sees the baggage {seen}, not {members[node.name]}"


def faults_of_ids(spans: Iterable[Span]) -> Iterator[str]:
    """Give one sentence for each id that spans of several traces, or processes, have."""
    for span_id, count in Counter(span.span_id for span in spans).items():
        if count != 1:
            yield f"{count} spans have the id {span_id}"


def faults_of_resources(spans: Iterable[Span]) -> Iterator[str]:
    """Give one sentence for each process without one resource of its own."""
    of_process: dict[str, set[str]] = defaultdict(set)
    for span in spans:
        if "pid" in span.attributes:
            of_process[span.attributes["pid"]].add(span.resource)
    for pid, resources in of_process.items():
        if len(resources) != 1:
            yield f"process {pid} has {len(resources)} resources"
    together = Counter(resource for found in of_process.values() for resource in found)
    for count in together.values():
        if count > 1:
            yield f"{count} processes have the same resource"
