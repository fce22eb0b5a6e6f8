"""What all tests share: the library they load, and the check that nothing is left behind.

One process can load one Go library, so all tests use ``libfaults``: the library that is
shipped, and the functions that break things. ``abi/test_loading.py`` proves the shipped one.
"""

from __future__ import annotations

import gc
import os
import signal
import subprocess
import sys
from collections.abc import Generator, Iterator
from pathlib import Path

import pytest

from depth import GC_THRESHOLD
from invariants import live_counts, settled
from programs import Programs

ROOT = Path(__file__).resolve().parents[2]
LIBRARY = ROOT / "build" / "tests" / "libfaults.so"
LINKED = LIBRARY.parent / "linked" / LIBRARY.name
"""It with all symbols, as the linker writes it."""

# Before anything can load the library; programs that tests start inherit it.
os.environ["GOSTITCH_LIBRARY"] = str(LIBRARY)
# What crashes here must not be told to whoever runs the tests.
WORKER = os.environ.get("PYTEST_XDIST_WORKER", "")
os.environ["GOSTITCH_CRASH_DIR"] = str(LIBRARY.parent / f"crashes{WORKER}")
# A shell has it ignored in its background jobs, and in all that they start.
if signal.getsignal(signal.SIGINT) == signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)

sys.path.insert(0, str(ROOT / "python" / "native"))

from shipped import go_build, symbols, toolchain  # noqa: E402


def pytest_addoption(parser: pytest.Parser) -> None:
    """Let another build of the library be tested (make asan)."""
    parser.addoption("--library", help="a build of libfaults to test instead of a new one")


def pytest_configure(config: pytest.Config) -> None:
    """Have what the tests start load it too, and the collector run as often as was asked for."""
    if GC_THRESHOLD:
        gc.set_threshold(GC_THRESHOLD)
    given = config.getoption("--library")
    if given:
        os.environ["GOSTITCH_LIBRARY"] = str(Path(given).resolve())


def pytest_sessionstart(session: pytest.Session) -> None:
    """Build the library of the tests, once; Go's cache makes that cheap when nothing changed."""
    if WORKER or session.config.getoption("--library"):
        return
    go = toolchain.go()
    if go is None:
        pytest.exit("no Go was found; run 'make dev'", 1)
    LINKED.parent.mkdir(parents=True, exist_ok=True)
    env = toolchain.environment()
    subprocess.run(
        [go, "build", *go_build.flags(env), "-o", str(LINKED), "./gocore/cmd/libfaults"],
        cwd=ROOT,
        env=env,
        check=True,
    )
    of_library = symbols.beside(LIBRARY)
    parts = symbols.split(LINKED.read_bytes(), of_library.name)
    for file, part in zip((LIBRARY, of_library), parts, strict=True):
        if not file.exists() or file.read_bytes() != part:
            # Another session may have the old one loaded.
            unfinished = file.with_name(f".{file.name}.{os.getpid()}")
            unfinished.write_bytes(part)
            unfinished.replace(file)


@pytest.fixture(scope="session", autouse=True)
def library() -> Path:
    """The library of the tests."""
    return Path(os.environ["GOSTITCH_LIBRARY"])


@pytest.fixture(autouse=True)
def nothing_is_left() -> Iterator[None]:
    """After every test, no call, buffer or queue of Go is left."""
    yield
    zero = dict.fromkeys(live_counts(), 0)
    assert zero == settled(live_counts, zero)


@pytest.fixture
def program(tmp_path: Path) -> Iterator[Programs]:
    """Run Python text in a process of its own: ``program(text).stdout``."""
    programs = Programs(tmp_path)
    yield programs
    programs.close()


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item,
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Fail what is skipped where everything must run."""
    report = yield
    if report.skipped and os.environ.get("GOSTITCH_CI") == "1":
        report.outcome = "failed"
        report.longrepr = f"skipped, which CI does not allow: {report.longrepr}"
    return report
