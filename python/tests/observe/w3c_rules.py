"""The W3C's rules for trace context and baggage, as data: headers that come, and what must go on.

In our own words, from https://www.w3.org/TR/trace-context-2/ and https://www.w3.org/TR/baggage/.
``of`` names the test of the W3C's conformance suite (https://github.com/w3c/trace-context) that a
rule is a part of.
"""

from __future__ import annotations

from typing import Literal, NamedTuple

TRACE = "12345678901234567890123456789012"
PARENT = "1234567890123456"
HEADER = f"00-{TRACE}-{PARENT}-01"
UNSAMPLED = f"00-{TRACE}-{PARENT}-00"

Headers = list[tuple[str, str]]


class Rule(NamedTuple):
    """What a service receives, and what each request of its must carry."""

    of: str
    says: str
    received: Headers
    trace: Literal["same", "new"]
    state: str | None = ""
    """The tracestate to send, without white space; None: whatever of it, but the trace."""

    differs: str = ""
    """Why OpenTelemetry's SDK for Python does otherwise."""


def _parent(of: str, says: str, header: str, trace: Literal["same", "new"] = "new") -> Rule:
    return Rule(of, says, [("traceparent", header)], trace)


def _state(of: str, says: str, *headers: str, keeps: str = "", differs: str = "") -> Rule:
    received = [("traceparent", UNSAMPLED), *(("tracestate", each) for each in headers)]
    return Rule(of, says, received, "same", keeps, differs)


_EDITION = "it knows the keys of the first edition, where @ may stand once, before a short name"
_VALUE = "".join(map(chr, range(0x20, 0x7F))).replace(",", "").replace("=", "")
_KEY = "abcdefghijklmnopqrstuvwxyz0123456789_-*/"


def _numbered(first: int, last: int) -> str:
    return ",".join(f"bar{i:02}={i:02}" for i in range(first, last + 1))


RULES = [
    # A trace begins anew where no valid traceparent has come, and goes on where one has.
    Rule("both_traceparent_and_tracestate_missing", "nothing came", [], "new"),
    _parent("traceparent_header_name_valid_casing", "a valid header goes on", HEADER, "same"),
    Rule(
        "traceparent_header_name_valid_casing", "in mixed case", [("TrAcEpArEnT", HEADER)], "same"
    ),
    Rule("traceparent_header_name_valid_casing", "in capitals", [("TRACEPARENT", HEADER)], "same"),
    Rule("traceparent_header_name", "a dash in the name", [("trace-parent", HEADER)], "new"),
    Rule("traceparent_header_name", "a point in the name", [("trace.parent", HEADER)], "new"),
    Rule(
        "traceparent_duplicated",
        "two headers are none",
        [("traceparent", HEADER), ("traceparent", HEADER.replace("9012-", "9011-"))],
        "new",
        differs="it takes the first of a list",
    ),
    # Version.
    _parent("traceparent_version_0x00", "version 00 has four fields: a point behind", HEADER + "."),
    _parent("traceparent_version_0x00", "version 00 has four fields: one more", HEADER + "-more"),
    _parent("traceparent_version_0xcc", "a future version", "cc" + HEADER[2:], "same"),
    _parent("traceparent_version_0xcc", "with one more field", f"cc{HEADER[2:]}-more", "same"),
    _parent("traceparent_version_0xcc", "with what is no field", f"cc{HEADER[2:]}.more"),
    _parent("traceparent_version_0xff", "version ff is forbidden", "ff" + HEADER[2:]),
    _parent("traceparent_version_illegal_characters", "a point first", ".0" + HEADER[2:]),
    _parent("traceparent_version_illegal_characters", "a point last", "0." + HEADER[2:]),
    _parent("traceparent_version_too_long", "three digits", "0" + HEADER),
    _parent("traceparent_version_too_long", "four digits", "00" + HEADER),
    _parent("traceparent_version_too_short", "one digit", HEADER[1:]),
    _parent("", "a capital in the version", "CC" + HEADER[2:]),
    # Trace id.
    _parent("traceparent_trace_id_all_zero", "zeros", f"00-{'0' * 32}-{PARENT}-01"),
    _parent("traceparent_trace_id_illegal_characters", "first", f"00-.{TRACE[1:]}-{PARENT}-01"),
    _parent("traceparent_trace_id_illegal_characters", "last", f"00-{TRACE[:-1]}.-{PARENT}-01"),
    _parent("traceparent_trace_id_too_long", "33 digits", f"00-{TRACE}3-{PARENT}-01"),
    _parent("traceparent_trace_id_too_short", "31 digits", f"00-{TRACE[:-1]}-{PARENT}-01"),
    _parent("", "a capital in the trace id", f"00-A{TRACE[1:]}-{PARENT}-01"),
    # Parent id.
    _parent("traceparent_parent_id_all_zero", "zeros", f"00-{TRACE}-{'0' * 16}-01"),
    _parent("traceparent_parent_id_illegal_characters", "first", f"00-{TRACE}-.{PARENT[1:]}-01"),
    _parent("traceparent_parent_id_illegal_characters", "last", f"00-{TRACE}-{PARENT[:-1]}.-01"),
    _parent("traceparent_parent_id_too_long", "17 digits", f"00-{TRACE}-{PARENT}7-01"),
    _parent("traceparent_parent_id_too_short", "15 digits", f"00-{TRACE}-{PARENT[:-1]}-01"),
    # Flags.
    _parent("traceparent_trace_flags_illegal_characters", "first", HEADER[:-2] + ".0"),
    _parent("traceparent_trace_flags_illegal_characters", "last", HEADER[:-2] + "0."),
    _parent("traceparent_trace_flags_too_long", "three digits", HEADER[:-2] + "001"),
    _parent("traceparent_trace_flags_too_short", "one digit", HEADER[:-2] + "1"),
    # White space, and what is no ASCII.
    _parent("traceparent_ows_handling", "a space before", " " + HEADER, "same"),
    _parent("traceparent_ows_handling", "a tab before", "\t" + HEADER, "same"),
    _parent("traceparent_ows_handling", "a space behind", HEADER + " ", "same"),
    _parent("traceparent_ows_handling", "a tab behind", HEADER + "\t", "same"),
    _parent("traceparent_ows_handling", "both", f"\t {HEADER} \t", "same"),
    _parent("", "a letter that is no ASCII", HEADER + "\xe9"),
    _parent("", "another script's digits", HEADER.replace("1", "\xb9")),
    # What of the trace goes on: see ``climb`` for spans.
    Rule("traceparent_included_tracestate_missing", "it alone", [("traceparent", HEADER)], "same"),
    # A tracestate belongs to its traceparent.
    Rule("tracestate_included_traceparent_missing", "one member", [("tracestate", "foo=1")], "new"),
    Rule("tracestate_included_traceparent_missing", "two", [("tracestate", "foo=1,b=2")], "new"),
    Rule(
        "",
        "a malformed traceparent takes it along",
        [("traceparent", HEADER[:-1]), ("tracestate", "foo=1")],
        "new",
    ),
    _state("tracestate_included_traceparent_included", "both", "foo=1,b=2", keeps="foo=1,b=2"),
    *(
        Rule(
            f"tracestate_header_name{of}",
            name,
            [("traceparent", UNSAMPLED), (name, "a=1")],
            "same",
            kept,
        )
        for of, name, kept in [
            ("", "trace-state", ""),
            ("", "trace.state", ""),
            ("_valid_casing", "TraceState", "a=1"),
            ("_valid_casing", "TrAcEsTaTe", "a=1"),
            ("_valid_casing", "TRACESTATE", "a=1"),
        ]
    ),
    _state("tracestate_empty_header", "nothing in it", ""),
    _state("tracestate_empty_header", "nothing in the second", "foo=1", "", keeps="foo=1"),
    _state("tracestate_empty_header", "nothing in the first", "", "foo=1", keeps="foo=1"),
    _state("", "empty members", "foo=1,,bar=2, ,", keeps="foo=1,bar=2"),
    _state(
        "tracestate_multiple_headers_different_keys",
        "several headers are one list, in order",
        "foo=1,bar=2",
        "rojo=1,congo=2",
        "baz=3",
        keeps="foo=1,bar=2,rojo=1,congo=2,baz=3",
    ),
    *(
        _state(
            "tracestate_duplicated_keys",
            f"one of them goes on: {headers}",
            *headers,
            keeps="foo=1",
            differs="it drops the whole list",
        )
        for headers in [("foo=1,foo=1",), ("foo=1,foo=2",), ("foo=1", "foo=1"), ("foo=1", "foo=2")]
    ),
    _state(
        "tracestate_all_allowed_characters",
        "in key and value",
        f"{_KEY}={_VALUE}",
        keeps=f"{_KEY}={_VALUE}",
    ),
    _state(
        "tracestate_all_allowed_characters",
        "behind an @ too",
        f"{_KEY}@a-z0-9_-*/={_VALUE}",
        keeps=f"{_KEY}@a-z0-9_-*/={_VALUE}",
    ),
    *(
        _state(
            "tracestate_ows_handling", repr(header), header, keeps=header.translate({9: "", 32: ""})
        )
        for header in [
            "foo=1 \t , \t bar=2, \t baz=3",
            "foo=1\t \t,\t \tbar=2,\t \tbaz=3",
            " foo=1",
            "\tfoo=1",
            "foo=1 ",
            "foo=1\t",
            "\t foo=1 \t",
        ]
    ),
    *(
        _state("tracestate_key_illegal_characters", header, header)
        for header in ["foo =1", "FOO=1", "foo.bar=1"]
    ),
    *(
        _state(
            "tracestate_key_illegal_vendor_format", header, header, keeps=header, differs=_EDITION
        )
        for header in ["foo@=1,bar=2", "foo@@bar=1,bar=2", "foo@bar@baz=1,bar=2"]
    ),
    _state("tracestate_key_illegal_vendor_format", "an @ first", "@foo=1,bar=2"),
    _state("", "a digit first", "1st=1", keeps="1st=1", differs=_EDITION),
    _state(
        "tracestate_member_count_limit",
        "32 members",
        _numbered(1, 10),
        _numbered(11, 20),
        _numbered(21, 30),
        _numbered(31, 32),
        keeps=_numbered(1, 32),
    ),
    _state("tracestate_member_count_limit", "33 members", _numbered(1, 30), _numbered(31, 33)),
    *(
        _state(
            "tracestate_key_length_limit",
            f"a key of {len(key)}",
            "foo=1",
            key + "=1",
            keeps=f"foo=1,{key}=1",
            differs=_EDITION if "@" in key and len(key) != 256 else "",
        )
        for key in ["z" * 256, "t" * 241 + "@" + "v" * 14, "t" * 242 + "@v", "t@" + "v" * 15]
    ),
    _state("tracestate_key_length_limit", "a key of 257", "foo=1", "z" * 257 + "=1"),
    _state("tracestate_value_illegal_characters", "a second =", "foo=bar=baz"),
    _state("tracestate_value_illegal_characters", "an empty value", "foo=,bar=3"),
    _state("", "a value of 256", "foo=" + "v" * 256, keeps="foo=" + "v" * 256),
    _state("", "a value of 257", "bar=1,foo=" + "v" * 257),
    _state("", "a letter that is no ASCII", "foo=1,bar=\xe9"),
    _state("", "no value", "foo"),
    _state("", "spaces before a value are a part of it", "foo=  1 ", keeps="foo=  1"),
    # Level 2: the flag for random ids.
    Rule("propagates_random_flag", "it goes on", [("traceparent", HEADER[:-1] + "2")], "same"),
]

SEVERAL = {
    "multiple_requests_with_valid_traceparent": [("traceparent", HEADER)],
    "multiple_requests_without_traceparent": [],
    "multiple_requests_with_illegal_traceparent": [
        ("traceparent", HEADER.replace(TRACE, "0" * 32))
    ],
}
"""The tests of the suite that look at several requests of one service, and what it receives."""

NEW_SPANS = {"traceparent_included_tracestate_missing", *SEVERAL}
"""The tests of the suite that want another parent id in each request.

Who records no spans may hand on the header as it came ("Mutating the traceparent Field"); an id
that nobody has recorded would tear the trace apart for who reads it.
"""


class BaggageRule(NamedTuple):
    """A header, or several, and the entries that go on."""

    says: str
    received: list[str]
    sent: str
    dropped: int = 0
    differs: str = ""


_LONG = "x" * (8192 - len("just="))

BAGGAGE_RULES = [
    BaggageRule("an entry", ["user=zo%C3%AB"], "user=zo%C3%AB"),
    BaggageRule("several headers are one list", ["a=1", "b=2,c=3"], "a=1,b=2,c=3"),
    BaggageRule("white space around all parts", ["a \t=\t 1 \t,\t b = 2"], "a=1,b=2"),
    BaggageRule(
        "properties stay behind",
        ["a=1;p;q=2, b=2 ; r"],
        "a=1,b=2",
        differs="it makes them a part of the value",
    ),
    BaggageRule("a value may have =", ["a=b=c"], "a=b=c"),
    BaggageRule("or be empty", ["a="], "a="),
    BaggageRule("empty members are none", [",a=1,,"], "a=1"),
    BaggageRule("percent-encoding is decoded once", ["a=%2525"], "a=%2525"),
    BaggageRule("of a key's part it is none", ["a%20b=1"], "a%20b=1", differs="it decodes keys"),
    BaggageRule("a plus is a plus", ["a=1+1"], "a=1+1", differs="it is a space, as in forms"),
    BaggageRule("what is no UTF-8 is replaced", ["a=%FF"], "a=%EF%BF%BD"),
    BaggageRule("no ASCII", ["a=zo\xeb,b=2"], "b=2", 1),
    BaggageRule("a space in a value", ["a=x y,b=2"], "b=2", 1),
    BaggageRule("quotes, or a backslash, in a value", ['a="x",b=\\,c=3'], "c=3", 2),
    BaggageRule("no key, or no =", ["=1,a,b=2"], "b=2", 2),
    BaggageRule("a space, or a bracket, in a key", ["a b=1,a(b=1,c=2"], "c=2", 2),
    BaggageRule("8192 bytes", ["just=" + _LONG], "just=" + _LONG, differs="4096 in one member"),
    BaggageRule("one more", ["just=x" + _LONG], "", 1),
    BaggageRule(
        "64 members",
        [",".join(f"k{i}={i}" for i in range(66))],
        ",".join(f"k{i}={i}" for i in range(64)),
        2,
        differs="it takes 180, of which its Go takes 64",
    ),
]
