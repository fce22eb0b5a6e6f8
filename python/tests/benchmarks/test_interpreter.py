"""A fresh interpreter's memory is its own, not that of who started it."""

from __future__ import annotations

from benchmarks.contenders.interpreter import EMPTY, interpret, package


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
