"""The W3C's rules for what a service receives and sends on, with ``trace_context`` alone."""

from __future__ import annotations

import functools
import json
import re
from collections import defaultdict
from collections.abc import Iterator
from typing import Any

import pytest
from opentelemetry import baggage, trace
from opentelemetry.baggage.propagation import W3CBaggagePropagator
from opentelemetry.context import Context
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

import gostitch
from observe.w3c_rules import (
    BAGGAGE_RULES,
    HEADER,
    NEW_SPANS,
    RULES,
    SEVERAL,
    TRACE,
    BaggageRule,
    Headers,
    Rule,
)
from programs import Programs

# As if OpenTelemetry were not installed, and as if only its API were.
BESIDE = {
    "bare": "import sys; sys.modules['opentelemetry'] = None\n",
    "api": "import sys; sys.modules['opentelemetry.sdk'] = None; import opentelemetry.trace\n",
}
SERVICE = "from observe import w3c_service; w3c_service.main()"

Answer = dict[str, Any]


@pytest.fixture(scope="module", params=sorted(BESIDE))
def answers(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> dict[str, Answer]:
    """What a service has sent on, by what it has received."""
    received = [rule.received for rule in RULES] + list(SEVERAL.values())
    received += [_baggage(rule) for rule in BAGGAGE_RULES]
    programs = Programs(tmp_path_factory.mktemp("w3c"))
    process = programs.start(BESIDE[request.param] + SERVICE, stdin=-1)
    try:
        out, err = process.communicate(json.dumps(received), timeout=50)
    finally:
        programs.close()
    assert (0, "") == (process.returncode, err)
    return dict(zip(map(repr, received), json.loads(out), strict=True))


def _baggage(rule: BaggageRule) -> Headers:
    return [("baggage", each) for each in rule.received]


def _faults(rule: Rule, headers: dict[str, list[str]]) -> Iterator[str]:
    """Say what is wrong with the headers of a request."""
    if len(headers["traceparent"]) != 1:
        yield f"traceparent is there {len(headers['traceparent'])} times"
        return
    found = re.fullmatch("00-([0-9a-f]{32})-([0-9a-f]{16})-[0-9a-f]{2}", headers["traceparent"][0])
    if found is None or not int(found[1], 16) or not int(found[2], 16):
        yield f"traceparent is malformed: {headers['traceparent'][0]}"
    elif (found[1] == TRACE) != (rule.trace == "same"):
        yield f"the trace is {found[1]}, not the {rule.trace} one"
    if rule.state is not None and ",".join(headers["tracestate"]) != rule.state:
        yield f"tracestate is {headers['tracestate']}, not {rule.state!r}"


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: f"{rule.of}: {rule.says}"[:80])
def test_a_rule(rule: Rule, answers: dict[str, Answer]) -> None:
    """Each request of Go carries what the rule says; so does a program that Go starts."""
    answer = answers[repr(rule.received)]

    parent, state, *_ = answer["program"]
    program = {"traceparent": [parent], "tracestate": [state] if state else []}
    for headers in [*answer["carried"], program]:
        assert [] == list(_faults(rule, headers))


def test_what_is_handed_on_is_as_it_came(answers: dict[str, Answer]) -> None:
    """Span id and flags of a valid header, and one new trace for all that a request causes."""
    came, began = answers[repr([("traceparent", HEADER)])], answers[repr([])]

    assert [HEADER] * 2 == [each["traceparent"][0] for each in came["carried"]]
    (parent,) = {each["traceparent"][0] for each in began["carried"]}
    assert [parent, "", "", ""] == began["program"]
    assert (
        "03" == parent[-2:]
    )  # random, and sampled as the default of OpenTelemetry's samplers has it


def test_as_many_of_the_suites_tests_are_passed_as_with_an_sdk(answers: dict[str, Answer]) -> None:
    """36 of the 40 for the first level, and all but those that want spans which nobody records."""
    parts: dict[str, list[bool]] = defaultdict(list)
    for rule in filter(lambda rule: rule.of, RULES):
        carried = answers[repr(rule.received)]["carried"]
        parts[rule.of] += [not list(_faults(rule, headers)) for headers in carried]
    # As these three have it: each request has an id of its own.
    for of, received in SEVERAL.items():
        ids = {each["traceparent"][0][36:52] for each in answers[repr(received)]["carried"]}
        parts[of].append(len(ids) > 1)
    parts["traceparent_included_tracestate_missing"].append(
        answers[repr([("traceparent", HEADER)])]["carried"][0]["traceparent"] != [HEADER]
    )
    del parts["propagates_random_flag"]  # of the second level

    passed = {of for of, each in parts.items() if all(each)}
    assert (40, 36) == (len(parts), len(passed))
    assert set(parts) - passed == NEW_SPANS


def _by_the_sdk(rule: Rule) -> dict[str, list[str]]:
    """Give what a service with the SDK sends on."""
    received: dict[str, list[str]] = defaultdict(list)
    for name, value in rule.received:
        received[name.lower()].append(value)
    propagator = TraceContextTextMapPropagator()
    context = propagator.extract(received, Context())
    with TracerProvider().get_tracer("sdk").start_as_current_span("request", context):
        sent: dict[str, str] = {}
        propagator.inject(sent)
    return {name: [sent[name]] if name in sent else [] for name in ("traceparent", "tracestate")}


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: f"{rule.of}: {rule.says}"[:80])
def test_the_sdk_agrees(rule: Rule) -> None:
    """With OpenTelemetry's SDK the same is accepted, but where the rules were changed since."""
    assert bool(list(_faults(rule, _by_the_sdk(rule)))) == bool(rule.differs)


@pytest.mark.parametrize("rule", BAGGAGE_RULES, ids=lambda rule: rule.says)
def test_a_rule_for_baggage(rule: BaggageRule, answers: dict[str, Answer]) -> None:
    """What a header may hold goes on, and the rest is counted; downloads carry none of it."""
    answer = answers[repr(_baggage(rule))]

    # Go keeps no order.
    assert sorted(rule.sent.split(",")) == sorted(answer["program"][2].split(","))
    assert rule.dropped == answer["dropped"]
    assert [[]] * 2 == [each["baggage"] for each in answer["carried"]]


@pytest.mark.parametrize("rule", BAGGAGE_RULES, ids=lambda rule: rule.says)
def test_the_sdk_agrees_on_baggage(rule: BaggageRule) -> None:
    """OpenTelemetry's SDK reads the same entries, but where it does otherwise than the W3C."""
    received = {"baggage": [",".join(rule.received)]}
    context = W3CBaggagePropagator().extract(received, Context())
    with gostitch.trace_context(baggage=rule.received):
        ours = dict(baggage.get_all())

    assert (ours == dict(baggage.get_all(context))) == (not rule.differs)


STRICT: list[tuple[str, Any, str]] = [
    *(("traceparent", each, "must look like 00-") for each in ["x", HEADER[:-1], HEADER + "\nx"]),
    ("traceparent", [HEADER, HEADER], "must look like 00-"),
    *(
        ("tracestate", each, "must be printable ASCII, at most 32 members")
        for each in ["FOO=1", "a=1\nb=2", "a=\xe9", ["a=1", "=2"]]
    ),
    *(
        ("baggage", each, "must be at most 64 members")
        for each in ["a b=1", {"a b": 1}, ["a=1", "b"], {"a": "x" * 9000}, {"a": "\ud800"}]
    ),
]


@pytest.mark.parametrize(("argument", "value", "rule"), STRICT)
def test_what_is_malformed_is_refused_where_that_is_wanted(
    argument: str, value: Any, rule: str
) -> None:
    """The error names the argument and the remedy; without ``strict`` the block is entered."""
    headers = {"traceparent": HEADER, argument: value}
    with pytest.raises(
        gostitch.GoValueError, match=f"{argument} {re.escape(rule)}.*leave strict"
    ) as caught:
        with gostitch.trace_context(**headers, strict=True):
            pass
    with gostitch.trace_context(**headers):
        pass

    assert {"argument": argument} == caught.value.details


@pytest.mark.parametrize("value", [1, b"x", ["a", 1], {"a": "b"}])
@pytest.mark.parametrize("argument", ["traceparent", "tracestate", "baggage"])
def test_what_is_no_header_is_an_error_always(argument: str, value: Any) -> None:
    """A wrong type is a mistake of the program, and no header of somebody else's."""
    if (argument, value) == ("baggage", {"a": "b"}):
        return
    with pytest.raises(
        gostitch.GoTypeError, match=f"{argument} must be a str or None, not"
    ) as caught:
        with gostitch.trace_context(**{argument: value}):
            pass

    assert {"argument": argument} == caught.value.details


@functools.cache
def _provider() -> TracerProvider:
    return TracerProvider()


def test_with_a_provider_new_traces_are_its_own() -> None:
    """Its sampler decides on them, so nothing that nobody has recorded is above its spans."""
    trace.set_tracer_provider(_provider())
    with gostitch.trace_context(traceparent="malformed"):
        assert not trace.get_current_span().get_span_context().is_valid
        with trace.get_tracer("x").start_as_current_span("request") as span:
            assert span.parent is None
