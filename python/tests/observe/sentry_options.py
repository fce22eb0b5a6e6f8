"""Every option of ``sentry_sdk.init``: what it does for what Go reports.

The rows of a table in docs/configuration.md. Those with an aspect are set for a program that
reports the same in Python and in Go (``observe.optioned``).
"""

from __future__ import annotations

from typing import NamedTuple

YES, PYTHONS, NO = "yes", "Python's", "no"

LIKE_PYTHON = "test_sentry_options.py::test_events_of_go_are_as_those_of_python"
_TRACES, _CAPTURED, _EVENTS = "test_sentry_tracing.py::", "test_captured.py::", "test_events.py::"
_SENT = f"{_CAPTURED}test_before_send_keeps_it_in"
_HEADERS = f"{_TRACES}test_requests_carry_what_those_of_python_do"
_TARGETS = f"{_TRACES}test_whom_the_trace_is_told"
_BELOW = f"{_TRACES}test_calls_are_below_the_span_of_their_scope"
_SEEN = f"{_TRACES}test_what_is_done_to_spans"
_LOGS = f"{_TRACES}test_handlers_of_logs_run_for_the_caller"
_OTHERS = f"{_CAPTURED}test_check_ins_logs_and_metrics"

CROSSING, CAPTURED, LOGGED = "crossing", "captured", "logged"
"""Where an event comes from: a panic that crosses, an error that sentry-go captures, a log record."""


class Option(NamedTuple):
    """An option, whether it counts for what Go reports, and the test that shows it.

    Python's is what the client does with whatever it sends, or does in Python alone. A value and
    an aspect are expressions: what it is set to, and what of ``events`` it changes, of those from
    the sources.
    """

    name: str
    counts: str
    test: str
    note: str = ""
    value: str = ""
    aspect: str = ""
    sources: tuple[str, ...] = (CROSSING, CAPTURED, LOGGED)


def _like(name: str, value: str, aspect: str, note: str = "", *sources: str) -> Option:
    return Option(
        name, YES, LIKE_PYTHON, note, value, aspect, sources or Option._field_defaults["sources"]
    )


def _sends(name: str, note: str = "its client sends what Go reports") -> Option:
    return Option(name, PYTHONS, _SENT, note)


_MINE = "in Python alone"
_PROFILES = "its profiler sees Python; `gostitch.profile` sees Go"
_PROFILE = "../operate/test_profile.py::test_each_kind"
_FRAMES = (
    '[frame for value in events[0]["exception"]["values"] '
    'for frame in (value.get("stacktrace") or {}).get("frames", ()) '
    'if frame.get("platform") != "go"]'
)

OPTIONS = [
    _sends("dsn"),
    _like("max_breadcrumbs", "2", 'min(len(events[0]["breadcrumbs"]["values"]), 3)'),
    _like("release", '"r1"', 'events[0]["release"]'),
    _like("environment", '"e1"', 'events[0]["environment"]'),
    _like("server_name", '"s1"', 'events[0]["server_name"]'),
    _sends("shutdown_timeout"),
    _sends("integrations", "that of logging makes events of Go's log records, too"),
    Option("ignore_spans", YES, f"{_TRACES}test_streamed_spans_of_one_call"),
    Option("in_app_include", YES, f"{_EVENTS}test_whose_code_it_is", "of packages of Go, too"),
    Option("in_app_exclude", YES, f"{_EVENTS}test_whose_code_it_is", "of packages of Go, too"),
    _like(
        "default_integrations",
        "False",
        "len(events)",
        "without logging's, no events of logs",
        LOGGED,
    ),
    _like("dist", '"d1"', 'events[0].get("dist")'),
    _sends("transport"),
    _sends("transport_queue_size"),
    _like("sample_rate", "0.0", "len(events)"),
    Option("send_default_pii", YES, _LOGS, "users of the scope in logs"),
    _sends("data_collection", "what integrations collect"),
    _sends("http_proxy"),
    _sends("https_proxy"),
    _like(
        "ignore_errors",
        '["ValueError", "GoPanic"]',
        "len(events)",
        "by classes of Python, which what sentry-go captures has not",
        CROSSING,
    ),
    _sends("max_request_body_size", "of requests to Python's servers"),
    _sends("socket_options"),
    _sends("keep_alive"),
    _like(
        "before_send",
        'lambda event, hint: {**event, "extra": {"seen": 1}}',
        'events[0]["extra"].get("seen")',
    ),
    _like(
        "before_breadcrumb",
        "lambda crumb, hint: None",
        'bool((events[0].get("breadcrumbs") or {}).get("values"))',
    ),
    Option("debug", PYTHONS, _SENT, "sentry-go in Go writes nothing"),
    Option("attach_stacktrace", YES, f"{_EVENTS}test_the_stack_of_a_message"),
    _sends("ca_certs"),
    Option("propagate_traces", YES, _TARGETS),
    Option("traces_sample_rate", YES, _BELOW),
    Option("trace_lifecycle", YES, _BELOW),
    Option("traces_sampler", YES, f"{_TRACES}test_calls_outside_of_any_span"),
    *(
        Option(name, NO, _PROFILE, _PROFILES)
        for name in (
            "profiles_sample_rate",
            "profiles_sampler",
            "profiler_mode",
            "profile_lifecycle",
            "profile_session_sample_rate",
        )
    ),
    _sends("auto_enabling_integrations", _MINE),
    _sends("disabled_integrations", _MINE),
    Option("auto_session_tracking", YES, f"{_EVENTS}test_a_panic_is_fatal_and_ends_the_session"),
    _sends("send_client_reports"),
    Option("_experiments", PYTHONS, f"{_TRACES}test_many_spans_of_one_call", "`max_spans`"),
    _sends("proxy_headers"),
    Option(
        "instrumenter",
        YES,
        _TARGETS,
        '"otel" leaves spans to OpenTelemetry',
    ),
    Option("before_send_transaction", YES, _SEEN),
    Option(
        "project_root",
        YES,
        f"{_EVENTS}test_whose_code_it_is",
        "of frames of Python; Go's go by module",
    ),
    Option("enable_tracing", YES, f"{_CAPTURED}test_no_transaction_where_python_makes_none"),
    _like(
        "include_local_variables",
        "False",
        f'any("vars" in frame for frame in {_FRAMES})',
        "of frames of Python; nobody knows those of Go",
        CROSSING,
    ),
    Option("include_source_context", YES, f"{_EVENTS}test_without_sources_of_the_clients_choice"),
    Option("trace_propagation_targets", YES, _TARGETS),
    _sends("functions_to_trace", _MINE),
    _like(
        "event_scrubber",
        'sentry_sdk.scrubber.EventScrubber(denylist=["colour"])',
        'events[0]["extra"].get("colour")',
    ),
    _like(
        "max_value_length",
        "30",
        'max(len(value["value"]) for value in events[0]["exception"]["values"]) <= 30',
        "",
        CROSSING,
        CAPTURED,
    ),
    _sends("enable_backpressure_handling"),
    _like("error_sampler", "lambda event, hint: 0.0", "len(events)"),
    _sends("enable_db_query_source", _MINE),
    _sends("db_query_source_threshold_ms", _MINE),
    _sends("enable_http_request_source", _MINE),
    _sends("http_request_source_threshold_ms", _MINE),
    Option("spotlight", YES, f"{_CAPTURED}test_it_goes_to_spotlight_without_a_dsn"),
    _sends("cert_file"),
    _sends("key_file"),
    _sends("custom_repr", "of values of Python"),
    _sends("add_full_stack", "of stacks of Python"),
    _sends("max_stack_frames", "of stacks of Python"),
    Option("enable_logs", YES, _LOGS),
    _like(
        "before_send_log",
        'lambda log, hint: {**log, "body": "seen"}',
        "bodies",
        "",
        LOGGED,
    ),
    _sends("trace_ignore_status_codes", "of transactions"),
    Option("enable_metrics", YES, _OTHERS, "metrics of sentry-go"),
    Option("before_send_metric", YES, _SEEN, "metrics of sentry-go"),
    Option("before_send_span", YES, _SEEN),
    Option("org_id", YES, _TARGETS, "in `baggage`"),
    Option("strict_trace_continuation", PYTHONS, _HEADERS, "of traces that come in"),
    _sends("stream_gen_ai_spans", _MINE),
]
