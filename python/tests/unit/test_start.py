"""What a process loads to make a first call: whoever imports more makes every start slower.

The benchmark ``start.*`` has the time. A feature that needs another module imports it when it is used.
"""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

PACKAGE = Path(__file__).resolve().parents[3] / "python" / "gostitch"

_OWN = """
    _abi _arguments _bridge _callbacks _calls _cgroup _codec _copies _crash_files _crash_text
    _crashes _future _go_environment _hooks _hubs _info _late _logs _loop_future _loops _memory
    _mocks _mounts _pending _printable _process _queue _record _settings _shapes _space _stream
    _table _threads _times _turn _version _w3c _waiters _waiting _workers exceptions functions
    tasks tasks._generated
"""

_SLOW = """
    ast asyncio concurrent.futures.thread dataclasses decimal dis importlib.metadata inspect ipaddress
    json msgspec multiprocessing opentelemetry pathlib queue sentry_sdk shutil socket ssl subprocess
    tempfile urllib.parse uuid zoneinfo
"""
"""What is slow to import, and no first call needs."""

_FIRST_CALL = """
import sys
before = set(sys.modules)
from gostitch import tasks
tasks.hash_tree(sys.argv[1])
print(*set(sys.modules) - before)
"""


def test_modules(tmp_path: Path) -> None:
    """A first call loads the modules that are listed here, and none that are slow."""
    out = subprocess.run(
        [
            sys.executable,
            "-S",
            "-c",
            f"import sys; sys.path.insert(0, {str(PACKAGE.parent)!r})\n{_FIRST_CALL}",
            tmp_path,
        ],
        env={"GOSTITCH_LIBRARY": str(PACKAGE / "libgostitch.so"), "HOME": str(tmp_path)},
        capture_output=True,
        text=True,
        timeout=50,
        check=True,
    ).stdout.split()
    own = {name.removeprefix("gostitch.") for name in out if name.startswith("gostitch.")}

    assert set(_OWN.split()) == own
    assert set() == set(_SLOW.split()) & set(out)


def test_size_of_the_library() -> None:
    """More needs a decision that names what for, and how much."""
    assert (PACKAGE / "libgostitch.so").stat().st_size <= 28 << 20
