"""Shows how a run goes: a live bar per step on a terminal, one plain line per step otherwise."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Protocol

from rich.console import Console
from rich.progress import BarColumn, Progress, ProgressColumn, SpinnerColumn, Task, TextColumn
from rich.text import Text

__all__ = ["Display", "shown"]


class Display(Protocol):
    """What a pipeline tells while it runs."""

    @contextmanager
    def step(self, name: str) -> Iterator[None]:
        """Begin a step, which ends with the block."""
        yield

    def advance(self, done: int, total: int) -> None:
        """How far the current step has come."""


@contextmanager
def shown(title: str) -> Iterator[Display]:
    """Show one run, live while the block lasts."""
    if not sys.stdout.isatty():
        yield _Lines(title)
        return
    columns = (
        SpinnerColumn(finished_text="✓"),
        TextColumn(f"{title:<7}"),
        TextColumn("{task.description:<8}"),
        BarColumn(30),
        _Seconds(),
        TextColumn("{task.fields[count]}"),
    )
    with Progress(*columns, console=Console(), refresh_per_second=8) as bars:
        yield _Bars(bars)


class _Seconds(ProgressColumn):
    """The time a step has taken, to a hundredth of a second."""

    def render(self, task: Task) -> Text:
        """Render it for one step."""
        return Text(f"{(task.finished_time if task.finished else task.elapsed) or 0:6.2f} s")


class _Bars:
    """A bar per step. Steps that cannot say how far they are show a moving bar."""

    def __init__(self, bars: Progress) -> None:
        self._bars = bars
        self._current = bars.add_task("start", visible=False, count="")

    @contextmanager
    def step(self, name: str) -> Iterator[None]:
        self._current = self._bars.add_task(name, total=None, count="")
        yield
        total = self._bars.tasks[-1].total or 1
        self._bars.update(self._current, total=total, completed=total)

    def advance(self, done: int, total: int) -> None:
        count = f"{done} of {total}"
        self._bars.update(self._current, completed=done, total=total, count=count)


class _Lines:
    """A line per step, when it has ended."""

    def __init__(self, title: str) -> None:
        self._title = title

    @contextmanager
    def step(self, name: str) -> Iterator[None]:
        started = time.perf_counter()
        yield
        print(f"{self._title:<7} {name:<8} {time.perf_counter() - started:7.2f} s", flush=True)

    def advance(self, done: int, total: int) -> None:
        pass
