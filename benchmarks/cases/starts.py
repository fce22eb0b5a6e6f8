"""import.*: what a fresh interpreter pays before the first result."""

from __future__ import annotations

from collections.abc import Iterator

from benchmarks.measure import Case
from benchmarks.peer import present

MODULES = {"gostitch": "starts_gostitch", "python": "starts_ctypes", "rust": "starts_rust"}


def cases(quick: bool) -> Iterator[Case]:
    """Give the cases."""
    rounds = 7 if quick else 25
    yield case("package", "the import alone, time and RSS above an empty interpreter's", rounds)
    yield case("first_call", "load the library and call it once; RSS above the same", rounds)
    yield case(
        "whole",
        "start, import the tasks, call one, exit: processor time above the same",
        2 if quick else 5,
    )


def case(name: str, note: str, rounds: int) -> Case:
    """Give the case of the functions with this name."""
    return Case(
        name=f"import.{name}",
        size=1,
        unit="ms",
        note=note,
        contenders=present({who: f"{module}:{name}" for who, module in MODULES.items()}),
        peers={"python": "ctypes, json and plain Go", "rust": "a PyO3 extension"},
        rounds=rounds,
    )
