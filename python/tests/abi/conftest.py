"""What the tests of the boundary share: the check that no thread and no descriptor is left."""

from __future__ import annotations

import os
import threading
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest

import faults
from invariants import settled


@pytest.fixture(scope="session", autouse=True)
def warm(library: Path) -> None:
    """Load the library and start its pump, which keep descriptors for ever."""
    assert 3 == faults.add.submit(1, 2).result()


def _threads() -> Counter[str]:
    # By name: the pump may have been replaced, which is another thread of that name.
    names = (thread.name for thread in threading.enumerate())
    # The pool that runs callbacks stays.
    return Counter(name for name in names if not name.startswith("gostitch-callback"))


def _descriptors() -> set[str]:
    found = set()
    for name in os.listdir("/proc/self/fd"):
        try:
            found.add(f"{name} {os.readlink(f'/proc/self/fd/{name}')}")
        except FileNotFoundError:
            pass  # the one that listed the directory
    return found


@pytest.fixture(autouse=True)
def no_thread_is_left(nothing_is_left: None) -> Iterator[None]:
    """After every test, no thread and no descriptor has come to stay."""
    threads, descriptors = _threads(), _descriptors()
    yield
    assert Counter() == settled(lambda: _threads() - threads, Counter())
    assert set() == settled(lambda: _descriptors() - descriptors, set())
