"""``gostitch doctor``: the findings of an examination, as text or JSON."""

from __future__ import annotations

import argparse
import json
import sys
from collections import Counter
from collections.abc import Iterator
from typing import Any

import gostitch
from gostitch import _printable
from gostitch.cli._terminal import Page

NAME = "doctor"
HELP = "Explain this environment: what is there, what will not work, and how to mend it"

_GROUPS = {
    "python": "Python",
    "library": "Go library",
    "go": "Other Go libraries",
    "process": "Process",
    "observe": "Traces and errors",
    "system": "System",
    "limits": "Limits",
    "environment": "Environment variables",
}
_COLOURS = {"ok": "32", "note": "36", "warning": "33", "problem": "31;1"}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options."""
    parser.add_argument("--json", action="store_true", help="print JSON, for programs")
    parser.add_argument("-v", "--verbose", action="store_true", help="show the facts as well")
    parser.add_argument(
        "--no-load",
        action="store_true",
        help="do not try the library (it is tried in a process of its own)",
    )
    parser.add_argument(
        "--timeout",
        type=_seconds,
        default=20.0,
        metavar="SECONDS",
        help="how long trying the library, or an answer to --pid, may take (default: %(default)g)",
    )
    parser.add_argument(
        "--pid",
        type=_pid,
        metavar="PID",
        help="ask a process that has called gostitch.dump_on_signal() what it is doing",
    )


def _seconds(text: str) -> float:
    try:
        seconds = float(text)
    except ValueError:
        seconds = 0.0
    if not 0 < seconds <= 3600:
        raise argparse.ArgumentTypeError(f"{text!r} is no number of seconds from 0 to 3600")
    return seconds


def _pid(text: str) -> int:
    if not text.isdecimal() or int(text) == 0:
        raise argparse.ArgumentTypeError(f"{text!r} is no number of a process")
    return int(text)


def run(options: argparse.Namespace) -> int:
    """Examine, print, and give 1 if something will not work."""
    from gostitch import doctor  # when it is wanted, not for every subcommand

    if options.pid is not None:
        return _ask(options)
    load: Any = "no" if options.no_load else "trial"
    findings = doctor.examine(load=load, timeout_s=options.timeout)
    sound = all(finding.status != "problem" for finding in findings)
    if options.json:
        document = {
            "gostitch": gostitch.__version__,
            "ok": sound,
            "findings": [finding.as_dict() for finding in findings],
        }
        print(json.dumps(document, indent=2))
    else:
        _print(findings, options.verbose)
    return 0 if sound else 1


def _ask(options: argparse.Namespace) -> int:
    from gostitch.doctor import _ask

    try:
        dump = _ask.ask(options.pid, options.timeout)
    except _ask.AskError as error:
        sys.exit(f"gostitch doctor: {_printable.line(str(error))}")
    # Another process has written it, and this terminal must not act on what is in there.
    shown = json.dumps({"pid": options.pid, "dump": dump})
    print(shown if options.json else _printable.text(dump), end="")
    return 0


def _print(findings: list[Any], verbose: bool) -> None:
    page = Page(sys.stdout)
    page.line(f"gostitch {gostitch.__version__} doctor")
    group = None
    for finding in findings:
        if finding.id.partition(".")[0] != group:
            group = finding.id.partition(".")[0]
            page.line()
            page.heading(_GROUPS[group])
        page.entry(finding.status, _COLOURS[finding.status], finding.title, finding.words)
        if finding.fix:
            page.more(f"{_label(finding.status)}: {finding.fix}")
        if verbose:
            for name, text in _flat(finding.facts):
                page.more(f"{name} = {text}", dim=True)
    page.line()
    page.line(_summary(Counter(finding.status for finding in findings)))


def _label(status: str) -> str:
    return "Fix" if status in ("problem", "warning") else "Hint"


def _flat(facts: dict[str, Any], prefix: str = "") -> Iterator[tuple[str, str]]:
    for name, value in facts.items():
        if isinstance(value, dict) and value:
            yield from _flat(value, f"{prefix}{name}.")
        elif isinstance(value, list) and value and isinstance(value[0], dict):
            for number, each in enumerate(value):
                yield from _flat(each, f"{prefix}{name}.{number}.")
        else:
            yield f"{prefix}{name}", json.dumps(value)


def _summary(counts: Counter[str]) -> str:
    parts = [
        f"{counts[status]} {status}{'s' if counts[status] != 1 else ''}"
        for status in ("problem", "warning", "note")
        if counts[status]
    ]
    listed = ", ".join(parts) or "nothing to remark"
    if counts["problem"]:
        return f"Something will not work: {listed}."
    return f"Everything works: {listed}."
