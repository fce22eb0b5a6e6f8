"""Millions of mixed calls from threads and an event loop; nothing may grow, hang or be lost.

``python -m soak --calls 10000000`` with ``GOSTITCH_LIBRARY`` naming libfaults.
"""

from __future__ import annotations

import argparse
import asyncio
import faulthandler
import gc
import json
import sys
import threading
import time
import traceback
from collections.abc import Callable
from pathlib import Path
from typing import Any

from gostitch import runtime_info
from invariants import settled
from soak import mix, readings

SETTLE_CALLS = 20_000
"""Calls before the first reading counts."""

MOST_STILL = 30
"""Seconds in which a call must end."""


class Soak:
    """The counters that all callers share."""

    def __init__(self, calls: int) -> None:
        self.wanted = calls
        self.made = 0
        self.errors: list[str] = []
        self._lock = threading.Lock()

    def take(self, count: int) -> int:
        """Give the number of the first of so many calls to make, or -1 at the end."""
        with self._lock:
            if self.made >= self.wanted or self.errors:
                return -1
            self.made += count
            return self.made - count

    def failed(self) -> None:
        """Note the exception that nobody asked for."""
        with self._lock:
            self.errors.append(traceback.format_exc())

    def on_thread(self, seed: int) -> None:
        """Make calls until there are enough."""
        calls = mix.shuffled(mix.ON_THREADS, seed)
        while (first := self.take(len(calls))) >= 0:
            try:
                for n, call in enumerate(calls, first):
                    call(n)
            except BaseException:
                self.failed()

    def in_loop(self) -> None:
        """Make calls in an event loop until there are enough."""
        asyncio.run(self._in_loop())

    async def _in_loop(self) -> None:
        calls = mix.shuffled(mix.IN_LOOP, 0)
        while (first := self.take(len(calls))) >= 0:
            try:
                await asyncio.gather(*[call(n) for n, call in enumerate(calls, first)])
            except BaseException:
                self.failed()


def _run(soak: Soak, threads: int, every: float) -> list[readings.Reading]:
    found: list[readings.Reading] = []
    callers: list[tuple[Callable[..., None], tuple[Any, ...]]]
    callers = [(soak.on_thread, (seed,)) for seed in range(threads)] + [(soak.in_loop, ())]
    started = [
        threading.Thread(target=work, args=args, name=f"soak-{i}", daemon=True)
        for i, (work, args) in enumerate(callers)
    ]
    for thread in started:
        thread.start()
    last = time.monotonic()
    while any(thread.is_alive() for thread in started):
        made = soak.made
        started[0].join(every)
        if made != soak.made:
            last = time.monotonic()
            found.append(readings.read(soak.made))
        elif time.monotonic() - last > MOST_STILL:
            faulthandler.dump_traceback()
            sys.exit(f"no call has ended for {MOST_STILL} s: something hangs")
    return found


def main() -> int:
    """Run a soak and tell whether it was clean."""
    parser = argparse.ArgumentParser(prog="python -m soak", description=__doc__)
    parser.add_argument("--calls", type=int, default=10_000_000)
    parser.add_argument("--threads", type=int, default=8)
    parser.add_argument("--every", type=float, default=2.0, help="seconds between two readings")
    parser.add_argument("--save", type=Path, help="write the readings here")
    options = parser.parse_args()

    warm = Soak(SETTLE_CALLS)
    _run(warm, options.threads, options.every)
    before = readings.read(0)
    soak = Soak(options.calls)
    begun = time.monotonic()
    found = _run(soak, options.threads, options.every)
    seconds = time.monotonic() - begun
    settled(lambda: runtime_info()["calls"] + runtime_info()["pending"], 0)
    gc.collect()
    after = readings.read(soak.made)
    found.append(after)
    errors = warm.errors + soak.errors
    complaints = readings.complaints(found, before, after)
    summary = {
        "calls": soak.made,
        "threads": options.threads,
        "seconds": round(seconds, 1),
        "growth_mib": round(readings.growth(found), 2),
        "rss_mib": [round(r.rss / readings.MIB, 1) for r in (before, after)],
        "errors": len(errors),
        "complaints": complaints,
    }
    print(json.dumps(summary))
    if options.save:
        rows = [r._asdict() for r in found]
        options.save.write_text(json.dumps(summary | {"readings": rows}, indent=1) + "\n")
    for error in errors[:3]:
        print(error, file=sys.stderr)
    return 1 if errors or complaints else 0


if __name__ == "__main__":
    sys.exit(main())
