"""What the tests of adversity share: an allocator that fails."""

from __future__ import annotations

from pathlib import Path

import pytest

import c_modules


@pytest.fixture(scope="session")
def failing_memory() -> Path:
    """The folder of the module ``failing_memory``."""
    return c_modules.build(Path(__file__).with_name("failing_memory.c"))
