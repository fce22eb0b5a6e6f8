"""A fresh interpreter's memory is its own, not that of who started it."""

from __future__ import annotations

import pytest

from benchmarks.contenders import interpreter
from benchmarks.contenders.interpreter import EMPTY, interpret, package, whole


def test_memory_of_the_starter_does_not_count() -> None:
    """A large process starts a small one, and finds it small."""
    held = bytearray(b"\1" * (200 << 20))
    sample, printed = interpret(EMPTY)

    assert len(held) == 200 << 20
    assert sample.rss_mb < 100
    assert "42\n" == printed


def test_memory_of_an_import_counts() -> None:
    """What an import takes is above what an empty interpreter takes."""
    sample = package("kept = bytearray(b'1' * (64 << 20))").run()

    assert sample is not None
    assert 60 < sample.rss_mb < 140


def test_a_start_that_takes_too_long_is_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    """One that works for longer than asyncio takes has no facts to save."""
    monkeypatch.setattr(interpreter, "STARTS", 2)
    work = whole("import asyncio, time\nwhile time.process_time() < 0.5: pass", 1, most=1.2)
    work.run()

    with pytest.raises(RuntimeError, match=r"of 'import asyncio', and may take 1\.2"):
        work.facts()
