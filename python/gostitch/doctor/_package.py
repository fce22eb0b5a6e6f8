"""The Python package gostitch as it is installed."""

from __future__ import annotations

import importlib
import importlib.machinery
import importlib.metadata
import json
import os
import sys
from pathlib import Path
from typing import Any

import gostitch
from gostitch.doctor._finding import Verdict, ok, problem, warning

FOLDER = Path(gostitch.__file__).parent


def package() -> Verdict:
    """Check version, place and kind of the installation, and that there is only one."""
    distributions = list(importlib.metadata.distributions(name="gostitch"))
    versions = [each.version for each in distributions]
    others = sorted(_others())
    facts: dict[str, Any] = {
        "version": gostitch.__version__,
        "folder": str(FOLDER),
        "installed_versions": versions,
        "editable": any(_is_editable(each) for each in distributions),
        "duplicates": others,
    }
    kind = "editable, " if facts["editable"] else ""
    kind += "" if versions else "not installed, only on sys.path, "
    words = f"gostitch {gostitch.__version__} ({kind}in {FOLDER})."
    if others:
        words += f" There is another gostitch on sys.path: {', '.join(others)}."
        fix = "Remove all but one, or which one is used depends on the order of sys.path."
        return warning(words, fix, **facts)
    if versions and gostitch.__version__ not in versions:
        words += f" Its metadata says {versions[0]}, so it was changed after it was installed."
        return warning(words, "Install the package again.", **facts)
    return ok(words, **facts)


def _others() -> set[str]:
    """Give the folders of other gostitch packages on sys.path."""
    found = {Path(entry or os.curdir, "gostitch").resolve() for entry in sys.path}
    return {str(each) for each in found - {FOLDER.resolve()} if (each / "__init__.py").is_file()}


def _is_editable(distribution: importlib.metadata.Distribution) -> bool:
    try:
        origin = json.loads(distribution.read_text("direct_url.json") or "{}")
    except ValueError:
        return False
    return bool(origin.get("dir_info", {}).get("editable"))


def import_compiled() -> dict[str, str | None]:
    """Import the compiled modules of the package: for each its error, or None.

    None of them loads the Go library.
    """
    found: dict[str, str | None] = {}
    for file in sorted(FOLDER.iterdir()):
        name = file.name.partition(".")[0]
        suffix = file.name[len(name) :]
        if suffix not in importlib.machinery.EXTENSION_SUFFIXES or name.startswith("lib"):
            continue
        try:
            importlib.import_module(f"gostitch.{name}")
        except Exception as error:  # a broken module can raise anything
            found[file.name] = f"{type(error).__name__}: {error}"
        else:
            found[file.name] = None
    return found


def compiled(modules: dict[str, str | None] | None) -> Verdict:
    """Check the compiled part, given what importing its modules said; None: that was the end."""
    fix = (
        "Install a wheel made for this Python and system: "
        f"{sys.executable} -m pip install --force-reinstall gostitch (in a checkout: make build)"
    )
    if modules is None:
        words = "Importing the compiled part of the package did not come to an end."
        return problem(words, fix, modules={})
    if not modules:
        words = f"The compiled part of the package is missing in {FOLDER}."
        return problem(words, fix, modules={})
    errors = [f"{name}: {error}" for name, error in modules.items() if error]
    if len(errors) == len(modules):
        words = f"The compiled part of the package cannot be imported: {'; '.join(errors)}."
        return problem(words, fix, modules=modules)
    works = [name for name, error in modules.items() if error is None]
    return ok(f"The compiled part can be imported ({', '.join(works)}).", modules=modules)
