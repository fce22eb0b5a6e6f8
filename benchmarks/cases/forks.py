"""fork.*: what forking costs a process that has loaded Go, and what its children pay."""

from __future__ import annotations

from collections.abc import Iterator

from benchmarks.measure import Case
from benchmarks.peer import present

FORKS = 50


def cases(quick: bool) -> Iterator[Case]:
    """Give the cases."""
    rounds = 7 if quick else 25
    yield Case(
        name="fork.child",
        size=1,
        unit="ms",
        note="first call in a child of a process that used Go, beside a sibling; growth of its PSS",
        contenders=present({"gostitch": "forks_gostitch:child", "python": "forks_spawned:child"}),
        peers={"python": "the same in a process by spawn, from its start on"},
        rounds=rounds,
    )
    yield Case(
        name="fork.parent",
        size=FORKS,
        unit="us",
        note="os.fork, and the end of a child that does nothing, in a process that used Go",
        contenders=present({"gostitch": "forks_gostitch:parent", "python": "forks_spawned:parent"}),
        peers={"python": "the same in a process that did not load Go"},
        times=FORKS,
        rounds=rounds,
    )
