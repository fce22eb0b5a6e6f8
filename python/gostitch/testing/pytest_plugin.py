"""The fixture ``stitched`` for pytest: a whole test is one whole trace, or it fails.

A project asks for it in its ``conftest.py``:

    pytest_plugins = ["gostitch.testing.pytest_plugin"]

Needs pytest, and the SDK of OpenTelemetry.
"""

from __future__ import annotations

import os
import tempfile
from collections.abc import Generator, Iterator
from contextlib import ExitStack, nullcontext
from typing import Any

import pytest

from gostitch.testing._offline import offline_within, online
from gostitch.testing._stitching import Recording, assert_stitched, record_spans

_ONLINE = "online: gostitch_offline does not count for this test"
_MARKER = "stitched(*, root=None, calls=(), tolerance_s=0.001): what assert_stitched is told"
_offline = pytest.StashKey[ExitStack]()
_recorded = pytest.StashKey[tuple[ExitStack, Recording, dict[str, Any]]]()


def pytest_configure(config: pytest.Config) -> None:
    """Make the markers known."""
    config.addinivalue_line("markers", _MARKER)
    config.addinivalue_line("markers", _ONLINE)


def pytest_addoption(parser: pytest.Parser) -> None:
    """Let a project have all of its tests offline."""
    text = "Go functions may not use the network, nor files outside of the temporary folder"
    parser.addoption("--gostitch-offline", action="store_true", help=text)
    parser.addini("gostitch_offline", text, type="bool", default=False)


@pytest.hookimpl(tryfirst=True)
def pytest_runtestloop(session: pytest.Session) -> None:
    """Be offline from here on, before the first fixture of any scope."""
    config = session.config
    if config.getoption("--gostitch-offline") or config.getini("gostitch_offline"):
        block = config.stash[_offline] = ExitStack()
        block.enter_context(offline_within(_temporary_folders(config)))


@pytest.hookimpl(wrapper=True)
def pytest_sessionfinish(session: pytest.Session) -> Generator[None, None, None]:
    """Leave that after the last fixture, which after -x is torn down only here."""
    yield
    if _offline in session.config.stash:
        session.config.stash[_offline].close()


def _temporary_folders(config: pytest.Config) -> Iterator[str]:
    """Give where tmp_path may be: pytest makes it only when a test asks."""
    yield tempfile.gettempdir()
    chosen = config.getoption("basetemp"), os.environ.get("PYTEST_DEBUG_TEMPROOT")
    yield from (os.path.abspath(each) for each in chosen if each)


def _is_online(config: pytest.Config, node: Any) -> bool:
    return _offline in config.stash and node.get_closest_marker("online") is not None


@pytest.hookimpl(wrapper=True)
def pytest_fixture_setup(
    fixturedef: pytest.FixtureDef[Any], request: pytest.FixtureRequest
) -> Generator[None, object, object]:
    """Have a fixture online, from its first line to its last, if all is that it is made for.

    That is a test, or the class or the module: one that several tests share does not depend on
    which of them comes first.
    """
    if not _is_online(request.config, request.node):
        return (yield)
    block = ExitStack()
    fixturedef.addfinalizer(block.close)  # what is added last is called first
    with online():
        result = yield
    fixturedef.addfinalizer(lambda: block.enter_context(online()))
    return result


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Give a test that has the marker the fixture: alone it would check nothing."""
    for item in items:
        names: list[str] | None = getattr(item, "fixturenames", None)
        if names is None or item.get_closest_marker("stitched") is None:
            continue
        if "stitched" not in names:
            names.append("stitched")


@pytest.fixture
def stitched(request: pytest.FixtureRequest) -> Generator[Recording, None, None]:
    """Record the spans of a test; at its end they must be one whole trace.

    What else it should be, the marker ``stitched`` says in the words of ``assert_stitched``:
    ``@pytest.mark.stitched(root="GET /release", calls=["tasks.fetch"])``.
    """
    marker = request.node.get_closest_marker("stitched")
    if marker is not None and marker.args:
        raise TypeError("the marker 'stitched' takes its arguments by name: root, calls, ...")
    with ExitStack() as block:
        recording = block.enter_context(record_spans())
        expected = {} if marker is None else marker.kwargs
        request.node.stash[_recorded] = block, recording, expected
        yield recording


@pytest.hookimpl(wrapper=True)
def pytest_runtest_call(item: pytest.Item) -> Generator[None, None, None]:
    """Look at the trace as the last thing that a test does, unless it has failed before."""
    with online() if _is_online(item.config, item) else nullcontext():
        yield
    if _recorded not in item.stash:
        return
    block, recording, expected = item.stash[_recorded]
    block.close()
    assert_stitched(recording, **expected)
