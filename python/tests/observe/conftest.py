"""The Sentry server that the tests of this folder share."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from observe.spotlight import Spotlight, serving


@pytest.fixture(scope="session")
def sentry_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Spotlight]:
    """A real server, started once."""
    with serving(tmp_path_factory.mktemp("spotlight")) as server:
        yield server


@pytest.fixture
def sentry(sentry_server: Spotlight) -> Spotlight:
    """The server, with nothing in it that an earlier test has sent."""
    sentry_server.events()
    return sentry_server
