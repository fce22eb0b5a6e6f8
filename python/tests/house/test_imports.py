"""Who may import whom in the Python package, and that every module says what it is for."""

from __future__ import annotations

import ast
import importlib
from collections.abc import Iterator
from pathlib import Path

import pytest

import gostitch

PACKAGE = Path(gostitch.__file__).parent
MODULES = {
    ".".join(path.relative_to(PACKAGE.parent).with_suffix("").parts): path
    for path in PACKAGE.rglob("*.py")
}

# Each module of the core, and the modules of the package it may import.
LAYERS = {
    "gostitch.exceptions": set(),
    "gostitch._version": set(),
    "gostitch._absence": set(),
    "gostitch._abi": {"gostitch._absence", "gostitch._bridge"},
    "gostitch._copies": set(),
    "gostitch._printable": set(),
    "gostitch._crash_files": set(),
    "gostitch._crash_text": {"gostitch._printable", "gostitch.exceptions"},
    "gostitch._crash_owners": {"gostitch._crash_files"},
    "gostitch._crash_delivery": {
        "gostitch._crash_files",
        "gostitch._crash_owners",
        "gostitch._crashes",
    },
    "gostitch._crashes": {
        "gostitch._crash_files",
        "gostitch._crash_owners",
        "gostitch._crash_text",
        "gostitch._printable",
        "gostitch.exceptions",
    },
    "gostitch._editable": {"gostitch.exceptions"},
    "gostitch._codec": {"gostitch._mocks", "gostitch._shapes", "gostitch.exceptions"},
    "gostitch._arguments": {"gostitch.exceptions"},
    "gostitch._times": {"gostitch.exceptions"},
    "gostitch._memory": set(),
    "gostitch._table": {"gostitch._process", "gostitch._times"},
    "gostitch._record": set(),
    "gostitch._table_frame": {"gostitch._table", "gostitch._times"},
    "gostitch._shapes": {
        "gostitch._abi",
        "gostitch._record",
        "gostitch._table_frame",
        "gostitch._times",
        "gostitch.exceptions",
    },
    "gostitch._late": {"gostitch._turn"},
    "gostitch._hooks": {"gostitch._late", "gostitch.exceptions"},
    "gostitch._loops": set(),
    "gostitch._turn": {"gostitch._threads"},
    "gostitch._hubs": {"gostitch.exceptions"},
    "gostitch._threads": {"gostitch._hubs"},
    "gostitch._waiters": {"gostitch._loops"},
    "gostitch._future": {
        "gostitch._loops",
        "gostitch._process",
        "gostitch._threads",
        "gostitch._waiters",
        "gostitch._workers",
    },
    "gostitch._loop_future": {"gostitch._future", "gostitch._loops", "gostitch._process"},
    "gostitch._workers": {"gostitch._threads"},
    "gostitch._w3c": set(),
    "gostitch._callbacks": {
        "gostitch._hooks",
        "gostitch._loops",
        "gostitch._shapes",
        "gostitch._workers",
        "gostitch.exceptions",
    },
    "gostitch._queue": {
        "gostitch._callbacks",
        "gostitch._codec",
        "gostitch._future",
        "gostitch._hooks",
        "gostitch._logs",
        "gostitch._loop_future",
        "gostitch._loops",
        "gostitch._process",
        "gostitch._space",
        "gostitch._threads",
        "gostitch.exceptions",
    },
    "gostitch._logs": {"gostitch._hooks", "gostitch._shapes"},
    "gostitch._pending": {
        "gostitch._logs",
        "gostitch._loops",
        "gostitch._process",
        "gostitch._queue",
        "gostitch._threads",
        "gostitch._turn",
        "gostitch.exceptions",
    },
    "gostitch._mounts": set(),
    "gostitch._cgroup": {"gostitch._mounts"},
    "gostitch._go_environment": {"gostitch._printable", "gostitch.exceptions"},
    "gostitch._settings": {
        "gostitch._cgroup",
        "gostitch._go_environment",
        "gostitch._turn",
        "gostitch.exceptions",
    },
    "gostitch._space": {"gostitch._cgroup", "gostitch.exceptions"},
    "gostitch._process": {
        "gostitch._settings",
        "gostitch._space",
        "gostitch._absence",
        "gostitch._abi",
        "gostitch._cgroup",
        "gostitch._codec",
        "gostitch._copies",
        "gostitch._crashes",
        "gostitch._go_environment",
        "gostitch._hooks",
        "gostitch._late",
        "gostitch._logs",
        "gostitch._mocks",
        "gostitch._shapes",
        "gostitch._threads",
        "gostitch._turn",
        "gostitch._version",
        "gostitch.exceptions",
    },
}


def imports(path: Path) -> Iterator[str]:
    """Give the modules of the package that a module imports, wherever in it."""
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            yield from (name.name for name in node.names if name.name.startswith("gostitch"))
        elif isinstance(node, ast.ImportFrom) and (node.module or "").startswith("gostitch"):
            for name in node.names:
                inner = f"{node.module}.{name.name}"
                known = inner in MODULES or f"{inner}.__init__" in MODULES
                yield inner if known or inner == "gostitch._bridge" else str(node.module)


@pytest.mark.parametrize("module", LAYERS)
def test_each_layer_imports_only_what_is_below(module: str) -> None:
    """The core's modules form layers; a leaf imports nothing of the package."""
    assert set(imports(MODULES[module])) <= LAYERS[module]


def test_only_process_opens_the_door() -> None:
    """Nothing crosses before the library was checked, or in a forked child; shapes cross nothing."""
    importers = {name for name, path in MODULES.items() if "gostitch._abi" in set(imports(path))}

    assert {"gostitch._process", "gostitch._shapes"} == importers


def test_the_core_knows_no_observer_and_no_page() -> None:
    """OpenTelemetry and Sentry are imported by gostitch.observe, and never by importing gostitch.

    Besides, by what tests record spans with.
    """
    for name, path in MODULES.items():
        text = path.read_text()
        if not name.startswith(("gostitch.observe", "gostitch.testing._stitching")):
            assert "import opentelemetry" not in text
            assert "from opentelemetry" not in text
            assert "import sentry_sdk" not in text
        if not name.startswith(("gostitch.pages", "gostitch.cli._trace")):
            assert "gostitch.pages" not in set(imports(path))


def test_nothing_below_knows_the_command_line() -> None:
    """The doctor looks at the other rooms, and the command line at the doctor; none looks back."""
    for name, path in MODULES.items():
        used = {of.split(".")[1] for of in imports(path) if of.count(".")}
        if not name.startswith(("gostitch.cli", "gostitch.__main__")):
            assert "cli" not in used
            assert "doctor" not in used or name.startswith("gostitch.doctor")


def test_nothing_knows_the_fake_library() -> None:
    """What is made for tests is imported by tests alone."""
    for name, path in MODULES.items():
        if not name.startswith("gostitch.testing"):
            assert not [of for of in imports(path) if of.startswith("gostitch.testing")]


def test_pages_know_nothing_of_the_core() -> None:
    """The room that makes pages takes data and gives text."""
    for name, path in MODULES.items():
        if name.startswith("gostitch.pages"):
            assert {of for of in imports(path) if not of.startswith("gostitch.pages")} == set()


@pytest.mark.parametrize(
    "module",
    ["gostitch", "gostitch.tasks", "gostitch.functions", "gostitch.doctor", "gostitch.testing"],
)
def test_all_is_complete(module: str) -> None:
    """``__all__`` names every public thing of a public module, and nothing that is not there."""
    loaded = importlib.import_module(module)
    assert all(hasattr(loaded, name) for name in loaded.__all__)  # some come when asked for
    public = {
        name
        for name, value in vars(loaded).items()
        if not name.startswith("_") and type(value).__name__ != "module"
    }

    late = {"CrashReport", "on_crash_report"} if module == "gostitch" else set()
    assert set(loaded.__all__) - {"__version__"} == public | late


@pytest.mark.parametrize("module", sorted(MODULES))
def test_every_module_says_what_it_is_for(module: str) -> None:
    """A module begins with a docstring."""
    assert ast.get_docstring(ast.parse(MODULES[module].read_text()))


def test_the_version_stands_once_on_each_side() -> None:
    """Go and Python have the same version, which loading insists on."""
    go = (PACKAGE.parents[1] / "gocore" / "doc.go").read_text()

    assert f'const Version = "{gostitch.__version__}"' in go
