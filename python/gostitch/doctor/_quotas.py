"""Processors and memory that this process may use, and what the Go runtime makes of them."""

from __future__ import annotations

import math
import os
from typing import Any

from gostitch import _go_environment
from gostitch._cgroup import Limits
from gostitch.doctor import _mask
from gostitch.doctor._finding import Verdict, note, ok, problem, warning

_MOST_FOR_GO = 0.9  # of the container's memory; Python needs the rest


def processors(limits: Limits, chosen: str | None) -> Verdict:
    """Compare the processors there are, the quota, and the value of GOMAXPROCS."""
    usable = len(os.sched_getaffinity(0))
    allowed = usable
    if limits.cpus is not None:  # Go rounds up, and never goes below two
        allowed = min(usable, max(2, math.ceil(limits.cpus)))
    by_hand = _go_environment.processors(chosen or "") or 0
    shown = None if chosen is None else _mask.plain(chosen)
    facts: dict[str, Any] = {
        "machine": os.cpu_count(),
        "usable": usable,
        "quota": limits.cpus,
        "cgroup": limits.version,
        "gomaxprocs": shown,
        "go_uses": by_hand or allowed,
    }
    words = f"{usable} processors can be used"
    if limits.cpus is not None:
        words += f", and the container's quota is {limits.cpus:g}"
    if chosen and not by_hand:
        words += (
            f". GOMAXPROCS={shown} is no number from 1 to 8192, so the library refuses to load."
        )
        return problem(words, "Correct or unset GOMAXPROCS.", **facts)
    if by_hand > max(allowed, 1):
        words += f". GOMAXPROCS={by_hand} is more, so Go will be slowed down in bursts."
        return warning(words, "Unset GOMAXPROCS: Go sees the quota by itself.", **facts)
    return ok(f"{words}; Go uses {by_hand or allowed}.", **facts)


def parse_memory(text: str) -> int | None:
    """Read a value of GOMEMLIMIT as Go does; None if Go would refuse it."""
    return _go_environment.size(text)


def memory(limits: Limits, chosen: str | None) -> Verdict:
    """Compare the container's memory and the value of GOMEMLIMIT."""
    soft = parse_memory(chosen) if chosen and chosen != "off" else None
    shown = None if chosen is None else _mask.plain(chosen)
    facts: dict[str, Any] = {"limit": limits.memory, "cgroup": limits.version, "gomemlimit": shown}
    if chosen and chosen != "off" and soft is None:
        words = (
            f"GOMEMLIMIT={shown} is malformed, so the library refuses to load: the Go runtime "
            "would end the process."
        )
        return problem(words, "Write it like 512MiB or 2GiB, or unset it.", **facts)
    if limits.memory is None:
        more = f" Go keeps its own below {shown}." if soft else ""
        return ok(f"Memory is not limited by the container.{more}", **facts)
    words = f"The container has {_mb(limits.memory)} of memory"
    if soft is None:
        if chosen == "off":
            words += ", and GOMEMLIMIT=off lets Go grow until the container is killed."
            fix = f"Unset GOMEMLIMIT: gostitch then sets {_mb(limits.memory // 2)}."
            return note(words, fix, **facts)
        words += f"; gostitch has Go keep its own below half of it, {_mb(limits.memory // 2)}."
        return ok(words, **facts)
    if soft > limits.memory * _MOST_FOR_GO:
        words += f", and GOMEMLIMIT={shown} leaves nothing of it to Python."
        return warning(words, f"Lower GOMEMLIMIT to {_mb(limits.memory // 2)} perhaps.", **facts)
    return ok(f"{words}; Go keeps its own below {shown}.", **facts)


def _mb(size: int) -> str:
    return f"{size >> 20}MiB"
