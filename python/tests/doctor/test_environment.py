"""Variables that steer Go and gostitch."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

import pytest

from gostitch._cgroup import Limits
from gostitch.doctor import _environment, _quotas

ROOT = Path(__file__).parents[3]


def test_all_variables_are_known() -> None:
    """Each variable that the code reads is known to the doctor."""
    files = [*(ROOT / "python" / "gostitch").rglob("*.py"), *(ROOT / "python/native").glob("*.py")]
    read = {name for file in files for name in re.findall(r'"(GOSTITCH_\w+)"', file.read_text())}

    assert read <= set(_environment.KNOWN)


def test_a_typing_error(doctor: Callable) -> None:
    """An unknown variable is a warning with the nearest known one."""
    found = doctor(GOSTITCH_LIBARY="/x").findings["environment.gostitch"]

    assert "warning" == found["status"]
    assert "gostitch knows no variable GOSTITCH_LIBARY." == found["words"]
    assert "Perhaps GOSTITCH_LIBRARY is meant." == found["fix"]


@pytest.mark.parametrize(
    ("variables", "status", "words"),
    [
        ({}, "ok", "No variable"),
        ({"GOGC": "200", "GODEBUG": "gctrace=1"}, "note", "GODEBUG=gctrace=1, GOGC=200."),
        ({"GOGC": "lots"}, "warning", "GOGC is no number"),
        ({"GOGC": "off"}, "warning", "memory only grows"),
        ({"GOGC": "off", "GOMEMLIMIT": "1GiB"}, "note", "GOGC=off"),
        ({"GOTRACEBACK": "loud"}, "warning", "GOTRACEBACK is no word"),
        ({"GOTRACEBACK": "2"}, "note", "GOTRACEBACK=2"),
        ({"GODEBUG": "x=1,asyncpreemptoff=1"}, "warning", "asyncpreemptoff=1"),
    ],
)
def test_the_go_runtime(variables: dict[str, str], status: str, words: str) -> None:
    """What Go ignores, and what harms, is a warning; all else is shown."""
    verdict = _environment.go_variables(variables)

    assert status == verdict.status
    assert words in verdict.words


@pytest.mark.parametrize(
    "debug",
    [
        "S3CRET",
        "token=S3CRET",
        "gctrace=S3CRET",
        "gctrace=1,api=S3CRET,S3CRET",
        "fips140=S3CRET",
        "=S3CRET",
        "gctrace=1=S3CRET",
    ],
)
def test_values_of_godebug_are_masked(doctor: Callable, debug: str) -> None:
    """The doctor's promise: secrets are in no words and no facts, also of a check by itself."""
    verdict = _environment.go_variables({"GODEBUG": debug})
    assert "S3CRET" not in str(verdict)
    assert "***" in verdict.words
    assert ("gctrace=1" in verdict.words) == (debug.startswith("gctrace=1,"))


_TERMINAL = "\x1b]0;title\x07\x9b31m\u202e"


@pytest.mark.parametrize("name", ["GODEBUG", "GOGC", "GOMEMLIMIT", "GOMAXPROCS", "GOTRACEBACK"])
def test_values_are_fit_for_a_terminal(name: str) -> None:
    """Programs print the words of findings; ECMA-48 has terminals act on control characters."""
    limits = Limits(None, None, None, None, None)
    verdicts = [
        _environment.go_variables({name: f"{_TERMINAL}=1"}),
        _environment.own_variables({f"GOSTITCH_{_TERMINAL}": "1"}),
        _quotas.memory(limits, _TERMINAL),
        _quotas.processors(limits, _TERMINAL),
    ]

    for verdict in verdicts:
        texts = [verdict.words, verdict.fix or "", *_texts(verdict.facts)]
        assert all(each.isprintable() for each in texts), texts


def _texts(facts: object) -> list[str]:
    if isinstance(facts, dict):
        facts = [*facts, *facts.values()]
    if isinstance(facts, list):
        return [text for each in facts for text in _texts(each)]
    return [facts] if isinstance(facts, str) else []


@pytest.mark.parametrize("debug", ["cgocheck=2", "sbrk=1", "fips140=x"])
def test_a_fatal_setting(debug: str) -> None:
    """What Go ends over, which a plain Go program shows, is a warning with the remedy."""
    verdict = _environment.go_variables({"GODEBUG": debug})

    assert "warning" == verdict.status
    assert "the library refuses to load" in verdict.words
    assert f"Take {debug.partition('=')[0]} out of GODEBUG." == verdict.fix


def test_changed_late(examined: Callable) -> None:
    """A variable set after the first call is not seen by Go, which the doctor says."""
    text = """
import faults, os
assert faults.environment("GOMAXPROCS") == ""
os.environ["GOMAXPROCS"] = "1"
os.environ["HTTPS_PROXY"] = "http://me:S3CRET@proxy:1"
assert faults.environment("GOMAXPROCS") == ""
"""
    found = examined(text, GOMAXPROCS=None)["environment.late"]

    assert "warning" == found["status"]
    assert ["GOMAXPROCS", "HTTPS_PROXY"] == found["facts"]["changed"]
    assert "S3CRET" not in str(found)


def test_not_changed(examined: Callable) -> None:
    """A variable that was set before the first call is seen by Go."""
    text = """
import faults, os
os.environ["GOMAXPROCS"] = "1"
assert faults.environment("GOMAXPROCS") == "1"
"""
    found = examined(text, GOMAXPROCS=None)["environment.late"]

    assert ("ok", []) == (found["status"], found["facts"]["changed"])


def test_before_the_first_call() -> None:
    """Nothing was given yet, so nothing can be late."""
    assert None is _environment.late_variables({"GOGC": "1"}, None).facts["changed"]
