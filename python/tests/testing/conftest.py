"""What the tests of the fake library share."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from gostitch.testing import FakeLibrary, fake_library


@pytest.fixture
def fake() -> Iterator[FakeLibrary]:
    """A fake library, as the guide has it."""
    with fake_library(strict=False) as fake:  # many tests are of what it refuses
        yield fake
