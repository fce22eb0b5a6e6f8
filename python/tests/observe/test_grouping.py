"""Which events are one issue: the same failure of the same Go function, wherever it was called from."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from gostitch.observe import _grouping
from observe.envelopes import events

_CAPTURED = """
init()
def failed(call):
    try:
        call()
    except Exception as error:
        sentry_sdk.capture_exception(error)
"""


def prints(folder: Path, *calls: str, before: str = "") -> list[Any]:
    """Give the fingerprints of the events that calls end with."""
    lines = "".join(f"failed(lambda: {call})\n" for call in calls)
    return [event.get("fingerprint") for event in events(folder, _CAPTURED + before + lines)]


# Failures, the alike together.
_ISSUES = {
    "of a text": [
        ["faults.fail_text('database down')"],
        ["faults.fail_text('key missing')"],
    ],
    "with what changes": [
        ["faults.fail_text('user 17 has 3 of 5')", "faults.fail_text('user 18 has 2 of 55')"],
        ["faults.fail_text('no user \"ann\"')", "faults.fail_text('no user \"bob o\\'neill\"')"],
        ["faults.fail_text('open /a/b.txt: denied')", "faults.fail_text('open /c: denied')"],
    ],
    "wrapped": [
        ["faults.fail_text('down', wrap='load 1')", "faults.fail_text('down', wrap='load 22')"],
        ["faults.fail_text('missing', wrap='load 1')"],
        ["faults.fail_text('down', wrap='save 1')"],
        ["faults.fail_text('down')"],
    ],
    "joined": [
        ["faults.fail_text('part', count=2)", "faults.fail_text('part', count=9)"],
        ["faults.fail_text('piece', count=2)"],
    ],
    "of a code": [
        ["faults.fail('not_found', text='no 1')", "faults.fail('not_found', text='no 2')"],
        ["faults.fail('not_found', text='never')"],
        ["faults.fail('permission', text='no 1')"],
    ],
    "of a type": [
        ["faults.fail_standard('full')"],
        ["faults.fail_standard('link')"],
        ["faults.fail_standard('refused')"],
        ["faults.fail_typed()", "faults.fail_typed.submit().result()"],
        [
            "faults.read_file('/does/not/exist')",
            "faults.read_file('/nor/does/this')",
        ],
    ],
    "panics": [
        ["faults.panic_with('boom 1')", "faults.panic_with('boom 2')"],
        ["faults.panic_with('bang')"],
        ["faults.panic('index')"],
        ["faults.panic('division')"],
        ["faults.panic('string')"],
    ],
    "by time": [
        ["faults.sleep(9, timeout=0.01)", "faults.sleep(8, timeout=0.02)"],
    ],
    "functions": [
        ["faults.fail_text('it failed')"],
        ["faults.fail('unknown', text='it failed')"],
    ],
}


@pytest.mark.parametrize("kind", _ISSUES)
def test_unlike_failures_are_issues_of_their_own(tmp_path: Path, kind: str) -> None:
    """Failures are one issue if and only if they are alike."""
    issues = _ISSUES[kind]
    calls = [call for alike in issues for call in alike]
    found = dict(zip(calls, map(tuple, prints(tmp_path, *calls)), strict=True))

    assert [1] * len(issues) == [len({found[call] for call in alike}) for alike in issues], found
    assert len(issues) == len(set(found.values())), found


def test_wherever_it_is_called_from(tmp_path: Path) -> None:
    """One failure is one issue from all places; a panic in the background is the same as in a call."""
    one, other = prints(
        tmp_path,
        "faults.fail_text('down')",
        "[faults.fail_text.submit(text).result() for text in ['down']]",
    )
    assert one == other
    (here, background) = prints(
        tmp_path,
        "faults.panic_with('boom 1')",
        "(faults.background_panic_with('boom 2'), "
        "wait_until(lambda: gostitch.runtime_info()['background_panics']))",
    )
    assert here[:-1] == background[:-1] == ["gostitch", "panic: panic boom <int>"]
    assert {"PanicWith"} == {each[-1].rpartition(".")[2] for each in (here, background)}


@pytest.mark.parametrize("how", ["scope", "processor", "Go's scope"])
def test_the_users_own_rule_wins(tmp_path: Path, how: str) -> None:
    """A fingerprint of a scope, of either language, or of a processor is left alone."""
    set_it = {
        "scope": "sentry_sdk.get_isolation_scope().fingerprint = ['own']\n",
        "processor": "sentry_sdk.get_global_scope().add_event_processor("
        "lambda event, hint: {**event, 'fingerprint': ['own']})\n",
        "Go's scope": "",
    }[how]
    background = (
        "(faults.background_panic(), "
        "wait_until(lambda: gostitch.runtime_info()['background_panics']))"
    )
    calls = ["faults.fail_text('x')", "faults.panic_with('x')", background]
    if how == "Go's scope":
        calls = ["faults.capture('with a fingerprint', 'x')"]
    assert [["own"]] * len(calls) == prints(tmp_path, *calls, before=set_it)


def test_groups(tmp_path: Path) -> None:
    """A group of alike errors is that error's issue, however many they are; another is another."""
    group = """
if sys.version_info < (3, 11):
    from exceptiongroup import ExceptionGroup
def raised(*calls):
    errors = []
    for call in calls:
        try:
            call()
        except Exception as error:
            errors.append(error)
    raise ExceptionGroup("several", [errors[0], ExceptionGroup("inner", errors[1:] or errors)])
down = lambda: faults.fail_text("down 1")
missing = lambda: faults.fail_text("missing")
"""
    alone, one, two, mixed, turned, others = prints(
        tmp_path,
        "down()",
        "raised(down)",
        "raised(down, down)",
        "raised(down, missing)",
        "raised(missing, down, down)",
        "raised(down, lambda: 1 / 0)",
        before=group,
    )

    assert alone == one == two
    assert alone != mixed == turned
    assert others in (None, ["{{ default }}"])


def test_errors_of_callables(tmp_path: Path) -> None:
    """What a callable has raised through Go is the callable's, and Python's to group."""
    found = prints(tmp_path, "faults.ask(1, lambda question: 1 / 0)")

    assert found[0] in (None, ["{{ default }}"])


def test_what_wraps_it_in_python_is_pythons(tmp_path: Path) -> None:
    """An exception of the application with an error of Go as its cause is grouped by Sentry."""
    before = """
def wrapped():
    try:
        faults.fail_text("down")
    except gostitch.GoError as error:
        raise RuntimeError("of the application") from error
"""
    (found,) = prints(tmp_path, "wrapped()", before=before)

    assert found in (None, ["{{ default }}"])


def test_logged_errors_are_grouped_by_the_message(tmp_path: Path) -> None:
    """An event of a record of Go has slog's message to be grouped by, and its attributes apart."""
    found = events(
        tmp_path,
        """
        init()
        for order in (17, 18):
            faults.log_error("it failed", "down", id=order)
        gostitch.force_flush()
        """,
    )

    assert ["it failed"] * 2 == [event["logentry"]["message"] for event in found]
    assert [17, 18] == sorted(event["extra"]["id"] for event in found)
    assert all(event["extra"]["user.name"] == "zoë" for event in found)
    assert all(event["extra"]["exception.message"] == "down" for event in found)


# What Sentry's server makes of a message that it groups by (its tests of parameterization).
_PARAMETERS = {
    "blah test@email.com had a problem": "blah <email> had a problem",
    "blah http://some.email.com/x?y had a problem": "blah <url> had a problem",
    "blah 7c1811ed-e98f-4c9c-a9f9-58c757ff494f had a problem": "blah <uuid> had a problem",
    "blah 5fc35719b9cf96ec602dbc748ff31c587a46961d had a problem": "blah <hex> had a problem",
    "blah 0751007cd28df267e8e051b51f918c60 had a problem": "blah <hex> had a problem",
    "blah 0x9af8c3be3a1231fe1121acb1 had a problem": "blah <hex> had a problem",
    "blah 2006-01-02T15:04:05+08:00 had a problem": "blah <date> had a problem",
    "blah 2024-02-20 22:16:36 had a problem": "blah <date> had a problem",
    "blah 192.168.0.1 had a problem": "blah <ip> had a problem",
    "blah 23 had a problem": "blah <int> had a problem",
    "blah 23.1 had a problem": "blah <float> had a problem",
    "blah 1.5s and 2m3.25s had a problem": "blah <duration> and <duration> had a problem",
}

_OURS = {
    'no user "ann \\" x" here': "no user <quoted> here",
    "key 'a b' is missing": "key <quoted> is missing",
    "it's what they don't want": "it's what they don't want",
    "open /tmp/a.txt: no such file": "open <path>: no such file",
    "open ../x/y (and/or z)": "open <path> (and/or z)",
    "dial tcp 10.0.0.1:5432: refused": "dial tcp <ip>: refused",
    "dial tcp [::1]:80: refused": "dial tcp <ip>: refused",
    "shard_12 of user17": "shard_<int> of user<int>",
    "the feed was added": "the feed was added",
}


@pytest.mark.parametrize(("text", "without"), [*_PARAMETERS.items(), *_OURS.items()])
def test_what_changes_in_a_text(text: str, without: str) -> None:
    """Numbers, names and the like count as what they are."""
    assert without == _grouping.without_changes(text)


@pytest.mark.parametrize(
    "unit", ["a", "1", '"', "'", "/", ".", "-", "a.", "0x", "1m", "@", "::", "\\"]
)
def test_any_text_is_read_at_once(unit: str) -> None:
    """A text of any kind and length costs milliseconds."""
    import time

    begun = time.perf_counter()
    _grouping.without_changes(unit * 1_000_000)
    assert time.perf_counter() - begun < 0.5
