"""Children and what they tell of themselves, for fork.*."""

from __future__ import annotations

import os
from pathlib import Path

from benchmarks.cases.forks import FORKS


def proportional_mb() -> float:
    """Give this process's memory, of what it shares with others its share only (PSS)."""
    for line in Path("/proc/self/smaps_rollup").read_text(encoding="ascii").splitlines():
        if line.startswith("Pss:"):
            return int(line.split()[1]) / 1024
    raise OSError("/proc/self/smaps_rollup has no Pss")


def forks() -> None:
    """Fork children that end at once."""
    fork_often()


def fork_often() -> int:
    """Do that, and give how many ended well."""
    return sum(_ends_well(os.fork()) for _ in range(FORKS))


def _ends_well(pid: int) -> bool:
    if pid == 0:
        os._exit(0)
    return os.waitpid(pid, 0)[1] == 0
