"""The list of faults made by hand fits the code, so that make nightly-mutants makes what it says."""

from __future__ import annotations

from pathlib import Path

import pytest

from mutants.listed import MUTANTS, Mutant

ROOT = Path(__file__).resolve().parents[3]


@pytest.mark.parametrize("mutant", MUTANTS, ids=lambda each: f"{each.file}:{each.old.strip()[:40]}")
def test_each_can_be_made(mutant: Mutant) -> None:
    """What a fault changes stands once in its file, and the tests that should find it are there."""
    assert 1 == (ROOT / mutant.file).read_text().count(mutant.old)
    assert mutant.old != mutant.new
    for test in mutant.tests.split():
        folder = ROOT if test.startswith("./") else ROOT / "python" / "tests"
        assert (folder / test).exists()


def test_there_are_a_hundred() -> None:
    assert len(set(MUTANTS)) >= 100
