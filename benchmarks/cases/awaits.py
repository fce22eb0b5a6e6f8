"""async.*: what an await of a trivial call costs."""

from __future__ import annotations

from collections.abc import Iterator

from benchmarks.measure import Case
from benchmarks.peer import present

MODULES = {"gostitch": "awaits_gostitch", "python": "awaits_executor", "rust": "awaits_rust"}
PEERS = {
    "python": "run_in_executor of the same Go function, on a ThreadPoolExecutor",
    "rust": "pyo3-async-runtimes with tokio",
}


def cases(quick: bool) -> Iterator[Case]:
    """Give the cases."""
    rounds = 5 if quick else 15
    many, one = 10_000, 500 if quick else 2000
    yield case(
        "await_10k", "many", many, rounds, "an await of add(int, int), 10 000 of them together"
    )
    yield case("await_one", "one", one, rounds, "an await of add(int, int) after the other")


def case(name: str, function: str, count: int, rounds: int, note: str) -> Case:
    """Give the case of the functions with this name, which do it ``count`` times."""
    return Case(
        name=f"async.{name}",
        size=count,
        unit="us",
        note=note,
        contenders=present({who: f"{module}:{function}" for who, module in MODULES.items()}),
        peers=PEERS,
        arguments={"count": count},
        times=count,
        rounds=rounds,
    )
