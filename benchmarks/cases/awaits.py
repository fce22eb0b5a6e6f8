"""async.*: what an await of a trivial call costs, and a question to the event loop."""

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
    yield case(
        "callback_64",
        "callbacks",
        64 * (100 if quick else 200),
        rounds,
        "a question to a function in the loop and its answer, 64 of them in flight",
        peers={"python": "threads of a pool that ask through call_soon_threadsafe"},
    )


def case(
    name: str,
    function: str,
    count: int,
    rounds: int,
    note: str,
    *,
    peers: dict[str, str] = PEERS,
) -> Case:
    """Give the case of the functions with this name, which do it ``count`` times."""
    modules = {who: module for who, module in MODULES.items() if who in {"gostitch", *peers}}
    return Case(
        name=f"async.{name}",
        size=count,
        unit="us",
        note=note,
        contenders=present({who: f"{module}:{function}" for who, module in modules.items()}),
        peers=peers,
        arguments={"count": count},
        times=count,
        rounds=rounds,
    )
